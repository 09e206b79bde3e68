package framework_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestSeed069ConnectAndDisconnectAreDispatched(t *testing.T) {
	srv := quiet()
	seen := make(chan string, 2)
	srv.On("connect", func() { seen <- "connect" })
	srv.On("disconnect", func() { seen <- "disconnect" })
	s := sockettest.Connect(t, srv, "/")
	equal(t, "first", receive(t, seen), "connect")
	s.Leave()
	equal(t, "then", receive(t, seen), "disconnect")
}

func TestSeed070EmitInsideConnectArrives(t *testing.T) {
	srv := quiet()
	srv.On("connect", func(s *framework.Socket) error {
		return s.Emit("my response", map[string]string{"data": "Connected"})
	})
	// The client fails on an event before the answer to CONNECT, where Flask
	// has it.
	s := sockettest.Connect(t, srv, "/")
	equal(t, "my response", s.Expect("my response").Args.JSON(), `[{"data":"Connected"}]`)
}

func TestSeed071_072_073_074TheAuthArgumentIsOptional(t *testing.T) {
	type credentials struct{ Token string }
	got := ""
	forms := map[string]any{
		"none":    func() { got = "discarded" },
		"socket":  func(*framework.Socket) { got = "discarded" },
		"value":   func(auth credentials) { got = fmt.Sprintf("token %q", auth.Token) },
		"pointer": func(auth *credentials) { got = fmt.Sprintf("given %t", auth != nil) },
		"map":     func(auth map[string]any) { got = fmt.Sprint(auth) },
		"any":     func(auth any) { got = fmt.Sprint(auth) },
		"raw":     func(auth json.RawMessage) { got = string(auth) },
	}
	tests := []struct {
		form string
		auth string // "" is none
		want string
	}{
		{"none", ``, "discarded"},
		{"none", `{"token":"abc"}`, "discarded"},
		{"socket", `{"token":"abc"}`, "discarded"},
		{"value", `{"token":"abc"}`, `token "abc"`},
		{"value", ``, `token ""`},
		{"pointer", `{"token":"abc"}`, "given true"},
		{"pointer", ``, "given false"},
		{"pointer", `{}`, "given true"}, // None in Flask
		{"map", `{"token":"abc"}`, "map[token:abc]"},
		{"map", ``, "map[]"},
		{"any", ``, "<nil>"},
		{"any", `{"a":[1,2]}`, "map[a:[1 2]]"},
		{"raw", `{"token":"abc"}`, `{"token":"abc"}`},
	}
	for _, tt := range tests {
		t.Run(tt.form+" "+tt.auth, func(t *testing.T) {
			srv := quiet()
			srv.On("connect", forms[tt.form])
			got = ""
			if tt.auth == "" {
				sockettest.Connect(t, srv, "/")
			} else {
				sockettest.Connect(t, srv, "/", json.RawMessage(tt.auth))
			}
			equal(t, "auth", got, tt.want)
		})
	}
}

func TestSeed075_076_077RefusingSendsWhatItWasGiven(t *testing.T) {
	tests := []struct {
		name    string
		err     error
		message string
		data    string
	}{
		{"075 False", framework.Refuse(""), "Connection rejected by server", ""},
		{"076 the exception", framework.Refuse("unauthorized!"), "unauthorized!", ""},
		{"077 one argument more", framework.Refuse("no", map[string]int{"code": 7}), "no", `{"code":7}`},
		{"077 two arguments more", framework.Refuse("no", 1, "two"), "no", `[1,"two"]`},
		{"077 wrapped", fmt.Errorf("looking up: %w", framework.Refuse("no")), "no", ""},
		{"077 an error for the client", &framework.Error{Message: "no", Data: 1}, "no", "1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := quiet()
			srv.Route("/", func(*framework.Router) {})
			srv.Route("/closed", func(r *framework.Router) { r.On("connect", func() error { return tt.err }) })
			c := sockettest.Dial(t, srv, sockettest.Options{})
			refusal := c.Refused("/closed")
			equal(t, "message", refusal.Message, tt.message)
			equal(t, "data", string(refusal.Data), tt.data)
			c.Join("/") // the connection stays for other namespaces
		})
	}
}

func TestSeed075AConnectHandlerReturnsNoBool(t *testing.T) {
	wantPanic(t, func() { quiet().On("connect", func() bool { return false }) }, "returns bool", "[error]")
}

