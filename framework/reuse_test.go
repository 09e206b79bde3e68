package framework_test

import (
	"encoding/json"
	"fmt"
	"strings"
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
			srv.On("done", func() {})
			client := sockettest.Connect(t, srv, "/")
			want := func(i int) string {
				text := fmt.Sprint(i, strings.Repeat("x", i))
				return fmt.Sprintf(`{"text":%q,"list":[%q,%q],"raw":{"a":%d},"map":{"k":%q}}`, text, text, text, i, text)
			}
			for i := range events {
				client.Emit("keep", json.RawMessage(want(i)))
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
