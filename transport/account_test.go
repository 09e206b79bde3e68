package transport

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// kept returns what is kept for all clients, by asking each.
func (e *Engine) kept() (sum int64) {
	for _, s := range e.all() {
		sum += int64(s.Buffered()) + s.backlog.held.Load()
	}
	return sum
}

// keepUp reads what comes on a WebSocket, and tells how many messages those were once
// the connection ends.
func (c *wsClient) keepUp() <-chan int {
	count := make(chan int, 1)
	go func() {
		n := 0
		for {
			f, err := c.next()
			switch {
			case err != nil:
				count <- n
				return
			case f.opcode == opText && f.data[0] == '4':
				n++
			case f.opcode == opText && f.data == "2":
				_ = c.tryWrite(opText, []byte("3"))
			}
		}
	}()
	return count
}

func TestWhatIsKeptForAllClientsStaysBelowMaxBuffered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, each = 8 << 20, 20
		h := newHarness(t, Options{MaxBuffered: limit, MaxSessions: 10 * each}, withAccept(holding))
		var stalled, flooding, healthy []*peer
		var counts []<-chan int
		var floods []*wsClient
		for range each {
			_, p := h.openWS() // and reads nothing
			stalled = append(stalled, p)
			_, p = h.openPoll() // and polls no more
			stalled = append(stalled, p)
			c, p := h.openWS()
			counts = append(counts, c.keepUp())
			healthy = append(healthy, p)
			c, p = h.openWS()
			flooding = append(flooding, p)
			c.keepUp()
			floods = append(floods, c)
		}
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for _, c := range floods {
			go func() {
				for c.tryWrite(opText, []byte("4"+strings.Repeat("x", 10_000))) == nil {
				}
			}()
		}
		const rounds, burst = 100, 20 // 4 MB for each
		var peak int64
		refused := 0
		for range rounds {
			for range burst {
				m := NewMessage([]byte(strings.Repeat("x", 2000)))
				for _, s := range h.engine.all() {
					_ = s.Send(m)
				}
				peak = max(peak, h.engine.kept())
				if refused == 0 && h.engine.Ready() != nil {
					if res := h.get(pollQuery); res.status == 503 {
						wantRefused(t, res, 503, "Server is overloaded")
						refused++
					} else { // somebody was closed meanwhile
						h.peer().session.Abort(ReasonForcedClose, nil)
					}
				}
			}
			synctest.Wait()
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if peak > limit || peak < limit/4 {
			t.Errorf("got up to %d bytes kept, want less than %d and more than a quarter of it", peak, limit)
		}
		if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 3*limit {
			t.Errorf("the heap grew by %d bytes, want about %d", grown, limit)
		}
		if refused == 0 {
			t.Error("no new client was refused")
		}
		for i, p := range healthy {
			if len(p.closed) > 0 {
				t.Fatalf("client %d kept up and was closed: %v", i, <-p.closed)
			}
		}
		closed := 0
		for _, p := range stalled {
			if len(p.closed) > 0 {
				wantLimit(t, p.wantClosed(t, ReasonTransportError), "MaxBuffered")
				closed++
			}
		}
		if closed == 0 || h.engine.Exceeded()["MaxBuffered"] < uint64(closed) {
			t.Errorf("got %d stalled clients closed, %v exceeded", closed, h.engine.Exceeded())
		}
		for _, p := range flooding { // their messages are handled at last
			for len(p.messages) > 0 || p.session.backlog.held.Load() > 0 {
				select {
				case m := <-p.messages:
					p.session.Release(len(m))
				default:
					if p.session.ended.Load() {
						p.session.Release(int(p.session.backlog.held.Load()))
					}
				}
				if !p.session.ended.Load() {
					p.session.Abort(ReasonForcedClose, nil)
				}
				synctest.Wait()
			}
		}
		for _, p := range stalled {
			p.session.Abort(ReasonForcedClose, nil)
		}
		synctest.Wait()
		if got := h.engine.Buffered(); got != 0 {
			t.Errorf("got %d bytes counted, want none", got)
		}
		h.openPoll() // there is room again
		for _, p := range healthy {
			_ = p.session.Send(NewMessage([]byte("bye")))
			p.session.Close(ReasonForcedClose)
		}
		for i, count := range counts {
			if got, want := receive(t, count), rounds*burst+1; got != want {
				t.Errorf("healthy client %d got %d messages, want %d", i, got, want)
			}
		}
	})
}

func TestALargeMessageForManyCountsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxBuffered: 16 << 20})
		var peers []*peer
		for range 20 {
			_, p := h.openWS()
			_, q := h.openPoll()
			peers = append(peers, p, q)
		}
		m := NewMessage(bytes.Repeat([]byte("x"), 1<<20))
		for _, p := range peers {
			if err := p.session.Send(m); err != nil {
				t.Fatal(err)
			}
		}
		synctest.Wait()
		if got := h.engine.Buffered(); got != int64(m.Len()) {
			t.Errorf("got %d bytes counted, want the %d of the message", got, m.Len())
		}
		other := New(Options{}, nil) // keeps the message, too
		other.account.hold(m)
		for i, p := range peers {
			if i == len(peers)-1 {
				if got := h.engine.Buffered(); got != int64(m.Len()) {
					t.Errorf("got %d bytes counted for the last, want the %d of the message", got, m.Len())
				}
			}
			p.session.Abort(ReasonForcedClose, nil)
			synctest.Wait()
		}
		if got := h.engine.Buffered(); got != 0 {
			t.Errorf("got %d bytes counted, want none", got)
		}
		if got := other.Buffered(); got != int64(m.Len()) {
			t.Errorf("got %d bytes counted by another engine, want the %d of the message", got, m.Len())
		}
		other.account.drop(m)
		if got := other.Buffered(); got != 0 {
			t.Errorf("got %d bytes counted by another engine in the end, want none", got)
		}
	})
}

func TestHugeMessagesMakeRoomForThemselves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit = 8 << 20
		h := newHarness(t, Options{MaxBuffered: limit})
		var peers []*peer
		for range 10 {
			_, p := h.openWS()
			peers = append(peers, p)
		}
		c, healthy := h.openWS()
		c.keepUp()
		for _, p := range peers {
			_ = p.session.Append(bytes.Repeat([]byte("x"), 2<<20)) // each is new
			_ = healthy.session.Send(NewMessage([]byte("small")))
			synctest.Wait()
			if got := h.engine.Buffered(); got > limit {
				t.Fatalf("got %d bytes counted, want at most %d", got, limit)
			}
		}
		if len(healthy.closed) > 0 {
			t.Errorf("the client that keeps up was closed: %v", <-healthy.closed)
		}
		if h.engine.Exceeded()["MaxBuffered"] == 0 {
			t.Error("nobody was closed")
		}
	})
}

func TestNobodyIsReadFromWhoseMessagesUseUpTheMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxBuffered: 100_000}, withAccept(holding))
		c, p := h.openWS()
		other, q := h.openWS()
		c.send("4" + strings.Repeat("x", 60_000)) // more than half
		receive(t, p.messages)
		go func() { _ = c.tryWrite(opText, []byte("4next")) }()
		other.send("4small")
		if got := receive(t, q.messages); got != "small" {
			t.Fatalf("got %q, want small", got)
		}
		synctest.Wait()
		if len(p.messages) > 0 {
			t.Fatalf("got %q, want reading to pause", <-p.messages)
		}
		wantRefused(t, h.get(pollQuery), 503, "Server is overloaded")
		wantLimit(t, h.engine.Ready(), "MaxBuffered")
		p.session.Release(60_000)
		if got := receive(t, p.messages); got != "next" {
			t.Fatalf("got %q, want next", got)
		}
		h.openPoll()
	})
}

func TestAPauseEndsWhenOthersHaveMadeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxBuffered: 100_000}, withAccept(holding))
		c, p := h.openWS()
		_, q := h.openWS()
		q.session.Hold(40_000)
		c.send("4" + strings.Repeat("x", 29_999))
		receive(t, p.messages)
		go func() { _ = c.tryWrite(opText, []byte("4next")) }()
		synctest.Wait()
		if len(p.messages) > 0 {
			t.Fatalf("got %q, want reading to pause", <-p.messages)
		}
		q.session.Release(40_000)
		if got := receive(t, p.messages); got != "next" { // in a while
			t.Fatalf("got %q, want next", got)
		}
		p.session.Release(29_999)
	})
}

func TestBodiesUnderWayCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, each = 400_000, 90_000
		h := newHarness(t, Options{MaxBuffered: limit})
		var peers []*peer
		var targets []string
		for range 10 {
			q, p := h.openPoll()
			peers, targets = append(peers, p), append(targets, q)
		}
		answers := make(chan response, len(targets))
		var bodies []*io.PipeWriter
		for _, q := range targets {
			r, w := io.Pipe()
			bodies = append(bodies, w)
			req := h.request("POST", q, "")
			req.Body, req.ContentLength = r, 100_000
			go func() { answers <- h.do(req) }()
			go func() { _, _ = io.WriteString(w, "4"+strings.Repeat("x", each-1)) }()
			synctest.Wait()
			if got := h.engine.Buffered(); got > limit+each {
				t.Fatalf("got %d bytes counted, want about %d", got, limit)
			}
		}
		broken := 0
		for _, p := range peers {
			if len(p.closed) > 0 {
				wantLimit(t, p.wantClosed(t, ReasonTransportError), "MaxBuffered")
				broken++
			}
		}
		if broken < 3 || broken > 6 {
			t.Errorf("got %d sessions closed, want those that are too many", broken)
		}
		for _, w := range bodies {
			go func() {
				_, _ = io.WriteString(w, strings.Repeat("x", 10_000))
				_ = w.Close()
			}()
		}
		statuses := map[int]int{}
		for range targets {
			statuses[(<-answers).status]++
		}
		// What comes last may make one more too many.
		if ok := statuses[200]; ok < 3 || ok > len(targets)-broken || ok+statuses[503] != len(targets) {
			t.Errorf("got statuses %v after %d were closed, want 200 for most of the others and 503 for the rest", statuses, broken)
		}
	})
}

func TestAnAnswerThatPanicsIsCountedNoMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		armed := false
		h := newHarness(t, Options{}, withWrap(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if armed {
					w = panicWrite{w}
				}
				next.ServeHTTP(w, r)
			})
		}))
		q, p := h.openPoll()
		_ = p.session.Send(NewMessage([]byte(strings.Repeat("x", 5000))))
		armed = true
		_ = h.get(q)
		synctest.Wait()
		if got := h.engine.Buffered(); got != 0 {
			t.Errorf("got %d bytes counted, want none", got)
		}
	})
}

type panicWrite struct{ http.ResponseWriter }

func (panicWrite) Write([]byte) (int, error) { panic(http.ErrAbortHandler) }

func TestAMessageUnderWayOnAStreamCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{Transports: bothAndStreams, MaxBuffered: 100_000})
		c := h.dialStream("0")
		c.read()
		p := h.peer()
		head := appendStreamHeader(nil, 0, 500_000)
		c.write(append(head, bytes.Repeat([]byte("x"), 50_000)...))
		synctest.Wait()
		if got := h.engine.Buffered(); got < 50_000 || got > 2*50_000 {
			t.Errorf("got %d bytes counted, want the room for 50000 that have arrived", got)
		}
		go func() { _, _ = c.conn.Write(bytes.Repeat([]byte("x"), 450_000)) }()
		wantLimit(t, p.wantClosed(t, ReasonTransportError), "MaxBuffered")
	})
}

func TestAMessageUnderWayOnAWebSocketCounts(t *testing.T) {
	tests := []struct {
		name  string
		write func(c *wsClient, n int) // of a message that is not complete
	}{
		{"a long frame", func(c *wsClient, n int) {
			head := appendHeader(nil, opText, 900_000)
			head[1] |= bitMasked
			_, _ = c.conn.Write(append(append(head, 0, 0, 0, 0, '4'), bytes.Repeat([]byte("x"), n-1)...))
		}},
		{"fragments", func(c *wsClient, n int) {
			data := []byte("4" + strings.Repeat("x", n-1))
			opcode := byte(opText)
			for part := range slices.Chunk(data, 1000) {
				head := appendHeader(nil, opcode, len(part))
				head[1] |= bitMasked
				if _, err := c.conn.Write(append(append(head, 0, 0, 0, 0), part...)); err != nil {
					return
				}
				opcode = 0
			}
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const limit = 1 << 20
				h := newHarness(t, Options{MaxBuffered: limit})
				var clients []*wsClient
				var peers []*peer
				for range 10 {
					c, p := h.openWS()
					clients, peers = append(clients, c), append(peers, p)
				}
				for i, c := range clients {
					go tt.write(c, 200_000)
					synctest.Wait()
					if got := h.engine.Buffered(); i == 0 && got < 150_000 || got > limit+300_000 {
						t.Errorf("got %d bytes counted with %d messages under way", got, i+1)
					}
				}
				closed := 0
				for _, p := range peers {
					if len(p.closed) > 0 {
						wantLimit(t, p.wantClosed(t, ReasonTransportError), "MaxBuffered")
						closed++
					}
				}
				if closed < 3 || closed > 7 {
					t.Errorf("got %d sessions closed, want those that are too many", closed)
				}
			})
		})
	}
}

