package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

const ph0, ph1 = `{"_placeholder":true,"num":0}`, `{"_placeholder":true,"num":1}`

type (
	blob []byte

	fileBinary struct {
		Name   string `json:"name"`
		Avatar []byte `json:"avatar"`
		Thumb  *blob  `json:"thumb,omitempty"`
	}
	treeBinary struct {
		Data []byte              `json:"data"`
		Any  any                 `json:"any"`
		Kids []treeBinary        `json:"kids"`
		Next *treeBinary         `json:"next"`
		Map  map[string][][]byte `json:"map"`
		Pair [2][]byte           `json:"pair"`
		More map[string]any      `json:"more"`
		List []any               `json:"list"`
		ByID map[int]*fileBinary `json:"byId"`
		In   struct{ B blob }    `json:"in"`
		Raw  json.RawMessage     `json:"raw"`
		Text string              `json:"text"`
		N    int                 `json:"n"`
		F    float64             `json:"f"`
		OK   bool                `json:"ok"`
		U    uint8               `json:"u"`
		When time.Time           `json:"when"`
		Lv   level               `json:"lv"`
		Bare struct{ X int }     `json:"bare"`
		Num  json.Number         `json:"num"`
		Ints map[string]int      `json:"ints"`
		Arr  [4]byte             `json:"arr"`
		S    []string            `json:"s"`
		Q    int                 `json:"q,string"`
		Pt   *int                `json:"pt"`
	}
)

func decodeInto[T any](t *testing.T, raw string, attachments [][]byte) (T, error) {
	t.Helper()
	var v T
	p, err := Compile(reflect.TypeFor[T]())
	if err != nil {
		t.Fatalf("Compile(%T): %v", v, err)
	}
	err = p.Decode([]byte(raw), attachments, reflect.ValueOf(&v).Elem())
	return v, err
}

func TestDecodeAnyKeepsNumbersExact(t *testing.T) {
	tests := []struct {
		raw  string
		want any
	}{
		{`0`, int64(0)},
		{`-0`, int64(0)},
		{`42`, int64(42)},
		{`9007199254740993`, int64(9007199254740993)},
		{`9223372036854775807`, int64(math.MaxInt64)},
		{`-9223372036854775808`, int64(math.MinInt64)},
		{`9223372036854775808`, float64(1 << 63)},
		{`-9223372036854775809`, json.Number("-9223372036854775809")},
		{`18446744073709551615`, json.Number("18446744073709551615")},
		{`18446744073709551616`, float64(1 << 64)},
		{`100000000000000000000`, 1e20},
		{`1e3`, 1000.0},
		{`1.0`, 1.0},
		{`0.1`, 0.1},
		{`-0.0`, math.Copysign(0, -1)},
		{`1e400`, json.Number("1e400")},
		{`-1.5e999`, json.Number("-1.5e999")},
		{`1e-400`, 0.0},
		{strings.Repeat("9", 400), json.Number(strings.Repeat("9", 400))},
		{"1" + strings.Repeat("0", 22), 1e22},
		{"1" + strings.Repeat("0", 23), json.Number("1" + strings.Repeat("0", 23))},
	}
	for _, tt := range tests {
		got, err := DecodeAny([]byte(tt.raw), nil)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %T %v, %v, want %T %v", tt.raw, got, got, err, tt.want, tt.want)
		}
		in, err := decodeInto[map[string]any](t, `{"a":[`+tt.raw+`]}`, nil)
		if want := map[string]any{"a": []any{tt.want}}; err != nil || !reflect.DeepEqual(in, want) {
			t.Errorf("%s inside: got %v, %v, want %v", tt.raw, in, err, want)
		}
	}
}

