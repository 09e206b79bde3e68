// Package framework is Socket.IO for Go, the class-based way: a struct embeds
// Namespace, its OnXxx methods serve the events of one path, and every official
// Socket.IO client (protocol v5: JavaScript 3 and 4, Python, Swift, Java, ...; with
// transport.Options.AllowEIO3 JavaScript 2) talks to it.
//
//	type Chat struct {
//		framework.Namespace
//	}
//
//	func (c *Chat) OnJoin(s *framework.Socket, in Join) error {
//		if err := s.Join(in.Room); err != nil {
//			return err
//		}
//		return c.To(in.Room).Send(in.Name + " has entered the room.")
//	}
//
//	func main() {
//		srv := framework.New(framework.Options{})
//		srv.Use(middleware.Logger, middleware.Recoverer)
//		srv.Register("/chat", &Chat{})
//
//		r := chi.NewRouter()
//		r.Mount("/socket.io", srv)
//		http.ListenAndServe(":8080", r)
//	}
//
// # Handlers
//
// Which methods serve what is decided once, at registration; whatever does not
// fit panics there, with all misfits of a type in one message.
//
//	OnConnect([ctx], [*Socket], [auth T]) [error]                    an error refuses
//	OnMyEvent([ctx], [*Socket], [*Ack], args...) (results..., [error])  serves "my_event"
//	OnDisconnect([ctx], [*Socket], [Reason], [error]) [error]
//	OnError([ctx], [*Event], error) (results...)                     failures of the above
//	Routes(r *Router)                                                names that no method can have
//
// What stands in brackets may be left out; ctx, *Socket, *Event and *Ack may stand
// in any order before the arguments. Arguments are decoded into the
// parameters' types: JSON, and a binary attachment for a []byte. A *T is nil
// when the argument is absent or null; a variadic last parameter takes the
// rest, and one of type Args takes it still encoded. The results are the
// acknowledgement; with an *Ack the handler answers later, from anywhere, once.
//
// # Who is spoken to
//
// The namespace speaks to everybody, the sender of the event included: c.Emit,
// c.To(room).Emit. The socket speaks to its one client: s.Emit. s.Broadcast()
// and s.To(room) are everybody else.
//
// Such a selection can also be asked (EmitWithAck), listed (Fetch), counted
// (Count), moved (Join, Leave) and sent away (Disconnect, Close). With
// Options.NewAdapter it spans the servers of a cluster.
//
// # Order
//
// For one socket handlers run one at a time, in the order in which the events
// arrived, but for those that Router.Concurrent lets run beside them; sockets run
// beside each other. What one goroutine emits reaches each
// client in the order of the calls. OnDisconnect runs once for each socket whose
// OnConnect returned nil, after its last handler. Emitting never blocks: a
// client that does not keep up is closed.
package framework
