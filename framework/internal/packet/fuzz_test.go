package packet

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

// maxDepth is what the framework allows by default.
const maxDepth = 256

// shape is a packet as protocol v5 draws it:
//
//	<type>[<attachments>-][<namespace>,][<ack id>][<JSON>]
var shape = regexp.MustCompile(`(?s)^(?:([0-4])|([56])([0-9]{1,18})-)(?:(/[^,]*),?)?([0-9]+)?(.*)$`)

// modelDecode is Decode by that drawing.
func modelDecode(message string, maxAttachments int) (p Packet, ok bool) {
	m := shape.FindStringSubmatch(message)
	if m == nil {
		return Packet{}, false
	}
	p.Type, p.Namespace = Type((m[1] + m[2])[0]), []byte("/")
	if m[2] != "" {
		p.Attachments, _ = strconv.Atoi(m[3])
	}
	if m[4] != "" {
		p.Namespace = []byte(m[4])
	}
	if m[5] != "" {
		p.ID, _ = strconv.ParseUint(m[5], 10, 64)
		p.HasID = true
	}
	if m[6] != "" {
		p.Data = []byte(m[6])
	}
	array := strings.HasPrefix(m[6], "[")
	switch p.Type {
	case Event, BinaryEvent:
		ok = array
	case Ack, BinaryAck:
		ok = array && p.HasID
	case Disconnect:
		ok = m[6] == ""
	default:
		ok = true
	}
	return p, ok && p.Attachments <= maxAttachments && len(m[5]) <= 18
}

// FuzzDecode: a packet decodes to what the model says, and encodes back to the same.
func FuzzDecode(f *testing.F) {
	for frame := range golden(f) {
		f.Add([]byte(frame))
	}
	for _, frame := range []string{
		`50-["a"]`, `2/,1[]`, `2/a,b,1[]`, `5000000000000000000-[]`, `510-[]`, `511-[]`, `2999999999999999999[]`, `21000000000000000000[]`,
		`0/a?b=c,{}`, `1/a,1`, `1[]`, `6/a,1-[]`, `61-/a,[]`, "2/\xff\n,[", `4`, `3007[]`,
	} {
		f.Add([]byte(frame))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := Decode(b, 10)
		want, ok := modelDecode(string(b), 10)
		if (err == nil) != ok {
			t.Fatalf("%q: got %s, %v, want ok=%v", b, describe(p), err, ok)
		}
		if err != nil {
			return
		}
		if describe(p) != describe(want) {
			t.Fatalf("%q: got %s, want %s", b, describe(p), describe(want))
		}
		if p.Type >= BinaryEvent && p.Attachments == 0 {
			return // encodes as the plain form, which is what it is
		}
		if string(p.Namespace) == "/" && bytes.Contains(b, []byte("/,")) {
			return // likewise
		}
		again, err := Decode(append(AppendHeader(nil, headOf(p)), p.Data...), 10)
		if err != nil || describe(again) != describe(p) {
			t.Errorf("%q: got %s, %v, want %s", b, describe(again), err, describe(p))
		}
	})
}

// depth is how deep the arrays and objects of valid JSON are nested.
func depth(valid []byte) (deepest int) {
	d := json.NewDecoder(bytes.NewReader(valid))
	for now := 0; ; {
		token, err := d.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('['), json.Delim('{'):
			now++
		case json.Delim(']'), json.Delim('}'):
			now--
		}
		deepest = max(deepest, now)
	}
}

// FuzzSplit: the scanner takes what encoding/json takes but for what is nested too
// deeply, cuts it alike, and nothing that is appended to a piece touches the next.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{
		`[]`, `["a",{"b":[1,2,{"c":null}]},-1.5e3]`, `["\ud83d\ude00"]`, `[tru]`, `[1,]`, `[[[[]]]]`, `[null]`, `null`, ` [ 1 ] `, "[\"\x7f\xff\"]",
		`["\u0063onnect"]`, `["connect",1]`, `[-0,0.0,1E+1]`, `{"a":1}`, `[{"":{}}]`,
		strings.Repeat("[", maxDepth) + strings.Repeat("]", maxDepth), strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1),
		strings.Repeat(`{"":`, maxDepth+1) + "1" + strings.Repeat("}", maxDepth+1),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		checkValid(t, b)
		before := bytes.Clone(b)
		elems, err := Split(b, nil, maxDepth)
		var want []json.RawMessage
		wantErr := json.Unmarshal(b, &want)
		if wantErr == nil && want == nil {
			wantErr = errors.New("null, which is a nil slice to encoding/json")
		}
		if wantErr == nil && depth(b) > maxDepth {
			wantErr = errors.New("too deep")
		}
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%q: got %v, want %v", b, err, wantErr)
		}
		if err != nil {
			return
		}
		if len(elems) != len(want) {
			t.Fatalf("%q: got %d elements, encoding/json %d", b, len(elems), len(want))
		}
		for i := range elems {
			if !bytes.Equal(elems[i], want[i]) {
				t.Errorf("%q: element %d: got %q, want %q", b, i, elems[i], want[i])
			}
			_ = append(elems[i], '!')
		}
		if !bytes.Equal(b, before) {
			t.Errorf("%q: got changed to %q", before, b)
		}
		if len(elems) > 0 {
			checkName(t, b, elems[0])
		}
	})
}

