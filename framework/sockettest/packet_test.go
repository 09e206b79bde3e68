package sockettest

import (
	"fmt"
	"strings"
	"testing"
)

// golden are the packets of the Socket.IO protocol's document, version 5.
var golden = []struct {
	wire        string
	kind        byte
	attachments int
	path        string
	id          int
	payload     string
}{
	{`0{"sid":"oSO0OpakMV_3jnilAAAA"}`, kindConnect, 0, "/", noID, `{"sid":"oSO0OpakMV_3jnilAAAA"}`},
	{`0/admin,{"sid":"oSO0OpakMV_3jnilAAAA"}`, kindConnect, 0, "/admin", noID, `{"sid":"oSO0OpakMV_3jnilAAAA"}`},
	{`4{"message":"Not authorized"}`, kindConnectError, 0, "/", noID, `{"message":"Not authorized"}`},
	{`4/admin,{"message":"Not authorized","data":{"code":1}}`, kindConnectError, 0, "/admin", noID, `{"message":"Not authorized","data":{"code":1}}`},
	{`1/admin,`, kindDisconnect, 0, "/admin", noID, ``},
	{`1`, kindDisconnect, 0, "/", noID, ``},
	{`2["foo"]`, kindEvent, 0, "/", noID, `["foo"]`},
	{`2/admin,["bar"]`, kindEvent, 0, "/admin", noID, `["bar"]`},
	{`212["foo"]`, kindEvent, 0, "/", 12, `["foo"]`},
	{`312["bar"]`, kindAck, 0, "/", 12, `["bar"]`},
	{`3/admin,13["bar"]`, kindAck, 0, "/admin", 13, `["bar"]`},
	{`51-["baz",{"_placeholder":true,"num":0}]`, kindBinaryEvent, 1, "/", noID, `["baz",{"_placeholder":true,"num":0}]`},
	{`52-/admin,["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, kindBinaryEvent, 2, "/admin", noID, `["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`},
	{`51-15["bar",{"_placeholder":true,"num":0}]`, kindBinaryEvent, 1, "/", 15, `["bar",{"_placeholder":true,"num":0}]`},
	{`61-/admin,1[{"_placeholder":true,"num":0}]`, kindBinaryAck, 1, "/admin", 1, `[{"_placeholder":true,"num":0}]`},
}

func TestPacketsAreThoseOfTheProtocol(t *testing.T) {
	for _, g := range golden {
		if got := encodePacket(g.kind, g.attachments, g.path, g.id, []byte(g.payload)); got != g.wire {
			t.Errorf("encode: got %s, want %s", got, g.wire)
		}
		p, err := parsePacket(g.wire)
		if err != nil {
			t.Errorf("parse %s: %v", g.wire, err)
			continue
		}
		if p.kind != g.kind || p.awaited != g.attachments || p.path != g.path || p.id != g.id {
			t.Errorf("parse %s: got %+v", g.wire, p)
		}
		if err := checkPlaceholders(p.args, p.awaited); err != nil {
			t.Errorf("placeholders of %s: %v", g.wire, err)
		}
	}
}

func TestParsePacketRefuses(t *testing.T) {
	tests := []struct{ name, wire, want string }{
		{"nothing", ``, "empty packet"},
		{"unknown type", `7["a"]`, "unknown packet type '7'"},
		{"event without payload", `2`, "unexpected end of JSON"},
		{"event with an object", `2{"a":1}`, "cannot unmarshal object"},
		{"event with null", `2null`, "want an array"},
		{"event without name", `2[]`, "the event's name"},
		{"event named by a number", `2[1]`, "the event's name"},
		{"reserved event", `2["disconnect"]`, "reserved name"},
		{"two payloads", `2["a"]["b"]`, "after top-level value"},
		{"ack without id", `3["a"]`, "without an id"},
		{"ack id too long", `31234567890["a"]`, "decimal number"},
		{"connect without sid", `0{}`, `a string "sid"`},
		{"connect without payload", `0`, "unexpected end of JSON"},
		{"connect with SID", `0{"SID":"a"}`, `a string "sid"`},
		{"connect error without message", `4/a,{"data":1}`, `a string "message"`},
		{"disconnect with payload", `1/a,{}`, "want nothing"},
		{"no attachments", `50-["a"]`, "number of attachments"},
		{"attachments without dash", `51["a"]`, "number of attachments"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := parsePacket(test.wire)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestPlaceholdersNameEachAttachmentOnce(t *testing.T) {
	tests := []struct {
		name, wire, want string
	}{
		{"out of range", `51-["a",{"_placeholder":true,"num":1}]`, "placeholder 1, with 1 attachments"},
		{"negative", `51-["a",{"_placeholder":true,"num":-1}]`, "placeholder -1"},
		{"twice", `52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`, "placeholder 0 twice"},
		{"missing", `52-["a",{"_placeholder":true,"num":0}]`, "1 placeholders for 2"},
		{"no number", `51-["a",[{"_placeholder":true,"num":"0"}]]`, "want a number"},
		{"no integer", `51-["a",{"b":{"_placeholder":true,"num":0.5}}]`, "small integer"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := parsePacket(test.wire)
			if err != nil {
				t.Fatal(err)
			}
			err = checkPlaceholders(p.args, p.awaited)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
		})
	}
}

func FuzzParsePacketAgreesWithEncode(f *testing.F) {
	for _, g := range golden {
		f.Add(g.wire)
	}
	f.Add(`50-["a"]`)
	f.Add(`2/a`)
	f.Fuzz(func(t *testing.T, wire string) {
		p, err := parsePacket(wire)
		if err != nil {
			return
		}
		checkPlaceholders(p.args, p.awaited) // must not panic
		if !p.isMessage() {
			return
		}
		payload := Args{list: p.args}.JSON()
		if p.isEvent() {
			name, err := encodeJSON(p.name)
			if err != nil {
				t.Fatal(err)
			}
			payload = "[" + strings.TrimSuffix(string(name)+","+payload[1:len(payload)-1], ",") + "]"
		}
		again, err := parsePacket(encodePacket(p.kind, p.awaited, p.path, p.id, []byte(payload)))
		if err != nil {
			t.Fatalf("%q became %q: %v", wire, payload, err)
		}
		if got, want := fmt.Sprint(again), fmt.Sprint(p); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	})
}
