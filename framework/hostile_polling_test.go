package framework_test

import (
	"strings"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
)

// bodyFault is a body that a client of protocol 4 posts, and what becomes of it.
func bodyFault(name, body, answer string, ends framework.Reason) httpFault {
	return httpFault{name: name, send: posted(body), want: []string{answer}, ends: ends}
}

// fetched is what the poll behind a close gets: a client has to hear of it.
const fetched = "200 6\x1e1"

// payloadFaults are payloads of Engine.IO 4.
var payloadFaults = []httpFault{
	bodyFault("a payload of separators", "\x1e\x1e\x1e", "400", closedByParse),
	bodyFault("a separator at the end", "6\x1e", "400", closedByParse),
	bodyFault("a separator at the beginning", "\x1e6", "400", closedByParse),
	bodyFault("a separator of protocol 4's second draft", "6\x1f6", "200 ok", ""),
	bodyFault("a packet type above 6 in a payload", "7", "400", closedByParse),
	bodyFault("a NUL for a packet", "\x00", "400", closedByParse),
	bodyFault("a byte order mark in front of packets", "\xef\xbb\xbf6", "400", closedByParse),
	bodyFault("a payload that is no UTF-8", "4\xff", "400", closedByParse),
	bodyFault("a payload in UTF-16", "6\x00\x1e\x006\x00", "400", closedByParse),
	bodyFault("base64 in a payload that is none", "b%%%", "400", closedByParse),
	bodyFault("base64 in a payload with padding in its midst", "bAA==AA==", "400", closedByParse),
	bodyFault("a payload of protocol 3 for protocol 4", "2:40", "400", closedByError),
	bodyFault("JSON for a payload", `["echo"]`, "400", closedByParse),
	bodyFault("a ping from who is pinged", "2", "400", closedByError),
	bodyFault("a probe by POST", "2probe", "400", closedByError),
	bodyFault("an upgrade by POST", "5", "200 ok", ""),
	bodyFault("a second open packet", `0{"sid":"x"}`, "200 ok", ""),
	bodyFault("a pong by POST that nobody asked for", "3", "200 ok", ""),
	{name: "a close packet hides what is behind it", send: posted("1\x1e" + alivePacket), want: []string{"200 ok"}, ends: framework.TransportClose, next: "200 6"},
	bodyFault("what is behind a bad packet is not served", "7\x1e"+alivePacket, "400", closedByParse),
	{name: "a Socket.IO packet that is none, by POST", send: posted("4x"), want: []string{"200 ok"}, ends: closedByPacket, next: fetched},
	{name: "a binary message that nobody awaits, by POST", send: posted("bAAAA"), want: []string{"200 ok"}, ends: closedByPacket, next: fetched},
	{name: "a second CONNECT by POST", send: posted("40"), want: []string{"200 ok"}, ends: closedByState, next: fetched},
}

// v3Body is a body of Engine.IO 3 that ends the session.
func v3Body(name, body string) httpFault {
	return httpFault{name: name, query: "EIO=3", send: posted(body), want: []string{"400"}, ends: closedByParse}
}

func v3Binary(name, body string) httpFault {
	return httpFault{
		name: name, query: "EIO=3", send: posted(body, "Content-Type: application/octet-stream"), want: []string{"400"}, ends: closedByParse,
	}
}

const v3Target = "/socket.io/?EIO=3&transport=polling"

