package admin_test

import (
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/admin"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// serverStats is the payload of "server_stats".
type serverStats struct {
	ServerID, Hostname                string
	PID                               int
	Uptime                            float64
	ClientsCount, PollingClientsCount int
	AggregatedEvents                  []bucket
	Namespaces                        []struct {
		Name         string
		SocketsCount int
	}
}

type bucket struct {
	Timestamp     int64
	Type, SubType string
	Count         int
}

// total sums up what was counted of a type.
func (s serverStats) total(what string) (n int) {
	for _, b := range s.AggregatedEvents {
		if b.Type == what {
			n += b.Count
		}
	}
	return n
}

func stats(s *sockettest.Socket) serverStats { return decode[serverStats](s.Expect("server_stats"), 0) }

func TestStatsCountClientsAndSockets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := open(admin.Production)
		opts.StatsInterval = 2 * time.Second
		srv := watched(opts)
		sockettest.Dial(t, srv, sockettest.Options{}) // in no namespace
		sockettest.Dial(t, srv, sockettest.Options{Transport: "polling"}).Join("/")
		sockettest.Dial(t, srv, sockettest.Options{Transport: "upgrade"}).Join("/")
		synctest.Wait()

		host, _ := os.Hostname()
		boss := sockettest.Connect(t, srv, "/admin")
		for range 2 { // at once, and after the interval
			got := stats(boss)
			equal(t, "hostname", got.Hostname, host)
			equal(t, "pid", got.PID, os.Getpid())
			equal(t, "clients", got.ClientsCount, 4)
			equal(t, "polling", got.PollingClientsCount, 1)
			equal(t, "namespaces", asJSON(t, got.Namespaces), `[{"Name":"/","SocketsCount":2},{"Name":"/admin","SocketsCount":1}]`)
		}
		third := stats(boss)
		if third.Uptime < 4 || third.Uptime > 5 { // an upgrade takes a moment
			t.Errorf("uptime: got %v s, want 4 s", third.Uptime)
		}
	})
}

func TestChildrenOfAPatternAreListedWhileTheyAreThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := open(admin.Production)
		opts.StatsInterval = 2 * time.Second
		srv := framework.New(framework.Options{Logger: zerolog.Nop()})
		srv.RegisterFunc("/job/{id}", func(framework.Params) (framework.NamespaceHandler, error) { return &hall{}, nil })
		instrument(srv, opts)
		boss := watch(t, srv)
		job := sockettest.Connect(t, srv, "/job/7")
		equal(t, "there", asJSON(t, stats(boss).Namespaces[2:]), `[{"Name":"/job/7","SocketsCount":1}]`)
		job.Leave()
		equal(t, "gone", len(stats(boss).Namespaces), 2)
	})
}

func TestServersHaveIDs(t *testing.T) {
	opts := open(admin.Production)
	equal(t, "own", func() string {
		opts.ServerID = "one"
		return stats(sockettest.Connect(t, watched(opts), "/admin")).ServerID
	}(), "one")
	opts.ServerID = ""
	got := stats(sockettest.Connect(t, watched(opts), "/admin"))
	if got.ServerID == got.Hostname || got.ServerID == "" {
		t.Errorf("default: got %q, want one that differs from process to process", got.ServerID)
	}
}

func TestWhatHappensIsCountedBySecondAndToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := open(admin.Production)
		opts.StatsInterval = 2 * time.Second
		srv := watched(opts)
		before := sockettest.Connect(t, srv, "/")
		before.Call("ask") // nobody watches
		boss, other := sockettest.Connect(t, srv, "/admin"), sockettest.Connect(t, srv, "/admin")
		equal(t, "at once", len(stats(boss).AggregatedEvents), 0)
		stats(other)
		if began := stats(boss); began.total("rawConnection") > 1 || began.total("packetsIn") > 1 { // the other admin
			t.Errorf("got %+v of before", began.AggregatedEvents)
		}
		stats(other)

		begin := time.Now()
		time.Sleep(100 * time.Millisecond)
		ann := sockettest.Connect(t, srv, "/")
		ann.Call("ask")
		ann.Emit("say", []byte("12345"))
		ann.Call("ask")
		time.Sleep(time.Second)
		ann.Conn().Close()
		got, same := stats(boss), stats(other)
		equal(t, "both hear", asJSON(t, got), asJSON(t, same))
		equal(t, "connections", got.total("rawConnection"), 1)
		equal(t, "disconnections", got.total("rawDisconnection"), 1)
		equal(t, "packets in", got.total("packetsIn"), 5) // CONNECT, ask, say, its attachment, ask
		in := len("0") + len(`20["ask"]`) + len(`51-["say",{"_placeholder":true,"num":0}]`) + 5 + len(`21["ask"]`)
		equal(t, "bytes in", got.total("bytesIn"), in)
		// CONNECT, two acks; and two admins' stats of the last time
		out := len(`0{"sid":"12345678901234567890"}`) + 2*len(`30["an ack"]`)
		if n := got.total("packetsOut"); n != 3 && n != 5 {
			t.Errorf("packets out: got %d, want 3, or 5 with the stats before", n)
		}
		if n := got.total("bytesOut"); n < out {
			t.Errorf("bytes out: got %d, want at least %d", n, out)
		}
		seconds := make(map[int64]bool)
		for _, b := range got.AggregatedEvents {
			if b.Timestamp%1000 != 0 || b.Timestamp < begin.Truncate(time.Second).UnixMilli() || b.Timestamp > time.Now().UnixMilli() {
				t.Errorf("timestamp: got %d, want a second since %d", b.Timestamp, begin.UnixMilli())
			}
			seconds[b.Timestamp] = true
			if b.Type == "rawDisconnection" {
				equal(t, "why", b.SubType, "transport close")
			}
		}
		if len(seconds) < 2 {
			t.Errorf("got %+v, want two seconds", got.AggregatedEvents)
		}
		again := stats(boss)
		equal(t, "connections again", again.total("rawConnection")+again.total("packetsIn"), 0)
	})
}

func TestNothingRunsWhileNobodyWatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := open(admin.Production)
		opts.StatsInterval = 2 * time.Second
		srv := watched(opts)
		for range 3 { // it begins anew each time
			boss, other := sockettest.Connect(t, srv, "/admin"), sockettest.Connect(t, srv, "/admin")
			stats(boss)
			stats(boss)
			boss.Leave()
			stats(other)
			stats(other)
			other.Conn().Close()
			time.Sleep(time.Minute)
		}
	}) // which fails if a goroutine is left
}