func TestAttachmentsArriveAtAnyDepth(t *testing.T) {
	a, b := []byte{1, 2}, []byte{3}
	attachments := [][]byte{a, b}
	raw := `{"data":` + ph0 + `,"any":{"x":[` + ph1 + `,1]},"kids":[{"data":` + ph1 + `,"any":` + ph0 + `}],
		"next":{"next":{"data":` + ph0 + `}},"map":{"k":[` + ph0 + `,null,` + ph1 + `]},"pair":[` + ph1 + `],
		"more":{"m":` + ph0 + `},"list":[` + ph0 + `],"byId":{"7":{"name":"n","avatar":` + ph1 + `,"thumb":` + ph0 + `}},
		"in":{"b":` + ph0 + `},"raw":[1],"unknown":{"y":` + ph0 + `}}`
	thumb := blob(a)
	want := treeBinary{
		Data: a, Any: map[string]any{"x": []any{b, int64(1)}}, Kids: []treeBinary{{Data: b, Any: a}},
		Next: &treeBinary{Next: &treeBinary{Data: a}}, Map: map[string][][]byte{"k": {a, nil, b}}, Pair: [2][]byte{b},
		More: map[string]any{"m": a}, List: []any{a}, ByID: map[int]*fileBinary{7: {Name: "n", Avatar: b, Thumb: &thumb}},
		In: struct{ B blob }{a}, Raw: json.RawMessage(`[1]`),
	}
	got, err := decodeInto[treeBinary](t, raw, attachments)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, want)
	}
	for _, text := range []string{ph0, `{"num":0,"_placeholder":true}`, ` { "_placeholder" : true , "num" : 0 } `,
		`{"\u005fplaceholder":true,"num":0}`, `{"_placeholder":true,"num":0,"extra":[1]}`} {
		got, err := decodeInto[[]byte](t, text, attachments)
		if err != nil || !bytes.Equal(got, a) {
			t.Errorf("%s: got %v, %v, want %v", text, got, err, a)
		}
		x, err := DecodeAny([]byte(text), attachments)
		if err != nil || !reflect.DeepEqual(x, any(a)) {
			t.Errorf("%s as any: got %v, %v, want %v", text, x, err, a)
		}
	}
}

func TestAppendingToAnArgumentLeavesItsNeighboursAlone(t *testing.T) {
	buf, text := []byte("abcdef"), []byte(`[1][2]`)
	b, err := decodeInto[[]byte](t, ph0, [][]byte{buf[:3]})
	if err != nil {
		t.Fatal(err)
	}
	var raw json.RawMessage
	p, _ := Compile(rawMessageType)
	if err := p.Decode(text[:3], nil, reflect.ValueOf(&raw).Elem()); err != nil {
		t.Fatal(err)
	}
	_, _ = append(b, 'X'), append(raw, 'X')
	if string(buf) != "abcdef" || string(text) != "[1][2]" {
		t.Errorf("got %s and %s, want both unchanged", buf, text)
	}
}

func TestPlaceholderWithoutAttachmentsIsPlainData(t *testing.T) {
	want := map[string]any{"_placeholder": true, "num": int64(0)}
	if got, err := DecodeAny([]byte(ph0), nil); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("any: got %v, %v, want %v", got, err, want)
	}
	type mark struct {
		Placeholder bool `json:"_placeholder"`
		Num         int
	}
	if got, err := decodeInto[mark](t, ph0, nil); err != nil || got != (mark{true, 0}) {
		t.Errorf("struct: got %v, %v", got, err)
	}
	if got, err := decodeInto[json.RawMessage](t, ph0, nil); err != nil || string(got) != ph0 {
		t.Errorf("raw: got %s, %v", got, err)
	}
	if _, err := decodeInto[[]byte](t, ph0, nil); !errors.Is(err, errAttachment) {
		t.Errorf("[]byte: got %v, want %v", err, errAttachment)
	}
}

func TestPlaceholderNeedsANumInRange(t *testing.T) {
	for _, num := range []string{`1`, `-1`, `-0`, `0.0`, `0.5`, `1e0`, `"0"`, `null`, `true`, `99999999999999999999`, `[0]`, `{}`} {
		raw := `{"_placeholder":true,"num":` + num + `}`
		if _, err := DecodeAny([]byte(raw), [][]byte{{1}}); !errors.Is(err, errAttachment) {
			t.Errorf("%s as any: got %v, want %v", raw, err, errAttachment)
		}
		if _, err := decodeInto[[]byte](t, raw, [][]byte{{1}}); !errors.Is(err, errAttachment) {
			t.Errorf("%s as bytes: got %v, want %v", raw, err, errAttachment)
		}
	}
	for _, raw := range []string{`{"_placeholder":true}`, ph0} {
		if _, err := DecodeAny([]byte(raw), [][]byte{}); !errors.Is(err, errAttachment) {
			t.Errorf("%s of none: got %v, want %v", raw, err, errAttachment)
		}
	}
	for _, raw := range []string{`{"_placeholder":false,"num":0}`, `{"_placeholder":1,"num":0}`, `{"_Placeholder":true,"num":0}`} {
		if got, err := DecodeAny([]byte(raw), [][]byte{{1}}); err != nil || reflect.TypeOf(got) != anyMapType {
			t.Errorf("%s: got %v, %v, want a map", raw, got, err)
		}
	}
}

