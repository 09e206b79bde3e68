package framework_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/transport"
)

// Promise 10.

func TestPromise10AFloodNobodyHandlesClosesTheClientWhileAnAckIsAwaited(t *testing.T) {
	reasons := make(chan framework.Reason, 1)
	srv := unhurried(framework.Options{
		Logger:    zerolog.Nop(),
		Transport: transport.Options{MaxBacklog: 64 << 10},
	})
	srv.On("ask", func(s *framework.Socket) error {
		_, err := s.EmitWithAck(s.Context(), "question")
		return err
	})
	srv.On("flood", func(string) {})
	srv.On("disconnect", func(r framework.Reason) { reasons <- r })
	client := sockettest.Connect(t, srv, "/")
	client.Emit("ask")
	client.Expect("question")
	for range 100 { // never paused, as the server waits for this client's ack
		client.Emit("flood", strings.Repeat("x", 1000))
	}
	equal(t, "reason", receive(t, reasons), framework.TransportError)
}

// The rest of a packet is read even where it is more than reading pauses at.
func TestPromise10APacketWithLargeAttachmentsIsServed(t *testing.T) {
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), Transport: transport.Options{MaxBacklog: 64 << 10}})
	srv.On("files", func(files ...[]byte) int { return len(files) })
	file := make([]byte, 10_000)
	client := sockettest.Connect(t, srv, "/")
	equal(t, "ack", client.Call("files", file, file, file, file, file).JSON(), "[5]")
}

func TestPromise10AFloodIsHeldBackAndThenServedWhole(t *testing.T) {
	const events = 500
	gate, done := make(chan struct{}), make(chan struct{})
	srv := unhurried(framework.Options{
		Logger:    zerolog.Nop(),
		Transport: transport.Options{MaxBacklog: 64 << 10},
	})
	n := 0
	srv.On("flood", func(string) {
		<-gate
		if n++; n == events {
			close(done)
		}
	})
	for _, transport := range []string{"websocket", "polling"} {
		t.Run(transport, func(t *testing.T) {
			n, gate, done = 0, make(chan struct{}), make(chan struct{})
			client := sockettest.Dial(t, srv, sockettest.Options{Transport: transport}).Join("/")
			for range events { // eight times the bound
				client.Emit("flood", strings.Repeat("x", 1000))
			}
			close(gate)
			receive(t, done)
		})
	}
}

// Promise 9.

func TestPromise09AClientThatReadsNothingIsClosedAndOthersAreServed(t *testing.T) {
	srv := unhurried(framework.Options{
		Logger:    zerolog.Nop(),
		Transport: transport.Options{MaxSendBuffer: 64 << 10},
	})
	reasons, joined := make(chan framework.Reason, 1), make(chan struct{}, 2)
	srv.On("connect", func() { joined <- struct{}{} })
	srv.On("news", func(s *framework.Socket) error {
		for range 200 {
			if err := s.Broadcast().Emit("news", strings.Repeat("x", 4<<10)); err != nil {
				return err
			}
		}
		return nil
	})
	srv.On("disconnect", func(r framework.Reason) { reasons <- r })
	// Between two polls a client reads nothing: it owes more and more.
	slow := sockettest.Dial(t, srv, sockettest.Options{Transport: "polling"})
	slow.Send("0")
	receive(t, joined)
	sender := sockettest.Connect(t, srv, "/")
	sender.Call("news")
	sender.Call("news") // still served
	if r := receive(t, reasons); r != framework.TransportError {
		t.Errorf("reason: got %q, want %q", r, framework.TransportError)
	}
}

