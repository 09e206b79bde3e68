package framework_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/parlor-go/parlor/framework"
)

// nested is a JSON array in an array, and so on, depth of them.
func nestedArrays(depth int) string {
	return strings.Repeat("[", depth) + strings.Repeat("]", depth)
}

func closes(reason framework.Reason, name, send string) wsFault {
	return wsFault{name: name, send: send, want: []string{"close 1005"}, ends: reason}
}

// packetFaults are Socket.IO packets behind a join of "/".
var packetFaults = []wsFault{
	// Headers.
	closes(closedByPacket, "a message without a packet", text("4")),
	closes(closedByPacket, "a packet type above BINARY_ACK", text("47")),
	closes(closedByPacket, "an event without a payload", text("42")),
	closes(closedByPacket, "an event whose payload is an object", text(`42{"0":"echo"}`)),
	closes(closedByPacket, "an event whose array ends too early", text(`42["echo"`)),
	closes(closedByPacket, "an event with something behind its array", text(`42["echo"]]`)),
	closes(closedByPacket, "an event without a name", text(`42[]`)),
	closes(closedByPacket, "an ack id of more than 18 digits", text(`429999999999999999999["echo"]`)),
	closes(closedByPacket, "an ack id below zero", text(`42-1["echo"]`)),
	closes(closedByPacket, "an ack id with a fraction", text(`421.5["echo"]`)),
	closes(closedByPacket, "an ack without an id", text(`43["x"]`)),
	closes(closedByPacket, "an ack whose payload is a string", text(`431"x"`)),
	closes(closedByPacket, "a leave with a payload", text(`41{"a":1}`)),
	closes(closedByState, "a refusal from a client", text(`44{"message":"no"}`)),
	{name: "an ack id of 18 digits comes back as it is", send: text(`42999999999999999999["echo"]`), want: []string{"43999999999999999999[]"}},
	{name: "an ack id with zeros in front is a number", send: text(`4200007["echo",1]`), want: []string{`437[1]`}},
	{name: "two events with one ack id are two events", send: texts(`425["echo",1]`, `425["echo",2]`), want: []string{`435[1]`, `435[2]`}},

	// Names of events.
	closes(closedByPacket, "an event whose name is an object", text(`42[{"toString":"x"},1]`)),
	closes(closedByPacket, "an event whose name is null", text(`42[null]`)),
	closes(closedByPacket, "an event whose name is true", text(`42[true]`)),
	closes(closedByPacket, "an event whose name is an attachment", text(`451-[{"_placeholder":true,"num":0}]`)+bin("connect")),
	closes(closedByPacket, "an event called connect", text(`42["connect"]`)),
	closes(closedByPacket, "an event called disconnect with escapes", text(`42["d\u0069sconnect","forged"]`)),
	closes(closedByPacket, "an event called connect_error", text(`42["connect_error",{}]`)),
	closes(closedByPacket, "an event called disconnecting", text(`42["disconnecting"]`)),
	closes(closedByPacket, "an event called newListener", text(`42["newListener"]`)),
	closes(closedByPacket, "an event called removeListener", text(`42["removeListener"]`)),
	{name: "an event called __proto__ is unknown like any", send: text(`421["__proto__",{"__proto__":1}]`)},
	{name: "an event called constructor", send: text(`421["constructor","x"]`)},
	{name: "an event called error reaches no OnError", send: text(`421["error","x"]`)},
	{name: "an event called * is not the catch-all", send: text(`421["*"]`)},
	{name: "an event in capitals is another one", send: text(`421["ECHO",1]`)},
	{name: "an event with a NUL in its name", send: text(`421["echo\u0000",1]`)},
	{name: "an event with an empty name", send: text(`421["",1]`)},
	{name: "an event whose name is a number", send: text(`421[1e999,1]`)},
	{name: "an event whose name is half a surrogate pair", send: text(`421["\ud800",1]`)},

	// JSON.
	closes(closedByPacket, "JSON that is nested a million times", text(`42["echo",`+nestedArrays(400_000)+`]`)),
	closes(closedByPacket, "JSON that is nested once too often", text(`42["echo",`+nestedArrays(256)+`]`)),
	closes(closedByPacket, "objects that are nested once too often", text(`42["echo",`+strings.Repeat(`{"a":`, 256)+"1"+strings.Repeat("}", 256)+`]`)),
	closes(closedByPacket, "a comma too many", text(`42["echo",1,]`)),
	closes(closedByPacket, "a key without quotes", text(`42["echo",{a:1}]`)),
	closes(closedByPacket, "a string in single quotes", text(`42["echo",'a']`)),
	closes(closedByPacket, "a comment in JSON", text(`42["echo",/*1*/2]`)),
	closes(closedByPacket, "a control character in a string", text("42[\"echo\",\"\x01\"]")),
	closes(closedByPacket, "an escape that is none", text(`42["echo","\x41"]`)),
	closes(closedByPacket, "half an escape", text(`42["echo","\u00"]`)),
	closes(closedByPacket, "NaN", text(`42["float",NaN]`)),
	closes(closedByPacket, "Infinity", text(`42["float",Infinity]`)),
	closes(closedByPacket, "a number with a plus", text(`42["int",+1]`)),
	closes(closedByPacket, "a number in hexadecimal", text(`42["int",0x10]`)),
	closes(closedByPacket, "a number with a zero in front", text(`42["int",010]`)),
	{name: "JSON that is nested as often as may be comes back", send: text(`421["echo",` + nestedArrays(255) + `]`), want: []string{`431[` + nestedArrays(255) + `]`}},
	{name: "a number above int64 is no int", send: text(`421["int",9223372036854775808]`)},
	{name: "a fraction is no int", send: text(`421["int",1.5]`)},
	{name: "a number above float64 is no float", send: text(`421["float",1e400]`)},
	{name: "a number of 100,000 digits stays what it is", send: text(`421["echo",` + strings.Repeat("9", 100_000) + `]`), want: []string{`431[` + strings.Repeat("9", 100_000) + `]`}},
	{name: "a string is no int", send: text(`421["int","1"]`)},
	{name: "an argument too few", send: text(`421["int"]`)},
	{name: "arguments too many are let fall", send: text(`421["int",1,2,3]`), want: []string{`431[1]`}},
	{name: "a key twice: the last one counts", send: text(`421["object",{"Name":"a","Name":"b"}]`), want: []string{`431["b"]`}},
	{name: "keys of JavaScript's prototypes are keys", send: text(`421["echo",{"__proto__":{"admin":true},"constructor":{"prototype":1}}]`), want: []string{`431[{"__proto__":{"admin":true},"constructor":{"prototype":1}}]`}},
	{name: "half a surrogate pair in a string", send: text(`421["text","\ud800"]`), want: []string{`431[3]`}},
	{name: "a panic stays with the server", send: text(`421["panic"]`)},

	// Attachments.
	closes(closedByPacket, "a binary event without a number", text(`45-["file",{"_placeholder":true,"num":0}]`)),
	closes(closedByPacket, "a binary event whose number is negative", text(`45-1-["file"]`)),
	closes(closedByPacket, "a binary event of a billion attachments", text(`451000000000-["file"]`)),
	closes(closedByPacket, "an attachment more than may be", text(`4511-["file"]`)),
	closes(closedByPacket, "a placeholder for an attachment that is not there", text(`451-["file",{"_placeholder":true,"num":1}]`)+bin("a")),
	closes(closedByPacket, "a placeholder below zero", text(`451-["file",{"_placeholder":true,"num":-1}]`)+bin("a")),
	closes(closedByPacket, "a placeholder that is a fraction", text(`451-["file",{"_placeholder":true,"num":0.5}]`)+bin("a")),
	closes(closedByPacket, "a placeholder with a method's name", text(`451-["file",{"_placeholder":true,"num":"splice"}]`)+bin("a")),
	closes(closedByPacket, "a placeholder without a number", text(`451-["file",{"_placeholder":true}]`)+bin("a")),
	closes(closedByPacket, "a placeholder deep inside that is not there", text(`451-["echo",[[[{"a":{"_placeholder":true,"num":7}}]]]]`)+bin("a")),
	closes(closedByPacket, "a placeholder whose key is escaped", text(`451-["file",{"\u005fplaceholder":true,"num":3}]`)+bin("a")),
	closes(closedByPacket, "text while an attachment is awaited", text(`451-["file",{"_placeholder":true,"num":0}]`)+text(`42["echo"]`)),
	closes(closedByPacket, "an attachment more than was announced", text(`451-["file",{"_placeholder":true,"num":0}]`)+bin("a")+bin("b")),
	closes(closedByPacket, "one attachment in two places", text(`451-["echo",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`)+bin("a")),
	{name: "a placeholder in an event without attachments is an object", send: text(`421["file",{"_placeholder":true,"num":0}]`)},
	{name: "an attachment where a string is wanted", send: text(`451-1["text",{"_placeholder":true,"num":0}]`) + bin("a")},
	{name: "a string where an attachment is wanted", send: text(`421["file","YQ=="]`)},
	{name: "a binary event of no attachments is an event", send: text(`450-1["echo",1]`), want: []string{`431[1]`}},
	{name: "an attachment that nothing names", send: text(`451-1["file",{"_placeholder":true,"num":0}]`) + bin("abc"), want: []string{`431[3]`}},
	{name: "a pong while an attachment is awaited", send: text(`451-1["file",{"_placeholder":true,"num":0}]`) + text("3") + bin("abc"), want: []string{`431[3]`}},

	// Namespaces and order.
	closes(closedByState, "a second CONNECT", text("40")),
	closes(closedByState, "an event for a namespace that was not joined", text(`42/side,["echo"]`)),
	closes(closedByState, "an ack for a namespace that was not joined", text(`43/side,1[]`)),
	closes(closedByState, "a leave of a namespace that was not joined", text(`41/side,`)),
	closes(closedByState, "an event for a namespace that there is not", text(`42/nowhere,["echo"]`)),
	closes(closedByPacket, "a CONNECT whose auth is no JSON", text(`40/side,{`)),
	closes(closedByPacket, "a CONNECT whose auth is nested too deep", text(`40/side,`+nestedArrays(257))),
	{name: "a namespace that there is not", send: text(`40/nowhere,`), want: []string{`44/nowhere,{"message":"Invalid namespace"}`}},
	{name: "a namespace called __proto__", send: text(`40/__proto__,{}`), want: []string{`44/__proto__,{"message":"Invalid namespace"}`}},
	{name: "a namespace with a query is another one", send: text(`40/side?x=1,`), want: []string{`44/side?x=1,{"message":"Invalid namespace"}`}},
	{name: "a namespace in capitals is another one", send: text(`40/SIDE,`), want: []string{`44/SIDE,{"message":"Invalid namespace"}`}},
	{name: "a namespace that climbs", send: text(`40/../side,`), want: []string{`44/../side,{"message":"Invalid namespace"}`}},
	{name: "a namespace whose OnConnect fails says no more than that", send: text(`40/closed,`), want: []string{`44/closed,{"message":"Internal server error"}`}},
	{name: "a child that the factory refuses", send: text(`40/job/none,`), want: []string{`44/job/none,{"message":"no such job"}`}},
	{name: "a child without its parameter", send: text(`40/job/,`), want: []string{`44/job/,{"message":"Invalid namespace"}`}},
	{name: "a child with a level too many", send: text(`40/job/1/2,`), want: []string{`44/job/1/2,{"message":"Invalid namespace"}`}},
	{name: "an event for a child that was not joined is ignored", send: text(`42/job/7,1["echo"]`)},
	{name: "an ack that nobody asked for", send: text(`437["x"]`)},
	{name: "an ack with the highest id", send: text(`43999999999999999999[]`)},
	{name: "an ack with attachments that nobody asked for", send: text(`461-7[{"_placeholder":true,"num":0}]`) + bin("a")},
}

