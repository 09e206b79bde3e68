package framework_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/adapter"
	"github.com/parlor-go/parlor/framework/sockettest"
)

type profile struct{ Name string }

var (
	profileKey = framework.NewKey[profile]("profile")
	plainKey   = framework.NewKey[string]("plain")
	funcKey    = framework.NewKey[func()]("func")
	rudeKey    = framework.NewKey[rude]("rude")
)

// rude panics when it is encoded.
type rude struct{}

func (rude) MarshalJSON() ([]byte, error) { panic("no") }

func TestAFetchedSocketOfThisProcessIsTheSocket(t *testing.T) {
	srv := quiet()
	client := sockettest.Connect(t, srv, "/", map[string]int{"n": 1})
	s, _ := srv.Of("/").Socket(client.ID())
	list, err := srv.Fetch(t.Context())
	if len(list) != 1 || err != nil {
		t.Fatalf("got %d and error %v, want 1", len(list), err)
	}
	r := list[0]
	s.Join("later") // what was fetched tells the rooms of then
	profileKey.Set(s, profile{"ann"})
	funcKey.Set(s, func() {})
	equal(t, "id", r.ID(), s.ID())
	equal(t, "rooms", fmt.Sprint(r.Rooms()), fmt.Sprint([]string{s.ID()}))
	equal(t, "handshake", r.Handshake(), s.Handshake())
	equal(t, "auth", string(r.Auth().Raw(0)), `{"n":1}`)
	if inside, ok := r.Socket(); inside != s || !ok {
		t.Errorf("got socket %v, %v", inside, ok)
	}
	if v, ok, err := profileKey.From(r); v.Name != "ann" || !ok || err != nil {
		t.Errorf("got %v, %v, error %v", v, ok, err)
	}
	if f, ok, err := funcKey.From(r); f == nil || !ok || err != nil {
		t.Errorf("a value that is no JSON: got %v, error %v", ok, err)
	}
	if _, ok, err := plainKey.From(r); ok || err != nil {
		t.Errorf("a value that was not set: got %v, error %v", ok, err)
	}
	client.Leave()
	<-s.Context().Done()
	if err := r.Emit("x"); !errors.Is(err, framework.ErrClosed) {
		t.Errorf("emit to who has gone: got error %v, want %v", err, framework.ErrClosed)
	}
	for what, err := range map[string]error{"join": r.Join(t.Context(), "x"), "leave": r.Leave(t.Context(), "x"), "disconnect": r.Disconnect(t.Context())} {
		equal(t, what, err, nil)
	}
}

func TestAFetchedSocketOfAnotherServer(t *testing.T) {
	issued := time.UnixMilli(1_700_000_000_123)
	info := adapter.SocketInfo{
		ID:    "far",
		Rooms: []string{"far", "kitchen"},
		Handshake: adapter.Handshake{
			Header:  map[string][]string{"Host": {"example.com:8080"}, "User-Agent": {"test"}, "Cookie": {"a=1; b=2"}},
			Time:    issued,
			Address: "192.0.2.1",
			Secure:  true,
			URL:     "/socket.io/?EIO=4&x=y",
			Auth:    json.RawMessage(`{"token":"t"}`),
		},
		Data: json.RawMessage(`{"profile":{"Name":"bob"},"plain":{"no":"string"},"more":[1]}`),
	}
	a := fakeCluster{fetch: func() ([]adapter.SocketInfo, error) { return []adapter.SocketInfo{info}, nil }}
	srv := clustered(&a)
	list, err := srv.Fetch(t.Context())
	if len(list) != 1 || err != nil {
		t.Fatalf("got %d and error %v, want 1", len(list), err)
	}
	r := list[0]
	h := r.Handshake()
	if h.Host != "example.com:8080" || h.RemoteAddr != "192.0.2.1" || !h.Secure || !h.Time.Equal(issued) || h.Query().Get("x") != "y" ||
		h.Header().Get("User-Agent") != "test" || h.Header().Get("Host") != "" {
		t.Errorf("got handshake %+v, header %v", h, h.Header())
	}
	if c, err := h.Cookie("b"); err != nil || c.Value != "2" {
		t.Errorf("got cookie %v and error %v, want 2", c, err)
	}
	equal(t, "auth", string(r.Auth().Raw(0)), `{"token":"t"}`)
	equal(t, "rooms", fmt.Sprint(r.Rooms()), "[far kitchen]")
	if s, ok := r.Socket(); s != nil || ok {
		t.Errorf("got socket %v", s)
	}
	if v, ok, err := profileKey.From(r); v.Name != "bob" || !ok || err != nil {
		t.Errorf("got %v, %v, error %v", v, ok, err)
	}
	if v, ok, err := plainKey.From(r); v != "" || ok || err == nil || !strings.Contains(err.Error(), `value "plain" of socket far`) {
		t.Errorf("a value of another type: got %q, %v, error %v", v, ok, err)
	}
	for what, do := range map[string]func() error{
		`broadcast ["x"] 0 to [far] but [] {Volatile:false Plain:false}`: func() error { return r.Emit("x") },
		`join [far]: [a]`:                func() error { return r.Join(t.Context(), "a") },
		`leave [far]: [a]`:               func() error { return r.Leave(t.Context(), "a") },
		`disconnect [far], closing true`: func() error { return r.Close(t.Context()) },
	} {
		err := do()
		if notes := a.notes(); err != nil || len(notes) != 1 || notes[0] != what {
			t.Errorf("got %v and error %v, want %s", notes, err, what)
		}
	}
}

