package framework_test

import (
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestAnObserverIsToldOfChildrenThatAreMadeAndEnd(t *testing.T) {
	srv, d := quiet(), newDiary()
	srv.Observe(framework.Observer{
		NamespaceMade: func(ns *framework.Namespace) { d.write("made", ns.Path()) },
		NamespaceGone: func(ns *framework.Namespace) { d.write("gone", ns.Path()) },
	})
	srv.RegisterFunc("/job/{id}", func(p framework.Params) (framework.NamespaceHandler, error) {
		if p.Get("id") == "none" {
			return nil, framework.Refuse("no such job")
		}
		return &job{id: p.Get("id")}, nil
	})
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Refused("/job/none")
	one, other := conn.Join("/job/1"), sockettest.Connect(t, srv, "/job/1")
	one.Leave()
	other.Leave()
	same(t, "told", d.since(t, "gone /job/1"), []string{"made /", "made /job/1", "gone /job/1"})
	conn.Join("/job/1")
	same(t, "anew", d.since(t, "made /job/1"), []string{"made /job/1"})
}

func TestAnObserverIsNotToldOfWhatChangesNothing(t *testing.T) {
	srv, d := observed((*diary).rooms)
	ann, bob := sockettest.Connect(t, srv, "/chat", "ann"), sockettest.Connect(t, srv, "/chat", "bob")
	d.since(t, "bob joined lobby")
	for range 2 {
		ann.Call("join", []string{"den"})
		bob.Call("join", []string{"den"})
	}
	for range 2 {
		ann.Call("leave", []string{"den", "nowhere"})
	}
	bob.Call("leave", []string{"den"})
	same(t, "told", d.since(t, "deleted den"),
		[]string{"created den", "ann joined den", "bob joined den", "ann left den", "bob left den", "deleted den"})
	ann.Leave() // while another is in the lobby
	same(t, "a leave", d.since(t, "deleted ann"), []string{"ann left lobby", "ann left ann", "deleted ann"})
}
