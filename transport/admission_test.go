package transport

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parlor-go/parlor/transport/internal/wheel"
)

// wantRefused checks a refusal for want of room.
func wantRefused(t *testing.T, res response, status int, message string) {
	t.Helper()
	res.want(t, status, `{"code":3,"message":"`+message+`"}`)
	if s, err := strconv.Atoi(res.header.Get("Retry-After")); err != nil || s < 1 || s > 5 {
		t.Errorf("got Retry-After %q, want 1 to 5 seconds", res.header.Get("Retry-After"))
	}
}

// wantPlaces checks how many places are taken, once all has come to rest.
func (h *harness) wantPlaces(want int) {
	h.t.Helper()
	synctest.Wait()
	l := h.engine.lobby
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.taken != want {
		h.t.Errorf("got %d places taken, want %d", l.taken, want)
	}
}

func TestBeyondMaxSessionsHandshakesAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var told []ConnectionError
		h := newHarness(t, Options{
			MaxSessions: 2, Transports: bothAndStreams,
			OnConnectionError: func(e ConnectionError) { told = append(told, e) },
		})
		c, p := h.openWS()
		q, _ := h.openPoll()
		wantLimit(t, h.engine.Ready(), "MaxSessions")
		wantRefused(t, h.get(pollQuery), 503, "Server is full")
		wantRefused(t, h.dialWS(wsQuery).refusal(), 503, "Server is full")
		w := httptest.NewRecorder()
		if r := httptest.NewRequest(http.MethodConnect, "https://parlor.test/", nil); h.engine.AdmitStream(w, r) || w.Code != 503 {
			t.Errorf("got status %d for a stream, want 503", w.Code)
		}
		stream := h.dialStream("")
		if _, err := stream.conn.Read(make([]byte, 1)); err == nil {
			t.Error("a stream was served that came later")
		}
		if got := h.engine.Exceeded()["MaxSessions"]; got != 4 {
			t.Errorf("got MaxSessions exceeded %d times, want 4", got)
		}
		if len(told) != 3 || told[0].Code != 3 || told[0].Status != 503 {
			t.Errorf("got %+v, want three refusals with code 3", told)
		}
		wantLimit(t, told[0].Err, "MaxSessions")

		h.post(q, "4still here").want(t, 200, "ok") // who is in stays in
		h.get(q).want(t, 200, "4still here")
		_ = c.conn.Close()
		p.wantClosed(t, ReasonTransportClose)
		h.wantPlaces(1)
		if err := h.engine.Ready(); err != nil {
			t.Errorf("got %v, want to be ready again", err)
		}
		h.openWS()
	})
}

func TestTheRestOfAClosedSessionKeepsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxSessions: 1})
		q, p := h.openPoll()
		_ = p.session.Send(NewMessage([]byte("rest")))
		p.session.Close(ReasonForcedClose)
		p.wantClosed(t, ReasonForcedClose)
		wantRefused(t, h.get(pollQuery), 503, "Server is full")
		h.get(q).want(t, 200, "4rest")
		h.get(q).want(t, 200, "6\x1e1")
		h.wantPlaces(0)
		h.openPoll()
	})
}

func TestAHandshakeThatFailsLeavesNoPlaceTaken(t *testing.T) {
	fail := errors.New("no")
	tests := []struct {
		name      string
		opts      Options
		websocket bool
		headers   []string
		accept    func(*peer)
		wrap      func(http.ResponseWriter) http.ResponseWriter
	}{
		{name: "AllowRequest says no", opts: Options{AllowRequest: func(*http.Request) error { return fail }}},
		{name: "AllowRequest panics", opts: Options{AllowRequest: func(*http.Request) error { panic("broken") }}},
		{name: "NewID has none", opts: Options{NewID: func(*http.Request) (string, error) { return "", fail }}},
		{name: "NewID panics", opts: Options{NewID: func(*http.Request) (string, error) { panic("broken") }}, websocket: true},
		{name: "Headers panics", opts: Options{Headers: func(http.Header, *http.Request) { panic("broken") }}},
		{name: "accept panics", accept: func(*peer) { panic("broken") }},
		{name: "accept panics", accept: func(*peer) { panic("broken") }, websocket: true},
		{name: "accept aborts", accept: func(p *peer) { p.session.Abort(ReasonForcedClose, nil) }},
		{name: "accept aborts", accept: func(p *peer) { p.session.Abort(ReasonForcedClose, nil) }, websocket: true},
		{name: "the handshake is none", websocket: true, headers: []string{"Sec-WebSocket-Key", "short"}},
		{name: "it cannot be hijacked", websocket: true, wrap: func(w http.ResponseWriter) http.ResponseWriter { return noHijack{w} }},
		{name: "hijacking panics", websocket: true, wrap: func(w http.ResponseWriter) http.ResponseWriter { return panicHijack{w} }},
	}
	for _, tt := range tests {
		kind := Polling
		if tt.websocket {
			kind = WebSocket
		}
		t.Run(tt.name+", "+kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				accept := func(p *peer) {
					if tt.accept != nil {
						tt.accept(p)
					}
				}
				tt.opts.MaxPerAddress = 10
				h := newHarness(t, tt.opts, withAccept(accept), withWrap(func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						r.RemoteAddr = "198.51.100.7:1"
						if tt.wrap != nil {
							w = tt.wrap(w)
						}
						next.ServeHTTP(w, r)
					})
				}))
				target := pollQuery
				headers := tt.headers
				if tt.websocket {
					target = wsQuery
					headers = append([]string{
						"Upgrade", "websocket", "Connection", "Upgrade", "Sec-WebSocket-Version", "13",
					}, headers...)
					if len(tt.headers) == 0 {
						headers = append(headers, "Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
					}
				}
				_ = h.get(target, headers...)
				h.wantPlaces(0)
				e := h.engine
				e.mu.Lock()
				if e.live != 0 || len(e.sessions) != 0 || len(e.claimed) != 0 {
					t.Errorf("got %d alive, %d listed, %d claimed, want nothing left", e.live, len(e.sessions), len(e.claimed))
				}
				e.mu.Unlock()
				time.Sleep(time.Minute) // on the bubble's clock
				wantNoAddresses(t, e)
			})
		})
	}
}

