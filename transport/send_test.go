package transport

import (
	"errors"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestMessageCopiesItsInput(t *testing.T) {
	text, attachment := []byte("hello"), []byte{1, 2}
	m := NewMessage(text, attachment)
	text[0], attachment[0] = 'x', 9
	if got, want := string(m.frames), "\x81\x064hello\x82\x02\x01\x02"; got != want {
		t.Errorf("got frames %q, want %q", got, want)
	}
	if got := m.Len(); got != 12 {
		t.Errorf("got length %d, want 12", got)
	}
}

func TestMessageFramesComeApartAgain(t *testing.T) {
	for _, n := range []int{0, 1, 124, 125, 126, 65534, 65535, 65536} {
		data := strings.Repeat("x", n)
		m := NewMessage([]byte(data), []byte(data), nil)
		opcode, got, rest := nextFrame(m.frames)
		if opcode != frameText || string(got) != "4"+data {
			t.Errorf("%d: got %d of %d bytes first", n, opcode, len(got))
		}
		opcode, got, rest = nextFrame(rest)
		if opcode != frameBinary || string(got) != data {
			t.Errorf("%d: got %d of %d bytes second", n, opcode, len(got))
		}
		opcode, got, rest = nextFrame(rest)
		if opcode != frameBinary || len(got) != 0 || len(rest) != 0 {
			t.Errorf("%d: got %d of %d bytes last", n, opcode, len(got))
		}
	}
}

func TestOneMessageForManySessions(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		m := NewMessage([]byte("all"), []byte("\x01"))
		var peers []*peer
		var clients []*wsClient
		for range 10 {
			c, p := h.openWS()
			clients, peers = append(clients, c), append(peers, p)
		}
		q, polling := h.openPoll()
		for _, p := range append(peers, polling) {
			if err := p.session.Send(m); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range clients {
			c.want("4all")
			if got, want := c.read(), (frame{opBinary, "\x01"}); got != want {
				t.Fatalf("got %v, want %v", got, want)
			}
		}
		h.get(q).want(t, 200, "4all\x1ebAQ==")
	})
}

// Promise 8, on one transport: each goroutine's messages stay in order, and no
// message comes between another and its attachments.
func TestSendsOfManyGoroutines(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		const senders, each = 8, 200
		c, p := start(Options{}).openWS()
		var wg sync.WaitGroup
		for g := range senders {
			wg.Go(func() {
				for i := range each {
					text := fmt.Sprintf("%d %d", g, i)
					m := NewMessage([]byte(text), []byte(text))
					var err error
					switch i % 3 {
					case 0:
						err = p.session.Send(m)
					case 1:
						err = p.session.Append([]byte(text), []byte(text))
						p.session.FlushLate()
					default:
						err = p.session.Append([]byte(text), []byte(text))
						p.session.Flush()
					}
					if err != nil {
						t.Errorf("send: %v", err)
					}
				}
			})
		}
		next := make([]int, senders)
		for range senders * each {
			text, attachment := c.read(), c.read()
			if text.opcode != opText || attachment.opcode != opBinary || text.data[1:] != attachment.data {
				t.Fatalf("got %v and %v, want a text and its attachment", text, attachment)
			}
			var g, i int
			_, _ = fmt.Sscanf(attachment.data, "%d %d", &g, &i)
			if i != next[g] {
				t.Fatalf("got message %d of sender %d, want %d", i, g, next[g])
			}
			next[g]++
		}
		wg.Wait()
	})
}

func TestAppendedMessagesLeaveLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		c, p := h.openWS()
		synctest.Wait() // for the writer of the open packet to be through
		start := time.Now()
		_ = p.session.Append([]byte("a"))
		p.session.FlushLate()
		c.want("4a")
		between(t, "an appended message", time.Since(start), 0, lateAfter)
		synctest.Wait()
		_ = p.session.Append([]byte("b"))
		_ = p.session.Send(NewMessage([]byte("c")))
		start = time.Now()
		c.want("4b")
		c.want("4c")
		between(t, "a sent message", time.Since(start), 0, 0)
		_ = p.session.Append([]byte("d"))
		p.session.Flush()
		c.want("4d")
		between(t, "a flushed message", time.Since(start), 0, 0)

		q, p := h.openPoll()
		poll := h.goGet(q)
		p.pending(t)
		start = time.Now()
		_ = p.session.Append([]byte("a"))
		p.session.FlushLate()
		receive(t, poll).want(t, 200, "4a")
		between(t, "an appended message", time.Since(start), 0, lateAfter)
	})
}

