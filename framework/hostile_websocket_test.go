package framework_test

import (
	"strings"
	"testing"

	"github.com/parlor-go/parlor/framework"
)

const (
	wsTarget  = "/socket.io/?EIO=4&transport=websocket"
	wsUpgrade = "Upgrade: websocket"
	wsConn    = "Connection: Upgrade"
	wsVersion = "Sec-WebSocket-Version: 13"
)

// handshakeFaults are WebSocket handshakes that are none.
var handshakeFaults = []httpFault{
	{name: "a WebSocket without Upgrade", send: lines("GET "+wsTarget+" HTTP/1.1", host, wsConn, wsVersion, wsKey), want: []string{badRequest}},
	{name: "a WebSocket without Connection", send: lines("GET "+wsTarget+" HTTP/1.1", host, wsUpgrade, wsVersion, wsKey), want: []string{badRequest}},
	{name: "a WebSocket that upgrades to h2c", send: lines("GET "+wsTarget+" HTTP/1.1", host, "Upgrade: h2c", wsConn, "HTTP2-Settings: AAAA"), want: []string{badRequest}},
	{name: "a WebSocket without a version", send: lines("GET "+wsTarget+" HTTP/1.1", host, wsUpgrade, wsConn, wsKey), want: []string{badVersion}, header: map[string]string{"Sec-Websocket-Version": "13", "Upgrade": "websocket"}},
	{name: "a WebSocket of a draft's version", send: lines("GET "+wsTarget+" HTTP/1.1", host, wsUpgrade, wsConn, "Sec-WebSocket-Version: 8", wsKey), want: []string{badVersion}},
	{name: "a WebSocket without a key", send: lines("GET "+wsTarget+" HTTP/1.1", host, wsUpgrade, wsConn, wsVersion), want: []string{badRequest}},
	{name: "a WebSocket key of 15 bytes", send: lines("GET "+wsTarget+" HTTP/1.1", host, wsUpgrade, wsConn, wsVersion, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j"), want: []string{badRequest}},
	{name: "a WebSocket key that is no base64", send: lines("GET "+wsTarget+" HTTP/1.1", host, wsUpgrade, wsConn, wsVersion, "Sec-WebSocket-Key: !!!!IHNhbXBsZSBub25jZQ=="), want: []string{badRequest}},
	{name: "a WebSocket by POST", send: lines("POST "+wsTarget+" HTTP/1.1", host, wsUpgrade, wsConn, wsVersion, wsKey, "Content-Length: 0"), want: []string{badMethod}},
	{name: "a WebSocket over HTTP/1.0", send: lines("GET "+wsTarget+" HTTP/1.0", host, wsUpgrade, "Connection: Upgrade, keep-alive", wsVersion, wsKey), want: []string{badRequest}},
	{name: "a WebSocket with a body", send: lines("GET "+wsTarget+" HTTP/1.1", host, wsUpgrade, wsConn, wsVersion, wsKey, "Content-Length: 3") + "abc", want: []string{badRequest}},
	{name: "a WebSocket of protocol 3 is refused before the 101", send: lines("GET /socket.io/?EIO=3&transport=websocket HTTP/1.1", host, wsUpgrade, wsConn, wsVersion, wsKey), want: []string{badProtocol}},
	{name: "a WebSocket for a session that never was", send: lines("GET "+wsTarget+"&sid=nobody HTTP/1.1", host, wsUpgrade, wsConn, wsVersion, wsKey), want: []string{unknownSession}},
	{name: "an empty list of subprotocols chooses none", send: lines("GET "+wsTarget+" HTTP/1.1", host, wsUpgrade, wsConn, wsVersion, wsKey, "Sec-WebSocket-Protocol: , ,"), want: []string{"101"}, header: map[string]string{"Sec-Websocket-Protocol": ""}},
	{name: "extensions that nobody has are not agreed to", send: lines("GET "+wsTarget+" HTTP/1.1", host, wsUpgrade, wsConn, wsVersion, wsKey, "Sec-WebSocket-Extensions: "+strings.Repeat("permessage-deflate; server_max_window_bits=99, ", 100)+"x"), want: []string{"101"}, header: map[string]string{"Sec-Websocket-Extensions": ""}},
}

// wsFault is what a client sends on a WebSocket, behind a join of "/" unless it is early.
type wsFault struct {
	name  string
	query string // "EIO=4" if it is left out
	early bool
	send  string           // frames
	want  []string         // what comes back, frame by frame, see rawWS.read
	ends  framework.Reason // "" if the session goes on
}

// frameFaults are a representative of each kind; the cases of RFC 6455 have tests of
// their own in package transport.
var frameFaults = []wsFault{
	{name: "a frame that is not masked", send: rawFrame(0x81, false, alivePacket), want: []string{"close 1002"}, ends: closedByError},
	{name: "a frame with a reserved bit", send: rawFrame(0xc1, true, alivePacket), want: []string{"close 1002"}, ends: closedByError},
	{name: "an opcode that is none", send: rawFrame(0x83, true, "x"), want: []string{"close 1002"}, ends: closedByError},
	{name: "a continuation of nothing", send: rawFrame(0x80, true, "x"), want: []string{"close 1002"}, ends: closedByError},
	{name: "a message amid the fragments of another", send: rawFrame(0x01, true, "4") + text("x"), want: []string{"close 1002"}, ends: closedByError},
	{name: "a ping in fragments", send: rawFrame(0x09, true, "x"), want: []string{"close 1002"}, ends: closedByError},
	{name: "a ping of 126 bytes", send: rawFrame(0x89, true, strings.Repeat("x", 126)), want: []string{"close 1002"}, ends: closedByError},
	{name: "a length below zero", send: "\x82\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x00", want: []string{"close 1002"}, ends: closedByError},
	{name: "a length that is above the bound is refused unread", send: "\x82\xff\x00\x00\x00\x00\x00\x0f\x42\x41\x00\x00\x00\x00", want: []string{"close 1009"}, ends: closedByError},
	{name: "fragments that together are above the bound", send: rawFrame(0x01, true, strings.Repeat("x", 600_000)) + rawFrame(0x80, true, strings.Repeat("x", 600_000)), want: []string{"close 1009"}, ends: closedByError},
	{name: "text that is no UTF-8", send: text("4\xff\xfe"), want: []string{"close 1007"}, ends: closedByError},
	{name: "a close frame of one byte", send: rawFrame(0x88, true, "\x03"), want: []string{"close 1002"}, ends: closedByError},
	{name: "a close frame with a code that nobody may send", send: rawFrame(0x88, true, "\x03\xed"), want: []string{"close 1002"}, ends: closedByError},
	{name: "a close frame whose text is no UTF-8", send: rawFrame(0x88, true, "\x03\xe8\xff"), want: []string{"close 1007"}, ends: closedByError},
	{name: "packets behind a close frame are not read", send: rawFrame(0x88, true, "\x03\xe8") + text(alivePacket), want: []string{"close 1000"}, ends: framework.TransportClose},
	{name: "HTTP in the place of frames", send: lines("GET / HTTP/1.1", host), want: []string{"close 1002"}, ends: closedByError},
	{name: "a ping is answered with what it brought", send: rawFrame(0x89, true, "who?"), want: []string{"pong who?"}},
	{name: "a pong that nobody asked for", send: rawFrame(0x8a, true, "me"), want: nil},
	{name: "a mask that makes text of rubbish", send: "\x81\x81\x01\x02\x03\x04" + string(rune('6'^1)), want: nil},
}

// enginePacketFaults are packets of Engine.IO 4 on a WebSocket.
var enginePacketFaults = []wsFault{
	{name: "an empty message", send: text(""), want: []string{"close 1005"}, ends: closedByParse},
	{name: "a packet type above 6", send: text("7"), want: []string{"close 1005"}, ends: closedByParse},
	{name: "a packet that begins with a letter", send: text("hello"), want: []string{"close 1005"}, ends: closedByParse},
	{name: "base64 that is none", send: text("b!!!"), want: []string{"close 1005"}, ends: closedByParse},
	{name: "base64 without an attachment to be", send: text("bAAAA"), want: []string{"close 1005"}, ends: closedByPacket},
	{name: "a client of protocol 4 that pings", send: text("2"), want: []string{"close 1005"}, ends: closedByError},
	{name: "a client of protocol 4 that probes its own transport", send: text("2probe"), want: []string{"close 1005"}, ends: closedByError},
	{name: "a pong before the first ping", send: text("3"), want: nil},
	{name: "an open packet of the client's", send: text(`0{"sid":"mine","pingInterval":1,"pingTimeout":1}`), want: nil},
	{name: "an upgrade packet without an upgrade", send: text("5"), want: nil},
	{name: "a noop with much in it", send: text("6" + strings.Repeat("x", 10_000)), want: nil},
	{name: "a close packet with more behind it", send: texts("1", alivePacket), want: []string{"close 1005"}, ends: framework.TransportClose},
	{name: "a binary message while nobody awaits one", send: bin("\x00\x01"), want: []string{"close 1005"}, ends: closedByPacket},
	{name: "an empty binary message", send: bin(""), want: []string{"close 1005"}, ends: closedByPacket},
}

func init() {
	hostileTables["WebSocket handshakes"] = names(handshakeFaults, func(c httpFault) string { return c.name })
	hostileTables["WebSocket frames"] = names(frameFaults, wsName)
	hostileTables["Engine.IO 4 on a WebSocket"] = names(enginePacketFaults, wsName)
}

func wsName(c wsFault) string { return c.name }

func TestHostileWebSocketHandshakes(t *testing.T) {
	runHTTP(t, newArena(t, arenaSetup{}), handshakeFaults)
}

func TestHostileWebSocketFrames(t *testing.T) {
	runWS(t, newArena(t, arenaSetup{}), frameFaults)
}

func TestHostileEngineIO4OnAWebSocket(t *testing.T) {
	runWS(t, newArena(t, arenaSetup{}), enginePacketFaults)
}

func runWS(t *testing.T, a *arena, faults []wsFault) {
	for _, c := range faults {
		t.Run(c.name, func(t *testing.T) {
			query := or(c.query, "EIO=4")
			var client *rawWS
			if c.early {
				client = a.open(t, query)
			} else {
				client = a.joined(t, query)
			}
			client.write(c.send)
			var got []string
			if c.ends == "" {
				for range c.want { // of several namespaces, each of which takes its own time
					got = append(got, client.read())
				}
				client.write(text(alivePacket))
				equal(t, "behind it", client.read(), aliveAnswer)
			} else {
				got = client.readAll("")
			}
			sameAnswers(t, got, c.want)
			if c.ends != "" {
				a.wantEnd(t, c.ends, !c.early)
			}
			a.healthy(t)
			a.clear(t)
		})
	}
}
