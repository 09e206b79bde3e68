package transport

import (
	"bytes"
	"runtime"
	"testing"
	"time"
)

// stallAll has each of n clients on TCP sent more than the kernel keeps for it, and
// returns when all of them have stalled.
func stallAll(t *testing.T, h *harness, n int, m *Message) (clients []*wsClient, peers []*peer) {
	t.Helper()
	for range n {
		c, p := h.openWS()
		clients, peers = append(clients, c), append(peers, p)
	}
	for _, p := range peers {
		for range 8 {
			if err := p.session.Send(m); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, p := range peers {
		c := p.session.ws.Load()
		eventually(t, "stalled client", func() bool {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.stalled && !c.writing
		})
	}
	return clients, peers
}

func TestAStalledReaderHoldsNoGoroutine(t *testing.T) {
	const clients = 20
	h := newHarness(t, Options{MaxSendBuffer: 64 << 20, WriteTimeout: time.Minute}, onTCP)
	first, _ := h.openWS() // the engine's own goroutines are there
	before := runtime.NumGoroutine()
	stallAll(t, h, clients, NewMessage(make([]byte, 2<<20)))
	// Of each the goroutine that reads, and as many of the test's server at most.
	eventually(t, "end of the writers", func() bool { return runtime.NumGoroutine() <= before+clients })
	first.send("4x")
	first.want("4x")
}

func TestWhoStalledAndReadsOnGetsEverything(t *testing.T) {
	h := newHarness(t, Options{MaxSendBuffer: 64 << 20, WriteTimeout: time.Minute}, onTCP)
	data := bytes.Repeat([]byte("0123456789abcdef"), 2<<20/16)
	clients, peers := stallAll(t, h, 1, NewMessage(data))
	if err := peers[0].session.Send(NewMessage([]byte("last"))); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		if got := clients[0].read(); got.opcode != opText || got.data != "4"+string(data) {
			t.Fatalf("got %d bytes of opcode %d, want the message", len(got.data), got.opcode)
		}
	}
	clients[0].want("4last")
	if c := peers[0].session.ws.Load(); c.buffered() > 0 {
		t.Errorf("got %d bytes that still wait, want 0", c.buffered())
	}
}

func TestWhoStalledForTheWriteTimeoutIsClosed(t *testing.T) {
	h := newHarness(t, Options{MaxSendBuffer: 64 << 20, WriteTimeout: stallPatience + 2*stallRetry}, onTCP)
	_, peers := stallAll(t, h, 1, NewMessage(make([]byte, 2<<20)))
	wantLimit(t, peers[0].wantClosed(t, ReasonTransportError), "WriteTimeout")
}

// Not a number of retries: the wheel may have fewer than there is time for.
func TestWhoStalledIsClosedByTheFirstRetryBehindItsTime(t *testing.T) {
	h := newHarness(t, Options{MaxSendBuffer: 64 << 20, WriteTimeout: time.Hour}, onTCP)
	_, peers := stallAll(t, h, 1, NewMessage(make([]byte, 2<<20)))
	s := peers[0].session
	s.ws.Load().retry(time.Now().Add(time.Hour))
	if s.Closed() {
		t.Fatal("it was closed with time left")
	}
	eventually(t, "end of a client whose time is up", func() bool {
		s.ws.Load().retry(time.Now()) // the kernel may take something still
		return s.Closed()
	})
	wantLimit(t, peers[0].wantClosed(t, ReasonTransportError), "WriteTimeout")
}

func TestWhoStalledCanBeClosed(t *testing.T) {
	for _, end := range []struct {
		name string
		do   func(s *Session)
	}{
		{"flushing", func(s *Session) { s.Close(ReasonForcedClose) }},
		{"at once", func(s *Session) { s.Abort(ReasonForcedClose, nil) }},
	} {
		t.Run(end.name, func(t *testing.T) {
			h := newHarness(t, Options{MaxSendBuffer: 64 << 20, WriteTimeout: time.Minute}, onTCP)
			_, peers := stallAll(t, h, 1, NewMessage(make([]byte, 2<<20)))
			end.do(peers[0].session)
			_ = peers[0].wantClosed(t, ReasonForcedClose)
		})
	}
}

func TestWhoStalledAndIsClosedGetsWhatWasQueued(t *testing.T) {
	h := newHarness(t, Options{MaxSendBuffer: 64 << 20, WriteTimeout: time.Minute}, onTCP)
	clients, peers := stallAll(t, h, 1, NewMessage(make([]byte, 2<<20)))
	peers[0].session.Close(ReasonForcedClose)
	for range 8 {
		if got := clients[0].read(); len(got.data) != 2<<20+1 {
			t.Fatalf("got %d bytes, want the message", len(got.data))
		}
	}
	if got := clients[0].read(); got.opcode != opClose {
		t.Errorf("got opcode %d, want a close frame", got.opcode)
	}
}
