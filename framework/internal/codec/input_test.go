package codec

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestEncodingLeavesItsInputAlone(t *testing.T) {
	value := func() any {
		thumb := blob{4, 5, 6}
		return map[string]any{
			"bytes": []byte{1, 2, 3}, "list": []any{[]byte{4}, "x", nil}, "null": nil, "raw": json.RawMessage(`{"a":[1]}`),
			"struct": &fileBinary{Name: "n", Avatar: []byte{7}, Thumb: &thumb}, "map": map[string][][]byte{"k": {{8}, nil}},
		}
	}
	v := value()
	text, attachments, err := Append(nil, nil, v)
	if err != nil || len(attachments) != 5 {
		t.Fatalf("got %s, %d attachments, %v", text, len(attachments), err)
	}
	if want := value(); !reflect.DeepEqual(v, want) {
		t.Errorf("got %v, want %v", v, want)
	}
}