func TestTheStepsOfCountingFitTheBounds(t *testing.T) {
	tests := []struct {
		buffered int64
		sessions int
		want     uint
	}{
		{1 << 30, 100_000, 10},
		{1 << 30, 10_000, 13},
		{1 << 30, 1000, 14},
		{1 << 30, -1, 14},
		{1 << 20, 100_000, 10},
		{-1, 100_000, 14},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.buffered, tt.sessions), func(t *testing.T) {
			e := New(Options{MaxBuffered: tt.buffered, MaxSessions: tt.sessions}, nil)
			if got := e.account.shift; got != tt.want {
				t.Errorf("got steps of %d bits, want %d", got, tt.want)
			}
		})
	}
}

func TestASlowBodyIsClosedAtBodyTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{BodyTimeout: 3 * time.Second})
		q, p := h.openPoll()
		r, w := io.Pipe()
		defer w.Close()
		req := h.request("POST", q, "")
		req.Body = r
		start := time.Now()
		go func() { _, _ = io.WriteString(w, "4begun") }()
		done := make(chan response, 1)
		go func() { done <- h.do(req) }()
		wantLimit(t, p.wantClosed(t, ReasonTransportError), "BodyTimeout")
		if took := time.Since(start); took != 3*time.Second {
			t.Errorf("it took %v, want 3s", took)
		}
		if res := receive(t, done); res.err == nil && res.status != 408 {
			t.Errorf("got status %d, want 408", res.status)
		}
	})
}

// Who announces much and sends nothing has a buffer made for it already.
func TestRoomForWhatHasNotArrivedCounts(t *testing.T) {
	const long = "\x00\x01\x00\x00" // 65,536 bytes
	tests := []struct {
		name     string
		announce func(h *harness)
	}{
		{"WebSocket", func(h *harness) {
			c, _ := h.openWS()
			c.raw(frameText, bitMasked|127, "\x00\x00\x00\x00"+long+"mask")
		}},
		{"compressed", func(h *harness) {
			c, _ := h.dialDeflate()
			c.raw(frameText|frameDeflated, bitMasked|127, "\x00\x00\x00\x00"+long+"mask")
		}},
		{"stream", func(h *harness) {
			c := h.dialStream("0")
			c.read()
			h.peer()
			c.write([]byte("\x7f\x00\x00\x00\x00" + long))
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{Transports: bothAndStreams, PerMessageDeflate: &PerMessageDeflate{}})
				tt.announce(h)
				synctest.Wait()
				if got := h.engine.Buffered(); got < minPiece>>10<<10 {
					t.Errorf("got %d bytes counted, want about %d", got, minPiece)
				}
			}) // the harness looks whether they count in the end
		})
	}
}

func TestWhatIsUnderWayAndWhatIsHeldAreOneShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxBuffered: 100_000}, withAccept(holding))
		c, p := h.openWS()
		_, q := h.openWS()
		p.session.Hold(20_000)
		q.session.Hold(90_000) // one message, however long; the bound is reached
		_ = c.tryWrite(opText, []byte("4"+strings.Repeat("x", 10_000)))
		wantLimit(t, p.wantClosed(t, ReasonTransportError), "MaxBuffered") // 25,000 are the share
		p.session.Release(20_000)
		q.session.Release(90_000)
	})
}

func TestNobodyIsLookedForAgainAndAgainWhoCouldBeClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxBuffered: 100_000})
		_, p := h.openWS()
		p.session.Hold(110_000) // beyond the bound, and owed nothing
		synctest.Wait()
		if !h.engine.account.sheds.Load() {
			t.Error("the next byte has all clients looked at again, want a pause")
		}
		time.Sleep(2 * shedPause)
		if h.engine.account.sheds.Load() {
			t.Error("nobody is ever looked for again")
		}
		_ = p.session.Append(bytes.Repeat([]byte("x"), 60_000)) // for a client that does not read
		wantLimit(t, p.wantClosed(t, ReasonTransportError), "MaxBuffered")
		p.session.Release(110_000)
	})
}
