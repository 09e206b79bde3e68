package main

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/parlor-go/parlor/framework"
)

// region production
func newWeb(ctx context.Context, addr string, srv *framework.Server) *http.Server {
	r := chi.NewRouter()
	r.Mount("/socket.io", srv)
	r.Get("/healthz", func(http.ResponseWriter, *http.Request) {}) // alive
	r.Get("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		if ctx.Err() != nil || srv.Ready() != nil { // about to drain; full, overloaded
			http.Error(w, "not ready", http.StatusServiceUnavailable)
		}
	})
	return &http.Server{
		Addr:              addr,
		Handler:           r,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       60 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       120 * time.Second,
		MaxHeaderBytes:    64 << 10,
	}
}

// serveAndDrain serves until ctx ends. Load balancers then have notice to see that
// /readyz says no, before clients are sent away.
func serveAndDrain(ctx context.Context, web *http.Server, srv *framework.Server, notice time.Duration) error {
	ended := make(chan error, 1)
	go func() { ended <- web.ListenAndServe() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-ended:
		return err
	case <-time.After(notice):
	}
	drain, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	return errors.Join(srv.Shutdown(drain), web.Shutdown(drain)) // in this order
}

// endregion
