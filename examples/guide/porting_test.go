package main

import (
	"testing"

	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestThePortedChat(t *testing.T) {
	h := newChat()
	client := sockettest.Connect(t, h, "/chat", Login{Token: "secret"})
	if got, want := client.Call("say", "hello").JSON(), `["ok"]`; got != want {
		t.Errorf("the ack: got %s, want %s", got, want)
	}
	if got, want := client.Expect("said").Args.JSON(), `["hello"]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := sockettest.Dial(t, h, sockettest.Options{}).Refused("/chat").Message, "who are you?"; got != want {
		t.Errorf("a stranger: got %q, want %q", got, want)
	}
}
