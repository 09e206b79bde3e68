package packet

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/parlor-go/parlor/transport"
)

var typeNames = map[Type]string{
	Connect: "CONNECT", Disconnect: "DISCONNECT", Event: "EVENT", Ack: "ACK",
	ConnectError: "CONNECT_ERROR", BinaryEvent: "BINARY_EVENT", BinaryAck: "BINARY_ACK",
}

func describe(p Packet) string {
	s := typeNames[p.Type] + " " + string(p.Namespace)
	if p.Attachments > 0 {
		s += fmt.Sprintf(" attachments=%d", p.Attachments)
	}
	if p.HasID {
		s += fmt.Sprintf(" id=%d", p.ID)
	}
	if p.Data != nil {
		s += " " + string(p.Data)
	}
	return s
}

// golden reads the frames of the protocol document.
func golden(t testing.TB) map[string]string {
	t.Helper()
	b, err := os.ReadFile("testdata/frames.txt")
	if err != nil {
		t.Fatal(err)
	}
	frames := make(map[string]string)
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		frame, want, ok := strings.Cut(strings.TrimRight(line, "\n"), "\t")
		if !ok {
			t.Fatalf("testdata/frames.txt: no tab in %q", line)
		}
		frames[frame] = want
	}
	return frames
}

func TestGoldenFramesDecode(t *testing.T) {
	for frame, want := range golden(t) {
		p, err := Decode([]byte(frame), 10)
		if err != nil {
			t.Errorf("%s: %v", frame, err)
			continue
		}
		if got := describe(p); got != want {
			t.Errorf("%s: got %s, want %s", frame, got, want)
		}
	}
}

func TestGoldenFramesEncode(t *testing.T) {
	for frame := range golden(t) {
		p, err := Decode([]byte(frame), 10)
		if err != nil {
			t.Fatal(err)
		}
		got := string(append(AppendHeader(nil, headOf(p)), p.Data...))
		if got != frame && got != frame+"," { // the comma may be left out when nothing follows
			t.Errorf("got %s, want %s", got, frame)
		}
	}
}

// headOf turns a decoded packet around; AppendHeader chooses the binary form.
func headOf(p Packet) Head {
	h := Head{Type: p.Type, Attachments: p.Attachments, Namespace: string(p.Namespace), ID: p.ID, HasID: p.HasID}
	if p.Type >= BinaryEvent {
		h.Type -= BinaryEvent - Event
	}
	return h
}

func TestMalformedPacketsAreRefused(t *testing.T) {
	tests := []struct{ name, frame string }{
		{"empty", ""},
		{"unknown type", "7[]"},
		{"letter for a type", "abc"},
		{"event without payload", "2"},
		{"event with an object", `2{}`},
		{"event with a string", `2"a"`},
		{"event with an id that is no number", `2abc["a"]`},
		{"id of 19 digits", `21234567890123456789["a"]`},
		{"ack without an id", `3["a"]`},
		{"ack with an object", `31{}`},
		{"disconnect with a payload", `1{}`},
		{"binary event without a count", `5["a"]`},
		{"binary event without a dash", `51["a"]`},
		{"binary event with a letter for the count", `5a-["a"]`},
		{"binary event with a negative count", `5-1-["a"]`},
		{"too many attachments", `511-["a"]`},
		{"attachments beyond any number", `599999999999999999999-["a"]`},
		{"namespace and nothing else", `2/admin`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if p, err := Decode([]byte(tt.frame), 10); err == nil {
				t.Errorf("got %s, want an error", describe(p))
			}
		})
	}
}

