package transport

import (
	"net/http"
	"strings"
)

// deflateAgreed is the answer to an offer of permessage-deflate that was taken. Each
// message is compressed on its own, both ways: a window that is kept from one to the
// next costs a client dozens of KiB for as long as it lives, and a broadcast could not
// be compressed once for all.
const deflateAgreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

// agreeDeflate returns the value of the Sec-WebSocket-Extensions header that answers
// the offers of a client, or "" if there is none to take. Offers stand in the order
// in which the client likes them. RFC 7692 section 7.1, RFC 6455 section 9.1.
func agreeDeflate(h http.Header) string {
	for _, header := range h["Sec-Websocket-Extensions"] {
		for offer := range splitQuoted(header, ',') {
			if agreed := agreeOffer(offer); agreed != "" {
				return agreed
			}
		}
	}
	return ""
}

// agreeOffer is agreeDeflate for one offer. One that has a parameter which is not
// known, stands there twice, or has a value that it must not have, is declined; so is
// one that wants the server to use a smaller window than there is in this process.
func agreeOffer(offer string) string {
	agreed := deflateAgreed
	var seen [4]bool
	first := true
	for param := range splitQuoted(offer, ';') {
		name, value, hasValue := strings.Cut(param, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if first {
			if name != "permessage-deflate" || hasValue {
				return ""
			}
			first = false
			continue
		}
		var i int
		ok := false
		switch name {
		case "server_no_context_takeover":
			i, ok = 0, !hasValue
		case "client_no_context_takeover":
			i, ok = 1, !hasValue
		case "client_max_window_bits": // it may use what it likes
			i, ok = 2, !hasValue || windowBits(value) > 0
		case "server_max_window_bits":
			i, ok = 3, windowBits(value) == 15
			agreed += "; server_max_window_bits=15"
		}
		if !ok || seen[i] {
			return ""
		}
		seen[i] = true
	}
	return agreed
}

// windowBits returns the number that a window's size is given as, or 0 if it is none:
// 8 to 15, without leading zeros, maybe in quotes.
func windowBits(value string) int {
	if n := len(value); n >= 2 && value[0] == '"' && value[n-1] == '"' {
		value = value[1 : n-1]
	}
	switch {
	case len(value) == 1 && value[0] >= '8' && value[0] <= '9':
		return int(value[0] - '0')
	case len(value) == 2 && value[0] == '1' && value[1] >= '0' && value[1] <= '5':
		return 10 + int(value[1]-'0')
	default:
		return 0
	}
}

// splitQuoted splits a header's value where sep stands outside of quotes.
func splitQuoted(s string, sep byte) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		start, quoted := 0, false
		for i := 0; i < len(s); i++ {
			switch {
			case s[i] == '\\' && quoted:
				i++
			case s[i] == '"':
				quoted = !quoted
			case s[i] == sep && !quoted:
				if !yield(s[start:i]) {
					return
				}
				start = i + 1
			}
		}
		yield(s[start:])
	}
}