func TestVolatileMessages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		m := NewMessage([]byte("v"))
		c, p := h.openWS()
		synctest.Wait() // for the writer of the open packet to be through
		if !p.session.SendVolatile(m) {
			t.Error("websocket, nothing queued: got dropped, want sent")
		}
		c.want("4v")
		synctest.Wait()
		_ = p.session.Append([]byte("a"))
		if p.session.SendVolatile(m) {
			t.Error("websocket, one queued: got sent, want dropped")
		}
		c.want("4a")
		synctest.Wait()
		p.session.Close(ReasonForcedClose)
		if p.session.SendVolatile(m) {
			t.Error("websocket, closed: got sent, want dropped")
		}

		q, p := h.openPoll()
		if p.session.SendVolatile(m) {
			t.Error("polling, no poll: got sent, want dropped")
		}
		poll := h.goGet(q)
		p.pending(t)
		if !p.session.SendVolatile(m) {
			t.Error("polling, a poll: got dropped, want sent")
		}
		receive(t, poll).want(t, 200, "4v")
		_ = p.session.Send(NewMessage([]byte("a")))
		if p.session.SendVolatile(m) {
			t.Error("polling, one queued: got sent, want dropped")
		}
	})
}

func TestBufferedCountsWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		m := NewMessage(make([]byte, 1000))
		q, p := h.openPoll()
		_ = p.session.Send(m)
		_ = p.session.Send(m)
		if got := p.session.Buffered(); got != 2*m.Len() {
			t.Errorf("got %d, want %d", got, 2*m.Len())
		}
		h.get(q)
		synctest.Wait()
		if got := p.session.Buffered(); got != 0 {
			t.Errorf("got %d after the poll, want 0", got)
		}
		c, p := h.openWS()
		_ = p.session.Send(m)
		synctest.Wait() // nobody reads
		if got := p.session.Buffered(); got != m.Len() {
			t.Errorf("got %d, want %d", got, m.Len())
		}
		c.read()
		synctest.Wait()
		if got := p.session.Buffered(); got != 0 {
			t.Errorf("got %d after the read, want 0", got)
		}
	})
}

// Promise 9: the bound is on what was owed before.
func TestClientsThatOweTooMuchAreClosed(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{MaxSendBuffer: 1000})
		_, p := h.openPoll()
		if err := p.session.Send(NewMessage(make([]byte, 5000))); err != nil {
			t.Fatalf("got %v for one large message, want nil", err)
		}
		if err := p.session.Send(NewMessage([]byte("x"))); !errors.Is(err, ErrClosed) {
			t.Fatalf("got %v, want %v", err, ErrClosed)
		}
		err := p.wantClosed(t, ReasonTransportError)
		wantLimit(t, err, "MaxSendBuffer")
		if logs := h.logs.String(); !strings.Contains(logs, `"level":"warn"`) {
			t.Errorf("got no warning: %s", logs)
		}
	})
}

// fill sends to a client that does not read until it is closed.
func fill(s *Session) {
	m := NewMessage(make([]byte, 64<<10))
	for s.Send(m) == nil {
		runtime.Gosched()
	}
}

func TestAStalledReaderBlocksNobody(t *testing.T) {
	h := newHarness(t, Options{}, onTCP)
	_, stalled := h.openWS()
	c, p := h.openWS()
	filled := make(chan struct{}, 1)
	go func() {
		fill(stalled.session)
		filled <- struct{}{}
	}()
	receive(t, filled)
	wantLimit(t, stalled.wantClosed(t, ReasonTransportError), "MaxSendBuffer")
	// The flush workers serve others meanwhile.
	for range 100 {
		_ = p.session.Send(NewMessage([]byte("x")))
		c.want("4x")
	}
}