func TestSeed079ARefusedClientLeavesNothing(t *testing.T) {
	srv := quiet()
	type attempt struct{ socket *framework.Socket }
	attempts := make(chan attempt, 1)
	srv.Route("/closed", func(r *framework.Router) {
		r.On("connect", func(s *framework.Socket) error {
			s.Join("kitchen")
			attempts <- attempt{s}
			return framework.Refuse("not today")
		})
		r.On("disconnect", func() { t.Error("the disconnect handler ran for a client that never was") })
	})
	sockettest.Dial(t, srv, sockettest.Options{}).Refused("/closed")
	s := receive(t, attempts).socket
	<-s.Context().Done()
	equal(t, "connected", s.Connected(), false)
	equal(t, "sockets", len(srv.Of("/closed").Sockets()), 0)
	equal(t, "rooms", len(srv.Of("/closed").Rooms()), 0)
}

func TestSeed080AnyOtherErrorRefusesToo(t *testing.T) {
	connects := map[string]func() error{
		"error": func() error { return errors.New("secret") },
		"panic": func() error { panic("secret") },
	}
	for name, connect := range connects {
		for _, handled := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, with error handler %t", name, handled), func(t *testing.T) {
				srv := quiet()
				var failure error
				if handled {
					srv.OnError(func(_ context.Context, _ *framework.Event, err error) ([]any, bool) {
						failure = err
						return []any{true}, true // in Flask that accepts
					})
				}
				srv.On("connect", connect)
				refusal := sockettest.Dial(t, srv, sockettest.Options{}).Refused("/")
				equal(t, "message", refusal.Message, "Internal server error")
				equal(t, "data", string(refusal.Data), "")
				equal(t, "error handler called", failure != nil, handled)
				equal(t, "sockets", len(srv.Of("/").Sockets()), 0)
			})
		}
	}
}

func TestSeed081TheHandshakeIsReadable(t *testing.T) {
	srv := quiet()
	read := func(s *framework.Socket) (string, string, string, []string) {
		h := s.Handshake()
		cookie, err := h.Cookie("session")
		if err != nil {
			return err.Error(), "", "", nil
		}
		return h.Query().Get("token"), h.Header().Get("X-App"), cookie.Value, h.Query()["tag"]
	}
	srv.On("connect", func(s *framework.Socket) error {
		if s.Handshake().Query().Get("token") != "abc" {
			return framework.Refuse("unauthorized!")
		}
		return nil
	})
	srv.On("read", read)
	srv.Route("/other", func(r *framework.Router) { r.On("read", read) })

	sockettest.Dial(t, srv, sockettest.Options{}).Refused("/")
	for _, transport := range []string{"websocket", "polling", "upgrade"} {
		c := sockettest.Dial(t, srv, sockettest.Options{
			Transport: transport,
			Query:     url.Values{"token": {"abc"}, "tag": {"a", "b"}},
			Header:    http.Header{"X-App": {"demo"}, "Cookie": {"other=1; session=s3"}},
		})
		for _, path := range []string{"/", "/other"} {
			equal(t, transport+" "+path, c.Join(path).Call("read").JSON(), `["abc","demo","s3",["a","b"]]`)
		}
	}
}

func TestSeed082TheDisconnectHandlerTakesTheReasonOrNot(t *testing.T) {
	for name, handler := range map[string]func(seen chan<- framework.Reason) any{
		"nothing": func(seen chan<- framework.Reason) any { return func() { seen <- "" } },
		"reason":  func(seen chan<- framework.Reason) any { return func(r framework.Reason) { seen <- r } },
		"all": func(seen chan<- framework.Reason) any {
			return func(_ context.Context, _ *framework.Socket, r framework.Reason) error {
				seen <- r
				return nil
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			srv := quiet()
			seen := make(chan framework.Reason, 1)
			// Flask calls a handler without the argument never when there is an
			// error handler.
			srv.OnError(func(_ context.Context, _ *framework.Event, err error) ([]any, bool) {
				t.Errorf("error handler: %v", err)
				return nil, false
			})
			srv.On("disconnect", handler(seen))
			sockettest.Connect(t, srv, "/").Leave()
			want := framework.ClientNamespaceDisconnect
			if name == "nothing" {
				want = ""
			}
			equal(t, "reason", receive(t, seen), want)
		})
	}
}

