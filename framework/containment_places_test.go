package framework_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/adapter"
	"github.com/parlor-go/parlor/framework/internal/replay"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/transport"
)

// evil is an error that panics with itself when it is looked at, which package fmt does
// not bear.
type evil struct{}

func (e evil) Error() string                             { panic(e) }
func (e evil) MarshalJSON() ([]byte, error)              { panic(e) }
func (e evil) MarshalText() ([]byte, error)              { panic(e) }
func (e evil) MarshalZerologObject(event *zerolog.Event) { panic(e) }

// mine goes off where it is called, once it is armed.
type mine struct {
	armed atomic.Bool
	late  atomic.Bool // for what is to go off when the client is on its way out
	off   atomic.Int32
	how   func()
}

func (b *mine) trip() {
	if b.armed.Load() {
		b.off.Add(1)
		b.how()
	}
}

func (b *mine) err() error { b.trip(); return nil }

func (b *mine) tripLate() {
	if b.late.Load() {
		b.trip()
	}
}

// Values that go off when they are encoded, decoded or looked at.
type mineJSON struct{ *mine }
type mineError struct{ *mine }
type mineUnwrap struct{ *mine }

func (b mineJSON) MarshalJSON() ([]byte, error) { b.trip(); return []byte("1"), nil }
func (b mineError) Error() string               { b.trip(); return "mine" }
func (b mineUnwrap) Error() string              { return "mine" }
func (b mineUnwrap) Unwrap() error              { b.trip(); return nil }

// mineIn goes off when it is decoded; what is decoded knows no test.
type mineIn struct{}

var decoding atomic.Pointer[mine]

func (*mineIn) UnmarshalJSON([]byte) error { decoding.Load().trip(); return nil }

type mineWriter struct{ *mine }

func (b mineWriter) Write(p []byte) (int, error) { b.trip(); return len(p), nil }

type lateWriter struct{ *mine }

func (b lateWriter) Write(p []byte) (int, error) { b.tripLate(); return len(p), nil }

type mineCodec struct{ *mine }

func (b mineCodec) Append(dst []byte, v any) ([]byte, error) {
	b.trip()
	return framework.EncodingJSON{}.Append(dst, v)
}

func (b mineCodec) Unmarshal(data []byte, v any) error {
	b.trip()
	return framework.EncodingJSON{}.Unmarshal(data, v)
}

// mineAdapter is a cluster of one whose adapter goes off.
type mineAdapter struct {
	adapter.Adapter
	*mine
}

func (b mineAdapter) Broadcast(adapter.Packet, adapter.Selection, adapter.Flags) error {
	return b.err()
}
func (b mineAdapter) Ask(context.Context, adapter.Packet, adapter.Selection, adapter.Flags, adapter.Answers) error {
	return b.err()
}
func (b mineAdapter) Close() error { return b.err() }

// mineStore is such an adapter that keeps sessions, and goes off.
type mineStore struct {
	adapter.Adapter
	*replay.Memory
	*mine
}

func (b mineStore) Save(ctx context.Context, s *adapter.Session) error {
	b.trip()
	return b.Memory.Save(ctx, s)
}

func (b mineStore) Close() error { return nil }

// mineLog is such an adapter that goes off when a session is begun, or taken up again.
type mineLog struct{ mineStore }

func (b mineLog) Save(ctx context.Context, s *adapter.Session) error { return b.Memory.Save(ctx, s) }

func (b mineLog) Position() string {
	b.trip()
	return b.Memory.Position()
}

// mineEnd is such an adapter that goes off when a client is lost.
type mineEnd struct {
	mineStore
	off string
}

func (b mineEnd) Save(ctx context.Context, s *adapter.Session) error { return b.Memory.Save(ctx, s) }

func (b mineEnd) Position() string {
	if b.off == "Position" {
		b.tripLate()
	}
	return b.Memory.Position()
}

func (b mineEnd) Attended(anybody bool) {
	if b.off == "Attended" {
		b.tripLate()
	}
	b.Memory.Attended(anybody)
}

func (b mineEnd) RoomOpened(string) {}

func (b mineEnd) RoomClosed(string) {
	if b.off == "RoomClosed" {
		b.tripLate()
	}
}

// storing has sessions kept by a mineStore, or what is made of it.
func storing(of func(mineStore) adapter.Adapter) func(o *framework.Options, b *mine) {
	return func(o *framework.Options, b *mine) {
		o.Recovery = framework.Recovery{MaxDisconnection: time.Minute}
		o.NewAdapter = func(adapter.Local) (adapter.Adapter, error) {
			memory := replay.New(replay.Options{Keep: time.Minute, Retain: time.Minute, MaxBytes: 1 << 20, MaxSessions: 100})
			return of(mineStore{Memory: memory, mine: b}), nil
		}
	}
}

