package framework_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// The packets that the reference's own tests try, which no client sends.
func TestPacketsThatNoClientSendsCloseTheConnection(t *testing.T) {
	tests := []struct {
		packet      string
		attachments [][]byte
		reason      framework.Reason
	}{
		{"abc", nil, framework.ForcedClose},
		{"null", nil, framework.ForcedClose},
		{"999", nil, framework.ForcedClose},
		{"1/admin,{}", nil, framework.ForcedClose},
		{`2/admin,"invalid`, nil, framework.ForcedClose},
		{"2/admin,{}", nil, framework.ForcedClose},
		{`2[{"toString":"foo"}]`, nil, framework.ForcedClose},
		{`2[true,"foo"]`, nil, framework.ForcedClose},
		{`2[null,"bar"]`, nil, framework.ForcedClose},
		{`2["connect"]`, nil, framework.ForcedClose},
		{`2["disconnect","123"]`, nil, framework.ForcedClose},
		{"5", nil, framework.ForcedClose},
		{"51", nil, framework.ForcedClose},
		{"5a-", nil, framework.ForcedClose},
		{"51.23-", nil, framework.ForcedClose},
		{"5woooot", nil, framework.ForcedClose},
		{`51-["x",{"_placeholder":true,"num":"splice"}]`, [][]byte{{1}}, framework.ForcedClose},

		{"0", nil, framework.ForcedServerClose},
		{`2/admin,["x"]`, nil, framework.ForcedServerClose},
		{`4["handle me please"]`, nil, framework.ForcedServerClose},
		{`442["some","data"`, nil, framework.ForcedServerClose},
	}
	srv := quiet()
	reasons := make(chan framework.Reason, 1)
	srv.On("x", func(framework.Args) { t.Error("the event was served") })
	srv.On("disconnect", func(r framework.Reason) { reasons <- r })
	for _, tt := range tests {
		t.Run(strings.ReplaceAll(tt.packet, "/", "|")+"/websocket", func(t *testing.T) {
			client := sockettest.Connect(t, srv, "/")
			client.Conn().Send(tt.packet, tt.attachments...)
			client.Conn().Closed()
			equal(t, "reason", receive(t, reasons), tt.reason)
		})
		if tt.attachments != nil {
			continue
		}
		t.Run(strings.ReplaceAll(tt.packet, "/", "|")+"/polling", func(t *testing.T) {
			client := dialPoller(t, srv)
			client.send("0")
			client.poll()
			client.sendBroken(tt.packet, `2["x"]`)
			equal(t, "reason", receive(t, reasons), tt.reason)
			equal(t, "next poll", client.poll(), "6\x1e1")
		})
	}
	t.Run("before CONNECT", func(t *testing.T) {
		client := dialPoller(t, srv)
		client.sendBroken(`2["x"]`)
		equal(t, "next poll", client.poll(), "6\x1e1")
	})
}

// To JavaScript these are members of every object.
func TestNamesOfJavaScriptObjectsAreOrdinary(t *testing.T) {
	names := []string{"__proto__", "constructor", "prototype", "toString", "hasOwnProperty"}
	srv := quiet()
	srv.On("ping", func() bool { return true })
	srv.On("join", func(s *framework.Socket, room string) { s.Join(room) })
	srv.On("constructor", func(v map[string]any) any { return v })
	client := sockettest.Connect(t, srv, "/")
	for _, name := range names {
		if name != "constructor" {
			unknown := client.EmitWithAck(name, map[string]string{name: name})
			client.Call("ping")
			equal(t, name+" was answered", unknown.Answered(), false)
		}
		equal(t, "argument", client.Call("constructor", map[string]string{name: name}).JSON(), fmt.Sprintf(`[{%q:%q}]`, name, name))
		equal(t, "namespace", client.Conn().Refused("/"+name).Message, "Invalid namespace")
		client.Call("join", name)
		if err := srv.To(name).Emit(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		client.Expect(name)
	}
}
