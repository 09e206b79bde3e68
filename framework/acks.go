package framework

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// pendingAcks are the answers that a client still owes, by the id that it was
// given. Guarded by Socket.mu.
type pendingAcks map[uint64]*pendingAck

// pendingAck is one of them: somebody waits, or a callback is to run.
type pendingAck struct {
	event    string
	wait     chan ackResult // room for one
	callback *binding
	question *question // that others were asked, too
}

type ackResult struct {
	args Args
	err  error
}

// takeAll empties the table and returns what was in it, in the order of the ids.
func (p *pendingAcks) takeAll() []*pendingAck {
	if len(*p) == 0 {
		return nil
	}
	all := make([]*pendingAck, 0, len(*p))
	for _, id := range slices.Sorted(maps.Keys(*p)) {
		all = append(all, (*p)[id])
	}
	*p = nil
	return all
}

// errOwesAcks stands for owesAcks while the socket is locked.
var errOwesAcks = errors.New("framework: too many acks are owed")

// owesAcks is the error of asking a client that owes as many answers as it may.
func (s *Socket) owesAcks() error {
	return s.conn.exceed("MaxPendingAcks", "the client owes %d answers and is asked for no more", s.ns.srv.opts.MaxPendingAcks)
}

// expect notes that the client owes an answer, and returns its id.
func (s *Socket) expect(p *pendingAck, early bool) (uint64, error) {
	id, err := s.expectID(p, early)
	if err == errOwesAcks {
		err = s.owesAcks()
	}
	return id, err
}

func (s *Socket) expectID(p *pendingAck, early bool) (uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.silent():
		return 0, ErrClosed
	case s.state == connecting && !early:
		return 0, ErrNotConnected
	case len(s.acks) >= s.ns.srv.opts.MaxPendingAcks:
		return 0, errOwesAcks
	}
	if s.acks == nil {
		s.acks = make(pendingAcks)
	}
	if s.lastAck++; s.lastAck == sharedIDs {
		s.lastAck = 1
	}
	id := uint64(s.lastAck)
	s.acks[id] = p
	return id, nil
}

// unexpect forgets an answer, and tells whether it was still awaited.
func (s *Socket) unexpect(id uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.acks[id]
	delete(s.acks, id)
	return ok
}

// acked takes the answer that the client sent. It runs on the read loop.
func (s *Socket) acked(id uint64, args Args) {
	s.mu.Lock()
	p, ok := s.acks[id]
	if ok {
		delete(s.acks, id)
		p.settle(s, args, nil) // under the lock, so that it stands before OnDisconnect
	}
	early := s.state == connecting // it may have no id yet, to be logged with
	s.mu.Unlock()
	if !ok && early {
		return
	}
	if !ok {
		s.log().Debug().Uint64("id", id).Msg("ack for nothing that was asked, or too late")
		return
	}
	s.log().Debug().Str("event", p.event).Uint64("id", id).Msg("ack received")
}

// EmitWithAck sends event to the client and waits for its answer: one Args
// element for each argument that the client passed to its callback, still
// encoded.
//
// It returns ctx's error when ctx ends first (give it a deadline: a client may
// never answer), ErrClosed when the socket goes, ErrNotConnected while OnConnect
// runs, ErrReservedEvent for names such as "connect", and an error that wraps a
// *transport.LimitError if the client owes Options.MaxPendingAcks already. It is safe inside a
// handler: acks do not queue behind events.
//
// Socket.IO protocol v5, "Acknowledgement".
func (s *Socket) EmitWithAck(ctx context.Context, event string, args ...any) (Args, error) {
	p := &pendingAck{event: event, wait: make(chan ackResult, 1)}
	id, err := s.expect(p, false)
	if err != nil {
		return Args{}, emitError(event, err)
	}
	session := s.conn.session
	session.AwaitAck(1)
	defer session.AwaitAck(-1)
	if err := s.emitAsking(event, id, args); err != nil {
		s.unexpect(id)
		return Args{}, err // it names the event
	}
	select {
	case r := <-p.wait:
		if r.err != nil {
			return Args{}, emitError(event, r.err)
		}
		return r.args, nil
	case <-ctx.Done():
		s.unexpect(id)
		return Args{}, emitError(event, ctx.Err())
	}
}

