package framework_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// What happens when a client leaves and joins again before the first of it is over.

// gated makes a server whose OnConnect waits, and a function that lets it go on.
func gated(t *testing.T, log chan<- string, refuse func(n int32) bool) (srv *framework.Server, started chan int32, release chan struct{}) {
	t.Helper()
	started, release = make(chan int32, 10), make(chan struct{})
	var n, running atomic.Int32
	srv = quiet()
	srv.On("connect", func() error {
		me := n.Add(1)
		if running.Add(1) > 1 {
			t.Error("two connects of one client in one namespace at once")
		}
		defer running.Add(-1)
		started <- me
		<-release
		log <- "connect"
		if refuse(me) {
			return framework.Refuse("no")
		}
		return nil
	})
	srv.On("secret", func() { log <- "secret" })
	srv.On("disconnect", func() { log <- "disconnect" })
	return srv, started, release
}

func always(int32) bool { return true }
func never(int32) bool  { return false }

func TestNoEventIsServedBeforeItsSocketWasAccepted(t *testing.T) {
	log := make(chan string, 10)
	srv, started, release := gated(t, log, always)
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Send("0")
	receive(t, started)
	for _, p := range []string{"1", "0", `2["secret"]`, `2["secret"]`} {
		conn.Send(p)
	}
	conn.Refused("/nowhere") // all of it has been read
	close(release)
	equal(t, "first", receive(t, log), "connect")
	equal(t, "second", receive(t, log), "connect")
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	equal(t, "more", len(log), 0)
}

func TestASocketThatLeavesWhileItWaitsNeverConnects(t *testing.T) {
	log := make(chan string, 20)
	srv, started, release := gated(t, log, never)
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Send("0")
	receive(t, started)
	for range 1000 {
		conn.Send("1")
		conn.Send("0")
		conn.Send(`2["secret"]`)
	}
	conn.Send("1")
	conn.Refused("/nowhere")
	close(release)
	for _, want := range []string{"connect", "disconnect"} {
		equal(t, "order", receive(t, log), want)
	}
	conn.Close()
	if err := srv.Shutdown(t.Context()); err != nil { // counts every connection down
		t.Error(err)
	}
	equal(t, "more", len(log), 0)
}

func TestEventsAreForTheLastOfTheSocketsThatWaited(t *testing.T) {
	log := make(chan string, 20)
	srv, started, release := gated(t, log, never)
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Send("0")
	receive(t, started)
	for _, p := range []string{"1", "0", `2["lost with its socket"]`, "1", "0", `2["secret"]`} {
		conn.Send(p)
	}
	conn.Refused("/nowhere") // all of it has been read
	close(release)
	for _, want := range []string{"connect", "disconnect", "connect", "secret"} {
		equal(t, "order", receive(t, log), want)
	}
}

func TestAConnectionThatIsLostWhileASocketWaitsIsCleanedUp(t *testing.T) {
	log := make(chan string, 20)
	srv, started, release := gated(t, log, never)
	noticed := make(chan struct{})
	srv.Route("/last", func(r *framework.Router) { r.On("disconnect", func() { close(noticed) }) })
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Send("0")
	receive(t, started)
	conn.Send("1")
	conn.Send("0")
	conn.Join("/last")
	conn.Cut()
	receive(t, noticed) // by all sockets, this being the last
	close(release)
	for _, want := range []string{"connect", "disconnect"} {
		equal(t, "order", receive(t, log), want)
	}
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	equal(t, "more", len(log), 0)
}

func TestASocketThatHasLeftDoesNotSpeakForItsSuccessor(t *testing.T) {
	for name, refuse := range map[string]func(int32) bool{
		"accepted": never,
		"refused":  func(n int32) bool { return n == 1 },
	} {
		t.Run(name, func(t *testing.T) {
			srv, started, release := gated(t, make(chan string, 10), refuse)
			conn := sockettest.Dial(t, srv, sockettest.Options{})
			conn.Send("0")
			receive(t, started)
			conn.Send("1")
			conn.Send("0")
			conn.Refused("/nowhere")
			close(release)
			receive(t, started)
			waitFrame(t, conn, `< 40{"sid":`)
			conn.Refused("/nowhere")
			if got := framesWith(conn, `< 40`, `< 44{`); len(got) != 1 {
				t.Errorf("the client heard %q, want one CONNECT", got)
			}
		})
	}
}

