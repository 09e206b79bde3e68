package sockettest

import (
	"bytes"
	"encoding"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
)

// encodeArgs encodes values as one JSON array. Each []byte in them becomes a
// placeholder, and an attachment.
//
// encoding/json alone knows what becomes of a struct's fields, and it writes a
// []byte as base64. So every []byte of a copy is replaced with a marker, whose
// base64 is then found in the JSON.
func encodeArgs(values []any) (text []byte, attachments [][]byte, err error) {
	if values == nil {
		values = []any{}
	}
	// Reports what cannot be encoded, cycles above all, before they are walked.
	if text, err = encodeJSON(values); err != nil {
		return nil, nil, err
	}
	var found marks
	list := reflect.New(reflect.TypeFor[[]any]()).Elem()
	list.Set(reflect.ValueOf(values))
	found.replace(list)
	if len(found.data) == 0 {
		return text, nil, nil
	}
	if text, err = encodeJSON(list.Interface()); err != nil {
		return nil, nil, err
	}
	text = markPattern.ReplaceAllFunc(text, func(quoted []byte) []byte {
		mark, _ := base64.StdEncoding.DecodeString(string(quoted[1 : len(quoted)-1]))
		index, _ := strconv.Atoi(string(mark[len(markText):]))
		placeholder := fmt.Appendf(nil, `{"_placeholder":true,"num":%d}`, len(attachments))
		attachments = append(attachments, found.data[index])
		return placeholder
	})
	return text, attachments, nil
}

// encodeJSON is json.Marshal, but writes <, > and & as they are, like the
// clients in JavaScript do.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// A mark is 27 bytes, so that its base64 needs no padding: the text, then the
// number of the attachment in nine digits. The text's own base64 is the pattern.
const markText = "\x00\xffsockettest mark\x00"

var markPattern = regexp.MustCompile(
	`"` + regexp.QuoteMeta(base64.StdEncoding.EncodeToString([]byte(markText))) + `[A-Za-z0-9+/]{12}"`)

type marks struct{ data [][]byte }

var (
	jsonMarshaler = reflect.TypeFor[json.Marshaler]()
	textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()
)

// replace puts a mark in the place of each []byte that v holds. v is a copy and
// may be set; what it points to belongs to the caller and is copied first.
func (m *marks) replace(v reflect.Value) {
	t := v.Type()
	for _, marshaler := range []reflect.Type{jsonMarshaler, textMarshaler} {
		if t.Implements(marshaler) || reflect.PointerTo(t).Implements(marshaler) {
			return // encodes itself, such as a json.RawMessage or a time.Time
		}
	}
	switch t.Kind() {
	case reflect.Interface, reflect.Pointer:
		if v.IsNil() {
			return
		}
		inner := reflect.New(v.Elem().Type())
		inner.Elem().Set(v.Elem())
		m.replace(inner.Elem())
		if t.Kind() == reflect.Interface {
			inner = inner.Elem()
		}
		v.Set(inner)
	case reflect.Slice:
		if v.IsNil() {
			return
		}
		if t.Elem().Kind() == reflect.Uint8 {
			mark := fmt.Appendf(nil, "%s%09d", markText, len(m.data))
			m.data = append(m.data, bytes.Clone(v.Bytes()))
			v.SetBytes(mark)
			return
		}
		list := reflect.MakeSlice(t, v.Len(), v.Len())
		reflect.Copy(list, v)
		for i := range list.Len() {
			m.replace(list.Index(i))
		}
		v.Set(list)
	case reflect.Array:
		for i := range v.Len() {
			m.replace(v.Index(i))
		}
	case reflect.Map:
		if v.IsNil() {
			return
		}
		copied := reflect.MakeMapWithSize(t, v.Len())
		for key, value := range v.Seq2() {
			entry := reflect.New(t.Elem()).Elem()
			entry.Set(value)
			m.replace(entry)
			copied.SetMapIndex(key, entry)
		}
		v.Set(copied)
	case reflect.Struct:
		for i := range t.NumField() {
			// The exported fields of an embedded struct can be set even where its type is unexported.
			if f := t.Field(i); f.IsExported() || f.Anonymous && f.Type.Kind() == reflect.Struct {
				m.replace(v.Field(i))
			}
		}
	}
}

// checkPlaceholders reports placeholders of args that do not name each of the n
// attachments once.
func checkPlaceholders(args []json.RawMessage, n int) error {
	seen := make([]bool, n)
	count := 0
	_, err := resolve(args, func(num int) (any, error) {
		if num < 0 || num >= n {
			return nil, fmt.Errorf("placeholder %d, with %d attachments", num, n)
		}
		if seen[num] {
			return nil, fmt.Errorf("placeholder %d twice", num)
		}
		seen[num] = true
		count++
		return nil, nil
	})
	if err != nil {
		return err
	}
	if count != n {
		return fmt.Errorf("%d placeholders for %d attachments", count, n)
	}
	return nil
}

// resolve decodes v's JSON and replaces each placeholder in it with what fill
// returns for its number.
func resolve(v any, fill func(num int) (any, error)) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber() // keeps large numbers as they came
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, err
	}
	return resolveTree(tree, fill)
}

func resolveTree(node any, fill func(num int) (any, error)) (any, error) {
	var err error
	switch node := node.(type) {
	case []any:
		for i, item := range node {
			if node[i], err = resolveTree(item, fill); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		if node["_placeholder"] == true {
			num, ok := node["num"].(json.Number)
			if !ok {
				return nil, fmt.Errorf("placeholder with num %v, want a number", node["num"])
			}
			i, err := strconv.Atoi(num.String())
			if err != nil {
				return nil, fmt.Errorf("placeholder with num %s, want a small integer", num)
			}
			return fill(i)
		}
		for key, item := range node {
			if node[key], err = resolveTree(item, fill); err != nil {
				return nil, err
			}
		}
	}
	return node, nil
}