// What another server says may be anything.
func TestAFetchedSocketWhoseServerTellsNonsense(t *testing.T) {
	tests := []struct {
		name string
		info adapter.SocketInfo
		ok   bool // that there is no value is no error
	}{
		{"nothing", adapter.SocketInfo{}, true},
		{"null", adapter.SocketInfo{Data: json.RawMessage("null"), Handshake: adapter.Handshake{Auth: json.RawMessage("null")}}, true},
		{"an array", adapter.SocketInfo{Data: json.RawMessage("[1]")}, false},
		{"a broken URL", adapter.SocketInfo{Handshake: adapter.Handshake{URL: ":%"}}, true},
	}
	for _, tt := range tests {
		a := fakeCluster{fetch: func() ([]adapter.SocketInfo, error) { return []adapter.SocketInfo{tt.info}, nil }}
		list, err := clustered(&a).Fetch(t.Context())
		if len(list) != 1 || err != nil {
			t.Fatalf("%s: got %d and error %v, want 1", tt.name, len(list), err)
		}
		r := list[0]
		if h := r.Handshake(); len(h.Query()) > 0 || len(h.Header()) > 0 {
			t.Errorf("%s: got handshake %+v", tt.name, h)
		}
		equal(t, tt.name+": auth", r.Auth().Len(), 0)
		if _, ok, err := profileKey.From(r); ok || (err == nil) != tt.ok {
			t.Errorf("%s: got value %v, error %v", tt.name, ok, err)
		}
	}
}

func TestOtherServersAreToldWhatIsJSON(t *testing.T) {
	var a fakeCluster
	srv := clustered(&a)
	client := sockettest.Connect(t, srv, "/")
	s, _ := srv.Of("/").Socket(client.ID())
	profileKey.Set(s, profile{"ann"})
	funcKey.Set(s, func() {})
	rudeKey.Set(s, rude{})
	framework.NewKey[string]("").Set(s, "for this process")
	infos := a.local.Fetch(adapter.Selection{})
	if len(infos) != 1 {
		t.Fatalf("got %d, want 1", len(infos))
	}
	equal(t, "data", string(infos[0].Data), `{"profile":{"Name":"ann"}}`)
	equal(t, "host", infos[0].Handshake.Header.Get("Host"), "example.com")
	if infos[0].Handshake.Auth != nil {
		t.Errorf("got auth %s, want none", infos[0].Handshake.Auth)
	}
	equal(t, "count", a.local.Count(adapter.Selection{Except: []string{client.ID()}}), 0)
}

func TestOtherServersAreToldValuesAsTheyWereWhenTheyWereStored(t *testing.T) {
	var a fakeCluster
	srv := clustered(&a)
	scores := framework.NewKey[map[string]int]("scores")
	client := sockettest.Connect(t, srv, "/")
	s, _ := srv.Of("/").Socket(client.ID())
	data := func() string { return string(a.local.Fetch(adapter.Selection{})[0].Data) }
	own := map[string]int{"ann": 1}
	scores.Set(s, own)
	own["ann"] = 2 // its owner's, who may do so while another server asks
	equal(t, "data", data(), `{"scores":{"ann":1}}`)
	scores.Set(s, own)
	equal(t, "data", data(), `{"scores":{"ann":2}}`)
	value := framework.NewKey[any]("value")
	value.Set(s, 1)
	value.Set(s, func() {}) // and what it was before is no longer told
	equal(t, "data", data(), `{"scores":{"ann":2}}`)
}

func TestAnEmitToAFetchedSocketTakesNoCallback(t *testing.T) {
	srv := quiet()
	client := sockettest.Connect(t, srv, "/")
	list, err := srv.Fetch(t.Context())
	if len(list) != 1 || err != nil {
		t.Fatalf("got %d and error %v, want 1", len(list), err)
	}
	if err := list[0].Emit("x", func() {}); err == nil || !strings.Contains(err.Error(), "takes no ack callback") {
		t.Errorf("got error %v, want one: of another server's client it would not work either", err)
	}
	client.ExpectNone()
}
