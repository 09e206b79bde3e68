package framework_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/transport"
)

// asking is an EmitWithAck of "q" that is under way.
type asking struct {
	done    chan struct{}
	answers []framework.Answer
	err     error
}

func ask(ctx context.Context, b framework.Broadcast, args ...any) *asking {
	a := &asking{done: make(chan struct{})}
	go func() {
		defer close(a.done)
		a.answers, a.err = b.EmitWithAck(ctx, "q", args...)
	}()
	return a
}

// wait returns the answers as text, sorted, and the error.
func (a *asking) wait(t *testing.T) (string, error) {
	t.Helper()
	receive(t, a.done)
	var list []string
	for _, answer := range a.answers {
		list = append(list, fmt.Sprint(answer.ID[:2], string(answer.Args.Raw(0))))
	}
	slices.Sort(list)
	return strings.Join(list, " "), a.err
}

func missing(t *testing.T, err error) *framework.MissingAcksError {
	t.Helper()
	var m *framework.MissingAcksError
	if !errors.As(err, &m) {
		t.Fatalf("got error %v, want a %T", err, m)
	}
	return m
}

func TestAQuestionToManyIsEncodedOnceWithOneID(t *testing.T) {
	srv := quiet()
	ann, bob := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
	for range 2 {
		a := ask(t.Context(), srv.Except(), 1)
		ann.Expect("q").Ack()
		bob.Expect("q").Ack()
		if _, err := a.wait(t); err != nil {
			t.Fatal(err)
		}
	}
	questions := func(s *sockettest.Socket) (list []string) {
		for _, f := range s.Conn().Frames() {
			if strings.Contains(f, `["q"`) {
				list = append(list, f)
			}
		}
		return list
	}
	want := []string{`< 42500000001["q",1]`, `< 42500000002["q",1]`}
	if got := questions(ann); !slices.Equal(got, want) {
		t.Errorf("ann got %q, want %q", got, want)
	}
	if got := questions(bob); !slices.Equal(got, want) {
		t.Errorf("bob got %q, want %q", got, want)
	}
}

func TestAQuestionToManyInsideAHandlerDoesNotWaitForItself(t *testing.T) {
	srv := quiet()
	srv.On("vote", func(ctx context.Context, s *framework.Socket) (int, error) {
		answers, err := s.Namespace().EmitWithAck(ctx, "q")
		return len(answers), err
	})
	ann, bob := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
	call := ann.EmitWithAck("vote")
	ann.Expect("q").Ack(1)
	bob.Expect("q").Ack(2)
	equal(t, "answers", call.Wait().JSON(), "[2]")
}

func TestWhoIsInOnConnectIsNotAsked(t *testing.T) {
	srv := quiet()
	votes := make(chan int, 1)
	srv.On("connect", func(ctx context.Context, s *framework.Socket) error {
		answers, err := s.Namespace().EmitWithAck(ctx, "q")
		votes <- len(answers)
		return err
	})
	ann := sockettest.Connect(t, srv, "/")
	equal(t, "first", receive(t, votes), 0)
	sockettest.Dial(t, srv, sockettest.Options{}).Send("0")
	ann.Expect("q").Ack()
	equal(t, "second", receive(t, votes), 1)
}

func TestMissingAnswersAreNamedAndPartialOnesReturned(t *testing.T) {
	srv := quiet()
	ann, bob, eve := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
	ctx, cancel := context.WithCancelCause(t.Context())
	a := ask(ctx, srv.Except())
	ann.Expect("q").Ack("yes")
	ann.ExpectNone()
	bob.Expect("q")
	late := eve.Expect("q")
	cancel(errors.New("enough"))
	answers, err := a.wait(t)
	equal(t, "answers", answers, ann.ID()[:2]+`"yes"`)
	m := missing(t, err)
	want := []string{bob.ID(), eve.ID()}
	slices.Sort(want)
	if !slices.Equal(m.Missing, want) || m.Unknown != 0 {
		t.Errorf("got %v and %d missing, want %v", m.Missing, m.Unknown, want)
	}
	if !errors.Is(err, context.Canceled) || errors.Is(err, framework.ErrClosed) {
		t.Errorf("got error %v, want %v alone", err, context.Canceled)
	}
	equal(t, "text", err.Error(), fmt.Sprintf(`framework: emit "q": 2 answers are missing (%s, %s): context canceled`, want[0][:8], want[1][:8]))
	late.Ack("too late") // it is ignored, and the connection goes on
	a = ask(t.Context(), srv.To(eve.ID()))
	eve.Expect("q").Ack("again")
	answers, err = a.wait(t)
	equal(t, "answers", answers, eve.ID()[:2]+`"again"`)
	equal(t, "error", err, nil)
}

func TestAnswersAreCountedOnce(t *testing.T) {
	srv := quiet()
	ann, bob := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
	a := ask(t.Context(), srv.Except())
	ann.Expect("q").Ack(1)
	for range 3 {
		ann.Conn().Send(`3500000001[2]`)
	}
	ann.ExpectNone()
	bob.Expect("q").Ack(3)
	answers, err := a.wait(t)
	want := []string{ann.ID()[:2] + "1", bob.ID()[:2] + "3"}
	slices.Sort(want)
	equal(t, "answers", answers, strings.Join(want, " "))
	equal(t, "error", err, nil)
}

