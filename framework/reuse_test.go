package framework_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// Contexts, buffers and the places of parameters are used again. None of that may show.

// lazyText breaks the contract of json.Unmarshaler: it keeps the bytes it was given.
type lazyText []byte

func (l *lazyText) UnmarshalJSON(b []byte) error { *l = b; return nil }

func TestWhatAnyParameterWasGivenIsItsOwn(t *testing.T) {
	type inner struct {
		Text string            `json:"text"`
		List []string          `json:"list"`
		Raw  json.RawMessage   `json:"raw"`
		Map  map[string]string `json:"map"`
	}
	type plain struct {
		Text string         `json:"text"`
		List []string       `json:"list"`
		Any  map[string]any `json:"map"`
	}
	const events = 50
	tests := []struct {
		name    string
		handler func(keep func(v any)) any
	}{
		{"struct", func(keep func(any)) any { return func(v plain) { keep(v) } }},
		{"pointer", func(keep func(any)) any { return func(v *plain) { keep(v) } }},
		{"struct with json.RawMessage", func(keep func(any)) any { return func(v inner) { keep(v) } }},
		{"json.RawMessage", func(keep func(any)) any { return func(v json.RawMessage) { keep(v) } }},
		{"json.Unmarshaler", func(keep func(any)) any { return func(v lazyText) { keep(json.RawMessage(v)) } }},
		{"any", func(keep func(any)) any { return func(v any) { keep(v) } }},
		{"map", func(keep func(any)) any { return func(v map[string]any) { keep(v) } }},
		{"variadic", func(keep func(any)) any { return func(v ...plain) { keep(v[0]) } }},
		{"framework.Args", func(keep func(any)) any { return func(v framework.Args) { keep(v.Raw(0)) } }},
		{"*framework.Event", func(keep func(any)) any { return func(e *framework.Event) { keep(lazyEvent{e}) } }},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kept := make(chan any, events)
			srv := quiet()
			srv.On("keep", tt.handler(func(v any) { kept <- v }))
			srv.On("other", func(text string) string { return text }) // whose arguments nobody keeps
			srv.On("done", func() {})
			client := sockettest.Connect(t, srv, "/")
			want := func(i int) string {
				text := fmt.Sprint(i, strings.Repeat("x", i))
				return fmt.Sprintf(`{"text":%q,"list":[%q,%q],"raw":{"a":%d},"map":{"k":%q}}`, text, text, text, i, text)
			}
			for i := range events {
				client.Emit("keep", json.RawMessage(want(i)))
				client.Emit("other", strings.Repeat("B", 100))
			}
			client.Call("done")
			for i := range events {
				got, err := json.Marshal(receive(t, kept))
				if err != nil {
					t.Fatal(err)
				}
				var g, w inner
				if err := json.Unmarshal(got, &g); err != nil {
					t.Fatalf("event %d: %v in %s", i, err, got)
				}
				_ = json.Unmarshal([]byte(want(i)), &w)
				if tt.name == "struct" || tt.name == "pointer" || tt.name == "variadic" {
					w.Raw = nil
				}
				if fmt.Sprint(g) != fmt.Sprint(w) {
					t.Fatalf("event %d: got %+v, want %+v", i, g, w)
				}
			}
		})
	}
}

// inward is a value that points into itself.
type inward struct {
	room [2]int
	list []int
}

func (v *inward) UnmarshalJSON(b []byte) error {
	v.list = v.room[:0]
	return json.Unmarshal(b, &v.list)
}

// textKey is a map key that keeps the bytes that it was given.
type textKey struct{ text *byte }

func (k *textKey) UnmarshalText(b []byte) error { k.text = &b[0]; return nil }

func TestWhatDecodesItselfMayPointWhereItLikes(t *testing.T) {
	const events = 20
	lists, keys := make(chan inward, events), make(chan map[textKey]int, events)
	srv := quiet()
	srv.On("list", func(v inward) { lists <- v })
	srv.On("map", func(m map[textKey]int) { keys <- m })
	srv.On("done", func() {})
	client := sockettest.Connect(t, srv, "/")
	for i := range events {
		client.Emit("list", []int{i, i})
		client.Emit("map", map[string]int{string(rune('a' + i)): i})
	}
	client.Call("done")
	for i := range events {
		equal(t, "list", fmt.Sprint(receive(t, lists).list), fmt.Sprint([]int{i, i}))
		for k, v := range receive(t, keys) {
			equal(t, "key", *k.text, byte('a'+v))
		}
	}
}

