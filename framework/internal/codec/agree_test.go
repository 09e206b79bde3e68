package codec

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestDecodeAgreesWithEncodingJSON(t *testing.T) {
	for _, doc := range documents {
		for _, typ := range agreeing {
			checkDecodeAgrees(t, []byte(doc), typ)
		}
		checkAnyAgrees(t, []byte(doc))
	}
	for _, depth := range []int{maxDepth, maxDepth + 1} {
		deep := []byte(strings.Repeat("[", depth) + strings.Repeat("]", depth))
		checkAnyAgrees(t, deep)
		checkDecodeAgrees(t, deep, reflect.TypeFor[struct{}]())
	}
}

func FuzzDecodeAgreesWithEncodingJSON(f *testing.F) {
	for _, doc := range documents {
		f.Add([]byte(doc))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		for _, typ := range agreeing {
			checkDecodeAgrees(t, raw, typ)
		}
		checkAnyAgrees(t, raw)
	})
}

func checkDecodeAgrees(t *testing.T, raw []byte, typ reflect.Type) {
	t.Helper()
	if repeatsKey(raw) {
		return // encoding/json merges, the last one wins here
	}
	want := reflect.New(typ)
	wantErr := json.Unmarshal(raw, want.Interface())

	p, err := Compile(typ)
	if err != nil {
		t.Fatalf("Compile(%v): %v", typ, err)
	}
	got := reflect.New(typ)
	gotErr := p.Decode(raw, nil, got.Elem())
	switch {
	case gotErr != nil && wantErr == nil:
		if !strings.Contains(gotErr.Error(), "in a string") { // there encoding/json takes 01, 0x1p2
			t.Errorf("%.200s into %v: got error %q, want %+v", raw, typ, gotErr, want.Elem())
		}
	case gotErr == nil && wantErr != nil:
		t.Errorf("%.200s into %v: got %+v, want an error as %q", raw, typ, got.Elem(), wantErr)
	case gotErr == nil && !reflect.DeepEqual(got.Interface(), want.Interface()):
		t.Errorf("%.200s into %v: got %+v, want %+v", raw, typ, got.Elem(), want.Elem())
	}
	if gotErr == nil {
		checkEncodeAgrees(t, got.Elem().Interface())
		checkEncodeAgrees(t, got.Interface())
	}
}

// checkAnyAgrees compares DecodeAny with encoding/json, number types aside.
func checkAnyAgrees(t *testing.T, raw []byte) {
	t.Helper()
	var want any
	wantErr := json.Unmarshal(raw, &want)
	got, err := DecodeAny(raw, nil)
	if wantErr != nil {
		if valid := json.Valid(raw); valid != (err == nil) { // a valid number may be out of float64's range
			t.Errorf("%.100s: got error %v, want validity %v", raw, err, valid)
		}
		return
	}
	if err != nil {
		t.Errorf("%.100s: got error %q, want %v", raw, err, want)
		return
	}
	if !reflect.DeepEqual(loosen(got), want) {
		t.Errorf("%.100s: got %s, want %s", raw, show(got), show(want))
	}
	checkEncodeAgrees(t, got)
}

