package codec

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync"
	"testing"
)

func TestPlanKnowsWhetherItMayHoldAttachments(t *testing.T) {
	type recursive struct {
		Next *recursive
		Kids map[string][]recursive
		B    *[1]blob
	}
	tests := []struct {
		v    any
		want bool
	}{
		{"", false}, {1, false}, {[4]byte{}, false}, {json.RawMessage{}, false}, {wide{}, false}, {[]string{}, false},
		{[]byte{}, true}, {blob{}, true}, {new(any), true}, {[]any{}, true}, {map[string]any{}, true}, {[][]byte{}, true},
		{fileBinary{}, true}, {treeBinary{}, true}, {&recursive{}, true}, {map[int]fileBinary{}, true},
	}
	for _, tt := range tests {
		p, err := Compile(reflect.TypeOf(tt.v))
		if err != nil || p.Binary() != tt.want {
			t.Errorf("%T: got %v, %v, want %v", tt.v, p.Binary(), err, tt.want)
		}
	}
}

type (
	selfPointer *selfPointer
	hiddenInner struct{ A int }
	setsNothing struct{ *hiddenInner }
	setsTagged  struct {
		*hiddenInner `json:"in"`
	}
)

func TestCompileNamesWhatCannotBeDecoded(t *testing.T) {
	tests := []struct {
		v    any
		want string
	}{
		{make(chan int), "chan int cannot be decoded from JSON"},
		{struct{ F func() }{}, "field F: func() cannot be decoded from JSON"},
		{struct{ In []struct{ C complex128 } }{}, "field In[].C: complex128 cannot be decoded from JSON"},
		{struct {
			M map[string]chan int `json:"m"`
		}{}, "field m[]: chan int cannot be decoded from JSON"},
		{struct{ E error }{}, "field E: error cannot be decoded: only any, the interface without methods, can"},
		{map[float64]int{}, "a map with keys of type float64 cannot be decoded: keys are strings, integers or encoding.TextUnmarshalers"},
		{new(selfPointer), "codec.selfPointer cannot be decoded: it points to nothing but itself"},
		{setsNothing{}, "field A: *codec.hiddenInner is an embedded pointer to an unexported struct, which cannot be set: embed the struct itself"},
		{setsTagged{}, "field in: *codec.hiddenInner is an embedded pointer to an unexported struct, which cannot be set: embed the struct itself"},
		{nil, "no type to decode into"},
	}
	for _, tt := range tests {
		_, err := Compile(reflect.TypeOf(tt.v))
		if err == nil || err.Error() != tt.want {
			t.Errorf("%T:\n got %v\nwant %s", tt.v, err, tt.want)
		}
	}
	if _, err := Compile(reflect.TypeOf(struct {
		C chan int `json:"-"`
		f func()
	}{})); err != nil {
		t.Errorf("ignored fields: got %v", err)
	}
}

func TestMethodsOfUnexportedFieldsAreAnError(t *testing.T) {
	for _, raw := range []string{`{"l":{"A":1}}`, `{"q":null}`} {
		if v, err := decodeInto[mute](t, raw, nil); err == nil || !strings.Contains(err.Error(), "is unexported") {
			t.Errorf("%s: got %+v, %v, want an error", raw, v, err)
		}
	}
	if text, _, err := Append(nil, nil, mute{}); err == nil {
		t.Errorf("got %s, want an error", text)
	}
}

func TestPlanIsSafeForConcurrentUse(t *testing.T) {
	type local struct {
		Kids []local
		Data []byte
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				got, err := decodeInto[local](t, `{"Kids":[{"Data":`+ph0+`}]}`, [][]byte{{1}})
				if err != nil || !reflect.DeepEqual(got, local{Kids: []local{{Data: []byte{1}}}}) {
					t.Errorf("got %+v, %v", got, err)
				}
				if _, _, err := Append(nil, nil, got); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
