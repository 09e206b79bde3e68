package transport

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// refusal is an answer to a request that is not served, Engine.IO reference server,
// "Server.errors".
type refusal struct {
	status  int
	Code    int    `json:"code"`
	Message string `json:"message"`

	chosen bool // by Options.AllowRequest
	fault  bool // of this side: an error in the log
}

var (
	refusedTransport = refusal{status: http.StatusBadRequest, Code: 0, Message: "Transport unknown"}
	refusedSession   = refusal{status: http.StatusBadRequest, Code: 1, Message: "Session ID unknown"}
	refusedMethod    = refusal{status: http.StatusBadRequest, Code: 2, Message: "Bad handshake method"}
	refusedRequest   = refusal{status: http.StatusBadRequest, Code: 3, Message: "Bad request"}
	refusedID        = refusal{status: http.StatusBadRequest, Code: 3, Message: "Bad request", fault: true}
	refusedOrigin    = refusal{status: http.StatusForbidden, Code: 4, Message: "Forbidden"}
	refusedByChoice  = refusal{status: http.StatusForbidden, Code: 4, Message: "Forbidden", chosen: true}
	refusedProtocol  = refusal{status: http.StatusBadRequest, Code: 5, Message: "Unsupported protocol version"}

	// These have no counterpart there.
	refusedVersion  = refusal{status: http.StatusUpgradeRequired, Code: 3, Message: "Bad request"}
	refusedHijack   = refusal{status: http.StatusInternalServerError, Code: 3, Message: "Bad request"}
	refusedDraining = refusal{status: http.StatusServiceUnavailable, Code: 3, Message: "Server is shutting down"}
)

// refuse answers a request that is not served. why is for the log and for
// Options.OnConnectionError, where the code does not say it all.
func (e *Engine) refuse(w http.ResponseWriter, r *http.Request, ref refusal, why string) {
	if why == "" {
		e.refuseFor(w, r, ref, nil)
		return
	}
	e.refuseFor(w, r, ref, errors.New(why))
}

// refuseFor is refuse for an error, which may be nil.
func (e *Engine) refuseFor(w http.ResponseWriter, r *http.Request, ref refusal, why error) {
	ev := e.log.Warn()
	switch {
	case errors.As(why, new(*LimitError)):
		ev = e.log.Debug() // Exceed says it aloud, once
	case ref.Code == refusedSession.Code || ref.status == http.StatusServiceUnavailable:
		ev = e.log.Debug() // every restart brings them
	case ref.fault:
		ev = e.log.Error()
	case ref == refusedOrigin && e.originRefused.CompareAndSwap(false, true):
		ev = e.log.Error() // the first is as a rule a setting that is missing
	default: // anybody can have as many as he likes
		times, aloud := e.refusals.count(strconv.Itoa(ref.Code)) // AllowRequest may choose any Message
		if !aloud {
			ev = e.log.Debug()
		}
		ev.Uint64("times", times)
	}
	ev.Int("code", ref.Code).Str("reason", ref.Message)
	if why != nil {
		ev.Str("why", textOf(why))
	}
	ev.Str("method", r.Method).Str("remote", r.RemoteAddr).Msg("request refused")
	if limit, ok := errors.AsType[*LimitError](why); ok {
		e.Exceed(limit, r.RemoteAddr)
	}
	e.tellRefusal(r, ref, why)

	h := w.Header()
	switch {
	case ref == refusedDraining:
		h.Set("Retry-After", "1") // another server is there already, as a rule
	case ref.status == http.StatusServiceUnavailable || ref.status == http.StatusTooManyRequests:
		h.Set("Retry-After", retryAfter())
	case ref.status == http.StatusUpgradeRequired:
		h.Set("Upgrade", "websocket") // RFC 9110 section 15.5.22
	}
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	e.boundAnswer(w, r)
	body, _ := json.Marshal(ref)
	w.WriteHeader(ref.status)
	_, _ = w.Write(body)
}

// ServeHTTP serves whatever concerns Engine.IO, at any path.
func (e *Engine) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r, told := e.unproxied(r)
	if !e.allowOrigin(w, r) {
		return
	}
	if r.Method == http.MethodOptions {
		e.boundAnswer(w, r)
		preflight(w, r)
		return
	}
	if r.Method == http.MethodGet && r.ContentLength != 0 && r.ProtoMajor == 1 {
		// net/http waits for such a body before it answers, and does not see the
		// client leave meanwhile: a poll, which has no deadline, would never end. Later
		// versions see that, and may not know whether there is a body.
		e.refuse(w, r, refusedRequest, "a GET with a body")
		return
	}
	if e.opts.AllowEIO3 && !e.checkJSONP(w, r) {
		return
	}
	query := r.URL.RawQuery
	transport := parameter(query, "transport")
	if !e.offers(transport) {
		e.refuse(w, r, refusedTransport, "no transport parameter, or none that is served: this address is for Socket.IO clients")
		return
	}
	if id := parameter(query, "sid"); id != "" {
		e.serveSession(w, r, id, transport)
		return
	}

	upgrade := wantsWebSocket(r)
	switch {
	case r.Method != http.MethodGet:
		e.refuse(w, r, refusedMethod, "")
	case upgrade != (transport == WebSocket):
		e.refuse(w, r, refusedRequest, "a WebSocket handshake and transport=websocket belong together")
	case !e.speaks(parameter(query, "EIO")):
		e.refuse(w, r, refusedProtocol, "the client does not speak Engine.IO 4: socket.io-client 2 and older do not, "+
			"and are served with Options.AllowEIO3")
	case upgrade && !e.checkHandshake(w, r): // it has been answered
	default:
		e.handshake(w, r, told, upgrade)
	}
}

// serveSession serves a request that names a session.
func (e *Engine) serveSession(w http.ResponseWriter, r *http.Request, id, transport string) {
	s := e.session(id)
	upgrade := wantsWebSocket(r)
	switch {
	case s == nil:
		e.refuse(w, r, refusedSession, "")
	case upgrade != (transport == WebSocket):
		e.refuse(w, r, refusedRequest, "a WebSocket handshake and transport=websocket belong together")
	case upgrade:
		e.upgradeSession(w, r, s)
	case s.Transport() != Polling:
		e.refuse(w, r, refusedRequest, "the session is on another transport")
	case r.Method == http.MethodGet:
		e.setHeaders(w, r)
		s.serveGET(w, r)
	case r.Method == http.MethodPost:
		e.setHeaders(w, r)
		s.servePOST(w, r)
	default:
		e.refuse(w, r, refusedMethod, "")
	}
}

// speaks tells whether a version of Engine.IO is served.
func (e *Engine) speaks(version string) bool {
	return version == "4" || version == "3" && e.opts.AllowEIO3
}

// offers tells whether a transport that requests can name is among the options.
// WebTransport has a door of its own.
func (e *Engine) offers(transport string) bool {
	for _, t := range e.opts.Transports {
		if t == transport && t != WebTransport {
			return true
		}
	}
	return false
}

// parameter returns the value of a query parameter, the last one if it is repeated.
// It is url.ParseQuery without the map, which each poll would make anew.
func parameter(query, name string) (value string) {
	for pair := range strings.SplitSeq(query, "&") {
		key, raw, _ := strings.Cut(pair, "=")
		if strings.Contains(pair, ";") || unescape(key) != name {
			continue
		}
		if v, err := url.QueryUnescape(raw); err == nil {
			value = v
		}
	}
	return value
}

func unescape(key string) string {
	key, _ = url.QueryUnescape(key) // "" for what is wrong
	return key
}