// earlyFaults come before any CONNECT.
var earlyFaults = []wsFault{
	{name: "an event before CONNECT", early: true, send: text(`42["echo"]`), want: []string{"close 1005"}, ends: closedByState},
	{name: "an ack before CONNECT", early: true, send: text(`431[]`), want: []string{"close 1005"}, ends: closedByState},
	{name: "a leave before CONNECT", early: true, send: text("41"), want: []string{"close 1005"}, ends: closedByState},
	{name: "a CONNECT whose payload is a string", early: true, send: text(`40"x"`), want: []string{"40{sid}"}},
	{name: "a CONNECT whose id is a number", early: true, send: text(`407`), want: []string{"40{sid}"}},
}

func init() {
	hostileTables["Socket.IO"] = names(packetFaults, wsName)
	hostileTables["Socket.IO before CONNECT"] = names(earlyFaults, wsName)
}

func TestHostilePackets(t *testing.T) { runWS(t, newArena(t, arenaSetup{}), packetFaults) }

func TestHostilePacketsBeforeConnect(t *testing.T) {
	runWS(t, newArena(t, arenaSetup{}), earlyFaults)
}

// What was asked of one client is not answered by another, nor twice.
func TestHostileAcks(t *testing.T) { runAttacks(t, ackAttacks) }

