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
//
// # Everything is bounded
//
// What a client can make grow, and what keeps it from that; beyond a bound it is closed
// or refused with a [LimitError]:
//
//   - sessions, ids of handshakes, heartbeats, entries for the flush workers, what
//     lingers of closed sessions: Options.MaxSessions, for each session has a place from
//     before AllowRequest is asked until nothing is left of it
//   - handshakes: HandshakeRate, and of one address MaxPerAddress and AddressRate; what
//     is known of addresses goes with their sessions, a while after the last handshake,
//     or beyond 65,536 without a session
//   - what a client is owed: MaxSendBuffer; what it sent: MaxPayload and MaxBacklog; all
//     of it together: MaxBuffered
//   - requests: one poll and one data request of a session at a time, each for as long as
//     there is a session; the body of any other request for BodyTimeout
//   - connections: one WebSocket or stream of a session, and one that it is to be
//     upgraded to, for UpgradeTimeout; one that is closing for seconds; others, and
//     what HTTP keeps alive, are the http.Server's to bound
//   - goroutines: one for each of these connections, one for a writer that has to wait,
//     and those that call Handler.Closed, OnUpgrade and OnUpgradeFailed, while that runs
//   - lines in the log that a client can cause: one a minute aloud for each bound
package transport
