package transport

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
)

func TestAllowRequestRefusesHandshakes(t *testing.T) {
	secret := errors.New("table users is locked")
	tests := []struct {
		name string
		err  error
		body string
	}{
		{"with a text for the client", &Refusal{"no more seats"}, `{"code":4,"message":"no more seats"}`},
		{"with one inside", fmt.Errorf("tenant 7: %w", &Refusal{"no more seats"}), `{"code":4,"message":"no more seats"}`},
		{"with an empty one", &Refusal{}, `{"code":4,"message":"Forbidden"}`},
		{"with an error of its own", secret, `{"code":4,"message":"Forbidden"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var told []ConnectionError
				h := newHarness(t, Options{
					AllowRequest:      func(*http.Request) error { return tt.err },
					OnConnectionError: func(e ConnectionError) { told = append(told, e) },
				})
				h.get(pollQuery).want(t, 403, tt.body)
				h.dialWS(wsQuery).refusal().want(t, 403, tt.body)
				if len(told) != 2 || told[0].Code != 4 || told[0].Status != 403 || !errors.Is(told[1].Err, tt.err) {
					t.Errorf("got %+v, want code 4 and the error, twice", told)
				}
				if n := h.engine.Len(); n != 0 {
					t.Errorf("got %d sessions, want 0", n)
				}
				if logs := h.logs.String(); !strings.Contains(logs, tt.err.Error()) || strings.Contains(logs, `"error"`) {
					t.Errorf("got log %s, want what AllowRequest said, as a warning", logs)
				}
			})
		})
	}
}

func TestAllowRequestIsAskedOncePerSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		h := newHarness(t, Options{AllowRequest: func(r *http.Request) error {
			asked++
			if r.Header.Get("X-Who") != "me" {
				t.Errorf("got headers %v, want the request's", r.Header)
			}
			return nil
		}})
		res := h.get(pollQuery, "X-Who", "me")
		q := pollQuery + "&sid=" + h.peer().session.ID()
		if res.status != 200 || asked != 1 {
			t.Fatalf("got status %d, asked %d times, want 200, 1", res.status, asked)
		}
		h.post(q, "4a").want(t, 200, "ok")
		h.get(q).want(t, 200, "4a")
		h.get("/?EIO=4&transport=tcp") // refused before
		if asked != 1 {
			t.Errorf("asked %d times, want 1: it is about handshakes only", asked)
		}
	})
}

func TestAllowRequestIsAskedAboutStreams(t *testing.T) {
	h := newHarness(t, Options{
		Transports:   bothAndStreams,
		AllowRequest: func(*http.Request) error { return &Refusal{"no more seats"} },
	})
	w := httptest.NewRecorder()
	if h.engine.AdmitStream(w, httptest.NewRequest(http.MethodConnect, "https://parlor.test/socket.io/", nil)) {
		t.Error("the stream was admitted")
	}
	if got, want := w.Body.String(), `{"code":4,"message":"no more seats"}`; w.Code != 403 || got != want {
		t.Errorf("got %d %s, want 403 %s", w.Code, got, want)
	}
}

func TestAPanicInAllowRequestLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{AllowRequest: func(*http.Request) error { panic("oops") }})
		if res := h.get(pollQuery); res.err == nil {
			t.Errorf("got %d, want a broken connection, as of any handler that panics", res.status)
		}
		h.engine.mu.Lock()
		defer h.engine.mu.Unlock()
		if h.engine.live != 0 {
			t.Errorf("got %d alive, want 0", h.engine.live)
		}
	})
}

func TestOnConnectionErrorIsToldOfEveryRefusal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := make(chan ConnectionError, 1)
		h := newHarness(t, Options{OnConnectionError: func(e ConnectionError) { told <- e }})
		tests := []struct {
			name, method, target string
			headers              []string
			code, status         int
			message, err         string
		}{
			{"transport", "GET", "/?EIO=4&transport=tcp", nil, 0, 400, "Transport unknown", "no transport parameter"},
			{"session", "GET", pollQuery + "&sid=abc", nil, 1, 400, "Session ID unknown", ""},
			{"method", "POST", pollQuery, nil, 2, 400, "Bad handshake method", ""},
			{"request", "GET", wsQuery, nil, 3, 400, "Bad request", "transport=websocket belong together"},
			{"origin", "GET", pollQuery, []string{"Origin", "https://evil.test"}, 4, 403, "Forbidden", "Options.Origins"},
			{"protocol", "GET", "/?EIO=7&transport=polling", nil, 5, 400, "Unsupported protocol version", "Engine.IO"},
		}
		for _, tt := range tests {
			h.do(h.request(tt.method, tt.target, "", tt.headers...))
			e := receive(t, told)
			err := fmt.Sprint(e.Err)
			if e.Code != tt.code || e.Status != tt.status || e.Message != tt.message || !strings.Contains(err, tt.err) {
				t.Errorf("%s: got %d %d %q (%v), want %d %d %q (%q)", tt.name, e.Code, e.Status, e.Message, e.Err,
					tt.code, tt.status, tt.message, tt.err)
			}
			if tt.err == "" && e.Err != nil {
				t.Errorf("%s: got error %v, want none", tt.name, e.Err)
			}
			if e.Request.URL.RequestURI() != tt.target {
				t.Errorf("%s: got request %s, want %s", tt.name, e.Request.URL, tt.target)
			}
		}
		h.engine.Drain()
		h.get(pollQuery).want(t, 503, `{"code":3,"message":"Server is shutting down"}`)
		if e := receive(t, told); e.Status != 503 || e.Code != 3 {
			t.Errorf("got %d %d, want 503 3", e.Status, e.Code)
		}
	})
}

func TestAPanicInOnConnectionErrorIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{OnConnectionError: func(ConnectionError) { panic("oops") }})
		h.get(pollQuery+"&sid=abc").want(t, 400, `{"code":1,"message":"Session ID unknown"}`)
		if logs := h.logs.String(); !strings.Contains(logs, "OnConnectionError") || !strings.Contains(logs, "oops") {
			t.Errorf("got log %s, want the panic", logs)
		}
	})
}