// mineChild is the class of a child whose Close goes off.
type mineChild struct {
	framework.Namespace
	*mine
}

func (b *mineChild) Close() error { return b.err() }

func TestPromise11NothingThatIsCalledEndsTheProcess(t *testing.T) {
	type place struct {
		name string
		opts func(o *framework.Options, b *mine)
		add  func(srv *framework.Server, b *mine)
		do   func(c *sockettest.Conn, b *mine) // by a client that is in "/"; nil for joining alone
	}
	emit := func(packets ...string) func(*sockettest.Conn, *mine) {
		return func(c *sockettest.Conn, _ *mine) {
			for _, p := range packets {
				c.Send(p)
			}
		}
	}
	on := func(event string, handler func(b *mine) any) func(*framework.Server, *mine) {
		return func(srv *framework.Server, b *mine) { srv.On(event, handler(b)) }
	}
	observed := func(o func(b *mine) framework.Observer) func(*framework.Server, *mine) {
		return func(srv *framework.Server, b *mine) { srv.Observe(o(b)) }
	}
	family := func(f func(b *mine) (framework.NamespaceHandler, error)) func(*framework.Server, *mine) {
		return func(srv *framework.Server, b *mine) {
			srv.RegisterFunc("/job/{id}", func(framework.Params) (framework.NamespaceHandler, error) { return f(b) })
		}
	}
	x := emit(`20["x"]`)
	cut := func(c *sockettest.Conn, b *mine) {
		awaitFrame(c, "< 40")
		b.late.Store(true)
		c.Cut()
	}
	lost := func(off string) place {
		return place{
			"an adapter's " + off + " for who is lost",
			storing(func(b mineStore) adapter.Adapter { return mineEnd{b, off} }),
			func(srv *framework.Server, _ *mine) {
				srv.On("connect", func(s *framework.Socket) error { return s.Join("of " + s.ID()) })
				srv.Route("/alone", func(r *framework.Router) { r.On("x", func() {}) })
			},
			func(c *sockettest.Conn, b *mine) {
				c.Send("0/alone,")
				awaitFrame(c, "< 40{")
				awaitFrame(c, "< 40/alone,{")
				b.late.Store(true)
				c.Cut()
			},
		}
	}
	places := []place{
		lost("Position"),
		lost("Attended"),
		lost("RoomClosed"),
		{"the log, all of it, for who is lost", func(o *framework.Options, b *mine) {
			o.Logger = zerolog.New(lateWriter{b})
			o.Transport.Logger = zerolog.New(lateWriter{b})
		}, on("disconnect", func(*mine) any { return func() error { return errors.New("no") } }), cut},
		{"OnDisconnect for who is lost", nil, on("disconnect", func(b *mine) any { return b.trip }), cut},
		{"Observer.Disconnected", nil, observed(func(b *mine) framework.Observer {
			return framework.Observer{Disconnected: func(*framework.Socket, framework.Reason, error) { b.trip() }}
		}), cut},
		{"a handler", nil, on("x", func(b *mine) any { return b.trip }), x},
		{"a handler beside the queue", nil, func(srv *framework.Server, b *mine) {
			srv.Route("/", func(r *framework.Router) { r.On("x", b.trip); r.Concurrent("x") })
		}, x},
		{"OnConnect", nil, on("connect", func(b *mine) any { return b.trip }), nil},
		{"OnDisconnect", nil, on("disconnect", func(b *mine) any { return b.trip }), emit("1")},
		{"middleware", nil, func(srv *framework.Server, b *mine) {
			srv.Use(func(next framework.Handler) framework.Handler {
				return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) { b.trip(); return next.ServeEvent(ctx, e) })
			})
		}, x},
		{"OnError", nil, func(srv *framework.Server, b *mine) {
			srv.On("x", func() error { return errors.New("x") })
			srv.OnError(func(context.Context, *framework.Event, error) ([]any, bool) { b.trip(); return nil, true })
		}, x},
		{"a callback", nil, on("x", func(b *mine) any {
			return func(s *framework.Socket) error { return s.Emit("ask", b.trip) }
		}), func(c *sockettest.Conn, _ *mine) {
			c.Send(`20["x"]`)
			awaitFrame(c, `< 421["ask"`)
			c.Send(`31[]`)
		}},
		{"a result's MarshalJSON", nil, on("x", func(b *mine) any { return func() any { return mineJSON{b} } }), x},
		{"MarshalJSON of what is broadcast", nil, on("x", func(b *mine) any {
			return func(s *framework.Socket) error { return s.Namespace().Emit("news", mineJSON{b}) }
		}), x},
		{"MarshalJSON of a refusal's data", nil, on("connect", func(b *mine) any {
			return func() error {
				if !b.armed.Load() {
					return nil
				}
				return framework.Refuse("no", mineJSON{b})
			}
		}), nil},
		{"an argument's UnmarshalJSON", nil, func(srv *framework.Server, b *mine) {
			decoding.Store(b)
			srv.On("x", func(mineIn) {})
		}, emit(`20["x",1]`)},
		{"an error's Error", nil, on("x", func(b *mine) any { return func() error { return mineError{b} } }), x},
		{"an error's Unwrap", nil, on("x", func(b *mine) any { return func() error { return mineUnwrap{b} } }), x},
		{"an error's Error, of OnConnect", nil, on("connect", func(b *mine) any {
			return func() error {
				if !b.armed.Load() {
					return nil
				}
				return mineError{b}
			}
		}), nil},
		{"a value that is logged", nil, on("x", func(b *mine) any {
			return func(ctx context.Context) { zerolog.Ctx(ctx).Info().Interface("value", mineJSON{b}).Msg("x") }
		}), x},
		{"a value that another server may read", nil, func(srv *framework.Server, b *mine) {
			key := framework.NewKey[mineJSON]("key")
			srv.Observe(framework.Observer{Set: func(*framework.Socket, string, json.RawMessage) {}})
			srv.On("x", func(s *framework.Socket) { key.Set(s, mineJSON{b}) })
		}, x},
		{"OnAny", nil, on("connect", func(b *mine) any {
			return func(s *framework.Socket) { s.OnAny(func(string, framework.Args) { b.trip() }) }
		}), x},
		{"OnAnyOutgoing", nil, on("connect", func(b *mine) any {
			return func(s *framework.Socket) error {
				s.OnAnyOutgoing(func(string, framework.Args) { b.trip() })
				return s.Emit("hello")
			}
		}), nil},
		{"Observer.Connected", nil, observed(func(b *mine) framework.Observer {
			return framework.Observer{Connected: func(*framework.Socket) { b.trip() }}
		}), nil},
		{"Observer.Received", nil, observed(func(b *mine) framework.Observer {
			return framework.Observer{Received: func(*framework.Socket, string, framework.Args) { b.trip() }}
		}), x},
		{"Observer.Closed", nil, observed(func(b *mine) framework.Observer {
			return framework.Observer{Closed: func(framework.Client, framework.Reason, error) { b.trip() }}
		}), nil},
		{"NewID", func(o *framework.Options, b *mine) {
			var n atomic.Int32
			o.NewID = func(*framework.Handshake) string { b.trip(); return fmt.Sprint("id", n.Add(1)) }
		}, nil, nil},
		{"Codec", func(o *framework.Options, b *mine) { o.Codec = mineCodec{b} },
			on("x", func(*mine) any { return func(v struct{ A int }) any { return v } }), emit(`20["x",{"A":1}]`)},
		{"a factory", nil, family(func(b *mine) (framework.NamespaceHandler, error) { return &plain{}, b.err() }), emit("0/job/1,")},
		{"a factory's error", nil, family(func(b *mine) (framework.NamespaceHandler, error) { return nil, mineError{b} }), emit("0/job/1,")},
		{"Close of a child", nil, family(func(b *mine) (framework.NamespaceHandler, error) { return &mineChild{mine: b}, nil }),
			emit("0/job/1,", "1/job/1,")},
		{"the adapter of a child", func(o *framework.Options, b *mine) {
			o.NewAdapter = func(l adapter.Local) (adapter.Adapter, error) {
				if l.Path() == "/" {
					return nil, nil
				}
				return mineAdapter{mine: b}, b.err()
			}
		}, family(func(b *mine) (framework.NamespaceHandler, error) { return &plain{}, nil }), emit("0/job/1,", "1/job/1,")},
		{"an adapter", func(o *framework.Options, b *mine) {
			o.NewAdapter = func(adapter.Local) (adapter.Adapter, error) { return mineAdapter{mine: b}, nil }
		}, on("x", func(b *mine) any {
			return func(s *framework.Socket) error { return s.Namespace().Emit("news") }
		}), x},
		{"an adapter that asks", func(o *framework.Options, b *mine) {
			o.NewAdapter = func(adapter.Local) (adapter.Adapter, error) { return mineAdapter{mine: b}, nil }
		}, on("x", func(b *mine) any {
			return func(ctx context.Context, s *framework.Socket) error {
				_, err := s.Namespace().To("a room elsewhere").Timeout(time.Minute).EmitWithAck(ctx, "ask")
				return err
			}
		}), x},
		{"OnExpired", func(o *framework.Options, b *mine) {
			o.Recovery = framework.Recovery{MaxDisconnection: time.Nanosecond, OnExpired: func(framework.ExpiredSession) { b.trip() }}
		}, nil, func(c *sockettest.Conn, _ *mine) {
			awaitFrame(c, "< 40") // who has not heard of its session has none
			c.Cut()
		}},
		{"an adapter that begins a session", storing(func(b mineStore) adapter.Adapter { return mineLog{b} }), nil, nil},
		{"an adapter that saves a session", storing(func(b mineStore) adapter.Adapter { return b }), nil, func(c *sockettest.Conn, _ *mine) {
			awaitFrame(c, "< 40")
			c.Cut()
		}},
		{"AllowRequest", func(o *framework.Options, b *mine) {
			o.Transport.AllowRequest = func(*http.Request) error { return b.err() }
		}, nil, nil},
		{"AllowRequest's error", func(o *framework.Options, b *mine) {
			o.Transport.AllowRequest = func(*http.Request) error {
				if !b.armed.Load() {
					return nil
				}
				return mineError{b}
			}
		}, nil, nil},
		{"InitialHeaders", func(o *framework.Options, b *mine) {
			o.Transport.InitialHeaders = func(http.Header, *http.Request) { b.trip() }
		}, nil, nil},
		{"NewID of the transport", func(o *framework.Options, b *mine) {
			var n atomic.Int32
			o.Transport.NewID = func(*http.Request) (string, error) { return fmt.Sprint("session", n.Add(1)), b.err() }
		}, nil, nil},
		{"the log", func(o *framework.Options, b *mine) { o.Logger = zerolog.New(mineWriter{b}).Level(zerolog.InfoLevel) }, nil, nil},
		{"OnConnectionError", func(o *framework.Options, b *mine) {
			o.Transport.OnConnectionError = func(transport.ConnectionError) { b.trip() }
			o.Transport.AllowRequest = func(r *http.Request) error {
				if b.armed.Load() {
					return errors.New("no")
				}
				return nil
			}
		}, nil, nil},
	}
	ways := []struct {
		name string
		how  func()
	}{
		{"panic", func() { panic("on purpose") }},
		{"panic with an evil error", func() { panic(evil{}) }},
		{"Goexit", runtime.Goexit},
	}
	for _, p := range places {
		for _, way := range ways {
			if strings.HasPrefix(p.name, "the log") && way.name == "Goexit" {
				continue // no writer does that; where it is written to from there is nobody to go on
			}
			t.Run(p.name+"/"+way.name, func(t *testing.T) {
				b := &mine{how: way.how}
				opts := framework.Options{Logger: zerolog.New(io.Discard)}
				if p.opts != nil {
					p.opts(&opts, b)
				}
				srv := unhurried(opts)
				if p.add != nil {
					p.add(srv, b)
				}
				srv.On("good", func() bool { return true })
				healthy := sockettest.Connect(t, srv, "/")
				healthy.Call("good")

				b.armed.Store(true)
				goesOff(t, srv, b, p.do)
				b.armed.Store(false)
				equal(t, "a client that was there", healthy.Call("good").JSON(), "[true]")
				equal(t, "a client that comes", sockettest.Connect(t, srv, "/").Call("good").JSON(), "[true]")
				ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
				defer cancel()
				if err := srv.Shutdown(ctx); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// awaitFrame returns when the client has a frame that begins with prefix.
func awaitFrame(c *sockettest.Conn, prefix string) {
	has := func(frame string) bool { return strings.HasPrefix(frame, prefix) }
	for !slices.ContainsFunc(c.Frames(), has) {
		runtime.Gosched()
	}
}

// goesOff has a client come, join "/", do what sets off the mine, and go, whatever it is
// answered.
func goesOff(t *testing.T, srv *framework.Server, b *mine, do func(*sockettest.Conn, *mine)) {
	t.Helper()
	ended := make(chan struct{})
	var open strings.Builder
	go func() { // as net/http would, it bears a panic and the end of the goroutine
		defer close(ended)
		defer func() { _ = recover() }()
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, httptest.NewRequest("GET", "/socket.io/?EIO=4&transport=polling", nil))
		if w.Code == http.StatusOK {
			open.WriteString(w.Body.String())
		}
	}()
	<-ended
	if open.Len() == 0 {
		if b.off.Load() == 0 {
			t.Fatal("the door was shut, and nothing was called")
		}
		return // the door itself went off
	}
	request(t, srv, "POST", strings.Split(open.String(), `"`)[3], "1") // that one goes
	c := sockettest.Dial(t, srv, sockettest.Options{})
	c.Send("0")
	if do != nil {
		do(c, b)
	}
	for deadline := time.Now().Add(30 * time.Second); b.off.Load() == 0; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("it was not called")
		}
	}
	c.Close()
}
