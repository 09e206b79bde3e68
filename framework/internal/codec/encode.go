package codec

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"sync"
)

// maxEncodeDepth bounds the nesting of what is encoded: cyclic data ends here.
const maxEncodeDepth = 1000

var errEncodeDepth = fmt.Errorf("nested deeper than %d: does it contain itself?", maxEncodeDepth)

// Append appends v to dst as JSON. Every []byte in v, at any depth, becomes a
// placeholder in the text and is appended to attachments; a nil one is null. On an
// error both slices are returned as they were given.
//
// The text is what encoding/json writes without HTML escaping, except that NaN and
// the infinities are null, as in JSON.stringify, and that a json.RawMessage is not
// compacted. The text is a copy; the attachments are the caller's bytes themselves.
func Append(dst []byte, attachments [][]byte, v any) ([]byte, [][]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, "null"...), attachments, nil
	case string:
		return appendString(dst, v), attachments, nil
	case bool:
		return strconv.AppendBool(dst, v), attachments, nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), attachments, nil
	case int64:
		return strconv.AppendInt(dst, v, 10), attachments, nil
	case float64:
		return appendFloat(dst, v, 64), attachments, nil
	case json.RawMessage:
		out, err := appendRaw(dst, v)
		return out, attachments, err
	case []byte:
		if v == nil {
			return append(dst, "null"...), attachments, nil
		}
		return appendPlaceholder(dst, len(attachments)), append(attachments, v), nil
	}

	w := writers.Get().(*writer)
	w.out, w.attachments = dst, attachments
	if err := w.value(v); err != nil {
		return dst, attachments, err // and w, left in the middle, to the collector
	}
	dst, attachments = w.out, w.attachments
	w.release()
	return dst, attachments, nil
}

// A writer holds what one Append has made so far. After an error it is of no more use.
type writer struct {
	out         []byte
	attachments [][]byte
	depth       int
	keys        []string // of the maps being written, a stack
}

// writers are pooled: they escape through the encoder interface.
var writers = sync.Pool{New: func() any { return new(writer) }}

// maxPooledKeys bounds what one huge map leaves in the pool.
const maxPooledKeys = 1024

func (w *writer) release() {
	w.out, w.attachments = nil, nil
	if cap(w.keys) > maxPooledKeys {
		w.keys = nil
	}
	writers.Put(w)
}

// value appends v, without reflection for the usual types.
func (w *writer) value(v any) error {
	switch v := v.(type) {
	case nil:
		w.null()
	case string:
		w.out = appendString(w.out, v)
	case bool:
		w.out = strconv.AppendBool(w.out, v)
	case int:
		w.out = strconv.AppendInt(w.out, int64(v), 10)
	case int8:
		w.out = strconv.AppendInt(w.out, int64(v), 10)
	case int16:
		w.out = strconv.AppendInt(w.out, int64(v), 10)
	case int32:
		w.out = strconv.AppendInt(w.out, int64(v), 10)
	case int64:
		w.out = strconv.AppendInt(w.out, v, 10)
	case uint:
		w.out = strconv.AppendUint(w.out, uint64(v), 10)
	case uint8:
		w.out = strconv.AppendUint(w.out, uint64(v), 10)
	case uint16:
		w.out = strconv.AppendUint(w.out, uint64(v), 10)
	case uint32:
		w.out = strconv.AppendUint(w.out, uint64(v), 10)
	case uint64:
		w.out = strconv.AppendUint(w.out, v, 10)
	case float32:
		w.out = appendFloat(w.out, float64(v), 32)
	case float64:
		w.out = appendFloat(w.out, v, 64)
	case []byte:
		w.bytes(v)
	case json.RawMessage:
		return w.keep(appendRaw(w.out, v))
	case json.Number:
		return w.keep(appendNumber(w.out, v))
	case map[string]any:
		return w.anyMap(v)
	case []any:
		return w.anySlice(v)
	case []string:
		w.strings(v)
	default:
		return w.reflect(reflect.ValueOf(v))
	}
	return nil
}

// reflect appends a value of a type that value does not know.
func (w *writer) reflect(v reflect.Value) error {
	return encoderOf(v.Type()).append(w, v)
}

func (w *writer) null() { w.out = append(w.out, "null"...) }

// keep takes over an appended text; on an error it is the old one.
func (w *writer) keep(out []byte, err error) error {
	w.out = out
	return err
}

