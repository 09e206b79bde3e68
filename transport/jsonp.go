package transport

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// JSONP is polling by script elements, for browsers that cannot do cross-origin
// requests otherwise: the answer to a poll is a script that calls ___eio[j] with the
// payload, j being a parameter of the request, and a POST is a form whose field d has
// the payload. Engine.IO reference server, "polling-jsonp". It is served along with
// protocol v3, whose clients know it.
//
// A page may include scripts from anywhere, and its browser sends the user's cookies
// and no Origin header. So that pages which may not connect do not read messages in
// this way, the request has to show whose page it comes from.

// checkJSONP answers requests for JSONP that are not to be served.
func (e *Engine) checkJSONP(w http.ResponseWriter, r *http.Request) bool {
	index := parameter(r.URL.RawQuery, "j")
	switch {
	case index == "":
		return true
	case strings.ContainsFunc(index, func(c rune) bool { return c < '0' || c > '9' }):
		e.refuse(w, r, refusedRequest, "the parameter j, of JSONP, is not a number") // it would be a part of the script
	case r.Method == http.MethodGet && !e.mayInclude(r):
		e.refuse(w, r, refusedOrigin, "JSONP for a page that may not connect, or does not say which it is: "+
			"if it should, add its origin to Options.Origins and let its Referrer-Policy name that")
	default:
		return true
	}
	return false
}

// mayInclude tells whether the page that includes the answer to r as a script may
// connect. Browsers say so by Sec-Fetch-Site, those older than that by Referer.
func (e *Engine) mayInclude(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "same-origin", "none": // none: typed in by the user
		return true
	}
	if r.Header.Get("Origin") != "" {
		return true // allowOrigin has let it pass
	}
	origin := "null"
	if u, err := url.Parse(r.Referer()); err == nil && u.Host != "" {
		origin = u.Scheme + "://" + u.Host
	}
	_, allowed := e.knowsOrigin(r, origin)
	return allowed
}

// appendScript appends the script that hands a payload to a page.
func appendScript(dst []byte, index string, payload []byte) []byte {
	// Marshal escapes what is JSON and no JavaScript, and what would end the script
	// element. A string does not fail.
	text, _ := json.Marshal(string(payload))
	dst = append(append(append(dst, "___eio["...), index...), "]("...)
	return append(append(dst, text...), ");"...)
}

var (
	newlineMark     = []byte(`\n`)
	backslashedMark = []byte(`\\n`)
)

// formPayload returns the payload in a form. Browsers make every newline in a form
// two characters: clients write them as \n, and what was \n before as \\n.
func formPayload(body []byte) []byte {
	text := []byte(parameter(string(body), "d"))
	plain := text[:0] // which is never longer
	for len(text) > 0 {
		i := bytes.IndexByte(text, '\\')
		if i < 0 {
			break
		}
		plain = append(plain, text[:i]...)
		text = text[i:]
		switch {
		case bytes.HasPrefix(text, newlineMark):
			plain = append(plain, '\n')
			text = text[len(newlineMark):]
		case bytes.HasPrefix(text, backslashedMark):
			plain = append(plain, newlineMark...)
			text = text[len(backslashedMark):]
		default:
			plain = append(plain, '\\')
			text = text[1:]
		}
	}
	return append(plain, text...)
}