func TestPromise09EmitToAClientThatIsGoneIsErrClosedAndNoFailure(t *testing.T) {
	srv, log := logged()
	gone, gate := make(chan struct{}), make(chan struct{})
	srv.On("talk", func(s *framework.Socket) error {
		<-s.Context().Done()
		<-gate
		err := s.Emit("more")
		if !errors.Is(err, framework.ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
		return err
	})
	srv.OnError(func(context.Context, *framework.Event, error) ([]any, bool) {
		t.Error("OnError saw it")
		return nil, false
	})
	srv.On("disconnect", func() { close(gone) })
	client := sockettest.Connect(t, srv, "/")
	client.Emit("talk")
	client.Conn().Cut()
	close(gate)
	receive(t, gone)
	if !strings.Contains(log.String(), "client went away meanwhile") {
		t.Errorf("no debug line:\n%s", log)
	}
}

func TestPromise09VolatileIsDroppedWhileAnythingIsQueued(t *testing.T) {
	srv := quiet()
	emitted := make(chan struct{}, 1)
	srv.On("go", func(s *framework.Socket) {
		s.Emit("first")
		s.Volatile().Emit("dropped")
		s.Namespace().Volatile().Emit("dropped")
		s.Emit("last")
		emitted <- struct{}{}
	})

	// By hand, so that nothing is fetched in between: no poll is pending.
	sid := strings.Split(request(t, srv, "GET", "", ""), `"`)[3]
	request(t, srv, "POST", sid, "40")
	request(t, srv, "GET", sid, "")
	request(t, srv, "POST", sid, `42["go"]`)
	receive(t, emitted)
	equal(t, "poll", request(t, srv, "GET", sid, ""), "42[\"first\"]\x1e42[\"last\"]")
	request(t, srv, "POST", sid, "1")

	synctest.Test(t, func(t *testing.T) {
		srv := quiet()
		srv.On("quiet", func(s *framework.Socket) error { return s.Volatile().Emit("arrives") })
		client := sockettest.Connect(t, srv, "/")
		synctest.Wait() // nothing is being written
		client.Emit("quiet")
		client.Expect("arrives")
	})
}

func TestVolatileOfASocketWithARoomIsTheOthersThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := quiet()
		srv.On("join", func(s *framework.Socket) { s.Join("r") })
		srv.On("wave", func(s *framework.Socket) error { return s.Volatile().To("r").Emit("waved") })
		ann, bob, eve := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
		ann.Call("join")
		bob.Call("join")
		synctest.Wait() // nothing is being written
		ann.Call("wave")
		bob.Expect("waved")
		ann.ExpectNone()
		eve.ExpectNone()
	})
}

func TestErrClosedOfAnotherClientIsAFailureLikeAny(t *testing.T) {
	srv := quiet()
	gone := make(chan *framework.Socket, 1)
	srv.On("disconnect", func(s *framework.Socket) { gone <- s })
	srv.On("tell", func(other string) error { return (<-gone).Emit("x", other) })
	srv.OnError(func(_ context.Context, _ *framework.Event, err error) ([]any, bool) { return []any{err.Error()}, true })
	ann, bob := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
	bob.Conn().Close()
	equal(t, "answer", ann.Call("tell", "x").JSON(), `["framework: emit \"x\": socket is gone"]`)
}

// request is one HTTP request of a polling client.
func request(t *testing.T, srv *framework.Server, method, sid, body string) string {
	t.Helper()
	url := "/socket.io/?EIO=4&transport=polling"
	if sid != "" {
		url += "&sid=" + sid
	}
	w := httptest.NewRecorder()
	srv.ServeHTTP(w, httptest.NewRequest(method, url, strings.NewReader(body)))
	if w.Code != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, url, w.Code, w.Body)
	}
	return w.Body.String()
}

// Promise 12.

func TestPromise12WhatAHandlerWasGivenIsItsOwn(t *testing.T) {
	type given struct {
		raw  json.RawMessage
		bin  []byte
		text string
		args framework.Args
	}
	kept := make(chan given, 101)
	srv := quiet()
	srv.On("keep", func(raw json.RawMessage, bin []byte, text string, rest framework.Args) {
		kept <- given{raw, bin, text, rest}
	})
	client := sockettest.Connect(t, srv, "/")
	for i := range 100 {
		b := byte('a' + i%26)
		text := strings.Repeat(string(b), 50)
		client.Emit("keep", []string{text}, []byte(text), text, text)
	}
	client.Call("keep", nil, []byte{}, "", "")
	for i := range 100 {
		g := receive(t, kept)
		want := strings.Repeat(string(rune('a'+i%26)), 50)
		if string(g.raw) != `["`+want+`"]` || string(g.bin) != want || g.text != want || string(g.args.Raw(0)) != `"`+want+`"` {
			t.Fatalf("event %d: got %+v, want %s everywhere", i, g, want)
		}
	}
}

