package framework

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"
)

// Handshake is what is kept of a client's first HTTP request. All namespaces of
// one connection share it. Do not change it.
type Handshake struct {
	Header     http.Header
	URL        *url.URL   // of the request, the server's path and the query in it
	Query      url.Values // URL's, parsed: what the client was given as its query, and Engine.IO's own
	Host       string     // the Host header: "example.com:8080"
	RemoteAddr string     // as net/http has it: "192.0.2.1:4711"
	Secure     bool       // over TLS, as far as this process can see
	Time       time.Time  // when the request came
}

// Cookie returns the named cookie of the request, or http.ErrNoCookie.
func (h *Handshake) Cookie(name string) (*http.Cookie, error) {
	return (&http.Request{Header: h.Header}).Cookie(name)
}

func newHandshake(r *http.Request) *Handshake {
	return &Handshake{
		Header:     r.Header,
		URL:        r.URL,
		Query:      r.URL.Query(),
		Host:       r.Host,
		RemoteAddr: r.RemoteAddr,
		Secure:     r.TLS != nil,
		Time:       time.Now(),
	}
}

// lasting returns the values of a request's context for the life of a
// connection. chi uses its route context again for the next request, so it is
// cloned.
func lasting(ctx context.Context) context.Context {
	kept := context.WithoutCancel(ctx)
	if route := chi.RouteContext(ctx); route != nil {
		kept = context.WithValue(kept, chi.RouteCtxKey, route.Clone())
	}
	return kept
}
