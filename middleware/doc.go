// Package middleware has middleware for Socket.IO events: what stands around
// the handlers of a framework.Server, as chi's middleware stands around HTTP
// handlers.
//
//	srv := framework.New(framework.Options{Logger: log})
//	srv.Use(middleware.Logger, middleware.Recoverer)
//	srv.Register("/chat", &Chat{}, middleware.Auth(verify), middleware.Timeout(5*time.Second))
//
// Use and Register wrap connecting and every event, With and Group narrow to
// single events, AtConnect to connecting. Who stands outside sees what those inside
// do, so a server with some of everything has them in this order:
//
//	srv.Use(middleware.RateLimit(...), middleware.Logger, middleware.Recoverer)
//	srv.Check(middleware.Validate)
//	srv.Route("/shop", func(r *framework.Router) {
//		r.Use(middleware.Cookie("session", user))
//		r.Attach(&Shop{})
//		r.With(middleware.Once(...)).On("pay", pay)
//		r.With(middleware.Concurrency(4, time.Second)).On("report", report)
//	})
//
// Packages jwt and playground, beside this one, have what stands on libraries that
// only their users compile. What concerns the HTTP requests below (request ids, real
// addresses, CORS, limits by address) belongs in the router that the server is
// mounted on.
package middleware