func TestTextThatOnlyLooksLikeAPlaceholderIsNoAttachment(t *testing.T) {
	for _, raw := range []string{`["_placeholder",{"_placeholder":[true]},{"a":{"_placeholder":false}}]`, `{"x":"\\","y":[{},[]]}`} {
		if got, err := decodeInto[json.RawMessage](t, raw, [][]byte{{1}}); err != nil || string(got) != raw {
			t.Errorf("%s: got %s, %v", raw, got, err)
		}
	}
}

func TestEmptyAttachmentIsNotNil(t *testing.T) {
	for _, attachment := range [][]byte{nil, {}} {
		got, err := decodeInto[[]byte](t, ph0, [][]byte{attachment})
		if err != nil || got == nil || len(got) != 0 {
			t.Errorf("got %#v, %v, want an empty slice", got, err)
		}
	}
}

func TestDecodeErrorsNameThePath(t *testing.T) {
	tests := []struct{ name, raw, want string }{
		{"string for bytes", `{"data":"AQI="}`, "field data: want a binary attachment, got string (base64 is not decoded)"},
		{"array for bytes", `{"data":[1,2]}`, "field data: want a binary attachment, got array"},
		{"number for bytes", `{"data":1}`, "field data: want a binary attachment, got number"},
		{"object for bytes", `{"data":{"num":0}}`, "field data: want a binary attachment, got object"},
		{"deep", `{"kids":[{},{"next":{"data":true}}]}`, "field kids[1].next.data: want a binary attachment, got bool"},
		{"map", `{"map":{"a.b":[` + ph0 + `,"x"]}}`, `field map."a.b"[1]: want a binary attachment, got string (base64 is not decoded)`},
		{"any", `{"any":{"x":[{"_placeholder":true,"num":5}]}}`, "field any.x[0]: illegal attachment"},
		{"string", `{"text":` + ph0 + `}`, "field text: want string, got a binary attachment"},
		{"int", `{"n":1.5}`, "field n: want int, got a number that does not fit"},
		{"int text", `{"n":"1"}`, "field n: want int, got string"},
		{"uint8", `{"u":256}`, "field u: want uint8, got a number that does not fit"},
		{"float", `{"f":` + ph0 + `}`, "field f: want float64, got a binary attachment"},
		{"bool", `{"ok":0}`, "field ok: want bool, got number"},
		{"struct", `{"bare":` + ph0 + `}`, "field bare: want struct { X int }, got a binary attachment"},
		{"plain map", `{"ints":` + ph0 + `}`, "field ints: want map[string]int, got a binary attachment"},
		{"any map", `{"more":` + ph0 + `}`, "field more: want map[string]interface {}, got a binary attachment"},
		{"any slice", `{"list":` + ph0 + `}`, "field list: want []interface {}, got a binary attachment"},
		{"array", `{"pair":` + ph0 + `}`, "field pair: want [2][]uint8, got a binary attachment"},
		{"raw", `{"raw":{"x":[` + ph0 + `]}}`, "field raw: binary attachment where json.RawMessage is expected, which would hide it"},
		{"raw, escaped", `{"raw":{"\u005fplaceholder":true,"num":0}}`, "field raw: binary attachment where json.RawMessage is expected, which would hide it"},
		{"raw, later", `{"raw":[1,{"x":"_placeholder"},{"y":[` + ph0 + `]}]}`, "field raw: binary attachment where json.RawMessage is expected, which would hide it"},
		{"unmarshaler", `{"when":` + ph0 + `}`, "field when: binary attachment where time.Time is expected, which would hide it"},
		{"text", `{"lv":` + ph0 + `}`, "field lv: want codec.level, got a binary attachment"},
		{"quoted", `{"q":` + ph0 + `}`, "field q: want int in a string, got a binary attachment"},
		{"pointer", `{"pt":` + ph0 + `}`, "field pt: want int, got a binary attachment"},
		{"number", `{"num":"x"}`, "field num: want a number, got a string that holds none"},
		{"map key", `{"byId":{"x":null}}`, "field byId.x: the key does not fit int"},
		{"control in name", `{"more":{"a\nb":{"_placeholder":true}}}`, `field more."a\nb": illegal attachment`},
		{"empty name", `{"more":{"":{"_placeholder":true}}}`, `field more."": illegal attachment`},
		{"not an object", `[]`, "want codec.treeBinary, got array"},
		{"nothing", ``, "invalid JSON: unexpected end"},
		{"cut", `{"data":`, "field data: invalid JSON: unexpected end"},
		{"bad", `{"data":?}`, "field data: invalid JSON at byte 8"},
		{"rest", `{} x`, "invalid JSON at byte 3"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := decodeInto[treeBinary](t, tt.raw, [][]byte{{1}})
			if err == nil || err.Error() != tt.want {
				t.Errorf("%s\n got %v\nwant %s", tt.raw, err, tt.want)
			}
		})
	}
	_, err := decodeInto[[]map[string]int](t, `[{},{"x":1,"y":"z"}]`, nil)
	if want := "element [1].y: want int, got string"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestDecodeErrorsStayShort(t *testing.T) {
	deep := strings.Repeat(`{"next":`, 5000)
	long := `{"more":{"` + strings.Repeat("k", 5000) + `":{"_placeholder":true,"num":7}}}`
	for _, raw := range []string{deep, long} {
		_, err := decodeInto[treeBinary](t, raw, [][]byte{{1}})
		if err == nil || len(err.Error()) > 2*maxPath {
			t.Errorf("got %.1000v", err)
		}
	}
}

