// Package transport is Engine.IO protocol v4 on the server, and v3 on request
// (Options.AllowEIO3): HTTP long polling, WebSocket, on request WebTransport, and the
// upgrade from polling to the others. It carries messages, text or binary, between a
// client and a [Handler]; of namespaces, rooms and events it knows nothing.
//
//	engine := transport.New(transport.Options{}, func(s *transport.Session, r *http.Request) transport.Handler {
//		return &echo{session: s}
//	})
//	http.Handle("/engine.io/", engine)
//
// # Goroutines
//
// A client on a WebSocket costs one goroutine, its read loop; one that polls costs
// none but those of its HTTP requests. Heartbeats and other deadlines of all
// clients hang on one wheel, and a few flush workers write what Send has queued.
// These run only while the engine has sessions: an engine without clients owns no
// goroutine and needs no closing.
//
// # Order
//
// Messages that one goroutine sends to a session reach the client in that order,
// also across an upgrade. What the client sends reaches Handler.Message in order
// and one at a time. A message's attachments follow it without anything between.
//
// # Writing never blocks
//
// Send, Append and Flush only queue, or write what the kernel takes at once. A
// client that is behind by more than Options.MaxSendBuffer, or whose transport takes
// nothing for Options.WriteTimeout, is closed.
package transport