// checkValid holds Valid against encoding/json.
func checkValid(t *testing.T, b []byte) {
	t.Helper()
	err := Valid(b, maxDepth)
	if want := json.Valid(b) && depth(b) <= maxDepth; (err == nil) != want {
		t.Fatalf("%q: got %v, want valid=%v", b, err, want)
	}
}

// checkName holds EventName, and what PeekName makes of the array, against
// encoding/json.
func checkName(t *testing.T, array, elem []byte) {
	t.Helper()
	got, err := EventName(elem)
	var want string
	switch {
	case elem[0] == '"':
		if json.Unmarshal(elem, &want) != nil {
			t.Fatalf("%q is no string to encoding/json", elem)
		}
	case json.Unmarshal(elem, new(json.Number)) == nil && elem[0] != 'n':
		want = string(elem)
	default:
		if err == nil {
			t.Fatalf("%q: got the name %q, want an error", elem, got)
		}
		return
	}
	if Reserved(want) {
		if err == nil {
			t.Fatalf("%q: got the name %q, want it reserved", elem, got)
		}
		return
	}
	if err != nil || utf8.Valid(elem) && string(got) != want {
		t.Fatalf("%q: got the name %q, %v, want %q", elem, got, err, want)
	}
	if peeked := PeekName(array); peeked != nil && !bytes.Equal(peeked, got) {
		t.Fatalf("%q: got the name %q ahead of reading, want %q", array, peeked, got)
	}
}

// FuzzPlaceholders: the quick look at the usual placeholders finds what the walk
// through all of the JSON does.
func FuzzPlaceholders(f *testing.F) {
	for _, s := range []string{
		`["a",{"_placeholder":true,"num":0}]`, `["a",{"_placeholder":true,"num":2}]`, `["a",{"num":2,"_placeholder":true}]`,
		`["a",{"\u005fplaceholder":true,"num":2}]`, `["a",{"x":{"_placeholder":true,"num":0},"y":{"_placeholder":true,"num":7}}]`,
		`["a",{"text":"{\"_placeholder\":true,\"num\":9}"}]`, `["a",{"_placeholder":true,"num":0,"num":7}]`,
		`["a",{"_placeholder":true,"num":1e0}]`, `["a",{"_placeholder":true,"num":000}]`, `["a",{"x":"_placeholder"}]`,
		`["a",[{"_placeholder":true,"num":1},{"_placeholder":false}]]`, `["a",{"a":{},"_placeholder":true,"num":1}]`,
		`["a",{"_placeholder":true,"num":{"_placeholder":true,"num":0}}]`, `["a",{"_placeholder":{"_placeholder":true,"num":5}}]`,
		`["a",{"_placeholder":true,"num":1},{"num":1,"_placeholder":true}]`, `["a",{"x":{"_placeholder":true,"num":0},"x":{"_placeholder":true,"num":0}}]`,
		`["a",{"x":1e999,"y":"\n"}]`, `["a",{"\u005fplaceholder":true,"num":1e999}]`,
	} {
		f.Add([]byte(s), byte(2))
	}
	f.Fuzz(func(t *testing.T, b []byte, attachments byte) {
		elems, err := Split(b, nil, maxDepth)
		if err != nil {
			return
		}
		err = CheckPlaceholders(elems, int(attachments))
		if want := modelPlaceholders(b, int(attachments)); (err == nil) != want {
			t.Fatalf("%q with %d attachments: got %v, want ok=%v", b, attachments, err, want)
		}
	})
}

// modelPlaceholders walks a tree of everything.
func modelPlaceholders(array []byte, attachments int) bool {
	d := json.NewDecoder(bytes.NewReader(array))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	named := make(map[int]bool) // no two may name the same
	var walk func(v any) bool
	walk = func(v any) bool {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				if !walk(item) {
					return false
				}
			}
		case map[string]any:
			if v["_placeholder"] == true {
				number, _ := v["num"].(json.Number)
				f, err := number.Float64()
				for i := range attachments {
					if err == nil && f == float64(i) && !named[i] {
						named[i] = true
						return true
					}
				}
				return false
			}
			for _, item := range v {
				if !walk(item) {
					return false
				}
			}
		}
		return true
	}
	return walk(tree)
}
