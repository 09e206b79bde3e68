// Package middleware has middleware for Socket.IO events: what stands around
// the handlers of a framework.Server, as chi's middleware stands around HTTP
// handlers.
//
//	srv := framework.New(framework.Options{Logger: log})
//	srv.Use(middleware.Logger, middleware.Recoverer)
//	srv.Register("/chat", &Chat{}, middleware.Auth(verify), middleware.Timeout(5*time.Second))
//
// Use and Register wrap connecting and every event, With and Group narrow to
// single events, AtConnect to connecting. What concerns the HTTP requests below
// (request ids, real addresses, CORS, rate limits) belongs in the router that
// the server is mounted on.
package middleware