func TestSplit(t *testing.T) {
	tests := []struct {
		name, array string
		want        []string
	}{
		{"empty", `[]`, nil},
		{"blank", "[ \n\t]", nil},
		{"one", `["a"]`, []string{`"a"`}},
		{"scalars", `[null,true,false,-0.5e+10,0]`, []string{"null", "true", "false", "-0.5e+10", "0"}},
		{"nested", `[{"a":[1,{"b":"]"}]},[[]]]`, []string{`{"a":[1,{"b":"]"}]}`, `[[]]`}},
		{"quotes and brackets in a string", `["a\"],[\\",1]`, []string{`"a\"],[\\"`, "1"}},
		{"space everywhere", ` [ 1 , { "a" : 2 } ] `, []string{"1", `{ "a" : 2 }`}},
		{"unicode", `["é\u00e9😀"]`, []string{`"é\u00e9😀"`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			elems, err := Split([]byte(tt.array), nil, 256)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]string, 0, len(elems))
			for _, e := range elems {
				got = append(got, string(e))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSplitRefusesWhatIsNotJSON(t *testing.T) {
	for _, array := range []string{
		``, `[`, `[1`, `[1,`, `[1,]`, `[,1]`, `[1 2]`, `[1]]`, `[1]x`, `{}`, `"a"`, `[tru]`, `[nul]`, `[truefalse]`,
		`[01]`, `[1.]`, `[.5]`, `[1e]`, `[-]`, `[+1]`, `[0x10]`, `[NaN]`, `["a]`, `["\x"]`, `["\u12g4"]`, `["\u12`,
		"[\"a\nb\"]", `[{1:2}]`, `[{"a"}]`, `[{"a":}]`, `[{"a":1,}]`, `[{,}]`, `['a']`,
	} {
		if elems, err := Split([]byte(array), nil, 256); err == nil {
			t.Errorf("%s: got %q, want an error", array, elems)
		}
	}
}

func TestNestingIsBounded(t *testing.T) {
	deep := func(n int) []byte {
		return []byte(strings.Repeat("[", n) + strings.Repeat("]", n))
	}
	for _, depth := range []int{1, 2, 256, MostDepth} {
		if _, err := Split(deep(depth), nil, depth); err != nil {
			t.Errorf("Split at depth %d: got %v, want none", depth, err)
		}
		if err := Valid(deep(depth), depth); err != nil {
			t.Errorf("Valid at depth %d: got %v, want none", depth, err)
		}
		_, split := Split(deep(depth+1), nil, depth)
		for name, err := range map[string]error{"Split": split, "Valid": Valid(deep(depth+1), depth)} {
			limit, ok := errors.AsType[*transport.LimitError](err)
			if !ok || limit.Option != "MaxDepth" || !strings.Contains(err.Error(), fmt.Sprint("nested deeper than ", depth)) {
				t.Errorf("%s beyond depth %d: got %v, want a LimitError that names the bound", name, depth, err)
			}
		}
	}
	if err := Valid(deep(100_000), 256); err == nil {
		t.Error("depth 100000: got no error")
	}
}

func TestEventName(t *testing.T) {
	tests := []struct{ elem, want string }{
		{`"chat message"`, "chat message"},
		{`""`, ""},
		{`20`, "20"},
		{`-1.5`, "-1.5"},
		{`"\u0061\n"`, "a\n"},
	}
	for _, tt := range tests {
		got, err := EventName([]byte(tt.elem))
		if err != nil || string(got) != tt.want {
			t.Errorf("%s: got %q, %v, want %q", tt.elem, got, err, tt.want)
		}
	}
	for _, elem := range []string{
		`null`, `true`, `[]`, `{}`, `"connect"`, `"connect_error"`, `"disconnect"`, `"disconnecting"`,
		`"newListener"`, `"removeListener"`, `"\u0063onnect"`,
	} {
		if got, err := EventName([]byte(elem)); err == nil {
			t.Errorf("%s: got %q, want an error", elem, got)
		}
	}
}

func TestPlaceholdersMustNameAnAttachment(t *testing.T) {
	tests := []struct {
		array string
		ok    bool
	}{
		{`["a",{"_placeholder":true,"num":0}]`, true},
		{`["a",{"b":[{"_placeholder":true,"num":1}]}]`, true},
		{`["a",{"_placeholder":false,"num":9}]`, true},
		{`["a"]`, true},
		{`["a",{"_placeholder":true,"num":2}]`, false},
		{`["a",{"_placeholder":true,"num":-1}]`, false},
		{`["a",{"_placeholder":true,"num":0.5}]`, false},
		{`["a",{"_placeholder":true,"num":"0"}]`, false},
		{`["a",{"_placeholder":true}]`, false},
		{`["a",[{"x":{"_placeholder":true,"num":1e99}}]]`, false},
		{`["a",{"_placeholder":true,"num":2,"more":1}]`, false},
		{`["a",{"num":2,"_placeholder":true}]`, false},
		{`["a",{ "_placeholder" : true , "num" : 2 }]`, false},
		{`["a",{"\u005fplaceholder":true,"num":2}]`, false},
		{`["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":2}]`, false},
		{`["a",{"x":{"_placeholder":true,"num":0},"y":{"_placeholder":true,"num":7}}]`, false},
		{`["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, true},
		{`["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`, false},
		{`["a",[{"_placeholder":true,"num":1},{"_placeholder":true,"num":1}]]`, false},
		{`["a",{"_placeholder":true,"num":0},{"num":0,"_placeholder":true}]`, false},
		{`["a",[{"num":1,"_placeholder":true},{"\u005fplaceholder":true,"num":1}]]`, false},
		{`["a",{"text":"_placeholder","_placeholder":1}]`, true},
		{`["a",{"number":1e999,"text":"\n"}]`, true}, // as it is without the escape
		{`["a",{"\u005fplaceholder":true,"num":1e999}]`, false},
		{`["a",{"text":"{\"_placeholder\":true,\"num\":9}"}]`, true},
	}
	for _, tt := range tests {
		elems, err := Split([]byte(tt.array), nil, 256)
		if err != nil {
			t.Fatal(err)
		}
		if err := CheckPlaceholders(elems, 2); (err == nil) != tt.ok {
			t.Errorf("%s: got %v, want ok=%v", tt.array, err, tt.ok)
		}
	}
}

func BenchmarkDecodeEvent(b *testing.B) {
	frame := []byte(`2/chat,17["chat_message",{"room":"lobby","text":"hello there","id":42,"urgent":false}]`)
	var scratch [4][]byte
	b.ReportAllocs()
	for b.Loop() {
		p, err := Decode(frame, 10)
		if err != nil {
			b.Fatal(err)
		}
		elems, err := Split(p.Data, scratch[:0], 256)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := EventName(elems[0]); err != nil {
			b.Fatal(err)
		}
	}
}
