package framework

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework/adapter"
	"github.com/parlor-go/parlor/framework/internal/packet"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestPromise14NothingIsLeftOfAQuestion(t *testing.T) {
	srv := New(Options{Logger: zerolog.Nop()})
	ann, bob := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		over := make(chan struct{})
		go func() {
			defer close(over)
			if answers, err := srv.EmitWithAck(ctx, "q"); err == nil {
				t.Errorf("got %d answers, want an error", len(answers))
			}
		}()
		ann.Expect("q").Ack()
		bob.Expect("q")
		cancel()
		<-over
	}
	ann.ExpectNone()
	for _, s := range srv.Of("/").Sockets() {
		s.mu.Lock()
		if n := len(s.acks); n > 0 {
			t.Errorf("got %d acks pending, want none", n)
		}
		s.mu.Unlock()
	}
}

func TestASocketsOwnIDsStayBelowThoseOfQuestions(t *testing.T) {
	s := &Socket{state: connected, ns: New(Options{}).namespaces["/"]}
	s.lastAck = sharedIDs - 2
	for _, want := range []uint64{sharedIDs - 1, 1, 2} {
		if got, err := s.expect(&pendingAck{}, false); got != want || err != nil {
			t.Errorf("got id %d and error %v, want %d", got, err, want)
		}
	}
	srv := New(Options{Logger: zerolog.Nop()})
	srv.questions.Store(2*sharedIDs - 2)
	for _, want := range []uint64{2*sharedIDs - 1, sharedIDs, sharedIDs + 1} {
		if got := srv.questionID(); got != want {
			t.Errorf("got id %d, want %d", got, want)
		}
	}
}

// FuzzOpenPacket: what is taken from another server is a packet that clients can read.
func FuzzOpenPacket(f *testing.F) {
	f.Add([]byte(`["x",{"_placeholder":true,"num":0}]`), 1)
	f.Add([]byte(` [ "connect" ] `), 0)
	f.Add([]byte(`[1,[[[]]]] `), 0)
	f.Fuzz(func(t *testing.T, data []byte, attachments int) {
		attachments = min(max(0, attachments), 10)
		event, args, err := openPacket(adapter.Packet{Data: data, Attachments: make([][]byte, attachments)})
		if err != nil {
			return
		}
		if !json.Valid(data) || packet.Reserved(event) {
			t.Fatalf("%q was taken", data)
		}
		head := packet.AppendHeader(nil, packet.Head{Type: packet.Event, Namespace: "/n", Attachments: attachments, ID: 7, HasID: true})
		p, err := packet.Decode(append(head, data...), attachments)
		if err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if string(p.Data) != string(data) || p.Attachments != attachments || p.ID != 7 {
			t.Fatalf("%q: got %q with %d attachments and id %d", data, p.Data, p.Attachments, p.ID)
		}
		if n := len(args.elems); n > 0 && string(args.Raw(n-1)) == "" {
			t.Fatalf("%q: the last argument is empty", data)
		}
	})
}
