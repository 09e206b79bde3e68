package main

import (
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestMain(m *testing.M) { sockettest.Main(m) }

func TestJoinWelcomesAndTellsTheRoom(t *testing.T) {
	srv := framework.New(framework.Options{})
	srv.Register("/chat", &Chat{})
	ann, bob := sockettest.Connect(t, srv, "/chat"), sockettest.Connect(t, srv, "/chat")
	if got, want := ann.Call("join", "kitchen").String(0), "welcome"; got != want {
		t.Errorf("ack: got %q, want %q", got, want)
	}
	ann.Expect("message")
	bob.Call("join", "kitchen")
	if got, want := ann.Expect("message").Args.String(0), bob.ID()+" has entered kitchen"; got != want {
		t.Errorf("message: got %q, want %q", got, want)
	}
}
