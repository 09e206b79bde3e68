package codec

import (
	"encoding/json"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"
)

// checkRoundTrip encodes v and decodes the result, which must encode the same way.
func checkRoundTrip(t *testing.T, v reflect.Value) {
	t.Helper()
	text, attachments, err := Append(nil, nil, v.Interface())
	if err != nil {
		return // a RawMessage taken unseen, or too deep
	}
	p, err := Compile(v.Type())
	if err != nil {
		t.Fatal(err)
	}
	back := reflect.New(v.Type()).Elem()
	if err := p.Decode(text, attachments, back); err != nil {
		if attachments == nil || !strings.Contains(err.Error(), "attachment") { // data that looks like a placeholder
			t.Errorf("decoding %s: %v", text, err)
		}
		return
	}
	again, attachmentsAgain, err := Append(nil, nil, back.Interface())
	if err != nil || len(attachments) == 0 && unsigned(again) != unsigned(text) {
		t.Errorf("got %s, %v, want %s", again, err, text)
	}
	if len(attachmentsAgain) < len(attachments) {
		t.Errorf("got %d attachments, want %d: %s", len(attachmentsAgain), len(attachments), text)
	}
}

// unsigned drops the sign of zeros: -0.0 is written as -0 and read as an integer.
func unsigned(text []byte) string { return strings.ReplaceAll(string(text), "-0", "0") }

func TestBytesBecomeAttachmentsAtAnyDepth(t *testing.T) {
	a, b, thumb := []byte{1}, []byte{2}, blob{3}
	tests := []struct {
		name string
		v    any
		want string
		atts int
	}{
		{"bytes", a, ph0, 1},
		{"nil bytes", []byte(nil), `null`, 0},
		{"empty bytes", []byte{}, ph0, 1},
		{"named bytes", thumb, ph0, 1},
		{"pointer", &a, ph0, 1},
		{"array of bytes", [2]byte{1, 2}, `[1,2]`, 0},
		{"slice", [][]byte{a, nil, b}, `[` + ph0 + `,null,` + ph1 + `]`, 2},
		{"any slice", []any{"x", a, []any{b}}, `["x",` + ph0 + `,[` + ph1 + `]]`, 2},
		{"any map, by key", map[string]any{"b": b, "a": a}, `{"a":` + ph0 + `,"b":` + ph1 + `}`, 2},
		{"map", map[int]blob{2: thumb, 1: thumb}, `{"1":` + ph0 + `,"2":` + ph1 + `}`, 2},
		{"struct", fileBinary{Name: "n", Avatar: a, Thumb: &thumb}, `{"name":"n","avatar":` + ph0 + `,"thumb":` + ph1 + `}`, 2},
		{"struct without", fileBinary{}, `{"name":"","avatar":null}`, 0},
		{"interface field", struct{ V any }{map[string]any{"x": &fileBinary{Avatar: b}}}, `{"V":{"x":{"name":"","avatar":` + ph0 + `}}}`, 1},
		{"raw beside", struct {
			R json.RawMessage
			B []byte
		}{json.RawMessage("[ 1 ]"), a}, `{"R":[ 1 ],"B":` + ph0 + `}`, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, atts, err := Append([]byte("42"), nil, tt.v)
			if err != nil || string(got) != "42"+tt.want || len(atts) != tt.atts {
				t.Errorf("got %s, %d attachments, %v, want 42%s, %d", got, len(atts), err, tt.want, tt.atts)
			}
		})
	}
}

func TestPlaceholdersCountOnFromEarlierArguments(t *testing.T) {
	dst, atts, err := Append(nil, nil, []byte{1})
	if err != nil {
		t.Fatal(err)
	}
	dst, atts, err = Append(append(dst, ','), atts, fileBinary{Avatar: []byte{2}})
	if want := ph0 + `,{"name":"","avatar":` + ph1 + `}`; err != nil || string(dst) != want || len(atts) != 2 || atts[1][0] != 2 {
		t.Errorf("got %s, %v, %v, want %s", dst, atts, err, want)
	}
}