func TestAStalledReaderIsClosedAfterTheWriteTimeout(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{WriteTimeout: 100 * time.Millisecond, MaxSendBuffer: 64 << 20})
		_, p := h.openWS()
		// More than the kernel takes, less than the bound.
		for range 32 {
			if err := p.session.Send(NewMessage(make([]byte, 1<<20))); err != nil {
				break
			}
		}
		err := p.wantClosed(t, ReasonTransportError)
		wantLimit(t, err, "WriteTimeout")
	})
}

func TestASlowReaderIsNotClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{WriteTimeout: time.Second, PingInterval: time.Hour})
		c, p := h.openWS()
		_ = p.session.Send(NewMessage(make([]byte, 200_000)))
		// It takes 1000 bytes in every half second: far too slow for a piece of 64 KiB,
		// but it takes something.
		buf := make([]byte, 1000)
		_ = c.conn.SetReadDeadline(time.Time{})
		for range 200 {
			if _, err := io.ReadFull(c.conn, buf); err != nil {
				t.Fatalf("read: %v; %v", err, <-p.closed)
			}
			time.Sleep(500 * time.Millisecond) // on the bubble's clock
		}
		if len(p.closed) > 0 {
			t.Errorf("closed: %v", <-p.closed)
		}
	})
}

func TestBetweenPollsTheWriteTimeoutStands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{WriteTimeout: time.Second})
		q, p := h.openPoll()
		_ = p.session.Send(NewMessage([]byte("a")))
		time.Sleep(10 * time.Second) // on the bubble's clock
		h.get(q).want(t, 200, "4a")
	})
}

func TestAStalledPollAnswerIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		_ = p.session.Send(NewMessage(make([]byte, 1<<20)))
		conn, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "GET "+q+" HTTP/1.1\r\nHost: parlor.test\r\n\r\n")
		start := time.Now()
		wantLimit(t, p.wantClosed(t, ReasonTransportError), "WriteTimeout")
		between(t, "giving up", time.Since(start), 10*time.Second, 10*time.Second)
	})
}

func TestPongsDoNotGatherWithoutBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxSendBuffer: 10_000})
		c, p := h.openWS()
		go func() {
			for c.tryWrite(opPing, make([]byte, 100)) == nil {
			}
		}()
		wantLimit(t, p.wantClosed(t, ReasonTransportError), "MaxSendBuffer")
	})
}

func TestAbortDoesNotWait(t *testing.T) {
	h := newHarness(t, Options{MaxSendBuffer: 64 << 20}, onTCP)
	c, p := h.openWS()
	for range 32 {
		_ = p.session.Send(NewMessage(make([]byte, 1<<20)))
	}
	aborted := make(chan struct{}, 1)
	go func() {
		p.session.Abort(ReasonForcedClose, io.ErrUnexpectedEOF)
		aborted <- struct{}{}
	}()
	receive(t, aborted)
	if err := p.wantClosed(t, ReasonForcedClose); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got error %v, want the one of Abort", err)
	}
	c.wantEnd()
	p.session.Abort(ReasonTransportError, nil)
	p.session.Close(ReasonTransportError)
	if len(p.closed) > 0 {
		t.Error("Closed was called again")
	}
}

func TestWritesAreGathered(t *testing.T) {
	writes := &countingListener{}
	h := newHarness(t, Options{}, onTCP, func(_ *harness, s *harnessSetup) {
		s.listen = func(l net.Listener) net.Listener { writes.Listener = l; return writes }
	})
	c, p := h.openWS()
	before := writes.count()
	for range 100 {
		_ = p.session.Append([]byte("x"))
	}
	p.session.Flush()
	for range 100 {
		c.want("4x")
	}
	if got := writes.count() - before; got > 50 {
		t.Errorf("got %d writes for 100 messages, want a few", got)
	}
}

// countingListener counts the writes to its connections. Their type also keeps the
// engine from writing past them.
type countingListener struct {
	net.Listener
	mu sync.Mutex
	n  int
}

func (l *countingListener) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.n
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &countingConn{c.(*net.TCPConn), l}, nil
}

type countingConn struct {
	*net.TCPConn
	l *countingListener
}

func (c *countingConn) Write(p []byte) (int, error) {
	c.l.mu.Lock()
	c.l.n++
	c.l.mu.Unlock()
	return c.TCPConn.Write(p)
}
