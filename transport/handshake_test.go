package transport

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestPollingHandshakeIsAnsweredAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond, MaxPayload: 5000})
		res := h.get(pollQuery)
		want := fmt.Sprintf(`0{"sid":"%s","upgrades":["websocket"],"pingInterval":300,"pingTimeout":200,"maxPayload":5000}`,
			h.peer().session.ID())
		res.want(t, 200, want)
		for name, want := range map[string]string{
			"Content-Type":           "text/plain; charset=UTF-8",
			"Content-Length":         fmt.Sprint(len(want)),
			"Cache-Control":          "no-store",
			"X-Content-Type-Options": "nosniff",
			"Set-Cookie":             "",
		} {
			if got := res.header.Get(name); got != want {
				t.Errorf("got %s %q, want %q", name, got, want)
			}
		}
	})
}

func TestDefaultsAreAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newHarness(t, Options{}).dialWS(wsQuery)
		if got, want := c.read().data, `,"upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`; !strings.HasSuffix(got, want) {
			t.Errorf("got %q, want it to end with %q", got, want)
		}
	})
}

func TestSessionIDsAreTwentyCharacters(t *testing.T) {
	seen := map[string]bool{}
	valid := regexp.MustCompile(`^[A-Za-z0-9_-]{20}$`)
	for range 1000 {
		id := newID()
		if !valid.MatchString(id) || seen[id] {
			t.Fatalf("got id %q, want 20 new characters of base64url", id)
		}
		seen[id] = true
	}
}