func TestNestedBinaryRoundTrips(t *testing.T) {
	thumb := blob("thumb")
	v := treeBinary{
		Data: []byte("data"), Any: map[string]any{"x": []any{[]byte("any"), int64(1), 1.5, nil, "s", true}},
		Kids: []treeBinary{{Data: []byte{}}, {Next: &treeBinary{Any: []byte("deep")}}}, Map: map[string][][]byte{"k": {[]byte("m"), nil}},
		Pair: [2][]byte{nil, []byte("p")}, More: map[string]any{"m": []byte("n")}, List: []any{[]byte("l")},
		ByID: map[int]*fileBinary{7: {Name: "f", Thumb: &thumb}, 8: nil}, In: struct{ B blob }{thumb}, Raw: json.RawMessage(`{"a":1}`),
		Text: "grüße", N: -1, F: 0.1, OK: true, U: 255, When: time.Unix(0, 0).UTC(), Lv: 4, Num: "12.5", Ints: map[string]int{"a": 1},
		Arr: [4]byte{1}, S: []string{"s"}, Q: 9,
	}
	raw := json.RawMessage("null")
	v.Kids[0].Raw, v.Kids[1].Raw, v.Kids[1].Next.Raw = raw, raw, raw // what a nil one becomes
	for i := range v.Kids {
		v.Kids[i].Num = "0"
	}
	v.Kids[1].Next.Num = "0"

	text, atts, err := Append(nil, nil, &v)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeInto[treeBinary](t, string(text), atts)
	if err != nil || !reflect.DeepEqual(got, v) {
		t.Errorf("got %+v, %v\nwant %+v", got, err, v)
	}
	x, err := DecodeAny(text, atts)
	if err != nil {
		t.Fatal(err)
	}
	again, attsAgain, err := Append(nil, nil, x)
	if err != nil || len(again) != len(text) || len(attsAgain) != len(atts) {
		t.Errorf("through any: got %s, %d attachments, %v, want %s, %d", again, len(attsAgain), err, text, len(atts))
	}
}

func TestNumbersThatJSONLacksAreNull(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(-1)
	tests := []struct {
		v    any
		want string
	}{
		{nan, `null`},
		{float32(inf), `null`},
		{[]float64{1, nan}, `[1,null]`},
		{map[string]any{"x": inf}, `{"x":null}`},
		{struct {
			F *float64 `json:"f,string"`
			G float32
		}{&nan, float32(math.Inf(1))}, `{"f":null,"G":null}`},
	}
	for _, tt := range tests {
		got, _, err := Append(nil, nil, tt.v)
		if err != nil || string(got) != tt.want {
			t.Errorf("%v: got %s, %v, want %s", tt.v, got, err, tt.want)
		}
	}
}

func TestCyclicDataIsAnError(t *testing.T) {
	m := map[string]any{}
	m["self"] = []any{m}
	s := []any{nil}
	s[0] = s
	n := &node2{}
	n.Next = n
	b := &treeBinary{}
	b.Next = b
	type maps map[string]maps
	mm := maps{}
	mm["m"] = mm
	type slices []slices
	ss := slices{nil}
	ss[0] = ss
	var p selfPointer
	p = &p
	for _, v := range []any{m, s, n, b, mm, ss, p} {
		dst, atts, err := Append([]byte("x"), nil, v)
		if err == nil || !strings.Contains(err.Error(), "does it contain itself?") || string(dst) != "x" || atts != nil {
			t.Errorf("%T: got %.20s, %v, %.300v", v, dst, atts, err)
		}
	}
	if _, _, err := Append(nil, nil, map[string]any{"fine": 1}); err != nil { // the pooled writers are
		t.Error(err)
	}
}

func TestEncodeErrorsNameThePathAndLeaveNothing(t *testing.T) {
	tests := []struct {
		v    any
		want string
	}{
		{make(chan int), "chan int cannot be encoded as JSON"},
		{[]any{1, map[string]any{"a": []byte{1}, "f": func() {}}}, "element [1].f: func() cannot be encoded as JSON"},
		{struct {
			B []byte
			C []complex64 `json:"c"`
		}{[]byte{1}, make([]complex64, 1)}, "field c[0]: complex64 cannot be encoded as JSON"},
		{[]any{[]byte{1}, json.RawMessage("{")}, "element [1]: json.RawMessage does not hold valid JSON"},
		{struct{ N json.Number }{"x"}, "field N: json.Number does not hold a number"},
		{map[bool]int{true: 1}, "map[bool]int cannot be encoded as JSON"},
	}
	for _, tt := range tests {
		given := [][]byte{{9}}
		dst, atts, err := Append([]byte("x"), given, tt.v)
		if err == nil || err.Error() != tt.want || string(dst) != "x" || len(atts) != 1 {
			t.Errorf("%T: got %s, %v, %v, want error %s", tt.v, dst, atts, err, tt.want)
		}
	}
}

func TestTextIsACopyOfItsInput(t *testing.T) {
	raw := json.RawMessage(`[1]`)
	list := []string{"a"}
	m := map[string]any{"k": raw}
	text, _, err := Append(nil, nil, []any{raw, list, m})
	if err != nil {
		t.Fatal(err)
	}
	raw[1], list[0], m["k"] = '2', "b", nil
	if want := `[[1],["a"],{"k":[1]}]`; string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
}
