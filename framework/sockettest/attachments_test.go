package sockettest

import (
	"encoding/json"
	"net"
	"strings"
	"testing"
	"time"
)

type inner struct {
	Data []byte `json:"data"`
}

type outer struct {
	inner
	Name  string         `json:"name"`
	Next  *outer         `json:"next,omitempty"`
	Any   any            `json:"any,omitempty"`
	Skip  []byte         `json:"-"`
	Empty []byte         `json:"empty,omitempty"`
	Raw   any            `json:"raw,omitempty"`
	Map   map[string]any `json:"map,omitempty"`
	quiet []byte
}

func TestEncodeArgsTurnsBytesIntoAttachments(t *testing.T) {
	const p0 = `{"_placeholder":true,"num":0}`
	const p1 = `{"_placeholder":true,"num":1}`
	tests := []struct {
		name string
		args []any
		want string
		bin  []string
	}{
		{"none", nil, `[]`, nil},
		{"values", []any{"a<b>&", 1, 1.5, nil, true}, `["a<b>&",1,1.5,null,true]`, nil},
		{"top level", []any{"x", []byte("one")}, `["x",` + p0 + `]`, []string{"one"}},
		{"empty", []any{[]byte{}}, `[` + p0 + `]`, []string{""}},
		{"nil bytes", []any{[]byte(nil)}, `[null]`, nil},
		{"list", []any{[][]byte{[]byte("one"), []byte("two")}}, `[[` + p0 + `,` + p1 + `]]`, []string{"one", "two"}},
		{"array", []any{[1][]byte{[]byte("one")}}, `[[` + p0 + `]]`, []string{"one"}},
		{"map in the order of its JSON", []any{map[string]any{"b": []byte("two"), "a": []byte("one")}},
			`[{"a":` + p0 + `,"b":` + p1 + `}]`, []string{"one", "two"}},
		{"map of bytes", []any{map[int][]byte{7: []byte("one")}}, `[{"7":` + p0 + `}]`, []string{"one"}},
		{"struct", []any{&outer{inner: inner{[]byte("one")}, Name: "n", Any: inner{[]byte("two")}, Skip: []byte("no"), quiet: []byte("no")}},
			`[{"data":` + p0 + `,"name":"n","any":{"data":` + p1 + `}}]`, []string{"one", "two"}},
		{"pointers", []any{outer{Next: &outer{inner: inner{[]byte("one")}}}},
			`[{"data":null,"name":"","next":{"data":` + p0 + `,"name":""}}]`, []string{"one"}},
		{"what encodes itself", []any{json.RawMessage(`{"a":1}`), net.IPv4(1, 2, 3, 4), time.Unix(0, 0).UTC()},
			`[{"a":1},"1.2.3.4","1970-01-01T00:00:00Z"]`, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			text, bin, err := encodeArgs(test.args)
			if err != nil {
				t.Fatal(err)
			}
			if string(text) != test.want {
				t.Errorf("got  %s\nwant %s", text, test.want)
			}
			var got []string
			for _, b := range bin {
				got = append(got, string(b))
			}
			if strings.Join(got, "|") != strings.Join(test.bin, "|") || len(got) != len(test.bin) {
				t.Errorf("got attachments %q, want %q", got, test.bin)
			}
		})
	}
}

func TestEncodeArgsLeavesTheCallersValueAlone(t *testing.T) {
	data := []byte("one")
	v := &outer{inner: inner{data}, Map: map[string]any{"a": data}, Any: []any{data}}
	if _, bin, err := encodeArgs([]any{v}); err != nil || len(bin) != 3 {
		t.Fatalf("got %d attachments, %v, want 3", len(bin), err)
	}
	for i, b := range [][]byte{v.Data, v.Map["a"].([]byte), v.Any.([]any)[0].([]byte)} {
		if string(b) != "one" {
			t.Errorf("place %d: got %q, want it as it was", i, b)
		}
	}
}

func TestEncodeArgsReportsWhatIsNoJSON(t *testing.T) {
	cycle := map[string]any{}
	cycle["self"] = cycle
	for _, v := range []any{func() {}, make(chan int), cycle} {
		if _, _, err := encodeArgs([]any{v}); err == nil {
			t.Errorf("%T: got no error", v)
		}
	}
}
