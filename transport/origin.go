package transport

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// originPattern is one of Options.Origins.
type originPattern struct {
	any    bool   // "*"
	scheme string // with "://"
	suffix string // of a wildcard's hosts, with the dot in front and the port behind
	exact  string
}

// parseOrigins panics with what is wrong with a pattern.
func parseOrigins(list []string) []originPattern {
	patterns := make([]originPattern, 0, len(list))
	for _, text := range list {
		if text == "*" {
			patterns = append(patterns, originPattern{any: true})
			continue
		}
		u, err := url.Parse(strings.Replace(text, "://*.", "://wildcard.", 1))
		if err != nil || u.Scheme == "" || u.Hostname() == "" || u.Path != "" || u.User != nil ||
			strings.ContainsAny(text, "?#") || strings.Contains(u.Host, "*") || u.Hostname() == "wildcard." {
			panic(fmt.Sprintf("transport: Options.Origins has %q: want an origin without a path, "+
				`such as "https://app.example.com", "https://*.example.com" or "*"`, text))
		}
		text = strings.ToLower(text)
		if port := defaultPort(u.Scheme); u.Port() == port {
			text = strings.TrimSuffix(text, ":"+port) // browsers leave it out
		}
		if scheme, host, _ := strings.Cut(text, "://"); strings.HasPrefix(host, "*.") {
			patterns = append(patterns, originPattern{scheme: scheme + "://", suffix: host[1:]})
			continue
		}
		patterns = append(patterns, originPattern{exact: text})
	}
	return patterns
}

// matches tells whether an origin, in lower case, is meant by the pattern.
func (p originPattern) matches(origin string) bool {
	if p.suffix == "" {
		return p.any || origin == p.exact
	}
	host, ok := strings.CutPrefix(origin, p.scheme)
	return ok && strings.HasSuffix(host, p.suffix) && len(host) > len(p.suffix)
}

// allowOrigin sets the headers that concern the request's origin, or answers that
// it is not allowed.
func (e *Engine) allowOrigin(w http.ResponseWriter, r *http.Request) bool {
	h := w.Header()
	addVary(h, "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	if strings.ContainsFunc(origin, isControl) {
		e.refuse(w, r, refusedRequest, "control characters in the Origin header")
		return false
	}
	if len(r.Header["Origin"]) > 1 { // RFC 6454 section 7.3: at most one; which of them counts is anybody's guess
		e.refuse(w, r, refusedRequest, "more than one Origin header")
		return false
	}
	everybody, allowed := e.knowsOrigin(r, origin)
	if !allowed {
		e.refuse(w, r, refusedOrigin, fmt.Sprintf("pages of origin %q may not connect to host %q: "+
			"if they should, add the origin to Options.Origins", origin, r.Host))
		return false
	}
	e.shareWith(h, origin, everybody)
	return true
}

// SetCORS lets pages read the answer to r if they may connect, and reports whether it
// does: its origin must be the server's own or one of Options.Origins. It is for what
// is served beside the engine, such as the client's script; ServeHTTP does so itself.
func (e *Engine) SetCORS(h http.Header, r *http.Request) bool {
	r, _ = e.unproxied(r)
	addVary(h, "Origin")
	origin := r.Header.Get("Origin")
	if origin == "" || strings.ContainsFunc(origin, isControl) {
		return false
	}
	everybody, allowed := e.knowsOrigin(r, origin)
	if allowed {
		e.shareWith(h, origin, everybody)
	}
	return allowed
}

func isControl(c rune) bool { return c < ' ' || c == 0x7f }

// knowsOrigin tells whether pages of origin may connect, and whether any may.
func (e *Engine) knowsOrigin(r *http.Request, origin string) (everybody, allowed bool) {
	allowed = sameOrigin(origin, r.Host)
	if len(e.origins) > 0 {
		lower := strings.ToLower(origin)
		for _, p := range e.origins {
			if p.matches(lower) {
				everybody, allowed = p.any, true
			}
		}
	}
	if !allowed && e.opts.AllowOrigin != nil {
		allowed = e.opts.AllowOrigin(r, origin)
	}
	return everybody, allowed
}

// shareWith sets the headers for an origin that is allowed.
func (e *Engine) shareWith(h http.Header, origin string, everybody bool) {
	// CORS middleware in front knows what it wants; two values would be none.
	if h.Get("Access-Control-Allow-Origin") != "" {
		return
	}
	if everybody {
		origin = "*"
	}
	h.Set("Access-Control-Allow-Origin", origin)
	if e.opts.AllowCredentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
}

// sameOrigin compares an Origin header with a Host header. A port that is not
// written is the default one of the origin's scheme, in either.
func sameOrigin(origin, host string) bool {
	scheme, originHost, ok := strings.Cut(origin, "://")
	if !ok {
		return false // "null"
	}
	if strings.EqualFold(originHost, host) {
		return true // as a rule
	}
	port := defaultPort(scheme)
	return strings.EqualFold(withPort(originHost, port), withPort(host, port))
}

func defaultPort(scheme string) string {
	if strings.EqualFold(scheme, "https") {
		return "443"
	}
	return "80"
}

func withPort(host, port string) string {
	if _, _, err := net.SplitHostPort(host); err == nil {
		return host
	}
	return host + ":" + port // an IPv6 address has its brackets already
}

// preflight answers the question of a browser whether it may send a request of an
// origin that has been allowed.
func preflight(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if r.Header.Get("Origin") != "" && h.Get("Access-Control-Allow-Methods") == "" {
		h.Set("Access-Control-Allow-Methods", "GET, POST")
		if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" {
			h.Set("Access-Control-Allow-Headers", asked)
			addVary(h, "Access-Control-Request-Headers")
		}
		h.Set("Access-Control-Max-Age", "600")
	}
	w.WriteHeader(http.StatusNoContent)
}