// engine3Faults are requests of clients of Engine.IO 3, where they are let in.
var engine3Faults = []httpFault{
	v3Body("an empty payload of protocol 3", ""),
	v3Body("a length without a colon", "16"),
	v3Body("a colon without a length", ":6"),
	v3Body("a length of no packet", "0:"),
	v3Body("a length that is too long", "3:6"),
	v3Body("a length that is too short", "1:60"),
	v3Body("a length below zero in a payload", "-1:6"),
	v3Body("a length with a sign in a payload", "+1:6"),
	v3Body("a length with a fraction", "1.0:6"),
	v3Body("a length in hexadecimal", "0x1:6"),
	v3Body("a length that overflows", "18446744073709551617:6"),
	v3Body("a length of a thousand digits", strings.Repeat("0", 999)+"16"),
	v3Body("a length that ends in the midst of a surrogate pair", "2:4😀"),
	v3Body("a length in bytes where UTF-16 counts", "5:4😀"),
	v3Body("a payload of protocol 4 for protocol 3", "6\x1e6"),
	v3Body("base64 without a type", "1:b"),
	v3Body("base64 of another type than a message", "6:b2AAAA"),
	v3Body("base64 of protocol 3 that is none", "5:b4%%%"),
	{name: "a pong from who has to ping", query: "EIO=3", send: posted("1:3"), want: []string{"400"}, ends: closedByError},
	{name: "a second CONNECT of protocol 4's Socket.IO", query: "EIO=3", send: posted("2:40"), want: []string{"200 ok"}, ends: closedByState, next: "200 1:61:1"},
	v3Binary("an empty binary payload", ""),
	v3Binary("a binary payload of a third kind", "\x02\x01\xff6"),
	v3Binary("a binary length without digits", "\x00\xff6"),
	v3Binary("a binary length with a digit above nine", "\x00\x0a\xff6"),
	v3Binary("a binary length that never ends", "\x00\x01\x01\x01"),
	v3Binary("a binary length that is too long", "\x00\x09\x09\xff6"),
	v3Binary("a binary length that overflows", "\x00"+strings.Repeat("\x09", 40)+"\xff6"),
	v3Binary("a binary packet of another type than a message", "\x01\x01\xff\x05"),
	v3Binary("a binary packet of no bytes", "\x01\x00\xff"),
	{name: "a binary packet that nobody awaits", query: "EIO=3", send: posted("\x01\x02\xff\x04a", "Content-Type: application/octet-stream"), want: []string{"200 ok"}, ends: closedByPacket, next: "200 1:61:1"},
	{name: "a binary payload of protocol 3 for a session of protocol 4", send: posted("\x00\x01\xff6", "Content-Type: application/octet-stream; x=y"), want: []string{"400"}, ends: closedByError},

	// JSONP, which only they need.
	{name: "a script of another site", query: "EIO=3", send: lines("GET "+v3Target+"&sid={sid}&j=0 HTTP/1.1", host, "Sec-Fetch-Site: cross-site", "Referer: http://evil.test/"), want: []string{forbidden}},
	{name: "a script whose page does not say which it is", query: "EIO=3", send: lines("GET "+v3Target+"&j=0 HTTP/1.1", host), want: []string{forbidden}},
	{name: "a script whose page names the server in its path", query: "EIO=3", send: lines("GET "+v3Target+"&j=0 HTTP/1.1", host, "Referer: http://evil.test/http://parlor.test"), want: []string{forbidden}},
	{name: "code for the number of a JSONP request", query: "EIO=3", send: lines("GET "+v3Target+"&j=0]%3Balert(1)%3Bx[0 HTTP/1.1", host, "Sec-Fetch-Site: same-origin"), want: []string{badRequest}},
	{name: "digits of another script for that number", query: "EIO=3", send: lines("GET "+v3Target+"&j=%D9%A1 HTTP/1.1", host, "Sec-Fetch-Site: same-origin"), want: []string{badRequest}},
	{name: "a form without a payload", query: "EIO=3", send: lines("POST "+v3Target+"&sid={sid}&j=0 HTTP/1.1", host, "Content-Length: 3") + "e=1", want: []string{"400"}, ends: closedByParse},
	{name: "a form with a broken escape", query: "EIO=3", send: lines("POST "+v3Target+"&sid={sid}&j=0 HTTP/1.1", host, "Content-Length: 9") + "d=1%3A%zz", want: []string{"400"}, ends: closedByParse},
	{name: "a form with two payloads: the last one counts", query: "EIO=3", send: lines("POST "+v3Target+"&sid={sid}&j=0 HTTP/1.1", host, "Content-Length: 13") + "d=1:7&d=1%3A6", want: []string{"200 ok"}},
}

// engine3FrameFaults are the same on a WebSocket.
var engine3FrameFaults = []wsFault{
	{name: "a binary message without a type", query: "EIO=3", send: bin(""), want: []string{"close 1005"}, ends: closedByParse},
	{name: "a binary message of another type", query: "EIO=3", send: bin("\x02a"), want: []string{"close 1005"}, ends: closedByParse},
	{name: "a binary message in digits", query: "EIO=3", send: bin("4a"), want: []string{"close 1005"}, ends: closedByParse},
	{name: "base64 without a type on a WebSocket", query: "EIO=3", send: text("bAAAA"), want: []string{"close 1005"}, ends: closedByParse},
	{name: "a length in front of a packet on a WebSocket", query: "EIO=3", send: text("1:6"), want: []string{"close 1005"}, ends: framework.TransportClose},
	{name: "a pong on a WebSocket of who has to ping", query: "EIO=3", send: text("3"), want: []string{"close 1005"}, ends: closedByError},
	{name: "a binary attachment in base64 that nobody awaits", query: "EIO=3", send: text("b4AAAA"), want: []string{"close 1005"}, ends: closedByPacket},
	{name: "a ping with much in it is answered shortly", query: "EIO=3", send: text("2" + strings.Repeat("x", 1000)), want: []string{"3"}},
	{name: "a query of a namespace that cannot be read", query: "EIO=3", send: text("40/nowhere?x=%zz,"), want: []string{`44/nowhere,{"message":"Invalid namespace"}`}},
	{name: "CONNECT to / by a client that is there", query: "EIO=3", send: text("40"), want: []string{"close 1005"}, ends: closedByState},
}

func init() {
	hostileTables["Engine.IO 4 by polling"] = names(payloadFaults, func(c httpFault) string { return c.name })
	hostileTables["Engine.IO 3 by polling"] = names(engine3Faults, func(c httpFault) string { return c.name })
	hostileTables["Engine.IO 3 on a WebSocket"] = names(engine3FrameFaults, wsName)
}

func TestHostilePayloads(t *testing.T) { runHTTP(t, newArena(t, arenaSetup{}), payloadFaults) }

func allowingEIO3() arenaSetup {
	return arenaSetup{options: framework.Options{Transport: transport.Options{AllowEIO3: true}}}
}

func TestHostileEngineIO3(t *testing.T) { runHTTP(t, newArena(t, allowingEIO3()), engine3Faults) }

func TestHostileEngineIO3OnAWebSocket(t *testing.T) {
	runWS(t, newArena(t, allowingEIO3()), engine3FrameFaults)
}