func TestSeed083DisconnectFiresOnceHoweverItCame(t *testing.T) {
	tests := []struct {
		name   string
		end    func(t *testing.T, srv *framework.Server, s *sockettest.Socket)
		opts   sockettest.Options
		reason framework.Reason
	}{
		{"the client leaves", func(_ *testing.T, _ *framework.Server, s *sockettest.Socket) { s.Leave() },
			sockettest.Options{}, framework.ClientNamespaceDisconnect},
		{"the page is closed", func(_ *testing.T, _ *framework.Server, s *sockettest.Socket) { s.Conn().Close() },
			sockettest.Options{}, framework.TransportClose},
		{"the page is closed while polling", func(_ *testing.T, _ *framework.Server, s *sockettest.Socket) { s.Conn().Close() },
			sockettest.Options{Transport: "polling"}, framework.TransportClose},
		{"the network fails", func(_ *testing.T, _ *framework.Server, s *sockettest.Socket) { s.Conn().Cut() },
			sockettest.Options{}, framework.TransportClose},
		{"the client is silent", func(t *testing.T, _ *framework.Server, s *sockettest.Socket) {
			equal(t, "the client sees", s.Disconnected(), "transport close")
		}, sockettest.Options{NoPong: true}, framework.PingTimeout},
		{"a handler sends it away", func(t *testing.T, _ *framework.Server, s *sockettest.Socket) {
			s.Emit("kick")
			equal(t, "the client sees", s.Disconnected(), "io server disconnect")
		}, sockettest.Options{}, framework.ServerNamespaceDisconnect},
		{"the server shuts down", func(t *testing.T, srv *framework.Server, s *sockettest.Socket) {
			if err := srv.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
		}, sockettest.Options{}, framework.ServerShuttingDown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := quiet()
				var mu sync.Mutex
				var reasons []framework.Reason
				srv.On("disconnect", func(r framework.Reason) {
					mu.Lock()
					defer mu.Unlock()
					reasons = append(reasons, r)
				})
				srv.On("kick", func(s *framework.Socket) {
					s.Disconnect()
					s.Disconnect()
					s.Close()
				})
				opts := tt.opts
				opts.Timeout = 1 << 40 // the bubble's clock: beyond the ping timeout
				s := sockettest.Dial(t, srv, opts).Join("/")
				tt.end(t, srv, s)
				synctest.Wait()
				s.Conn().Close() // a second end must not count
				synctest.Wait()
				mu.Lock()
				defer mu.Unlock()
				if !slices.Equal(reasons, []framework.Reason{tt.reason}) {
					t.Errorf("got the reasons %q, want %q once", reasons, tt.reason)
				}
			})
		})
	}
}

var seedSession = framework.NewKey[string]("session")

func TestSeed084DuringDisconnectTheClientIsStillReadable(t *testing.T) {
	srv := quiet()
	seen := make(chan string, 1)
	srv.On("connect", func(s *framework.Socket) {
		s.Join("kitchen")
		seedSession.Set(s, "kept")
	})
	srv.On("disconnect", func(ctx context.Context, s *framework.Socket) {
		session, _ := seedSession.Get(s)
		closed := errors.Is(s.Emit("bye"), framework.ErrClosed)
		seen <- fmt.Sprint(s.ID(), " ", s.Rooms(), " ", session, " ", s.Namespace().Path(), " ",
			s.Handshake().Query().Get("EIO"), " ", closed, " ", ctx.Err())
	})
	s := sockettest.Connect(t, srv, "/")
	id := s.ID()
	s.Conn().Cut()
	equal(t, "in the handler", receive(t, seen), fmt.Sprintf("%s [%s kitchen] kept / 4 true <nil>", id, id))
}

func TestSeed085EachNamespaceConnectsAndDisconnects(t *testing.T) {
	srv := quiet()
	seen := make(chan string, 6)
	paths := []string{"/", "/a", "/b"}
	for _, path := range paths {
		srv.Route(path, func(r *framework.Router) {
			r.On("connect", func() { seen <- "connect " + path })
			r.On("disconnect", func() {
				seen <- "disconnect " + path
				if path == "/a" {
					panic("in Flask the others would not run then")
				}
			})
		})
	}
	c := sockettest.Dial(t, srv, sockettest.Options{})
	for _, path := range paths {
		c.Join(path)
		equal(t, "joining", receive(t, seen), "connect "+path)
	}
	c.Cut()
	var gone []string
	for range paths {
		gone = append(gone, receive(t, seen))
	}
	slices.Sort(gone)
	equal(t, "after the cut", strings.Join(gone, ", "), "disconnect /, disconnect /a, disconnect /b")
}

func TestSeed086NoNamespaceIsJoinedByItself(t *testing.T) {
	srv := quiet()
	srv.On("connect", func() { t.Error("the client is in / without having asked") })
	srv.On("disconnect", func() { t.Error("the client left / without having been there") })
	left := make(chan bool, 1)
	srv.Route("/test", func(r *framework.Router) { r.On("disconnect", func() { left <- true }) })
	s := sockettest.Connect(t, srv, "/test")
	equal(t, "sockets in /", len(srv.Of("/").Sockets()), 0)
	s.Conn().Close()
	receive(t, left)
}