func TestAMiddlewareMayAskTwice(t *testing.T) {
	n := 0
	srv := quiet()
	srv.Use(func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			first, err := next.ServeEvent(ctx, e)
			if e.Kind() != framework.KindEvent || err != nil {
				return first, err
			}
			second, err := next.ServeEvent(ctx, e)
			return append(first, second...), err
		})
	})
	srv.On("direct", func(string) string { n++; return fmt.Sprint(n) })
	srv.On("reflected", func(int8) int { n++; return n })
	client := sockettest.Connect(t, srv, "/")
	equal(t, "direct", client.Call("direct", "").JSON(), `["1","2"]`)
	equal(t, "reflected", client.Call("reflected", 0).JSON(), `[3,4]`)
}

// TestEventsOfAllSortsSideBySide has handlers of all shapes succeed, fail, panic and end
// their goroutines on many sockets at a time, and checks each answer.
func TestEventsOfAllSortsSideBySide(t *testing.T) {
	type parts struct {
		A string
		L []string
		M map[string]string
		P *string
	}
	srv := quiet()
	srv.On("text", func(v string) string { runtime.Gosched(); return v })
	srv.On("parts", func(_ *framework.Socket, v parts) (parts, error) { return v, nil })
	srv.On("any", func(v any) any { return v })
	srv.On("rest", func(a string, b int, rest ...string) string { return fmt.Sprint(a, b, rest) })
	srv.On("event", func(e *framework.Event) any { return e.Args })
	srv.On("panics", func(v string) { panic(v) })
	srv.On("exits", func(string) { runtime.Goexit() })
	srv.On("fails", func(v string) error { return errors.New(v) })
	srv.OnError(func(_ context.Context, e *framework.Event, _ error) ([]any, bool) {
		return []any{e.Name, e.Args.Raw(0)}, true
	})
	var clients sync.WaitGroup
	for k := range 6 {
		client := sockettest.Connect(t, srv, "/")
		clients.Go(func() {
			for i := range 40 {
				text := fmt.Sprintf("%d-%d-%s", k, i, strings.Repeat("z", i*37%3000))
				q := fmt.Sprintf("%q", text)
				client.Emit("text", strings.Repeat("lost", i))
				for event, want := range map[string]string{
					"text": q, "any": q, "event": q,
					"panics": `"panics",` + q, "exits": `"exits",` + q, "fails": `"fails",` + q,
				} {
					equal(t, event, client.Call(event, text).JSON(), "["+want+"]")
				}
				p := parts{A: text, L: []string{text}, M: map[string]string{"k": text}, P: &text}
				equal(t, "parts", client.Call("parts", p).JSON(), fmt.Sprintf(`[{"A":%s,"L":[%s],"M":{"k":%s},"P":%s}]`, q, q, q, q))
				equal(t, "rest", client.Call("rest", "a", i, "r", text).JSON(), fmt.Sprintf(`["a%d [r %s]"]`, i, text))
			}
		})
	}
	clients.Wait()
}

// lazyEvent looks at an event's arguments when all events have come.
type lazyEvent struct{ e *framework.Event }

func (l lazyEvent) MarshalJSON() ([]byte, error) { return l.e.Args.Raw(0), nil }

func TestAParameterIsZeroForEachCall(t *testing.T) {
	type point struct {
		X int            `json:"x"`
		M map[string]int `json:"m"`
		A [2]int         `json:"a"`
	}
	srv := quiet()
	srv.On("point", func(p point, more *int, list []int) (point, bool, int) { return p, more == nil, len(list) })
	srv.On("panics", func(p point, n int) (int, int) {
		if n == 1 {
			panic("on purpose")
		}
		return p.X, n
	})
	client := sockettest.Connect(t, srv, "/")
	equal(t, "first", client.Call("point", json.RawMessage(`{"x":1,"m":{"a":1},"a":[1,2]}`), 5, []int{1}).JSON(),
		`[{"x":1,"m":{"a":1},"a":[1,2]},false,1]`)
	equal(t, "second", client.Call("point", json.RawMessage(`{"a":[3]}`), nil, []int{}).JSON(), `[{"x":0,"m":null,"a":[3,0]},true,0]`)
	client.Emit("panics", json.RawMessage(`{"x":7}`), 1)
	client.Emit("panics", json.RawMessage(`{"x":"no number"}`), 2)
	equal(t, "after a panic and a misfit", client.Call("panics", json.RawMessage(`{}`), 3).JSON(), `[0,3]`)
}