var ackAttacks = []attack{
	{name: "who was not asked does not answer", do: func(t *testing.T, a *arena) {
		asked, other := a.joined(t, "EIO=4"), a.joined(t, "EIO=4")
		asked.write(text(`42["ask"]`))
		equal(t, "question", asked.read(), `421["question"]`)
		other.write(text(`431["forged"]`), text(alivePacket))
		equal(t, "the other", other.read(), aliveAnswer)
		asked.write(text(`431["true"]`))
		equal(t, "answer", receive(t, a.ask).args.Len(), 1)
		equal(t, "answers beside it", len(a.ask), 0)
	}},
	{name: "the second answer to a question is none", do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		client.write(text(`42["ask"]`))
		equal(t, "question", client.read(), `421["question"]`)
		client.write(texts(`431["first"]`, `431["second"]`, alivePacket))
		equal(t, "alive", client.read(), aliveAnswer)
		equal(t, "answer", string(receive(t, a.ask).args.Raw(0)), `"first"`)
		equal(t, "answers beside it", len(a.ask), 0)
	}},
	{name: "an answer that is no JSON closes its client", do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		client.write(text(`42["ask"]`))
		equal(t, "question", client.read(), `421["question"]`)
		client.write(text(`431[}`))
		equal(t, "close", client.read(), "close 1005")
		a.wantEnd(t, closedByPacket, true)
		equal(t, "asked in vain", errors.Is(receive(t, a.ask).err, framework.ErrClosed), true)
	}},
	{name: "an answer for another namespace is none", do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		client.write(texts("40/side,", `42["ask"]`))
		got := []string{client.read(), client.read()}
		if !strings.Contains(strings.Join(got, " "), `421["question"]`) {
			t.Errorf("got %q, want the question", got)
		}
		client.write(texts(`43/side,1["forged"]`, `431["true"]`))
		equal(t, "answer", string(receive(t, a.ask).args.Raw(0)), `"true"`)
	}},
}

func init() { hostileTables["acks"] = names(ackAttacks, attackName) }

// runAttacks gives each attack an arena of its own.
func runAttacks(t *testing.T, attacks []attack) {
	for _, c := range attacks {
		t.Run(c.name, func(t *testing.T) {
			a := newArena(t, c.setup)
			c.do(t, a)
			a.healthy(t)
			a.clear(t)
		})
	}
}
