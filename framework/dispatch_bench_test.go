package framework

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework/internal/packet"
)

// BenchmarkDispatch is what lies between a parsed event and its reply: the
// chain, the decoding, the call.
func BenchmarkDispatch(b *testing.B) {
	type point struct {
		Room   string  `json:"room"`
		Count  int     `json:"count"`
		Ratio  float64 `json:"ratio"`
		Urgent bool    `json:"urgent"`
	}
	pass := func(next Handler) Handler {
		return HandlerFunc(func(ctx context.Context, e *Event) ([]any, error) { return next.ServeEvent(ctx, e) })
	}
	tests := []struct {
		name    string
		handler any
	}{
		{"struct", func(p point) point { return p }},
		{"raw", func(p json.RawMessage) json.RawMessage { return p }},
		{"context-and-socket", func(ctx context.Context, s *Socket, p json.RawMessage) error { return nil }},
		{"Handler", HandlerFunc(func(_ context.Context, e *Event) ([]any, error) { return []any{e.Args}, nil })},
	}
	array := []byte(`["echo",{"room":"lobby-0001","count":12345,"ratio":0.12345,"urgent":true}]`)
	for _, tt := range tests {
		b.Run(tt.name, func(b *testing.B) {
			srv := New(Options{Logger: zerolog.Nop()})
			srv.Use(pass, pass)
			srv.On("echo", tt.handler)
			srv.compile()
			ns := srv.namespaces["/"]
			s := &Socket{ns: ns, kept: context.Background()}
			b.ReportAllocs()
			for b.Loop() {
				ec := &eventContext{Context: s.Context()}
				args, err := parseArgs(array, ec.elems[:0], nil, 256)
				if err != nil {
					b.Fatal(err)
				}
				r := ns.routeOf(packet.PeekName(array))
				args.elems = args.elems[1:]
				ec.event = Event{Name: r.event, Args: args, Socket: s, target: r.serve}
				reply, err := ns.entry.ServeEvent(ec, &ec.event)
				if err != nil {
					b.Fatal(err)
				}
				p, err := encode(&ns.srv.opts, packet.Head{Type: packet.Ack, Namespace: ns.path, HasID: true}, "", reply)
				if err != nil {
					b.Fatal(err)
				}
				p.release()
			}
		})
	}
}