func TestUpgradesOffered(t *testing.T) {
	tests := []struct {
		name string
		opts Options
		want string
	}{
		{"both", Options{}, `"upgrades":["websocket"]`},
		{"disabled", Options{DisableUpgrades: true}, `"upgrades":[]`},
		{"polling only", Options{Transports: []string{Polling}}, `"upgrades":[]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if got := newHarness(t, tt.opts).get(pollQuery).body; !strings.Contains(got, tt.want) {
					t.Errorf("got %q, want %q in it", got, tt.want)
				}
			})
		})
	}
}

func TestRefusals(t *testing.T) {
	const (
		unknownTransport = `{"code":0,"message":"Transport unknown"}`
		unknownSession   = `{"code":1,"message":"Session ID unknown"}`
		badMethod        = `{"code":2,"message":"Bad handshake method"}`
		badRequest       = `{"code":3,"message":"Bad request"}`
		badProtocol      = `{"code":5,"message":"Unsupported protocol version"}`
	)
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		pollQ, _ := h.openPoll()
		_, ws := h.openWS()
		tests := []struct {
			name, method, target string
			body                 string
		}{
			{"no transport", "GET", "/?EIO=4", unknownTransport},
			{"unknown transport", "GET", "/?EIO=4&transport=tcp", unknownTransport},
			{"constructor", "GET", "/?EIO=4&transport=constructor", unknownTransport},
			{"__proto__", "GET", "/?EIO=4&transport=__proto__", unknownTransport},
			{"webtransport", "GET", "/?EIO=4&transport=webtransport", unknownTransport},
			{"no query", "GET", "/", unknownTransport},
			{"unknown sid", "GET", pollQuery + "&sid=abc", unknownSession},
			{"unknown sid, POST", "POST", pollQuery + "&sid=abc", unknownSession},
			{"POST without sid", "POST", pollQuery, badMethod},
			{"PUT without sid", "PUT", pollQuery, badMethod},
			{"empty sid", "POST", pollQuery + "&sid=", badMethod},
			{"DELETE with sid", "DELETE", pollQ, badMethod},
			{"websocket without upgrade", "GET", wsQuery, badRequest},
			{"websocket without upgrade, with sid", "GET", wsQuery + "&sid=" + ws.session.ID(), badRequest},
			{"polling a websocket", "GET", pollQuery + "&sid=" + ws.session.ID(), badRequest},
			{"EIO 3", "GET", "/?EIO=3&transport=polling", badProtocol},
			{"EIO abc", "GET", "/?EIO=abc&transport=polling", badProtocol},
			{"no EIO", "GET", "/?transport=polling", badProtocol},
		}
		for _, tt := range tests {
			res := h.do(h.request(tt.method, tt.target, ""))
			if res.status != 400 || res.body != tt.body {
				t.Errorf("%s: got %d %q, want 400 %q", tt.name, res.status, res.body, tt.body)
			}
			if got := res.header.Get("Content-Type"); got != "application/json" {
				t.Errorf("%s: got content type %q", tt.name, got)
			}
		}
		if got := h.engine.Len(); got != 2 {
			t.Errorf("got %d sessions, want the 2 there were", got)
		}
		if got := strings.Count(h.logs.String(), "request refused"); got != len(tests) {
			t.Errorf("got %d refusals in the log, want %d", got, len(tests))
		}
	})
}

func TestOnlyEnabledTransportsAreServed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{Transports: []string{WebSocket}})
		h.get(pollQuery).want(t, 400, `{"code":0,"message":"Transport unknown"}`)
		h.openWS()
	})
}

func TestTheLastOfRepeatedParametersCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		if res := h.get("/x/y?EIO=3&transport=tcp&EIO=4&transport=polling&t=abc&token=1"); res.status != 200 {
			t.Fatalf("got %d %q, want 200", res.status, res.body)
		}
		if got := h.peer().request.URL.Query().Get("token"); got != "1" {
			t.Errorf("got token %q in the handshake request, want 1", got)
		}
	})
}

func TestCookie(t *testing.T) {
	tests := []struct {
		name   string
		cookie http.Cookie
		want   string
	}{
		{"defaults", http.Cookie{}, "io=SID; Path=/; SameSite=Lax"},
		{"all", http.Cookie{Name: "lb", Path: "/x", HttpOnly: true, Secure: true, SameSite: http.SameSiteStrictMode, MaxAge: 60},
			"lb=SID; Path=/x; Max-Age=60; HttpOnly; Secure; SameSite=Strict"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{Cookie: &tt.cookie})
				res := h.get(pollQuery)
				p := h.peer()
				if got, want := res.header.Get("Set-Cookie"), strings.Replace(tt.want, "SID", p.session.ID(), 1); got != want {
					t.Errorf("got %q, want %q", got, want)
				}
				q := pollQuery + "&sid=" + p.session.ID()
				if got := h.post(q, "4a").header.Get("Set-Cookie"); got != "" {
					t.Errorf("got %q on a POST, want none", got)
				}
				if got := h.get(q).header.Get("Set-Cookie"); got != "" {
					t.Errorf("got %q on the second poll, want none", got)
				}
				if got := h.dialWS(wsQuery).res.Header.Get("Set-Cookie"); got != "" {
					t.Errorf("got %q on a WebSocket, want none", got)
				}
			})
		})
	}
}

func TestWhatAcceptSendsFollowsTheOpenPacket(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{}, withAccept(func(p *peer) {
			_ = p.session.Send(NewMessage([]byte("welcome"), []byte("\x01")))
		}))
		res := h.get(pollQuery)
		if !strings.HasPrefix(res.body, "0{") || !strings.HasSuffix(res.body, "}\x1e4welcome\x1ebAQ==") {
			t.Errorf("got %q, want the open packet and what accept sent", res.body)
		}
		c, _ := h.openWS()
		c.want("4welcome")
		if got, want := c.read(), (frame{opBinary, "\x01"}); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

func TestNothingLeavesBeforeAcceptReturns(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		inAccept, proceed := make(chan struct{}), make(chan struct{})
		h := start(Options{}, withAccept(func(p *peer) {
			_ = p.session.Send(NewMessage([]byte("welcome")))
			p.session.Flush()
			close(inAccept)
			<-proceed
		}))
		answered := make(chan *wsClient, 1)
		go func() { answered <- h.dialWS(wsQuery) }()
		<-inAccept
		select {
		case <-answered:
			t.Fatal("the handshake was answered while accept was running")
		case <-time.After(50 * time.Millisecond):
		}
		close(proceed)
		c := <-answered
		if f := c.read(); !strings.HasPrefix(f.data, "0{") {
			t.Fatalf("got %v, want the open packet", f)
		}
		c.want("4welcome")
	})
}

func TestSessionClosedInAccept(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{}, withAccept(func(p *peer) {
			_ = p.session.Send(NewMessage([]byte("go away")))
			p.session.Close(ReasonForcedClose)
		}))
		if got := h.get(pollQuery).body; !strings.HasSuffix(got, "}\x1e4go away") {
			t.Errorf("got %q, want the open packet and the message", got)
		}
		p := h.peer()
		p.wantClosed(t, ReasonForcedClose)
		h.get(pollQuery+"&sid="+p.session.ID()).want(t, 200, "6\x1e1")
		c, p := h.openWS()
		p.wantClosed(t, ReasonForcedClose)
		c.want("4go away")
		if c.wantEnd() == nil {
			t.Error("got no close frame")
		}
	})
}

func TestPanicInAcceptLeavesNothing(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{}, withAccept(func(*peer) { panic("boom") }))
		if res := h.get(pollQuery); res.err == nil {
			t.Errorf("got %d, want a broken connection", res.status)
		}
		conn, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, handshakeRequest)
		if answer, err := io.ReadAll(conn); len(answer) > 0 {
			t.Errorf("got %q, %v, want a broken connection", answer, err)
		}
		eventually(t, "end of the workers", func() bool { return h.engine.Len() == 0 && !h.busy() })
	})
}

func TestMisuseOfOptionsPanics(t *testing.T) {
	tests := []struct {
		name string
		opts Options
		want string
	}{
		{"unknown transport", Options{Transports: []string{"tcp"}}, `Options.Transports has "tcp"`},
		{"no transport", Options{Transports: []string{}}, "Options.Transports is empty"},
		{"credentials for all", Options{AllowCredentials: true, Origins: []string{"*"}}, "Options.AllowCredentials"},
		{"origin with path", Options{Origins: []string{"https://a.example/"}}, `Options.Origins has "https://a.example/"`},
		{"origin without scheme", Options{Origins: []string{"a.example"}}, "Options.Origins"},
		{"wildcard inside", Options{Origins: []string{"https://a.*.example"}}, "Options.Origins"},
		{"negative", Options{PingInterval: -1}, "Options.PingInterval is negative"},
		{"cookie", Options{Cookie: &http.Cookie{Name: "a b"}}, "Options.Cookie"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "transport: ") || !strings.Contains(got, tt.want) {
					t.Errorf("got %q, want a panic with %q", got, tt.want)
				}
			}()
			New(tt.opts, nil)
		})
	}
}

func TestNewCopiesOptions(t *testing.T) {
	opts := Options{Origins: []string{"https://a.example"}, Transports: []string{Polling}, Cookie: &http.Cookie{Name: "a"}}
	e := New(opts, nil)
	opts.Origins[0], opts.Transports[0], opts.Cookie.Name = "x", "x", "x"
	if e.opts.Origins[0] != "https://a.example" || e.opts.Transports[0] != Polling || e.opts.Cookie.Name != "a" {
		t.Errorf("got %v, want it unchanged", e.opts)
	}
}

func TestAHandshakeIsAnsweredInOneWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{}, withAccept(func(p *peer) { _ = p.session.Send(NewMessage([]byte("welcome"))) }))
		conn, err := h.dial() // a pipe: a read gives what one write gave
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, handshakeRequest)
		buf := make([]byte, 4<<10)
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		got := string(buf[:n])
		if !strings.HasPrefix(got, "HTTP/1.1 101 ") || !strings.Contains(got, `0{"sid":"`) || !strings.HasSuffix(got, "4welcome") {
			t.Errorf("got %q, want the 101, the open packet and what accept sent", got)
		}
	})
}

func TestParametersAreReadAsNetURLDoes(t *testing.T) {
	for _, query := range []string{
		"", "sid", "sid=", "sid=a", "a=b&sid=c", "sid=a&sid=b", "sid=%20a+b", "%73id=a", "sid=%zz", "sid=a&sid=%zz",
		"sid=a;b&c=d", "x=sid&sid2=a", "&&sid=a&&", "sid==a", "%zz=a&sid=b", "s+id=a",
	} {
		values, _ := url.ParseQuery(query)
		want := ""
		if v := values["sid"]; len(v) > 0 {
			want = v[len(v)-1]
		}
		if got := parameter(query, "sid"); got != want {
			t.Errorf("%q: got %q, want %q", query, got, want)
		}
	}
}
