package framework_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestAHandlerThatIsNoFunctionMayAnswerLater(t *testing.T) {
	srv := quiet()
	acks := make(chan *framework.Ack, 1)
	srv.On("order", framework.HandlerFunc(func(_ context.Context, e *framework.Event) ([]any, error) {
		acks <- e.TakeAck()
		return []any{"not an answer"}, nil
	}))
	s := sockettest.Connect(t, srv, "/")
	order := s.EmitWithAck("order")
	ack := receive(t, acks)
	if order.Answered() {
		t.Errorf("answered with %s before Reply", order.Wait())
	}
	if err := ack.Reply("done"); err != nil {
		t.Errorf("Reply: %v", err)
	}
	equal(t, "the answer", order.Wait().JSON(), `["done"]`)
}

func TestTheAckOfAnEventMadeFromNothingAnswersNobody(t *testing.T) {
	e := &framework.Event{Name: "order"}
	if e.Late() {
		t.Error("Late before anybody took the ack")
	}
	e.TapLate(func([]any) { t.Error("something was replied") })
	ack := e.TakeAck()
	if err := ack.Reply("done"); err != nil || ack.Wanted() {
		t.Errorf("got %v and wanted %v, want nil and false", err, ack.Wanted())
	}
	if !e.Late() {
		t.Error("not Late once the ack was taken")
	}
}

func TestMiddlewareHearsLateAnswers(t *testing.T) {
	var log []string
	tap := func(name string) framework.Middleware {
		return func(next framework.Handler) framework.Handler {
			return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
				e.TapLate(func(reply []any) { log = append(log, fmt.Sprint(name, reply)) })
				reply, err := next.ServeEvent(ctx, e)
				log = append(log, fmt.Sprint(name, " late ", e.Late()))
				return reply, err
			})
		}
	}
	srv := quiet()
	srv.Use(tap("outer"), tap("inner"))
	acks := make(chan *framework.Ack, 1)
	srv.On("connect", func() {})
	srv.On("later", func(ack *framework.Ack) { acks <- ack })
	srv.On("now", func() string { return "done" })

	tests := []struct {
		name string
		do   func(s *sockettest.Socket)
		want string
	}{
		{"answered by the handler's result", func(s *sockettest.Socket) { s.Call("now") }, "[inner late false outer late false]"},
		{"answered later", func(s *sockettest.Socket) {
			later := s.EmitWithAck("later")
			s.Call("now")
			ack := receive(t, acks)
			_ = ack.Reply(1, "two")
			if err := ack.Reply(3); !errors.Is(err, framework.ErrAlreadyAcked) {
				t.Errorf("the second reply: got %v, want %v", err, framework.ErrAlreadyAcked)
			}
			later.Wait()
		}, "[inner late true outer late true inner late false outer late false inner[1 two] outer[1 two]]"},
		{"not asked for", func(s *sockettest.Socket) {
			s.Emit("later")
			s.Call("now")
			_ = receive(t, acks).Reply(1)
		}, "[inner late true outer late true inner late false outer late false inner[1] outer[1]]"},
		{"what cannot be encoded is no answer", func(s *sockettest.Socket) {
			s.Emit("later")
			s.Call("now")
			receive(t, acks)
			later := s.EmitWithAck("later")
			s.Call("now")
			ack := receive(t, acks)
			log = nil
			if err := ack.Reply(func() {}); err == nil {
				t.Error("a function was sent")
			}
			_ = ack.Reply(1)
			later.Wait()
		}, "[inner[1] outer[1]]"},
		{"to a client that has gone", func(s *sockettest.Socket) {
			s.EmitWithAck("later")
			s.Call("now")
			ack := receive(t, acks)
			log = nil
			s.Leave()
			s.Conn().Join("/") // behind the clean-up
			log = nil
			if err := ack.Reply(1); !errors.Is(err, framework.ErrClosed) {
				t.Errorf("got %v, want %v", err, framework.ErrClosed)
			}
		}, "[inner[1] outer[1]]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := sockettest.Connect(t, srv, "/")
			log = nil
			tt.do(s)
			equal(t, "what middleware heard", fmt.Sprint(log), tt.want)
		})
	}
}
