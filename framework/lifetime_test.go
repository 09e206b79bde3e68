package framework

import (
	"context"
	"errors"
	"testing"
)

func TestContextsDerivedFromASocketsEndWithIt(t *testing.T) {
	socket := func() *Socket { return &Socket{conn: &conn{values: context.Background()}} }
	tests := []struct {
		name string
		of   func(s *Socket) context.Context
	}{
		{"its own", func(s *Socket) context.Context { return s.Context() }},
		{"a value", func(s *Socket) context.Context { return context.WithValue(s.Context(), t, t) }},
		{"cancel", func(s *Socket) context.Context {
			ctx, cancel := context.WithCancel(s.Context())
			t.Cleanup(cancel)
			return ctx
		}},
		{"an event's", func(s *Socket) context.Context { return &eventContext{Context: s.Context()} }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := socket()
			before := tt.of(s)
			if err := before.Err(); err != nil || context.Cause(before) != nil {
				t.Errorf("got error %v, cause %v while it lives", err, context.Cause(before))
			}
			select {
			case <-before.Done():
				t.Error("Done is closed while it lives")
			default:
			}
			s.life.end(TransportClose)
			s.life.end(errors.New("too late"))
			for _, ctx := range []context.Context{before, tt.of(s)} {
				<-ctx.Done() // at once: no goroutine carries it on
				if got := ctx.Err(); got != context.Canceled {
					t.Errorf("error: got %v, want %v", got, context.Canceled)
				}
				if got := context.Cause(ctx); got != error(TransportClose) {
					t.Errorf("cause: got %v, want %v", got, TransportClose)
				}
			}
		})
	}
}

func TestASocketThatNobodyWaitsForHasNoContext(t *testing.T) {
	s := &Socket{conn: &conn{values: context.Background()}}
	ctx := s.Context()
	if allocs := testing.AllocsPerRun(100, func() { _, _ = ctx.Err(), ctx.Value(t) }); allocs > 0 || s.life.state != nil {
		t.Errorf("got %v allocations, state %v", allocs, s.life.state)
	}
}
