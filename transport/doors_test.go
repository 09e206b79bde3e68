package transport

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
)

const webSocketHeaders = "Host: parlor.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

func TestRubbishBehindAWebSocketHandshakeHarmsNobody(t *testing.T) {
	tests := []struct {
		name    string
		headers string
		status  string
		closes  bool // the server, the connection
	}{
		{"as a body", "Content-Length: 4\r\n", "HTTP/1.1 400 ", false},
		{"as a frame", "", "HTTP/1.1 101 ", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
				h := start(Options{})
				q, p := h.openPoll()
				for _, target := range []string{wsQuery, wsQuery + "&sid=" + p.session.ID()} {
					conn, err := h.dial()
					if err != nil {
						t.Fatal(err)
					}
					defer conn.Close()
					go func() {
						_, _ = io.WriteString(conn, "GET "+target+" HTTP/1.1\r\n"+webSocketHeaders+tt.headers+"\r\ntest")
					}()
					answer := make([]byte, len(tt.status))
					if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != tt.status {
						t.Errorf("%s: got %q, %v, want %q", target, answer, err, tt.status)
					}
					if tt.closes {
						_, _ = io.Copy(io.Discard, conn)
					}
				}
				h.post(q, "4still here").want(t, 200, "ok")
				h.get(q).want(t, 200, "4still here")
			})
		})
	}
}

// A proxy that does not know WebSockets makes plain requests of their handshakes.
func TestAProxyThatBlocksWebSocketsLeavesTheSessionPolling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		h.get(wsQuery+"&sid="+p.session.ID(), "Connection", "close").want(t, 400, `{"code":3,"message":"Bad request"}`)
		h.post(q, "4echo").want(t, 200, "ok")
		h.get(q).want(t, 200, "4echo")
	})
}

func TestOnConnectionErrorIsToldOfWebSocketsToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		noEntropy := errors.New("no entropy")
		told := make(chan ConnectionError, 1)
		h := newHarness(t, Options{
			NewID:             func(*http.Request) (string, error) { return "", noEntropy },
			OnConnectionError: func(e ConnectionError) { told <- e },
		})
		tests := []struct {
			target string
			code   int
			err    error
		}{
			{"/?EIO=4&transport=__proto__", 0, nil},
			{wsQuery, 3, noEntropy},
		}
		for _, tt := range tests {
			h.dialWS(tt.target)
			if e := receive(t, told); e.Code != tt.code || e.Request == nil || tt.err != nil && !errors.Is(e.Err, tt.err) {
				t.Errorf("%s: got %+v, want code %d and error %v", tt.target, e, tt.code, tt.err)
			}
		}
		h.get(pollQuery)
		if e := receive(t, told); e.Code != 3 || !errors.Is(e.Err, noEntropy) {
			t.Errorf("polling: got %+v, want code 3 and error %v", e, noEntropy)
		}
	})
}

func TestLenCountsOpenSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		want := func(n int) {
			t.Helper()
			synctest.Wait()
			if got := h.engine.Len(); got != n {
				t.Errorf("got %d sessions, want %d", got, n)
			}
		}
		want(0)
		q, p := h.openPoll()
		want(1)
		c, _ := h.openWS()
		want(2)
		h.probe(p).send("5")
		want(2)
		c.write(opClose, "")
		want(1)
		h.get(q).want(t, 400, `{"code":3,"message":"Bad request"}`)
		p.session.Close(ReasonForcedClose)
		want(0)
	})
}

func TestTheCookieJoinsThoseOfHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		set := func(h http.Header, r *http.Request) {
			if r.Method != http.MethodGet {
				t.Errorf("got method %s at a handshake, want GET", r.Method)
			}
			h.Add("Set-Cookie", "mine=1")
		}
		h := newHarness(t, Options{Cookie: &http.Cookie{HttpOnly: true}, InitialHeaders: set})
		got := h.get(pollQuery).header.Values("Set-Cookie")
		if want := "mine=1 io=" + h.peer().session.ID() + "; Path=/; HttpOnly; SameSite=Lax"; strings.Join(got, " ") != want {
			t.Errorf("polling: got cookies %q, want %q", got, want)
		}
		if got := h.dialWS(wsQuery).res.Header.Values("Set-Cookie"); strings.Join(got, " ") != "mine=1" {
			t.Errorf("websocket: got cookies %q, want the hook's", got)
		}
	})
}

// A page of another origin, from the preflight to what it reads.
func TestAPageOfAnotherOriginTalks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const page = "https://b.example"
		h := newHarness(t, Options{Origins: []string{page}, AllowCredentials: true})
		readable := func(res response) response {
			t.Helper()
			if res.header.Get("Access-Control-Allow-Origin") != page || res.header.Get("Access-Control-Allow-Credentials") != "true" {
				t.Errorf("got headers %v, want the page to be let in, with cookies", res.header)
			}
			return res
		}
		res := readable(h.do(h.request("OPTIONS", pollQuery, "", "Origin", page, "Access-Control-Request-Method", "POST")))
		res.want(t, 204, "")
		res = readable(h.get(pollQuery, "Origin", page))
		for _, name := range []string{"Access-Control-Allow-Methods", "Access-Control-Allow-Headers"} {
			res.wantHeader(t, name, "") // it is for preflights
		}
		q := pollQuery + "&sid=" + h.peer().session.ID()
		readable(h.post(q, "4hey", "Origin", page)).want(t, 200, "ok")
		readable(h.get(q, "Origin", page)).want(t, 200, "4hey")
	})
}
