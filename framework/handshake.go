package framework

import (
	"context"
	"encoding/binary"
	"net/http"
	"net/url"
	"slices"
	"time"
	"unique"

	"github.com/go-chi/chi/v5"
)

// Handshake is what is kept of a client's first HTTP request. All namespaces of
// one connection share it. It is safe for concurrent use.
type Handshake struct {
	Host       string    // the Host header: "example.com:8080"
	RemoteAddr string    // as net/http has it: "192.0.2.1:4711"; of transport.Options.TrustedProxies, what those tell
	Secure     bool      // over TLS, as far as this process can see
	Time       time.Time // when the request came; the reference's issued is Time.UnixMilli()

	// What net/http has of the URL and the headers would be a client's greatest
	// expense, and most of it is never looked at. Here the strings stand one behind
	// the other, each with its length in front: own has the URL and the headers that
	// differ from client to client, alike the rest, once for all whose is the same.
	own   string
	alike unique.Handle[string]
}

// alikeHeaders are those that all browsers of one make send with the same values.
var alikeHeaders = []string{
	"Accept", "Accept-Encoding", "Accept-Language", "Cache-Control", "Connection", "Origin", "Pragma", "Priority",
	"Sec-Ch-Ua", "Sec-Ch-Ua-Mobile", "Sec-Ch-Ua-Platform", "Sec-Fetch-Dest", "Sec-Fetch-Mode", "Sec-Fetch-Site",
	"Sec-Websocket-Extensions", "Sec-Websocket-Version", "Upgrade", "User-Agent",
}

// URL returns the URL of the request: the server's path and the query, and what else
// of a proxy's absolute form there was. Each call makes a new one, as it does of what
// Header and Query return.
func (h *Handshake) URL() *url.URL {
	u, _ := h.unpack()
	return u
}

// Query returns the URL's query: what the client was given as its query option, and
// Engine.IO's own parameters.
func (h *Handshake) Query() url.Values { return h.URL().Query() }

// Header returns the headers of the request, without Host.
func (h *Handshake) Header() http.Header {
	_, own := h.unpack()
	header := make(http.Header)
	alike := ""
	if h.alike != (unique.Handle[string]{}) { // a Handshake that a test made
		alike = h.alike.Value()
	}
	for _, text := range []string{alike, own} {
		for text != "" {
			var name, value string
			name, text = cutText(text)
			value, text = cutText(text)
			header[name] = append(header[name], value)
		}
	}
	return header
}

// Cookie returns the named cookie of the request, or http.ErrNoCookie.
func (h *Handshake) Cookie(name string) (*http.Cookie, error) {
	return (&http.Request{Header: h.Header()}).Cookie(name)
}

// CrossDomain tells whether the request had an Origin header: the page of a browser
// made it, one of another site's mostly, but by WebSocket or POST also one of the
// server's own. The reference server's handshake.xdomain.
func (h *Handshake) CrossDomain() bool { return len(h.Header()["Origin"]) > 0 }

func newHandshake(r *http.Request) Handshake {
	var room [1 << 10]byte // what a browser sends fits
	b := room[:0]
	for _, name := range alikeHeaders {
		b = appendHeader(b, name, r.Header[name])
	}
	alike := unique.Make(string(b))

	b = b[:0]
	for _, part := range []string{r.URL.Scheme, r.URL.Host, r.URL.Path, r.URL.RawPath, r.URL.RawQuery} {
		b = appendText(b, part)
	}
	for name, values := range r.Header {
		if _, found := slices.BinarySearch(alikeHeaders, name); !found {
			b = appendHeader(b, name, values)
		}
	}
	return Handshake{
		Host:       r.Host,
		RemoteAddr: r.RemoteAddr,
		Secure:     r.TLS != nil,
		Time:       time.Now(),
		own:        string(b),
		alike:      alike,
	}
}

// unpack returns the URL, and behind it the headers' names and values in turn.
func (h *Handshake) unpack() (u *url.URL, rest string) {
	u, rest = new(url.URL), h.own
	for _, part := range []*string{&u.Scheme, &u.Host, &u.Path, &u.RawPath, &u.RawQuery} {
		*part, rest = cutText(rest)
	}
	return u, rest
}

func appendHeader(b []byte, name string, values []string) []byte {
	for _, value := range values {
		b = appendText(appendText(b, name), value)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// cutText takes the first string off a text; of the empty text, "".
func cutText(text string) (s, rest string) {
	n, shift, i := 0, 0, 0
	for ; i < len(text); i++ {
		n |= int(text[i]&0x7f) << shift
		if shift += 7; text[i] < 0x80 {
			i++
			break
		}
	}
	return text[i : i+n], text[i+n:]
}

// lasting returns a request's context for its values, which last as long as a
// connection. chi uses its route context again for the next request, so it is
// cloned.
func lasting(ctx context.Context) context.Context {
	if route := chi.RouteContext(ctx); route != nil {
		return context.WithValue(ctx, chi.RouteCtxKey, route.Clone())
	}
	return ctx
}
