package framework_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
)

// What the engine answers, as docs/lifecycle.md and the reference server have it.
const (
	unknownTransport = `400 {"code":0,"message":"Transport unknown"}`
	unknownSession   = `400 {"code":1,"message":"Session ID unknown"}`
	badMethod        = `400 {"code":2,"message":"Bad handshake method"}`
	badRequest       = `400 {"code":3,"message":"Bad request"}`
	badVersion       = `426 {"code":3,"message":"Bad request"}`
	forbidden        = `403 {"code":4,"message":"Forbidden"}`
	badProtocol      = `400 {"code":5,"message":"Unsupported protocol version"}`

	// What net/http says before anybody else sees the request.
	httpBad         = "400 400 Bad Request"
	httpMissingHost = "400 400 Bad Request: missing required Host header"
	httpCoding      = "501 Unsupported transfer encoding"
)

// httpFault is a request, or several on one connection.
type httpFault struct {
	name   string
	query  string            // of that client; "EIO=4" if it is left out
	send   string            // {sid} is the session of a client that polls
	want   []string          // answers; "eof": the server hangs up
	header map[string]string // of the first
	ends   framework.Reason  // why the client's session ends; "" if it goes on
	next   string            // what its next poll gets then; "" is that it is unknown
}

const (
	openTarget = "/socket.io/?EIO=4&transport=polling"
	sidTarget  = openTarget + "&sid={sid}"
	host       = "Host: parlor.test"
	chunked    = "Transfer-Encoding: chunked"
)

func bombed(n int) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(bytes.Repeat([]byte("2"), n))
	_ = z.Close()
	return b.String()
}

// posted is a POST of a session's client.
func posted(body string, headers ...string) string {
	head := append([]string{"POST " + sidTarget + " HTTP/1.1", host, fmt.Sprint("Content-Length: ", len(body))}, headers...)
	return lines(head...) + body
}