// loosen makes every number a float64.
func loosen(v any) any {
	switch v := v.(type) {
	case int64:
		return float64(v)
	case json.Number:
		f, _ := v.Float64()
		return f
	case []any:
		for i := range v {
			v[i] = loosen(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = loosen(v[k])
		}
	}
	return v
}

// show prints v for a failure, cut where it would fill the screen.
func show(v any) string { return fmt.Sprintf("%.200s", fmt.Sprintf("%#v", v)) }

func checkEncodeAgrees(t *testing.T, v any) {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	wantErr := enc.Encode(v)
	got, attachments, err := Append([]byte("x"), nil, v)
	if errors.Is(err, errEncodeDepth) {
		return // a bound of our own
	}
	if (err == nil) != (wantErr == nil) {
		t.Errorf("encoding %s: got error %v, want %v", show(v), err, wantErr)
		return
	}
	if err != nil {
		return
	}
	if len(attachments) > 0 {
		t.Errorf("encoding %s: got %d attachments", show(v), len(attachments))
	}
	var compact bytes.Buffer // a RawMessage keeps its spaces
	if err := json.Compact(&compact, got[1:]); err != nil {
		t.Errorf("encoding %s: got invalid JSON %.200s", show(v), got[1:])
		return
	}
	if want := strings.TrimSuffix(b.String(), "\n"); compact.String() != want {
		t.Errorf("encoding %s:\n got %s\nwant %s", show(v), &compact, want)
	}
}

// repeatsKey reports whether any object in raw has two keys that differ in case at most.
func repeatsKey(raw []byte) bool {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var walk func() (repeats bool, err error)
	walk = func() (bool, error) {
		tok, err := dec.Token()
		delim, ok := tok.(json.Delim)
		if err != nil || !ok {
			return false, err
		}
		seen := map[string]bool{}
		for dec.More() {
			if delim == '{' {
				key, err := dec.Token()
				if err != nil {
					return false, err
				}
				folded := strings.ToLower(strings.ToUpper(key.(string)))
				if seen[folded] {
					return true, nil
				}
				seen[folded] = true
			}
			if repeats, err := walk(); repeats || err != nil {
				return repeats, err
			}
		}
		_, err = dec.Token()
		return false, err
	}
	repeats, err := walk()
	return repeats && (err == nil || err == io.EOF)
}

func ptrTo[T any](v T) *T { return &v }

func TestEncodeAgreesWithEncodingJSON(t *testing.T) {
	five, when := 5, time.Date(2024, 5, 6, 7, 8, 9, 10, time.UTC)
	var nilWide *wide
	var stringer interface{ String() string } = when
	full := wide{
		base: base{ID: 1, Name: "<&>"}, Other: &Other{Both: "o", Extra: &five}, Self: &wide{},
		List: []wide{{}}, ByName: map[string]wide{"b": {}, "a": {}}, Ints: map[namedInt]int{10: 1, 9: 2, -1: 3},
		Levels: map[level]bool{2: true, 1: false}, When: when, Maybe: &when, Raw: json.RawMessage(` {"a" : 1}`),
		Num: "1e5", Pairs: []pair{{1, 2}}, F32: 1e-7, F64: 1e21, hidden: 1,
	}
	values := []any{
		nil, true, false, "", "plain", "<a href='x'>&amp;", "\x00\x1f\x7f\b\f\n\r\t\"\\/", "\u2028\u2029", "a\xffb\xc3", "grüße 😀",
		1, int8(-8), int16(16), int32(-32), int64(math.MinInt64), uint(1), uint8(8), uint16(16), uint32(32), uint64(math.MaxUint64), uintptr(3),
		0.0, math.Copysign(0, -1), 1.5, 1e20, 1e21, 1e-6, 1e-7, 1.25e-9, 1e-10, 1e100, 5e-324, math.MaxFloat64,
		float32(0), float32(1e-6), float32(1e-7), float32(1e21), float32(3.4e38), float32(0.1), float32(16777216),
		json.RawMessage(`[1]`), json.RawMessage(nil), json.RawMessage(``), json.RawMessage(`{`), json.Number(""), json.Number("1e5"), json.Number("01"), json.Number("-"),
		map[string]any{"b": 1, "a": []any{nil, "x", map[string]any{}}, "": 2, "ü": 3}, map[string]any(nil), []any(nil), []any{}, []string{"a", "<"}, []string(nil), []string{},
		full, &full, []wide{full}, nilWide, wide{}, quoted{}, quoted{I: 5, S: `a"<`, N: "3", Lv: 2}, &quoted{U: new(uint16)},
		pair{1, 2}, &pair{1, 2}, []pair{{1, 2}}, map[string]pair{"a": {1, 2}}, struct{ P pair }{}, &struct{ P pair }{}, [1]pair{}, &[1]pair{},
		omitting{}, omitting{Z: 7, P: new(zeroDay), V: zeroByPtr{9}, S: []int{}, M: map[string]int{}}, &omitting{Z: 1, V: zeroByPtr{9}, S: []int{1}, M: map[string]int{"a": 1}},
		omitting{E: zeroDay(7)}, omitting{E: zeroDay(1)}, omitting{E: (*zeroByPtr)(nil)}, omitting{E: &zeroByPtr{9}}, omitting{P: ptrTo(zeroDay(7))},
		ambiguous{}, rivals{}, twice{}, taggedEmbedded{}, node2{Next: &node2{}}, when, &when, stringer, time.Second, namedString("x"), namedSlice{1},
		map[level]int{1: 1, 10: 2, 2: 3}, map[labelKey]int{{"b"}: 1, {"a"}: 2}, map[uint8]string{10: "a", 9: "b"}, map[float64]int{}, map[bool]int(nil),
		make(chan int), func() {}, complex(1, 2), struct{ C chan int }{}, []any{make(chan int)}, struct {
			P *struct{ C chan int }
		}{}, [2]uint8{1, 2}, [0]int{}, struct{}{}, any(nil), []error{nil}, [][]string{{"a"}, nil},
		strconv.ErrRange, []json.RawMessage{json.RawMessage(" 1 "), nil}, map[string]*int{"a": &five, "b": nil},
		struct{ time.Time }{when}, struct {
			time.Time
			X int
		}{Time: when},
	}
	for _, v := range values {
		checkEncodeAgrees(t, v)
	}
}
