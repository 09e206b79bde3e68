package framework

// TakeAck is for middleware, and for a Handler, what an *Ack parameter is for a
// function: the reply that ServeEvent returns is then none, the event is answered
// through the *Ack, or never. An Event that middleware made from nothing has an
// *Ack that answers nobody.
func (e *Event) TakeAck() *Ack {
	if e.ack == nil {
		e.ack = &Ack{socket: e.Socket, event: e.Name}
	}
	e.ack.handed = true
	return e.ack
}

// Late tells middleware, once the handler has returned, whether it took the *Ack:
// then the reply that it returned is none, and the answer comes later.
func (e *Event) Late() bool { return e.ack != nil && e.ack.handed }

// TapLate has fn called with what is replied through the event's *Ack, whether or
// not the client asked for an answer and is still there to get it. Middleware
// calls it before the handler. fn runs inside Reply, before the answer leaves; it
// must not keep the values, which their owner may change once Reply has returned.
func (e *Event) TapLate(fn func(reply []any)) {
	if e.ack == nil {
		return
	}
	if outer := e.ack.tap; outer != nil {
		inner := fn
		fn = func(reply []any) { inner(reply); outer(reply) }
	}
	e.ack.tap = fn
}