var httpFaults = []httpFault{
	// Methods, versions and the request line.
	{name: "a handshake by HEAD is no handshake", send: lines("HEAD "+openTarget+" HTTP/1.1", host), want: []string{"400"}},
	{name: "a handshake by POST is no handshake", send: lines("POST "+openTarget+" HTTP/1.1", host, "Content-Length: 0"), want: []string{badMethod}},
	{name: "a method in lower case is another one", send: lines("get "+openTarget+" HTTP/1.1", host), want: []string{badMethod}},
	{name: "TRACE shows nothing", send: lines("TRACE "+openTarget+" HTTP/1.1", host, "Cookie: io=secret"), want: []string{badMethod}},
	{name: "a session is not deleted by DELETE", send: lines("DELETE "+sidTarget+" HTTP/1.1", host), want: []string{badMethod}},
	{name: "a method of a thousand letters is answered shortly", send: lines(strings.Repeat("A", 1000)+" "+openTarget+" HTTP/1.1", host), want: []string{badMethod}},
	{name: "HTTP/1.0 gets its answer and the end", send: lines("GET "+openTarget+" HTTP/1.0", host), want: []string{"200 open", "eof"}},
	{name: "HTTP/3.7 is not spoken", send: lines("GET "+openTarget+" HTTP/3.7", host), want: []string{"505 505 HTTP Version Not Supported: unsupported protocol version", "eof"}},
	{name: "the preface of HTTP/2 is not taken for a request", send: "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", want: []string{"400", "eof"}},
	{name: "a TLS hello on a plain port is no request", send: "\x16\x03\x01\x00\x05hello\r\n\r\n", want: []string{httpBad, "eof"}},
	{name: "a request line without a target", send: lines("GET", host), want: []string{httpBad, "eof"}},
	{name: "a target with a space is not two", send: lines("GET "+openTarget+"&x=a b HTTP/1.1", host), want: []string{httpBad, "eof"}},
	{name: "a target with a control character", send: lines("GET "+openTarget+"&x=\x01 HTTP/1.1", host), want: []string{httpBad, "eof"}},

	// Paths and queries.
	{name: "no transport", send: lines("GET /socket.io/?EIO=4 HTTP/1.1", host), want: []string{unknownTransport}},
	{name: "a transport in capitals", send: lines("GET /socket.io/?EIO=4&transport=POLLING HTTP/1.1", host), want: []string{unknownTransport}},
	{name: "a transport that JavaScript objects have", send: lines("GET /socket.io/?EIO=4&transport=__proto__ HTTP/1.1", host), want: []string{unknownTransport}},
	{name: "WebTransport does not come as a query", send: lines("GET /socket.io/?EIO=4&transport=webtransport HTTP/1.1", host), want: []string{unknownTransport}},
	{name: "the last of two transports counts, here and behind", send: lines("GET /socket.io/?EIO=4&transport=polling&transport=nothing HTTP/1.1", host), want: []string{unknownTransport}},
	{name: "a transport behind a semicolon is none", send: lines("GET /socket.io/?EIO=4;transport=polling HTTP/1.1", host), want: []string{unknownTransport}},
	{name: "a transport with a broken escape", send: lines("GET /socket.io/?EIO=4&transport=poll%zzing HTTP/1.1", host), want: []string{unknownTransport}},
	{name: "no version", send: lines("GET /socket.io/?transport=polling HTTP/1.1", host), want: []string{badProtocol}},
	{name: "version 3 where it is not allowed", send: lines("GET /socket.io/?EIO=3&transport=polling HTTP/1.1", host), want: []string{badProtocol}},
	{name: "a version that is only equal as a number", send: lines("GET /socket.io/?EIO=04&transport=polling HTTP/1.1", host), want: []string{badProtocol}},
	{name: "a version in other digits", send: lines("GET /socket.io/?EIO=%D9%A4&transport=polling HTTP/1.1", host), want: []string{badProtocol}},
	{name: "a path that climbs out is sent elsewhere", send: lines("GET /socket.io/../etc/passwd HTTP/1.1", host), want: []string{`307 <a href="/etc/passwd">Temporary Redirect</a>.`}},
	{name: "a path below the mount is the mount", send: lines("GET /socket.io/x/%2e%2e?EIO=4&transport=polling&sid=x HTTP/1.1", host), want: []string{unknownSession}},

	// Session ids.
	{name: "a session that never was", send: lines("GET "+openTarget+"&sid=AAAAAAAAAAAAAAAAAAAA HTTP/1.1", host), want: []string{unknownSession}},
	{name: "a session id of 100,000 letters", send: lines("GET "+openTarget+"&sid="+strings.Repeat("A", 100_000)+" HTTP/1.1", host), want: []string{unknownSession}},
	{name: "a session id with a NUL behind it", send: lines("GET "+sidTarget+"%00 HTTP/1.1", host), want: []string{unknownSession}},
	{name: "a session id with a path in it", send: lines("GET "+openTarget+"&sid=../../{sid} HTTP/1.1", host), want: []string{unknownSession}},
	{name: "a session id that is no UTF-8", send: lines("GET "+openTarget+"&sid=%ff%fe HTTP/1.1", host), want: []string{unknownSession}},
	{name: "a session id with a line feed splits no response", send: lines("GET "+openTarget+"&sid=x%0d%0aSet-Cookie:%20a=b HTTP/1.1", host), want: []string{unknownSession}, header: map[string]string{"Set-Cookie": ""}},
	{name: "a cookie is no session id", send: lines("GET "+openTarget+"&sid= HTTP/1.1", host, "Cookie: io={sid}"), want: []string{"200 open"}},
	{name: "a session on another transport than it says", send: lines("GET /socket.io/?EIO=4&transport=websocket&sid={sid} HTTP/1.1", host), want: []string{badRequest}},
	{name: "an Upgrade header beside transport=polling", send: lines("GET "+sidTarget+" HTTP/1.1", host, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", wsKey), want: []string{badRequest}},

	// Headers.
	{name: "no Host", send: lines("GET " + openTarget + " HTTP/1.1"), want: []string{httpMissingHost, "eof"}},
	{name: "two Hosts", send: lines("GET "+openTarget+" HTTP/1.1", host, "Host: evil.test"), want: []string{httpBad, "eof"}},
	{name: "a Host with a slash", send: lines("GET "+openTarget+" HTTP/1.1", "Host: parlor.test/evil"), want: []string{"400 400 Bad Request: malformed Host header", "eof"}},
	{name: "a header without a colon", send: lines("GET "+openTarget+" HTTP/1.1", host, "Nonsense"), want: []string{httpBad, "eof"}},
	{name: "a header name with a space before the colon", send: lines("GET "+openTarget+" HTTP/1.1", host, "X-A : b"), want: []string{"400 400 Bad Request: invalid header name", "eof"}},
	{name: "a header with a NUL", send: lines("GET "+openTarget+" HTTP/1.1", host, "X-A: a\x00b"), want: []string{httpBad, "eof"}},
	{name: "a header that is folded over two lines is one", send: lines("GET "+openTarget+" HTTP/1.1", host, "X-A: a", " Origin: http://evil.test"), want: []string{"200 open"}},
	{name: "headers of more than a megabyte", send: lines("GET "+openTarget+" HTTP/1.1", host, "X-A: "+strings.Repeat("a", 1<<20+8<<10)), want: []string{"431 431 Request Header Fields Too Large", "eof"}},
	{name: "an expectation that nobody has", send: lines("GET "+openTarget+" HTTP/1.1", host, "Expect: a-miracle"), want: []string{"417", "eof"}},

	// Bodies.
	{name: "a GET with a body", send: lines("GET "+openTarget+" HTTP/1.1", host, "Content-Length: 2") + "40", want: []string{badRequest}},
	{name: "a GET with a body of unknown length", send: lines("GET "+sidTarget+" HTTP/1.1", host, chunked) + "0\r\n\r\n", want: []string{badRequest}},
	{name: "a POST without a body", send: posted(""), want: []string{"400"}, ends: closedByParse},
	{name: "two Content-Lengths that differ", send: lines("POST "+sidTarget+" HTTP/1.1", host, "Content-Length: 1", "Content-Length: 2") + "40", want: []string{httpBad, "eof"}},
	{name: "a Content-Length below zero", send: lines("POST "+sidTarget+" HTTP/1.1", host, "Content-Length: -1"), want: []string{httpBad, "eof"}},
	{name: "a Content-Length with a sign", send: lines("POST "+sidTarget+" HTTP/1.1", host, "Content-Length: +2") + "40", want: []string{httpBad, "eof"}},
	{name: "a Content-Length of more than an int64", send: lines("POST "+sidTarget+" HTTP/1.1", host, "Content-Length: 99999999999999999999"), want: []string{httpBad, "eof"}},
	{name: "a Content-Length above the bound is refused unread", send: lines("POST "+sidTarget+" HTTP/1.1", host, "Content-Length: 1000001"), want: []string{"413"}},
	{name: "a client that asks before it sends too much is not told to go on", send: lines("POST "+sidTarget+" HTTP/1.1", host, "Content-Length: 1000001", "Expect: 100-continue"), want: []string{"413", "eof"}},
	{name: "a body above the bound whose length is not said", send: lines("POST "+sidTarget+" HTTP/1.1", host, chunked) + "f4241\r\n" + strings.Repeat("6", 1_000_001) + "\r\n0\r\n\r\n", want: []string{"413", "eof"}},
	{name: "a chunk whose size is no number", send: lines("POST "+sidTarget+" HTTP/1.1", host, chunked) + "zz\r\n40\r\n0\r\n\r\n", want: []string{"400", "eof"}, ends: closedByError},
	{name: "a chunk whose size overflows", send: lines("POST "+sidTarget+" HTTP/1.1", host, chunked) + "ffffffffffffffffff\r\n40", want: []string{"400", "eof"}, ends: closedByError},
	{name: "a chunk that is longer than it says", send: lines("POST "+sidTarget+" HTTP/1.1", host, chunked) + "1\r\n40\r\n0\r\n\r\n", want: []string{"400", "eof"}, ends: closedByError},
	{name: "chunks of a byte with a kilobyte of extension each", send: lines("POST "+sidTarget+" HTTP/1.1", host, chunked) + strings.Repeat("1;"+strings.Repeat("x", 1000)+"\r\n6\r\n", 200) + "0\r\n\r\n", want: []string{"400", "eof"}, ends: closedByError},
	{name: "a transfer coding that nobody has", send: lines("POST "+sidTarget+" HTTP/1.1", host, "Transfer-Encoding: gzip, chunked"), want: []string{httpCoding, "eof"}},
	{name: "a transfer coding in disguise", send: lines("POST "+sidTarget+" HTTP/1.1", host, "Transfer-Encoding: xchunked", "Content-Length: 1") + "6", want: []string{httpCoding, "eof"}},
	{name: "two transfer codings", send: lines("POST "+sidTarget+" HTTP/1.1", host, chunked, chunked) + "0\r\n\r\n", want: []string{httpCoding, "eof"}},
	{name: "a length beside chunks hides no second request", send: lines("POST "+sidTarget+" HTTP/1.1", host, "Content-Length: 5", chunked, "Connection: close") + "1\r\n6\r\n0\r\n\r\n" + lines("GET /hidden HTTP/1.1", host), want: []string{"200 ok", "eof"}},
	{name: "what stands behind a body is a request of its own", send: lines("POST "+sidTarget+" HTTP/1.1", host, "Content-Length: 1") + "6GARBAGE\r\n\r\n", want: []string{"200 ok", httpBad, "eof"}},
	{name: "a refused POST lets its body be no request", send: lines("POST "+openTarget+"&sid=unknown HTTP/1.1", host, "Content-Length: 35") + "GET /hidden HTTP/1.1\r\nHost: evil\r\n\r\n", want: []string{unknownSession}},
	{name: "a binary body of protocol 3", send: posted("\x00\x01\xff6", "Content-Type: application/octet-stream"), want: []string{"400"}, ends: closedByError},
	{name: "a form in the place of packets", send: posted("d=40", "Content-Type: application/x-www-form-urlencoded"), want: []string{"400"}, ends: closedByParse},
	{name: "a gzip bomb is no packet", send: posted(bombed(10_000_000), "Content-Encoding: gzip"), want: []string{"400"}, ends: closedByParse},
	{name: "a content type that is no type changes nothing", send: posted("6", "Content-Type: ;;=\"app"), want: []string{"200 ok"}},
	{name: "JSONP that is not allowed is a poll like any", send: lines("GET "+openTarget+"&j=0 HTTP/1.1", host), want: []string{"200 open"}},
}

func init() {
	hostileTables["HTTP"] = names(httpFaults, func(c httpFault) string { return c.name })
	hostileTables["origins"] = names(originFaults, func(c httpFault) string { return c.name })
}

func TestHostileHTTP(t *testing.T) { runHTTP(t, newArena(t, arenaSetup{}), httpFaults) }

func runHTTP(t *testing.T, a *arena, faults []httpFault) {
	for _, c := range faults {
		t.Run(c.name, func(t *testing.T) {
			victim := a.poll(t, or(c.query, "EIO=4"))
			attacker := a.http(t)
			attacker.send(strings.ReplaceAll(c.send, "{sid}", victim.sid))
			for i, want := range c.want {
				got, _, header := attacker.answer()
				equal(t, "answer", got, want)
				if i > 0 {
					continue
				}
				for name, value := range c.header {
					equal(t, name, header.Get(name), value)
				}
			}
			if c.ends == "" {
				victim.unharmed(t)
				victim.leave()
			} else {
				equal(t, "the next poll", victim.get(), or(c.next, unknownSession))
				a.wantEnd(t, c.ends, true)
			}
			_ = attacker.conn.Close()
			a.healthy(t)
			a.clear(t)
		})
	}
}

// unharmed checks that the session goes on.
func (p *pollClient) unharmed(t *testing.T) {
	t.Helper()
	equal(t, "the victim's POST", p.post(p.packet(alivePacket)), "200 ok")
	equal(t, "the victim's poll", p.get(), "200 "+p.packet(aliveAnswer))
}

func or(s, instead string) string {
	if s == "" {
		return instead
	}
	return s
}

// originFaults are requests of pages, on a server that has an origin of another site
// named and shares its answers with that.
var originFaults = []httpFault{
	{name: "a page of another site", send: lines("GET "+openTarget+" HTTP/1.1", host, "Origin: http://evil.test"), want: []string{forbidden}, header: map[string]string{"Access-Control-Allow-Origin": ""}},
	{name: "a page of a subdomain of one that may", send: lines("GET "+openTarget+" HTTP/1.1", host, "Origin: https://x.app.test"), want: []string{forbidden}},
	{name: "a page whose name ends like one that may", send: lines("GET "+openTarget+" HTTP/1.1", host, "Origin: https://evil-app.test"), want: []string{forbidden}},
	{name: "a page whose name begins like one that may", send: lines("GET "+openTarget+" HTTP/1.1", host, "Origin: https://app.test.evil.test"), want: []string{forbidden}},
	{name: "a page on another port", send: lines("GET "+openTarget+" HTTP/1.1", host, "Origin: https://app.test:444"), want: []string{forbidden}},
	{name: "a page over another scheme", send: lines("GET "+openTarget+" HTTP/1.1", host, "Origin: http://app.test"), want: []string{forbidden}},
	{name: "a page without an origin", send: lines("GET "+openTarget+" HTTP/1.1", host, "Origin: null"), want: []string{forbidden}},
	{name: "an origin with a user in front", send: lines("GET "+openTarget+" HTTP/1.1", host, "Origin: https://app.test@evil.test"), want: []string{forbidden}},
	{name: "an origin with a tab", send: lines("GET "+openTarget+" HTTP/1.1", host, "Origin: https://app.test\t.evil.test"), want: []string{badRequest}},
	{name: "a wildcard that stands for nothing", send: lines("GET "+openTarget+" HTTP/1.1", host, "Origin: https://.wild.test"), want: []string{forbidden}},
	{name: "a forwarded host makes no origin the server's own", send: lines("GET "+openTarget+" HTTP/1.1", host, "Origin: http://evil.test", "X-Forwarded-Host: evil.test"), want: []string{forbidden}},
	{name: "a POST of another site's page", send: posted("40", "Origin: http://evil.test"), want: []string{forbidden}},
	{name: "a poll of another site's page", send: lines("GET "+sidTarget+" HTTP/1.1", host, "Origin: http://evil.test"), want: []string{forbidden}},
	{name: "a preflight of another site's page", send: lines("OPTIONS "+sidTarget+" HTTP/1.1", host, "Origin: http://evil.test", "Access-Control-Request-Method: POST"), want: []string{forbidden}, header: map[string]string{"Access-Control-Allow-Methods": ""}},
	{name: "a preflight for a method that there is not", send: lines("OPTIONS "+sidTarget+" HTTP/1.1", host, "Origin: https://app.test", "Access-Control-Request-Method: DELETE"), want: []string{"204"}, header: map[string]string{"Access-Control-Allow-Methods": "GET, POST", "Access-Control-Allow-Credentials": "true"}},
	{name: "a WebSocket of another site's page is refused before the 101", send: lines("GET /socket.io/?EIO=4&transport=websocket HTTP/1.1", host, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", wsKey, "Origin: http://evil.test"), want: []string{forbidden}},
	{name: "an upgrade of another site's page", send: lines("GET /socket.io/?EIO=4&transport=websocket&sid={sid} HTTP/1.1", host, "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", wsKey, "Origin: http://evil.test"), want: []string{forbidden}},
	{name: "two origins of which the second may not", send: lines("GET "+openTarget+" HTTP/1.1", host, "Origin: https://app.test", "Origin: http://evil.test"), want: []string{badRequest}},
}

func TestHostileOrigins(t *testing.T) {
	a := newArena(t, arenaSetup{options: framework.Options{Transport: transport.Options{
		Origins:          []string{"https://app.test", "https://*.wild.test"},
		AllowCredentials: true,
	}}})
	runHTTP(t, a, originFaults)
}
