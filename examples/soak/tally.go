package main

import (
	"bytes"
	"maps"
	"os"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
)

// tally is what the server's process counts. It is safe for concurrent use.
type tally struct {
	outOfTurn atomic.Int64 // messages of clients that were lost, came twice or in another order
	errors    atomic.Int64 // lines of the log
	pauses    pauses

	mu       sync.Mutex
	open     map[string]struct{} // sockets, by namespace and id
	connects int64
	unpaired int64 // OnConnect of who is there, OnDisconnect of who is not
	reasons  map[framework.Reason]int64
}

func newTally() *tally {
	return &tally{open: map[string]struct{}{}, reasons: map[framework.Reason]int64{}}
}

func socketKey(s *framework.Socket) string { return s.Namespace().Path() + "#" + s.ID() }

func (t *tally) came(s *framework.Socket) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.connects++
	if _, there := t.open[socketKey(s)]; there {
		t.unpaired++
	}
	t.open[socketKey(s)] = struct{}{}
}

func (t *tally) went(s *framework.Socket, reason framework.Reason) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.reasons[reason]++
	if _, there := t.open[socketKey(s)]; !there {
		t.unpaired++
	}
	delete(t.open, socketKey(s))
}

// Run implements zerolog.Hook.
func (t *tally) Run(_ *zerolog.Event, level zerolog.Level, _ string) {
	if level >= zerolog.ErrorLevel {
		t.errors.Add(1)
	}
}

// stats is how the server's process is.
type stats struct {
	Goroutines int
	Heap       uint64 // bytes; after a collection if one was asked for
	RSS        int64  // bytes, 0 where /proc does not tell
	Open       int    // sockets
	Connects   int64
	Unpaired   int64
	OutOfTurn  int64
	Errors     int64
	Reasons    map[framework.Reason]int64
	Exceeded   map[string]uint64
	Recovery   framework.RecoveryStats
	Pause      time.Duration // the longest
}

func (t *tally) stats(srv *framework.Server, collect bool) stats {
	if collect {
		runtime.GC()
		runtime.GC() // the second empties the pools
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	t.mu.Lock()
	defer t.mu.Unlock()
	return stats{
		Goroutines: runtime.NumGoroutine(),
		Heap:       m.HeapAlloc,
		RSS:        residentSize(),
		Open:       len(t.open),
		Connects:   t.connects,
		Unpaired:   t.unpaired,
		OutOfTurn:  t.outOfTurn.Load(),
		Errors:     t.errors.Load(),
		Reasons:    maps.Clone(t.reasons),
		Exceeded:   srv.Exceeded(),
		Recovery:   srv.RecoveryStats(),
		Pause:      t.pauses.load(),
	}
}

// residentSize is this process's resident set in bytes: proc_pid_statm(5).
func residentSize() int64 {
	statm, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(statm)
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(string(fields[1]), 10, 64)
	return pages * int64(os.Getpagesize())
}
