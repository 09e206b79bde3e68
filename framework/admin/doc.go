// Package admin lets the official Admin UI of Socket.IO (npm's @socket.io/admin-ui)
// watch a server and act on it: servers, clients, sockets, rooms and events; join,
// leave and disconnect.
//
//	srv := framework.New(framework.Options{Transport: transport.Options{
//		Origins: []string{"https://admin.socket.io"}, AllowCredentials: true,
//	}})
//	admin.Instrument(srv, admin.Options{
//		Auth: admin.Basic("admin", "$2b$10$heqvAkYMez.Va6Et2uXInOnkCT6/uQj1brkrbyG3LpopDklcq7ZOS"),
//		Mode: admin.Development,
//	})
//
// Then open https://admin.socket.io and give it the server's URL. Its page is of
// another origin than the server and always asks with credentials, hence the two
// options. Whoever serves the page from the server's own origin needs neither: it is
// the folder ui/dist of the npm package, behind an http.FileServer.
//
// The protocol is that of @socket.io/admin-ui 0.5. What is better left to the logs of
// the server is not told: where the reference shows more than half of the Engine.IO
// session id, which is the client's secret, clientId here is what
// framework.Client.ID gives, and the headers Authorization, Proxy-Authorization and
// Cookie are named without their values. Queries are told as they came; of what is very
// long the beginning is told.
//
// In a cluster (framework.Options.NewAdapter) the counts are those of all servers that
// are instrumented, and commands reach all; of sockets, rooms and events the UI is told
// by the server that it is connected to.
//
// Middleware of Server.Use wraps the admin namespace as every other: what asks users
// for a token belongs into Register.
package admin