// Call is EmitWithAck with the first argument of the answer decoded into a T.
// An answer without arguments is the zero T.
func Call[T any](ctx context.Context, s *Socket, event string, args ...any) (T, error) {
	var v T
	answer, err := s.EmitWithAck(ctx, event, args...)
	if err != nil || answer.Len() == 0 {
		return v, err
	}
	if err := answer.Decode(0, &v); err != nil {
		return v, fmt.Errorf("framework: answer to %q: %w", event, err)
	}
	return v, nil
}

func (s *Socket) emitAsking(event string, id uint64, args []any) error {
	m, err := s.ns.encodeEvent(event, id, args)
	if err != nil {
		return err
	}
	if err := s.deliver(m, false); err != nil {
		return emitError(event, err)
	}
	s.log().Debug().Str("event", event).Uint64("id", id).Int("bytes", m.Len()).Msg("event sent, ack asked")
	return nil
}

// callbackForm is what the last argument of Emit may be.
var callbackForm = form{
	want: "func([context.Context], args..., [error])",
	lead: []reflect.Type{contextType}, args: -1,
}

func (s *Socket) emitCallback(event string, args []any, callback any) error {
	b, err := bindCallback(callback)
	if err != nil {
		return fmt.Errorf("framework: emit %q: %w", event, err)
	}
	id, err := s.expect(&pendingAck{event: event, callback: b}, true)
	if err != nil {
		return emitError(event, err)
	}
	if err := s.emitAsking(event, id, args); err != nil && s.unexpect(id) {
		return err // else the client went meanwhile, and the callback is told
	}
	return nil
}

// bindCallback checks a callback as a handler is checked; its error comes last.
func bindCallback(callback any) (*binding, error) {
	v := reflect.ValueOf(callback)
	if v.IsNil() {
		return nil, errors.New("ack callback is nil")
	}
	t := v.Type()
	in := make([]reflect.Type, t.NumIn())
	for i := range in {
		in[i] = t.In(i)
	}
	fails := len(in) > 0 && in[len(in)-1] == errorType
	if fails {
		in = in[:len(in)-1]
	}
	var out []reflect.Type
	for i := range t.NumOut() {
		out = append(out, t.Out(i))
	}
	sig, err := callbackForm.parse(reflect.FuncOf(in, out, t.IsVariadic() && !fails), 0)
	if err != nil {
		return nil, fmt.Errorf("ack callback has type %s, it %w: want %s", t, err, callbackForm.want)
	}
	sig.failure = fails
	return &binding{fn: v, sig: sig}, nil
}

// settle passes the answer, or what came instead of it, to who asked.
func (p *pendingAck) settle(s *Socket, args Args, err error) {
	if p.question != nil {
		p.question.put(heard{s, args, err})
		return
	}
	if p.callback == nil {
		p.wait <- ackResult{args, err}
		return
	}
	ec := &eventContext{}
	ec.event = Event{Name: p.event, Args: args, Socket: s, kind: KindAck}
	ec.event.target = HandlerFunc(func(ctx context.Context, e *Event) ([]any, error) {
		return p.callback.answer(ctx, e, err)
	})
	size := 0
	if err == nil {
		size = s.holdArgs(args)
	}
	s.enqueue(&task{kind: taskCallback, ec: ec, size: size})
}

// holdArgs counts an answer against the client's backlog until its callback
// ran.
func (s *Socket) holdArgs(args Args) int {
	size := heldFor(args) + args.size()
	s.conn.session.Hold(size)
	return size
}