func (w *writer) bytes(b []byte) {
	if b == nil {
		w.null()
		return
	}
	w.out = appendPlaceholder(w.out, len(w.attachments))
	w.attachments = append(w.attachments, b)
}

// enter counts a level of what can lead back to itself: a pointer, a map, a slice.
// leave ends it.
func (w *writer) enter() error {
	if w.depth++; w.depth > maxEncodeDepth {
		return errEncodeDepth
	}
	return nil
}

func (w *writer) leave() { w.depth-- }

func (w *writer) anyMap(m map[string]any) error {
	if m == nil {
		w.null()
		return nil
	}
	if err := w.enter(); err != nil {
		return err
	}
	base := len(w.keys)
	for k := range m {
		w.keys = append(w.keys, k)
	}
	keys := w.keys[base:] // stays whole if a nested map moves w.keys
	slices.Sort(keys)
	w.out = append(w.out, '{')
	for i, k := range keys {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.out = appendString(w.out, k)
		w.out = append(w.out, ':')
		if err := w.value(m[k]); err != nil {
			return atField(k, err)
		}
	}
	w.out = append(w.out, '}')
	clear(w.keys[base:])
	w.keys = w.keys[:base]
	w.leave()
	return nil
}

func (w *writer) anySlice(s []any) error {
	if s == nil {
		w.null()
		return nil
	}
	if err := w.enter(); err != nil {
		return err
	}
	w.out = append(w.out, '[')
	for i, v := range s {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		if err := w.value(v); err != nil {
			return atIndex(i, err)
		}
	}
	w.out = append(w.out, ']')
	w.leave()
	return nil
}

func (w *writer) strings(s []string) {
	if s == nil {
		w.null()
		return
	}
	w.out = append(w.out, '[')
	for i, v := range s {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.out = appendString(w.out, v)
	}
	w.out = append(w.out, ']')
}

// appendFloat appends f as ECMAScript and encoding/json write it; what JSON has no
// number for is null.
func appendFloat(dst []byte, f float64, bits int) []byte {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "null"...)
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 {
		small, large := abs < 1e-6, abs >= 1e21
		if bits == 32 {
			small, large = float32(abs) < 1e-6, float32(abs) >= 1e21
		}
		if small || large {
			format = 'e'
		}
	}
	dst = strconv.AppendFloat(dst, f, format, -1, bits)
	if n := len(dst); format == 'e' && dst[n-2] == '0' && dst[n-3] == '-' {
		dst[n-2] = dst[n-1] // e-09 is e-9
		dst = dst[:n-1]
	}
	return dst
}

func appendRaw(dst []byte, raw json.RawMessage) ([]byte, error) {
	if raw == nil {
		return append(dst, "null"...), nil
	}
	c := cursor{data: raw}
	if c.skip() != nil || c.end() != nil {
		return dst, errors.New("json.RawMessage does not hold valid JSON")
	}
	return append(dst, raw...), nil
}

// appendNumber appends n; the empty one is 0, as in encoding/json.
func appendNumber(dst []byte, n json.Number) ([]byte, error) {
	if n == "" {
		return append(dst, '0'), nil
	}
	if !isNumber(string(n)) {
		return dst, errors.New("json.Number does not hold a number")
	}
	return append(dst, n...), nil
}

// A stdEncoder is encoding/json's encoder writing to the end of a slice.
type stdEncoder struct {
	out []byte
	enc *json.Encoder
}

func (e *stdEncoder) Write(p []byte) (int, error) {
	e.out = append(e.out, p...)
	return len(p), nil
}

var stdEncoders = sync.Pool{New: func() any {
	e := new(stdEncoder)
	e.enc = json.NewEncoder(e)
	e.enc.SetEscapeHTML(false)
	return e
}}

// std appends v through encoding/json, by its address if it has one: methods with
// pointer receivers count there.
func (w *writer) std(v reflect.Value) error {
	if !v.CanInterface() {
		return errUnexported(v)
	}
	if v.CanAddr() && v.Kind() != reflect.Pointer {
		v = v.Addr()
	}
	e := stdEncoders.Get().(*stdEncoder)
	e.out = w.out
	err := e.enc.Encode(v.Interface())
	out := e.out
	e.out = nil
	stdEncoders.Put(e)
	if err != nil {
		return err
	}
	w.out = out[:len(out)-1] // without the line end
	return nil
}