func TestAHandlerOfASocketThatHasLeftIsNotHeardByItsSuccessor(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	srv := quiet()
	srv.On("slow", func(s *framework.Socket) {
		close(started)
		<-release
		if err := s.Emit("stale"); err == nil {
			t.Error("an emit to a client that has left succeeded")
		}
		s.Disconnect()
	})
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	client := conn.Join("/")
	client.Emit("slow")
	receive(t, started)
	before := len(conn.Frames())
	conn.Send("1")
	conn.Send("0")
	conn.Refused("/nowhere")
	close(release)
	waitFrame(t, conn, `< 40{"sid":`, before)
	conn.Refused("/nowhere")
	for _, f := range conn.Frames()[before:] {
		if strings.HasPrefix(f, `< 42`) || strings.HasPrefix(f, `< 41`) {
			t.Errorf("the client got %s", f)
		}
	}
}

// waitFrame waits for a packet that begins so, by round trips.
func waitFrame(t *testing.T, conn *sockettest.Conn, prefix string, from ...int) {
	t.Helper()
	start := 0
	if len(from) > 0 {
		start = from[0]
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if slices.ContainsFunc(conn.Frames()[start:], func(f string) bool { return strings.HasPrefix(f, prefix) }) {
			return
		}
		conn.Refused("/nowhere")
		if start > 0 && len(conn.Frames()) >= 1000 {
			start = 0 // the log keeps a thousand
		}
	}
	t.Fatalf("no packet begins with %s within a minute", prefix)
}

func framesWith(conn *sockettest.Conn, prefixes ...string) (out []string) {
	for _, f := range conn.Frames() {
		for _, p := range prefixes {
			if strings.HasPrefix(f, p) && !strings.Contains(f, "/nowhere") {
				out = append(out, f)
			}
		}
	}
	return out
}

func TestEventsThatArriveWhileConnectingHaveTheContextOfTheMiddleware(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	users := make(chan any, 1)
	srv := quiet()
	srv.Use(func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			if e.Kind() == framework.KindConnect {
				close(started)
				<-release
				ctx = context.WithValue(ctx, userKey{}, "ann")
			}
			return next.ServeEvent(ctx, e)
		})
	})
	srv.On("who", func(ctx context.Context) { users <- ctx.Value(userKey{}) })
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Send("0")
	receive(t, started)
	conn.Send(`2["who"]`)
	conn.Refused("/nowhere")
	close(release)
	equal(t, "user", receive(t, users), any("ann"))
}

func TestALeaveWhileConnectingDoesNotCancelTheEventsBefore(t *testing.T) {
	started, release := make(chan struct{}), make(chan struct{})
	errs := make(chan error, 1)
	srv := quiet()
	srv.On("connect", func(ctx context.Context) {
		close(started)
		<-release
		<-ctx.Done() // that of the connect ends
	})
	srv.On("event", func(ctx context.Context) { errs <- ctx.Err() })
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Send("0")
	receive(t, started)
	conn.Send(`2["event"]`)
	conn.Send("1")
	close(release)
	if err := receive(t, errs); err != nil {
		t.Errorf("the event's context: %v", err)
	}
}

func TestPromise14ALeaveEndsTheAcksThatItsClientOwes(t *testing.T) {
	errs := make(chan error, 2)
	srv := quiet()
	srv.On("ask", func(s *framework.Socket) {
		s.Emit("callback", func(err error) { errs <- err })
		// The leave stands in line behind this handler, which waits for nothing else.
		_, err := s.EmitWithAck(context.Background(), "question")
		errs <- err
		_, err = s.EmitWithAck(context.Background(), "another")
		errs <- err
	})
	client := sockettest.Connect(t, srv, "/")
	client.Emit("ask")
	client.Expect("question")
	client.Leave()
	for range 3 {
		if err := receive(t, errs); !errors.Is(err, framework.ErrClosed) {
			t.Errorf("got %v, want ErrClosed", err)
		}
	}
}
