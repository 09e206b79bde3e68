package transport

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Faults that reviews have found.

func TestAGETWithABodyIsRefused(t *testing.T) {
	// net/http would wait for the body without a deadline, and for ever.
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{}, withServer(func(s *http.Server) { s.ReadTimeout = time.Second }))
		conn, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		go conn.Write([]byte("GET " + pollQuery + " HTTP/1.1\r\nHost: example.com\r\nContent-Length: 10\r\n\r\n"))
		buf := make([]byte, 1000)
		n, err := conn.Read(buf)
		if got := string(buf[:n]); err != nil || !strings.HasPrefix(got, "HTTP/1.1 400 ") {
			t.Errorf("got %q, %v, want 400", got, err)
		}
	})
}

func TestAPostThatWaitsForHandlersOutlivesTheWriteTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxBacklog: 100}, withAccept(holding), withServer(func(s *http.Server) {
			s.WriteTimeout = time.Second
		}))
		q, p := h.openPoll()
		done := make(chan response, 1)
		req := h.request("POST", q, "4"+strings.Repeat("x", 60))
		go func() { done <- h.do(req) }()
		time.Sleep(5 * time.Second) // on the bubble's clock
		p.session.Release(60)
		receive(t, done).want(t, 200, "ok")
	})
}

func TestAnEmptyMessageIsAMessage(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		q, p := h.openPoll()
		_ = p.session.Append(nil)
		_ = p.session.Append([]byte("x"))
		_ = p.session.Send(NewMessage([]byte{}))
		h.get(q).want(t, 200, "4\x1e4x\x1e4")
	})
}

func TestAQueueOfTinyMessagesIsBoundedToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxSendBuffer: 64 << 10})
		_, p := h.openPoll()
		n := 0
		for p.session.Append([]byte("x")) == nil {
			n++
		}
		if want := 64 << 10 / messageOverhead; n > want {
			t.Errorf("%d messages were queued, want at most %d", n, want)
		}
	})
}

func TestASubprotocolThatIsOfferedIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		c := h.dialWS(wsQuery, "Sec-WebSocket-Protocol", "first, second")
		if got := c.res.Header.Get("Sec-WebSocket-Protocol"); got != "first" {
			t.Errorf("got subprotocol %q, want %q", got, "first")
		}
	})
}

func TestDurationsThatAreNoDurationsPanic(t *testing.T) {
	for name, opts := range map[string]Options{
		"milliseconds of another language": {PingInterval: 25000},
		"longer than a day":                {PingTimeout: 25 * time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				text, _ := recover().(string)
				if !strings.Contains(text, "want a time.Duration between a millisecond and a day, such as") {
					t.Errorf("got the panic %q", text)
				}
			}()
			New(opts, nil)
		})
	}
}

func TestMaxBacklogOf1LetsReadingGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxBacklog: 1})
		c, _ := h.openWS()
		for range 3 {
			c.send("4a")
			c.want("4a")
		}
	})
}
