package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestMain(m *testing.M) { sockettest.Main(m) }

func newApp() http.Handler {
	r := chi.NewRouter()
	r.Mount("/socket.io", newServer(zerolog.Nop()))
	r.Mount("/", newPage())
	return r
}

// enter connects somebody and takes the list of rooms, which comes first.
func enter(t *testing.T, app http.Handler, name string) *sockettest.Socket {
	t.Helper()
	s := sockettest.Connect(t, app, "/chat", map[string]string{"name": name})
	s.Expect("rooms")
	return s
}

func join(t *testing.T, s *sockettest.Socket, room string) {
	t.Helper()
	if got := s.Call("join", room).JSON(); got != "[]" {
		t.Fatalf("join %q: got %s, want no error", room, got)
	}
}

func TestRoomHearsWhoComesAndGoes(t *testing.T) {
	app := newApp()
	ann := enter(t, app, "Ann")
	join(t, ann, " kitchen ")
	if got, want := ann.Expect("people").Args.JSON(), `["kitchen",[{"id":"`+ann.ID()+`","name":"Ann"}]]`; got != want {
		t.Errorf("the first in a room: got %s, want %s", got, want)
	}

	bob := enter(t, app, "Bob")
	join(t, bob, "kitchen")
	var people []Person
	bob.Expect("people").Args.Decode(1, &people)
	if len(people) != 2 || people[0].Name != "Ann" || people[1].Name != "Bob" {
		t.Errorf("people: got %v, want Ann and Bob", people)
	}
	var came, left Person
	ann.Expect("joined").Args.Decode(0, &came)
	bob.Conn().Cut()
	ann.Expect("left").Args.Decode(0, &left)
	if came.Name != "Bob" || left != came {
		t.Errorf("got %v in and %v out, want Bob both times", came, left)
	}
}

func TestMessagesStayInTheRoom(t *testing.T) {
	app := newApp()
	ann, bob, cat := enter(t, app, "Ann"), enter(t, app, "Bob"), enter(t, app, "Cat")
	join(t, ann, "kitchen")
	join(t, bob, "kitchen")
	join(t, cat, "garden")

	ann.Call("typing", true)
	if got, want := bob.Expect("typing").Args.JSON(), `[{"id":"`+ann.ID()+`","name":"Ann"},true]`; got != want {
		t.Errorf("typing: got %s, want %s", got, want)
	}
	ann.Call("say", " <b>soup</b>\nis ready ")
	for _, s := range []*sockettest.Socket{ann, bob} {
		var m Message
		s.Expect("said").Args.Decode(0, &m)
		if m.From.Name != "Ann" || m.Text != "<b>soup</b>\nis ready" || m.Time.IsZero() {
			t.Errorf("got %+v, want Ann's words and a time", m)
		}
	}
	bob.Call("join", "garden")
	ann.Call("say", "bob?")
	bob.Call("say", "here")
	var m Message
	cat.Expect("said").Args.Decode(0, &m)
	if m.Text != "here" {
		t.Errorf("the garden: got %q, want only what was said there", m.Text)
	}
}

func TestRoomsAreListedForEverybody(t *testing.T) {
	app := newApp()
	ann, bob := enter(t, app, "Ann"), enter(t, app, "Bob")
	for i, step := range []struct {
		who  *sockettest.Socket
		room string
		want string
	}{
		{ann, "kitchen", `[[{"name":"kitchen","people":1}]]`},
		{bob, "garden", `[[{"name":"garden","people":1},{"name":"kitchen","people":1}]]`},
		{ann, "garden", `[[{"name":"garden","people":2}]]`},
	} {
		join(t, step.who, step.room)
		for _, s := range []*sockettest.Socket{ann, bob} {
			if got := s.Expect("rooms").Args.JSON(); got != step.want {
				t.Errorf("step %d: got %s, want %s", i, got, step.want)
			}
		}
	}
}

func TestBadNamesAreRefused(t *testing.T) {
	tests := []struct {
		name, in, want string
	}{
		{"empty", "", "the name is empty"},
		{"spaces", " \t\n ", "the name is empty"},
		{"nothing to see", "\u200b\u202e\x00", "the name is empty"},
		{"long", strings.Repeat("ü", 25), "the name is longer than 24 characters"},
	}
	app := newApp()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			refusal := sockettest.Dial(t, app, sockettest.Options{}).Refused("/chat", map[string]string{"name": tt.in})
			if refusal.Message != tt.want {
				t.Errorf("got %q, want %q", refusal.Message, tt.want)
			}
		})
	}
}

func TestBadRoomsAndMessagesAreRefused(t *testing.T) {
	tests := []struct {
		name, event, in, want string
	}{
		{"message outside of a room", "say", "hello", `[{"error":{"message":"join a room first"}}]`},
		{"empty room", "join", "  ", `[{"error":{"message":"the room is empty","data":{"field":"room"}}}]`},
		{"long room", "join", strings.Repeat("r", 25), `[{"error":{"message":"the room is longer than 24 characters","data":{"field":"room"}}}]`},
		{"good room", "join", strings.Repeat("r", 24), `[]`},
		{"empty message", "say", "\n\u200b", `[{"error":{"message":"the message is empty","data":{"field":"message"}}}]`},
		{"long message", "say", strings.Repeat("m", 2001), `[{"error":{"message":"the message is longer than 2000 characters","data":{"field":"message"}}}]`},
	}
	ann := enter(t, newApp(), "Ann")
	for _, tt := range tests {
		if got := ann.Call(tt.event, tt.in).JSON(); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestWhoSaysTooMuchAtOnceIsNotHeard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // so no time passes
		ann := enter(t, newApp(), "Ann")
		join(t, ann, "kitchen")
		for i := range 19 { // a burst is 20
			if got := ann.Call("say", "soup").JSON(); got != "[]" {
				t.Fatalf("message %d: got %s, want no error", i, got)
			}
		}
		if got, want := ann.Call("say", "soup").JSON(), `[{"error":{"message":"rate limit exceeded","data":{"retryAfter":100}}}]`; got != want {
			t.Errorf("one more: got %s, want %s", got, want)
		}
	})
}

func TestPageIsServedWithItsPolicy(t *testing.T) {
	w := httptest.NewRecorder()
	newApp().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	policy := w.Header().Get("Content-Security-Policy")
	if w.Code != http.StatusOK || !strings.Contains(policy, "default-src 'self'") || !strings.Contains(w.Body.String(), "<title>parlor") {
		t.Errorf("got %d with policy %q, want the page and its policy", w.Code, policy)
	}
}
