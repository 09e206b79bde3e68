package codec

import (
	"encoding/json"
	"reflect"
	"testing"
)

type benchUser struct {
	ID   int64    `json:"id"`
	Name string   `json:"name"`
	Tags []string `json:"tags"`
}

// benchMessage is the five-field argument of the reference measurements.
type benchMessage struct {
	Room string    `json:"room"`
	Text string    `json:"text"`
	User benchUser `json:"user"`
	Seq  int       `json:"seq"`
	Rush bool      `json:"rush"`
}

type benchUpload struct {
	Name string `json:"name"`
	Data []byte `json:"data"`
	Size int    `json:"size"`
}

var (
	benchText   = []byte(`"Grüße aus dem Raum, and some more text to read"`)
	benchObject = []byte(`{"room":"lobby","text":"hello there, world","user":{"id":12345,"name":"ann","tags":["a","b"]},"seq":42,"rush":true}`)
	benchBinary = []byte(`{"name":"cat.png","data":{"_placeholder":true,"num":0},"size":4096}`)
	benchBytes  = [][]byte{make([]byte, 4096)}
)

// benchDecode compares this package with encoding/json.
func benchDecode[T any](b *testing.B, raw []byte, attachments [][]byte) {
	p, err := Compile(reflect.TypeFor[T]())
	if err != nil {
		b.Fatal(err)
	}
	var v T
	dst := reflect.ValueOf(&v).Elem()
	b.Run("codec", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if err := p.Decode(raw, attachments, dst); err != nil {
				b.Fatal(err)
			}
		}
	})
	if attachments != nil {
		return
	}
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var v T
			if err := json.Unmarshal(raw, &v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkDecodeString(b *testing.B) { benchDecode[string](b, benchText, nil) }
func BenchmarkDecodeInt(b *testing.B)    { benchDecode[int](b, []byte("12345"), nil) }
func BenchmarkDecodeRaw(b *testing.B)    { benchDecode[json.RawMessage](b, benchObject, nil) }
func BenchmarkDecodeStruct(b *testing.B) { benchDecode[benchMessage](b, benchObject, nil) }
func BenchmarkDecodeMap(b *testing.B)    { benchDecode[map[string]any](b, benchObject, nil) }
func BenchmarkDecodeAny(b *testing.B)    { benchDecode[any](b, benchObject, nil) }
func BenchmarkDecodeBinary(b *testing.B) { benchDecode[benchUpload](b, benchBinary, benchBytes) }

func benchEncode(b *testing.B, v any) {
	b.Run("codec", func(b *testing.B) {
		b.ReportAllocs()
		var dst []byte
		var attachments [][]byte
		var err error
		for b.Loop() {
			if dst, attachments, err = Append(dst[:0], attachments[:0], v); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(v); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEncodeString(b *testing.B) {
	benchEncode(b, "Grüße aus dem Raum, and some more text to read")
}
func BenchmarkEncodeInt(b *testing.B) { benchEncode(b, 12345) }
func BenchmarkEncodeBinary(b *testing.B) {
	benchEncode(b, benchUpload{Name: "cat.png", Data: benchBytes[0], Size: 4096})
}

func BenchmarkEncodeStruct(b *testing.B) {
	var v benchMessage
	if err := json.Unmarshal(benchObject, &v); err != nil {
		b.Fatal(err)
	}
	benchEncode(b, v)
}

func BenchmarkEncodeMap(b *testing.B) {
	var v map[string]any
	if err := json.Unmarshal(benchObject, &v); err != nil {
		b.Fatal(err)
	}
	benchEncode(b, v)
}