func TestWhoGoesWhileItIsAskedIsMissingAtOnce(t *testing.T) {
	tests := []struct {
		name string
		goes func(*sockettest.Socket, *framework.Socket)
	}{
		{"leaves", func(s *sockettest.Socket, _ *framework.Socket) { s.Leave() }},
		{"is cut off", func(s *sockettest.Socket, _ *framework.Socket) { s.Conn().Cut() }},
		{"is disconnected", func(_ *sockettest.Socket, s *framework.Socket) { s.Disconnect() }},
		{"is closed", func(_ *sockettest.Socket, s *framework.Socket) { s.Close() }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv := quiet()
			ann, bob := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
			inside, _ := srv.Of("/").Socket(bob.ID())
			a := ask(context.Background(), srv.Except())
			bob.Expect("q")
			tt.goes(bob, inside)
			ann.Expect("q").Ack(1)
			answers, err := a.wait(t)
			equal(t, "answers", answers, ann.ID()[:2]+"1")
			if m := missing(t, err); !slices.Equal(m.Missing, []string{bob.ID()}) || !errors.Is(err, framework.ErrClosed) {
				t.Errorf("got %v missing and error %v, want %s and %v", m.Missing, err, bob.ID(), framework.ErrClosed)
			}
			equal(t, "text", err.Error(), fmt.Sprintf(`framework: emit "q": 1 answer is missing (%s): socket is gone`, bob.ID()[:8]))
		})
	}
}

func TestTheTimeoutOfABroadcastBoundsItsQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := quiet()
		ann, bob := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
		began := time.Now()
		a := ask(context.Background(), srv.Timeout(3*time.Second))
		ann.Expect("q").Ack(1)
		bob.Expect("q")
		answers, err := a.wait(t)
		equal(t, "answers", answers, ann.ID()[:2]+"1")
		equal(t, "waited", time.Since(began), 3*time.Second)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got error %v, want %v", err, context.DeadlineExceeded)
		}
		a = ask(t.Context(), srv.Timeout(time.Second).Timeout(0).To(bob.ID()))
		e := bob.Expect("q")
		time.Sleep(time.Minute)
		e.Ack(2)
		answers, err = a.wait(t)
		equal(t, "without a bound", answers, bob.ID()[:2]+"2")
		equal(t, "error", err, nil)
	})
}

func TestQuestionsThatAreNotAskedAreErrors(t *testing.T) {
	srv := quiet()
	client := sockettest.Connect(t, srv, "/")
	over, cancel := context.WithCancel(t.Context())
	cancel()
	tests := []struct {
		name string
		ask  func() ([]framework.Answer, error)
		want error
	}{
		{"ctx is over", func() ([]framework.Answer, error) { return srv.EmitWithAck(over, "q") }, context.Canceled},
		{"reserved", func() ([]framework.Answer, error) { return srv.EmitWithAck(t.Context(), "connect") }, framework.ErrReservedEvent},
		{"unknown namespace", func() ([]framework.Answer, error) { return srv.Of("/no").EmitWithAck(t.Context(), "q") }, framework.ErrNotRegistered},
		{"no name", func() ([]framework.Answer, error) { return srv.EmitWithAck(t.Context(), "") }, nil},
		{"cannot be encoded", func() ([]framework.Answer, error) { return srv.EmitWithAck(t.Context(), "q", func() {}) }, nil},
	}
	for _, tt := range tests {
		answers, err := tt.ask()
		if err == nil || tt.want != nil && !errors.Is(err, tt.want) || len(answers) > 0 {
			t.Errorf("%s: got %v, error %v, want %v", tt.name, answers, err, tt.want)
		}
	}
	client.ExpectNone()
	if answers, err := srv.To().EmitWithAck(t.Context(), "q"); err != nil || len(answers) > 0 {
		t.Errorf("nobody: got %v, error %v, want neither", answers, err)
	}
}

func TestAQuestionThatIsDroppedIsNotWaitedFor(t *testing.T) {
	srv := quiet()
	// Between two polls a volatile packet is dropped.
	sid := strings.Split(request(t, srv, "GET", "", ""), `"`)[3]
	request(t, srv, "POST", sid, "40")
	request(t, srv, "GET", sid, "")
	answers, err := srv.Volatile().EmitWithAck(context.Background(), "q")
	if err != nil || len(answers) > 0 {
		t.Errorf("got %v, error %v, want neither", answers, err)
	}
	request(t, srv, "POST", sid, "1")
}

// A client that an answer is awaited of is read on; once it is not, a flood is held
// back again.
func TestPromise10WhoIsNoLongerAskedIsHeldBackAgain(t *testing.T) {
	const events = 500
	gate, done := make(chan struct{}), make(chan struct{})
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), Transport: transport.Options{MaxBacklog: 64 << 10}})
	n := 0
	srv.On("flood", func(string) {
		<-gate
		if n++; n == events {
			close(done)
		}
	})
	client := sockettest.Connect(t, srv, "/")
	for _, answered := range []bool{true, false} {
		ctx, cancel := context.WithCancel(t.Context())
		a := ask(ctx, srv.Except())
		e := client.Expect("q")
		if answered {
			e.Ack()
		} else {
			cancel()
		}
		if _, err := a.wait(t); (err == nil) != answered {
			t.Errorf("got error %v", err)
		}
		cancel()
	}
	for range events {
		client.Emit("flood", strings.Repeat("x", 1000))
	}
	close(gate)
	receive(t, done)
}
