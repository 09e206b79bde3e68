package msgpack

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parlor-go/parlor/framework/internal/packet"
	"github.com/parlor-go/parlor/framework/parser"
)

// FuzzDecode: a message decodes to what the model says, as JSON that is valid and no
// larger than it can be; nothing of it is the message's; and what decodes encodes to
// what decodes to the same.
func FuzzDecode(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(unhex(f, g.hex))
	}
	for _, data := range []string{
		"95 ca3fc00000 d6ff00000001 81 01 c0 91 91 d40000 c7030001 02 03",
		"81 ac5f706c616365686f6c646572 c3", "82 a161 01 a161 d40000", "91 c70cff 3b9ac9ff ffffffffffffffff",
		"91 81 d3ffffffffffffffff 01", "92 c403010203 c70000", "91 d7ffffffffff00000000", "dd00000001 c0", "91 a1ff",
	} {
		f.Add(unhex(f, around(data)))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		mine := bytes.Clone(message)
		p, err := decode(t, mine)
		if !bytes.Equal(mine, message) {
			t.Fatalf("%x: was changed to %x", message, mine)
		}
		clear(mine) // as the transport may with what is its own
		want, tree, wantErr := model(message)
		if (err == nil) != (wantErr == nil) {
			t.Fatalf("%x: got %v, want %v", message, err, wantErr)
		}
		if err != nil {
			return
		}
		checkPacket(t, message, p, want, tree)
		if most := 6*len(message) + 10*40; len(p.Data) > most { // a control character takes six
			t.Fatalf("%x: got %d bytes of JSON, want %d at most", message, len(p.Data), most)
		}
		told := describe(p)
		again, err := decode(t, encode(t, p))
		if err != nil || describe(again) != told {
			t.Fatalf("%x: got %s, %v, want %s", message, describe(again), err, told)
		}
	})
}

func checkPacket(t *testing.T, message []byte, got, want parser.Packet, tree *any) {
	t.Helper()
	if got.Type != want.Type || got.Namespace != want.Namespace || got.HasID != want.HasID || got.HasID && got.ID != want.ID ||
		!slices.EqualFunc(got.Attachments, want.Attachments, bytes.Equal) || (got.Data == nil) != (tree == nil) {
		t.Fatalf("%x: got %s, want %s", message, describe(got), describe(want))
	}
	if tree == nil {
		return
	}
	if err := packet.Valid(got.Data, packet.MostDepth); err != nil {
		t.Fatalf("%x: %s: %v", message, got.Data, err)
	}
	d := json.NewDecoder(bytes.NewReader(got.Data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	if err := agree(v, *tree); err != nil {
		t.Fatalf("%x: %s: %v", message, got.Data, err)
	}
}

// agree compares what JSON holds with the tree of the model.
func agree(got, want any) error {
	equal := false
	switch want := want.(type) {
	case []any:
		got, ok := got.([]any)
		if !ok || len(got) != len(want) {
			return fmt.Errorf("got %v, want %v", got, want)
		}
		for i := range got {
			if err := agree(got[i], want[i]); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok || len(got) != len(want) {
			return fmt.Errorf("got %v, want %v", got, want)
		}
		for key := range want {
			if err := agree(got[key], want[key]); err != nil {
				return fmt.Errorf("%q: %w", key, err)
			}
		}
		return nil
	case place:
		return agree(got, map[string]any{"_placeholder": true, "num": uint64(want)})
	case date:
		text, _ := got.(string)
		if year := want.Year(); year < 0 || year > 9999 {
			equal = len(text) == len("+275760-09-13T00:00:00.000Z") || len(text) == len("+275760-09-13T00:00:00.000000000Z")
			break
		}
		at, err := time.Parse(time.RFC3339Nano, text)
		equal = err == nil && at.Equal(want.Time) && strings.HasSuffix(text, "Z")
	case float64:
		number, _ := got.(json.Number)
		f, err := number.Float64()
		equal = err == nil && f == want
	case int64:
		equal = got == json.Number(strconv.FormatInt(want, 10))
	case uint64:
		equal = got == json.Number(strconv.FormatUint(want, 10))
	default:
		equal = got == want
	}
	if !equal {
		return fmt.Errorf("got %#v, want %#v", got, want)
	}
	return nil
}

// FuzzEncode: whatever JSON an application makes is refused if it is none, and decodes
// to what it was.
func FuzzEncode(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add([]byte(g.want[strings.LastIndexByte(g.want, '\t')+1:]))
	}
	f.Add([]byte(`["\u00e9\ud83d\ude00\\",-0,1e400,{"_placeholder":true,"num":0}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		for _, attachments := range [][][]byte{nil, {{1}, {2}}} {
			p := parser.Packet{Type: parser.Event, Namespace: "/", Data: data, Attachments: attachments}
			_, binary, err := Parser{}.Encode(p)
			if len(data) == 0 {
				continue
			}
			if err != nil {
				if packet.Valid(data, packet.MostDepth) == nil && !bytes.Contains(data, []byte("_placeholder")) {
					t.Fatalf("%s: %v", data, err)
				}
				continue
			}
			if packet.Valid(data, packet.MostDepth) != nil {
				t.Fatalf("%s: was encoded as %x", data, binary[0])
			}
			if bytes.Contains(data, []byte("_placeholder")) || bytes.ContainsRune(data, '\\') {
				continue
			}
			got, err := decode(t, binary[0])
			if err != nil {
				if !strings.Contains(err.Error(), errData.Error()) {
					t.Fatalf("%s: encoded as %x: %v", data, binary[0], err)
				}
				continue
			}
			if want, have := canonical(t, data), canonical(t, got.Data); want != have {
				t.Fatalf("%s: encoded as %x: got %s, want %s", data, binary[0], have, want)
			}
		}
	})
}

// canonical is JSON as encoding/json has it: numbers as the nearest float64, null for
// what is beyond.
func canonical(t *testing.T, data []byte) string {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(nearest(v))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func nearest(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = nearest(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = nearest(v[key])
		}
	case json.Number:
		if _, err := strconv.ParseInt(v.String(), 10, 64); err == nil && v != "-0" {
			return v // exact
		}
		f, err := v.Float64()
		if err != nil {
			return nil
		}
		return f
	}
	return v
}