func TestNullIsTheZeroValue(t *testing.T) {
	v := treeBinary{Data: []byte{1}, Any: 1, Text: "x", N: 1, Kids: []treeBinary{{}}, Next: &treeBinary{}, Pair: [2][]byte{{1}},
		When: time.Unix(1, 0), Lv: 3, Num: "1", Q: 4, Pt: new(int), U: 1, F: 1, OK: true, Raw: json.RawMessage("1")}
	raw := `{"data":null,"any":null,"kids":null,"next":null,"map":null,"pair":null,"more":null,"list":null,"byId":null,"in":null,"text":null,
		"n":null,"f":null,"ok":null,"u":null,"when":null,"lv":null,"bare":null,"num":null,"ints":null,"arr":null,"s":null,"q":null,"pt":null}`
	p, err := Compile(reflect.TypeOf(v))
	if err != nil {
		t.Fatal(err)
	}
	for _, raw := range []string{raw, `null`, `{}`} {
		dst := v
		if err := p.Decode([]byte(raw), nil, reflect.ValueOf(&dst).Elem()); err != nil || !reflect.DeepEqual(dst, treeBinary{}) {
			t.Errorf("%.10s: got %+v, %v, want the zero value", raw, dst, err)
		}
	}
	if got, err := decodeInto[*treeBinary](t, `null`, nil); got != nil || err != nil {
		t.Errorf("pointer: got %v, %v, want nil", got, err)
	}
	if got, err := decodeInto[json.RawMessage](t, `null`, [][]byte{}); string(got) != "null" || err != nil {
		t.Errorf("raw: got %s, %v, want it as it came", got, err)
	}
}

func TestLastOfEqualKeysWins(t *testing.T) {
	raw := `{"data":` + ph0 + `,"kids":[{"n":1},{"n":2}],"bare":{"x":1},"ints":{"a":1},"n":1,"DATA":null,"kids":[{"text":"t"}],"bare":{},"ints":{"b":2},"N":null}`
	got, err := decodeInto[treeBinary](t, raw, [][]byte{{1}})
	want := treeBinary{Kids: []treeBinary{{Text: "t"}}, Ints: map[string]int{"b": 2}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// FuzzDecodeNeverPanics feeds arbitrary texts and attachment counts to all types.
func FuzzDecodeNeverPanics(f *testing.F) {
	for _, doc := range documents {
		f.Add([]byte(doc), byte(0))
		f.Add([]byte(`{"data":`+ph0+`,"any":[`+ph1+`],"more":{"x":`+doc+`}}`), byte(3))
	}
	types := []reflect.Type{
		reflect.TypeFor[treeBinary](), reflect.TypeFor[[]byte](), reflect.TypeFor[[]any](), reflect.TypeFor[map[string]any](),
		reflect.TypeFor[map[string][]byte](), reflect.TypeFor[[2]blob](), reflect.TypeFor[json.RawMessage](), reflect.TypeFor[*fileBinary](),
	}
	f.Fuzz(func(t *testing.T, raw []byte, n byte) {
		var attachments [][]byte
		if n > 0 {
			attachments = make([][]byte, n-1)
		}
		for _, typ := range types {
			p, err := Compile(typ)
			if err != nil {
				t.Fatal(err)
			}
			v := reflect.New(typ).Elem()
			err = p.Decode(raw, attachments, v)
			if err == nil && !json.Valid(raw) && typ != rawMessageType {
				t.Errorf("%v: got no error for invalid JSON %q", typ, raw)
			}
			if err == nil {
				checkRoundTrip(t, v)
			}
		}
		if _, err := DecodeAny(raw, attachments); err == nil && !json.Valid(raw) {
			t.Errorf("any: got no error for invalid JSON %q", raw)
		}
	})
}
