package framework

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

func TestObserversThatFallBehindMissEventsAndNothingElse(t *testing.T) {
	log := make(lineWriter, 10)
	srv := New(Options{Logger: zerolog.New(log)})
	const most = 100
	f := &srv.feed
	f.most = most
	blocked, told, events := make(chan bool), 0, 0
	f.note(func() { <-blocked })
	f.note(func() { told++ })
	for range most + 10 {
		f.noteEvent(func() { events++ }, 0)
	}
	f.note(func() { told++ })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting with a context that has ended: got %v, want %v", err, context.Canceled)
	}
	close(blocked)
	if err := f.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	equals(t, "things told", told, 2)
	if events < most-2 || events > most {
		t.Errorf("events told: got %d, want about %d", events, most)
	}
	if want, got := "observers fell behind", <-log+<-log; !strings.Contains(got, want) {
		t.Errorf("the log has no %q: %s", want, got)
	}
}

// lineWriter passes on each line that is logged.
type lineWriter chan string

func (w lineWriter) Write(p []byte) (int, error) {
	w <- string(p)
	return len(p), nil
}

// Who comes and goes is kept for an observer however many there are, so that somebody
// has to hear of one that blocks before it has all been told, which may never be.
func TestThatObserversFallBehindIsSaidWhileTheyDo(t *testing.T) {
	log := make(lineWriter, 10)
	srv := New(Options{Logger: zerolog.New(log)})
	const most = 100
	f := &srv.feed
	f.most = most
	blocked := make(chan bool)
	for range 2 {
		f.note(func() { <-blocked })
		for range 2*most + 10 {
			f.note(func() {})
		}
		if line := <-log; !strings.Contains(line, "observers fall behind") {
			t.Errorf("got the line %s, want that observers fall behind", line)
		}
		blocked <- true
		if err := f.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	equals(t, "more lines", len(log), 0)
}

func TestAFeedOutlivesWhatEndsItsGoroutine(t *testing.T) {
	srv := New(Options{Logger: zerolog.Nop()})
	told := 0
	for range 3 {
		srv.feed.note(runtime.Goexit)
		srv.feed.note(func() { told++ })
	}
	if err := srv.feed.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	equals(t, "told", told, 3)
}

func TestShutdownInsideAnObserverIsAnError(t *testing.T) {
	srv := New(Options{Logger: zerolog.Nop()})
	var err error
	srv.feed.note(func() { err = srv.Shutdown(context.Background()) })
	if err := srv.feed.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, ErrShutdown) {
		t.Errorf("got %v, want %v", err, ErrShutdown)
	}
}

func TestObserversThatFallBehindKeepNoMoreThanSoManyBytes(t *testing.T) {
	srv := New(Options{Logger: zerolog.Nop()})
	f := &srv.feed
	f.mostBytes = 1000
	blocked, told := make(chan bool), 0
	f.note(func() { <-blocked })
	for range 20 {
		f.noteEvent(func() { told++ }, 100)
	}
	close(blocked)
	if err := f.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	equals(t, "told", told, 10)
	for range 20 { // what was told is no longer held
		f.noteEvent(func() { told++ }, 100)
		if err := f.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	equals(t, "told at leisure", told, 30)
}
