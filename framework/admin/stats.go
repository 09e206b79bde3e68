package admin

import (
	"context"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/parlor-go/parlor/framework"
)

// stats are the counts that admins are told of. They are told, and what happens in a
// second is counted, while somebody watches, be it at another server of the cluster.
type stats struct {
	p       *panel
	began   time.Time
	host    string
	traffic framework.Traffic

	mu         sync.Mutex
	namespaces []*framework.Namespace
	polling    map[framework.Client]struct{} // who began so and has not upgraded
	here       bool                          // somebody watches at this server
	elsewhere  time.Time                     // until when somebody does at another
	stopped    chan struct{}                 // nil while nobody watches
	seen       counts                        // what is told already
	buckets    []bucket
}

type counts struct{ packetsIn, bytesIn, packetsOut, bytesOut uint64 }

// bucket is how often something happened in a second.
type bucket struct {
	Timestamp int64  `json:"timestamp"` // milliseconds of the epoch, cut to the second
	Type      string `json:"type"`
	SubType   string `json:"subType,omitempty"` // of rawDisconnection the reason
	Count     uint64 `json:"count"`
}

// serverStats is the payload of "server_stats".
type serverStats struct {
	ServerID            string          `json:"serverId"`
	Hostname            string          `json:"hostname"`
	PID                 int             `json:"pid"`
	Uptime              float64         `json:"uptime"` // seconds
	ClientsCount        int             `json:"clientsCount"`
	PollingClientsCount int             `json:"pollingClientsCount"`
	AggregatedEvents    []bucket        `json:"aggregatedEvents"`
	Namespaces          []namespaceStat `json:"namespaces"`
}

type namespaceStat struct {
	Name         string `json:"name"`
	SocketsCount int    `json:"socketsCount"`
}

func newStats(p *panel) *stats {
	return &stats{p: p, began: time.Now(), host: hostname(), polling: make(map[framework.Client]struct{})}
}

// now are the stats with what was counted; nil for who comes between two intervals: it
// is told to all at once.
func (st *stats) now(counted []bucket) serverStats {
	st.mu.Lock()
	namespaces, polling := slices.Clone(st.namespaces), len(st.polling)
	st.mu.Unlock()
	told := serverStats{
		ServerID:            st.p.opts.ServerID,
		Hostname:            st.host,
		PID:                 os.Getpid(),
		Uptime:              time.Since(st.began).Seconds(),
		ClientsCount:        st.p.srv.ClientsCount(),
		PollingClientsCount: polling,
		AggregatedEvents:    counted,
		Namespaces:          make([]namespaceStat, len(namespaces)),
	}
	if told.AggregatedEvents == nil {
		told.AggregatedEvents = []bucket{} // null is none to the UI
	}
	for i, ns := range namespaces {
		n, _ := ns.Local().Count(context.Background()) // nobody else is asked
		told.Namespaces[i] = namespaceStat{ns.Path(), n}
	}
	return told
}

// start begins to count and to tell who watches here.
func (st *stats) start() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.here = true
	st.begin()
}

// startElsewhere is what another server asks for, again and again while it is watched.
func (st *stats) startElsewhere() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.elsewhere = time.Now().Add(patience)
	st.begin()
}

// patience is how long a server that no longer asks is told: the UI takes one that is
// silent for so long for dead.
const patience = 10 * time.Second

// begin is called with st.mu held.
func (st *stats) begin() {
	if st.stopped == nil {
		st.seen, st.buckets = st.current(), nil
		st.stopped = make(chan struct{})
		go st.run(st.stopped)
	}
}

// stop ends what start began.
func (st *stats) stop() {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.here = false
	st.endUnwatched()
}

// endUnwatched is called with st.mu held.
func (st *stats) endUnwatched() {
	if st.stopped != nil && !st.here && !time.Now().Before(st.elsewhere) {
		close(st.stopped)
		st.stopped, st.buckets = nil, nil
	}
}

// run tells every interval, and looks at the traffic every second.
func (st *stats) run(stopped <-chan struct{}) {
	interval, second := time.NewTicker(st.p.opts.StatsInterval), time.NewTicker(time.Second)
	defer interval.Stop()
	defer second.Stop()
	for {
		select {
		case <-stopped:
			return
		case now := <-second.C:
			st.sample(now)
		case now := <-interval.C:
			st.sample(now)
			st.tell()
		}
	}
}

// tell tells admins everywhere, and asks other servers to do so if there are any here.
// A cluster that is down says so itself.
func (st *stats) tell() {
	_ = st.p.Emit("server_stats", st.now(st.take()))
	st.mu.Lock()
	here := st.here
	st.endUnwatched()
	st.mu.Unlock()
	if here {
		_ = st.p.ServerSideEmit(watchedEvent)
	}
}

// watchedEvent is what servers of a cluster send each other while they are watched.
const watchedEvent = "parlor_admin_watched"

// take empties the buckets, as the reference does when it has told them.
func (st *stats) take() []bucket {
	st.mu.Lock()
	defer st.mu.Unlock()
	taken := st.buckets
	st.buckets = nil
	return taken
}

func (st *stats) current() counts {
	t := &st.traffic
	return counts{t.PacketsIn.Load(), t.BytesIn.Load(), t.PacketsOut.Load(), t.BytesOut.Load()}
}

// sample counts the traffic since the last time.
func (st *stats) sample(now time.Time) {
	st.mu.Lock()
	defer st.mu.Unlock()
	before := st.seen
	st.seen = st.current()
	st.count(now, "packetsIn", "", st.seen.packetsIn-before.packetsIn)
	st.count(now, "bytesIn", "", st.seen.bytesIn-before.bytesIn)
	st.count(now, "packetsOut", "", st.seen.packetsOut-before.packetsOut)
	st.count(now, "bytesOut", "", st.seen.bytesOut-before.bytesOut)
}

// count adds to the bucket of a second, if somebody watches. st.mu is held.
func (st *stats) count(now time.Time, what, sub string, n uint64) {
	if n == 0 || st.stopped == nil {
		return
	}
	second := now.Truncate(time.Second).UnixMilli()
	for i := len(st.buckets) - 1; i >= 0 && st.buckets[i].Timestamp == second; i-- {
		if b := &st.buckets[i]; b.Type == what && b.SubType == sub {
			b.Count += n
			return
		}
	}
	st.buckets = append(st.buckets, bucket{second, what, sub, n})
}

func (st *stats) namespaceMade(ns *framework.Namespace) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.namespaces = append(st.namespaces, ns)
}

func (st *stats) namespaceGone(ns *framework.Namespace) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.namespaces = slices.DeleteFunc(st.namespaces, func(n *framework.Namespace) bool { return n.Path() == ns.Path() })
}

func (st *stats) opened(c framework.Client) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.count(time.Now(), "rawConnection", "", 1)
	if c.Transport() == "polling" {
		st.polling[c] = struct{}{}
	}
}

func (st *stats) upgraded(c framework.Client) {
	st.mu.Lock()
	defer st.mu.Unlock()
	delete(st.polling, c)
}

func (st *stats) closed(c framework.Client, reason framework.Reason, _ error) {
	st.mu.Lock()
	defer st.mu.Unlock()
	st.count(time.Now(), "rawDisconnection", string(reason), 1)
	delete(st.polling, c)
}