type noHijack struct{ http.ResponseWriter }

type panicHijack struct{ http.ResponseWriter }

func (panicHijack) Unwrap() http.ResponseWriter { panic("broken") }

func wantNoAddresses(t *testing.T, e *Engine) {
	t.Helper()
	e.lobby.mu.Lock()
	defer e.lobby.mu.Unlock()
	if a := &e.lobby.addresses; len(a.known) != 0 || a.lately.Len() != 0 {
		t.Errorf("got %d addresses known, %d of which asked lately, want none", len(a.known), a.lately.Len())
	}
}

func TestHandshakesBeyondTheRateAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{HandshakeRate: 0.5})
		for range 5 { // ten seconds' worth
			h.openPoll()
		}
		wantLimit(t, h.engine.Ready(), "HandshakeRate")
		wantRefused(t, h.get(pollQuery), 503, "Server is overloaded")
		if got := h.engine.Exceeded()["HandshakeRate"]; got != 1 {
			t.Errorf("got HandshakeRate exceeded %d times, want once", got)
		}
		time.Sleep(2 * time.Second)
		h.openWS()
		wantRefused(t, h.dialWS(wsQuery).refusal(), 503, "Server is overloaded")
		h.wantPlaces(6)
	})
}

func TestNegativeBoundsBoundNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxSessions: -1, HandshakeRate: -1, MaxPerAddress: -1, AddressRate: -1, MaxDelay: -1}, fromHeader)
		for range 3 {
			wantIn(t, h.from("198.51.100.7:1"))
		}
		stall(t, h.engine, 3*time.Second)
		wantIn(t, h.from("198.51.100.7:1"))
		h.wantPlaces(4)
		if err := h.engine.Ready(); err != nil {
			t.Errorf("got %v, want to be ready whatever comes", err)
		}
	})
}

func TestAnEngineThatIsLateTakesNoNewClients(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxDelay: time.Second})
		q, _ := h.openPoll()
		stall(t, h.engine, 900*time.Millisecond)
		h.openPoll()
		time.Sleep(time.Second)
		stall(t, h.engine, 3*time.Second)
		wantRefused(t, h.get(pollQuery), 503, "Server is overloaded")
		wantLimit(t, h.engine.Ready(), "MaxDelay")
		h.post(q, "4as before").want(t, 200, "ok")
		h.get(q).want(t, 200, "4as before")
		time.Sleep(2 * h.engine.tick())
		h.openPoll()
		if err := h.engine.Ready(); err != nil {
			t.Errorf("got %v, want to be ready again", err)
		}
		h.wantPlaces(3)
	})
}

// stall keeps the engine's wheel from turning for d, of which little is left when it
// returns; the bubble that it is called in ends later.
func stall(t *testing.T, e *Engine, d time.Duration) {
	stalled, over := make(chan struct{}), make(chan struct{})
	e.workers.wheel.Set(new(wheel.Timer), 0, func() {
		close(stalled)
		time.Sleep(d)
		close(over)
	})
	t.Cleanup(func() { <-over })
	<-stalled
	time.Sleep(d - time.Millisecond)
}

func TestADrainingEngineIsNotReady(t *testing.T) {
	e := New(Options{}, nil)
	if err := e.Ready(); err != nil {
		t.Errorf("got %v, want a new engine to be ready", err)
	}
	e.Drain()
	if err := e.Ready(); !errors.Is(err, ErrDraining) {
		t.Errorf("got %v, want ErrDraining", err)
	}
}