func TestPromise12WhatEmitWasGivenMayBeChanged(t *testing.T) {
	srv := quiet()
	srv.On("go", func(s *framework.Socket) {
		list, bin := []int{1, 2}, []byte("before")
		s.Emit("list", list, bin)
		s.Namespace().Emit("list", list, bin)
		list[0] = 9
		copy(bin, "after!")
	})
	client := sockettest.Dial(t, srv, sockettest.Options{Transport: "polling"}).Join("/")
	client.Emit("go")
	for range 2 {
		e := client.Expect("list")
		equal(t, "list", e.Args.JSON(), `[[1,2],{"_placeholder":true,"num":0}]`)
		equal(t, "binary", string(e.Args.Bytes(1)), "before")
	}
}

// Promise 13 and 15.

func TestPromise13NothingLivesWithoutSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the bubble fails if a goroutine is left
		srv := quiet()
		srv.On("work", func() {})
		for range 3 {
			conn := sockettest.Dial(t, srv, sockettest.Options{})
			conn.Join("/").Call("work")
			conn.Close()
		}
	})
}

func TestPromise15ShutdownLetsHandlersFinishAndFlushesTheirAcks(t *testing.T) {
	started, gate := make(chan struct{}), make(chan struct{})
	reasons := make(chan framework.Reason, 1)
	srv := quiet()
	srv.On("slow", func(s *framework.Socket) string {
		close(started)
		<-gate
		s.Emit("event")
		return "done"
	})
	srv.On("disconnect", func(r framework.Reason) { reasons <- r })
	client := sockettest.Connect(t, srv, "/")
	answer := client.EmitWithAck("slow")
	receive(t, started)
	ended := make(chan error)
	go func() { ended <- srv.Shutdown(context.Background()) }()
	for { // until the server drains
		_, refused := sockettest.TryDial(t, srv, sockettest.Options{Transport: "polling"})
		if refused != nil {
			equal(t, "status", refused.Status, 503)
			break
		}
	}
	close(gate)
	equal(t, "answer", answer.Wait().JSON(), `["done"]`)
	client.Expect("event")
	equal(t, "client sees", client.Disconnected(), "transport close") // no DISCONNECT packet: it reconnects
	equal(t, "reason", receive(t, reasons), framework.ServerShuttingDown)
	if err := receive(t, ended); err != nil {
		t.Error(err)
	}
}

func TestPromise15ShutdownInsideAHandlerReturnsAnError(t *testing.T) {
	srv := quiet()
	srv.On("stop", func() bool { return errors.Is(srv.Shutdown(context.Background()), framework.ErrShutdown) })
	srv.On("stop with ctx", func(ctx context.Context) bool {
		done := make(chan error)
		go func() { done <- srv.Shutdown(ctx) }()
		return errors.Is(<-done, framework.ErrShutdown)
	})
	client := sockettest.Connect(t, srv, "/")
	equal(t, "stop", client.Call("stop").JSON(), "[true]")
	equal(t, "stop with ctx", client.Call("stop with ctx").JSON(), "[true]")
}

func TestPromise15ShutdownEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := quiet()
		gate := make(chan struct{})
		srv.On("stuck", func() { <-gate })
		client := sockettest.Connect(t, srv, "/")
		client.Emit("stuck")
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := srv.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want context.DeadlineExceeded", err)
		}
		close(gate)
	})
}

func TestConnectTimeoutClosesAClientThatJoinsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := unhurried(framework.Options{Logger: zerolog.Nop(), ConnectTimeout: 3 * time.Second})
		srv.Route("/refuses", func(r *framework.Router) {
			r.On("connect", func() error { return framework.Refuse("no") })
		})
		idle := sockettest.Dial(t, srv, sockettest.Options{})
		refused := sockettest.Dial(t, srv, sockettest.Options{})
		joined := sockettest.Connect(t, srv, "/")
		left := sockettest.Dial(t, srv, sockettest.Options{})
		left.Join("/").Leave()
		refused.Refused("/refuses")
		refused.Refused("/nowhere")
		start := time.Now()
		idle.Closed()
		refused.Closed()
		if waited := time.Since(start); waited < 2*time.Second || waited > 4*time.Second {
			t.Errorf("closed after %v, want about 3s", waited)
		}
		equal(t, "counted", srv.Exceeded()["ConnectTimeout"], 2)
		time.Sleep(10 * time.Second)
		joined.ExpectNone()
		left.Join("/")
	})
}
