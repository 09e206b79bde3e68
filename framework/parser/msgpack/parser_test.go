package msgpack

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/parlor-go/parlor/framework/internal/packet"
	"github.com/parlor-go/parlor/framework/parser"
)

// describe writes a packet as testdata/notepack.txt has them.
func describe(p parser.Packet) string {
	id, attachments, data := "-", "-", "-"
	if p.HasID {
		id = fmt.Sprint(p.ID)
	}
	if len(p.Attachments) > 0 {
		var all []string
		for _, b := range p.Attachments {
			all = append(all, hex.EncodeToString(b))
		}
		attachments = strings.Join(all, ",")
	}
	if p.Data != nil {
		data = string(p.Data)
	}
	return strings.Join([]string{fmt.Sprint(p.Type), p.Namespace, id, attachments, data}, "\t")
}

func decode(t testing.TB, message []byte) (parser.Packet, error) {
	t.Helper()
	p, complete, err := Parser{}.NewDecoder(10).Decode(message, true)
	if err == nil && !complete {
		t.Errorf("%x: got an incomplete packet, want each message to be one", message)
	}
	return p, err
}

func encode(t testing.TB, p parser.Packet) []byte {
	t.Helper()
	text, binary, err := Parser{}.Encode(p)
	if err != nil {
		t.Fatalf("%s: %v", describe(p), err)
	}
	if text != nil || len(binary) != 1 {
		t.Fatalf("%s: got text %q and %d binary messages, want one binary message", describe(p), text, len(binary))
	}
	return binary[0]
}

type golden struct{ name, hex, want string }

func goldens(t testing.TB) []golden {
	t.Helper()
	b, err := os.ReadFile("testdata/notepack.txt")
	if err != nil {
		t.Fatal(err)
	}
	var all []golden
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.SplitN(strings.TrimSuffix(line, "\n"), "\t", 3)
		if len(parts) != 3 {
			t.Fatalf("testdata/notepack.txt: no three parts in %q", line)
		}
		all = append(all, golden{parts[0], parts[1], parts[2]})
	}
	return all
}

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPacketsOfTheJavaScriptParserDecode(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(g.name, func(t *testing.T) {
			p, err := decode(t, unhex(t, g.hex))
			if err != nil {
				t.Fatal(err)
			}
			if got := describe(p); got != g.want {
				t.Errorf("got  %s\nwant %s", got, g.want)
			}
		})
	}
}

func TestEncodingUndoesDecoding(t *testing.T) {
	for _, g := range goldens(t) {
		t.Run(g.name, func(t *testing.T) {
			p, err := decode(t, unhex(t, g.hex))
			if err != nil {
				t.Fatal(err)
			}
			again, err := decode(t, encode(t, p))
			if err != nil {
				t.Fatal(err)
			}
			if got := describe(again); got != g.want {
				t.Errorf("got  %s\nwant %s", got, g.want)
			}
		})
	}
}

func TestEncode(t *testing.T) {
	const event = "83 a474797065 02 a36e7370 a12f a464617461 " // type 2, nsp "/", data
	tests := []struct {
		name string
		p    parser.Packet
		want string
	}{
		{"data and id left out", parser.Packet{Type: parser.Disconnect, Namespace: "/a"}, "82 a474797065 01 a36e7370 a22f61"},
		{"id 0 is an id", parser.Packet{Type: parser.Ack, Namespace: "/", HasID: true, Data: []byte(`[]`)},
			"84 a474797065 03 a36e7370 a12f a26964 00 a464617461 90"},
		{"scalars", inEvent(`["e",null,true,false,0]`), event + "95 a165 c0 c3 c2 00"},
		{"widths of integers", inEvent(`[127,128,255,256,65536,4294967296,18446744073709551615]`),
			event + "97 7f cc80 ccff cd0100 ce00010000 cf0000000100000000 cfffffffffffffffff"},
		{"integers below zero", inEvent(`[-1,-32,-33,-129,-32769,-9223372036854775808]`),
			event + "96 ff e0 d0df d1ff7f d2ffff7fff d38000000000000000"},
		{"floats", inEvent(`[1.5,1e3,-0,18446744073709551616,1e999]`),
			event + "95 cb3ff8000000000000 cb408f400000000000 cb8000000000000000 cb43f0000000000000 cb7ff0000000000000"},
		{"space", inEvent(" [ 1 , { \"a\" :\n[ ] } ] "), event + "92 01 81 a161 90"},
		{"escapes", inEvent(`["\u0041\"\\\/\b\f\n\r\t\ud83d\ude00\ud800"]`),
			event + "91 b0 41225c2f080c0a0d09 f09f9880 efbfbd"},
		{"invalid UTF-8", inEvent("[\"a\xff\"]"), event + "91 a4 61 efbfbd"},
		{"16 elements", inEvent(`[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]`), event + "dc0010" + strings.Repeat("00", 16)},
		{"an attachment", parser.Packet{Type: parser.Event, Namespace: "/",
			Data: []byte(`["e",{"a":{"_placeholder":true,"num":0}}]`), Attachments: [][]byte{{7}}}, event + "92 a165 81 a161 c40107"},
		{"a placeholder without attachments is data", inEvent(`[{"_placeholder":true,"num":0}]`),
			event + "91 82 ac5f706c616365686f6c646572 c3 a36e756d 00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, want := encode(t, tt.p), unhex(t, tt.want); !bytes.Equal(got, want) {
				t.Errorf("got  %x\nwant %x", got, want)
			}
		})
	}
}

// inEvent makes an EVENT in "/".
func inEvent(data string) parser.Packet {
	return parser.Packet{Type: parser.Event, Namespace: "/", Data: []byte(data)}
}

func TestWhatCannotBeEncodedIsAnError(t *testing.T) {
	tests := []struct {
		name string
		p    parser.Packet
	}{
		{"not JSON", inEvent(`["e",]`)},
		{"cut short", inEvent(`["e`)},
		{"nothing", inEvent(``)},
		{"nested too deep", inEvent(strings.Repeat("[", packet.MostDepth+1) + strings.Repeat("]", packet.MostDepth+1))},
		{"an attachment that is not there", parser.Packet{Type: parser.Event, Namespace: "/",
			Data: []byte(`[{"_placeholder":true,"num":1}]`), Attachments: [][]byte{{7}}}},
		{"a placeholder without a number", parser.Packet{Type: parser.Event, Namespace: "/",
			Data: []byte(`[{"_placeholder":true,"num":"0"}]`), Attachments: [][]byte{{7}}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, b, err := (Parser{}).Encode(tt.p); err == nil {
				t.Errorf("got %x, want an error", b)
			}
		})
	}
}

// around puts data, in hexadecimal, into an EVENT.
func around(data string) string { return "83 a474797065 02 a36e7370 a12f a464617461 " + data }

func TestDecode(t *testing.T) {
	tests := []struct{ name, data, want string }{
		{"float32", "91 ca3fc00000", `[1.5]`},
		{"whole floats", "92 cb4000000000000000 cb444b1ae4d6e2ef50", `[2,1e+21]`},
		{"signed forms of small integers", "94 d001 d10002 d200000003 d30000000000000004", `[1,2,3,4]`},
		{"all digits of 64 bits", "92 cfffffffffffffffff d38000000000000000", `[18446744073709551615,-9223372036854775808]`},
		{"long forms", "93 d900 da0000 db00000000", `["","",""]`},
		{"long forms of lists", "94 dc0000 dd00000000 de0000 df00000000", `[[],[],{},{}]`},
		{"integers as keys", "91 83 01 a161 ff a162 cc80 a163", `[{"1":"a","-1":"b","128":"c"}]`},
		{"undefined first", "91 82 a161 d40000 a162 01", `[{"b":1}]`},
		{"timestamp of 4 bytes", "91 d6ff00000001", `["1970-01-01T00:00:01.000Z"]`},
		{"timestamp of 8 bytes", "91 d7ff" + "773594000000000a", `["1970-01-01T00:00:10.500Z"]`},
		{"timestamp of 12 bytes", "91 c70cff" + "00000001" + "ffffffffffffffff", `["1969-12-31T23:59:59.000000001Z"]`},
		{"the year 0 and those before it", "92 c70cff00000000" + "fffffff1868b8400" + " c70cff00000000" + "fffffff1868b83ff",
			`["0000-01-01T00:00:00.000Z","-000001-12-31T23:59:59.000Z"]`},
		{"look-alikes of placeholders", "92 81 ac5f706c616365686f6c646572 c2 81 a36e756d 00", `[{"_placeholder":false},{"num":0}]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := decode(t, unhex(t, around(tt.data)))
			if err != nil {
				t.Fatal(err)
			}
			if got := string(p.Data); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

// Python's client sends None, and others in another order.
func TestNilIsNoDataAndNoID(t *testing.T) {
	p, err := decode(t, unhex(t, "84 a464617461 c0 a36e7370 a12f a26964 c0 a474797065 00"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := describe(p), "0\t/\t-\t-\t-"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestOfAMemberThatIsThereTwiceTheLastCounts(t *testing.T) {
	p, err := decode(t, unhex(t, "84 a474797065 02 a464617461 92 a161 c40101 a36e7370 a12f a464617461 91 c40102"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := describe(p), "2\t/\t-\t02\t"+`[{"_placeholder":true,"num":0}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestGarbageIsRefused(t *testing.T) {
	deep := strings.Repeat("91", packet.MostDepth+1) + "00"
	tests := []struct{ name, message, want string }{
		{"nothing", "", "too few bytes"},
		{"no map", "92 00 01", "map"},
		{"a map of nothing", "80", "without a type"},
		{"a map that ends", "83 a474797065", "too few bytes"},
		{"a type that is too large", "82 a474797065 05 a36e7370 a12f", "without a type"},
		{"a type below zero", "82 a474797065 ff a36e7370 a12f", "-1"},
		{"a type that is text", "82 a474797065 a132 a36e7370 a12f", "str"},
		{"no namespace", "81 a474797065 01", "without a namespace"},
		{"a namespace that is none", "82 a474797065 01 a36e7370 01", "int"},
		{"a namespace that is nil", "82 a474797065 01 a36e7370 c0", "nil"},
		{"an id below zero", "84 a474797065 02 a36e7370 a12f a464617461 9101 a26964 ff", "-1"},
		{"an id that is text", "84 a474797065 02 a36e7370 a12f a464617461 9101 a26964 a130", "str"},
		{"a key that is a number", "81 01 02", "int"},
		{"bytes behind the packet", "82 a474797065 01 a36e7370 a12f 00", "behind the packet"},
		{"connect with a list", "83 a474797065 00 a36e7370 a12f a464617461 90", "does not fit"},
		{"connect with binary data", "83 a474797065 00 a36e7370 a12f a464617461 c40161", "does not fit"},
		{"disconnect with data", "83 a474797065 01 a36e7370 a12f a464617461 80", "does not fit"},
		{"an event without data", "82 a474797065 02 a36e7370 a12f", "does not fit"},
		{"an event with a map", around("80"), "does not fit"},
		{"a connect error with a list", "83 a474797065 04 a36e7370 a12f a464617461 90", "does not fit"},
		{"a byte that begins nothing", around("91 c1"), "prefix"},
		{"a text that ends", around("91 a5 6162"), "too few bytes"},
		{"a text of 4 GiB", around("91 dbffffffff 61"), "too few bytes"},
		{"a list of 4 G", around("ddffffffff 00"), "too few bytes"},
		{"a map of 4 G", around("91 dfffffffff"), "too few bytes"},
		{"binary data of 4 GiB", around("91 c6ffffffff 61"), "too few bytes"},
		{"an extension of 4 GiB", around("91 c9ffffffff 00 61"), "too few bytes"},
		{"a number that ends", around("91 cb0000"), "too few bytes"},
		{"an extension that ends", around("91 d7"), "too few bytes"},
		{"a header that ends", around("91 c8 00"), "too few bytes"},
		{"not UTF-8", around("91 a2 c328"), "UTF-8"},
		{"a key that is not UTF-8", around("91 81 a2 c328 01"), "UTF-8"},
		{"a key that is nil", around("91 81 c0 01"), "key"},
		{"a key that is binary", around("91 81 c40161 01"), "key"},
		{"an unknown extension", around("91 d40501"), "extension 5"},
		{"an unknown form of a known extension", around("91 d5000000"), "extension 0"},
		{"a timestamp of 1 byte", around("91 d4ff00"), "timestamp of 1"},
		{"more nanoseconds than there are", around("91 c70cff" + "3b9aca00" + "0000000000000000"), "out of range"},
		{"a timestamp beyond all", around("91 c70cff" + "00000000" + "7fffffffffffffff"), "out of range"},
		{"a Date beyond all", around("91 d7007fffffffffffffff"), "out of range"},
		{"a forged placeholder", around("91 82 ac5f706c616365686f6c646572 c3 a36e756d 00"), "_placeholder"},
		{"a forged placeholder deep down", around("91 81 a161 91 82 a36e756d 00 d90c5f706c616365686f6c646572 c3"), "_placeholder"},
		{"11 attachments", around("9b" + strings.Repeat("c400", 11)), "11 attachments"},
		{"too deep", around(deep), "nested deeper"},
		{"too deep where nobody looks", "83 a474797065 01 a36e7370 a12f a178" + deep, "nested deeper"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := decode(t, unhex(t, tt.message))
			if err == nil {
				t.Fatalf("got %s, want an error", describe(p))
			}
			if !strings.HasPrefix(err.Error(), "msgpack: ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %q, want an error of msgpack that says %q", err, tt.want)
			}
		})
	}
	t.Run("text", func(t *testing.T) {
		if _, _, err := (Parser{}).NewDecoder(10).Decode([]byte("0"), false); err == nil {
			t.Error("got no error")
		}
	})
}

func TestTheDeepestDataDecodesAndEncodes(t *testing.T) {
	message := unhex(t, around(strings.Repeat("91", packet.MostDepth-1)+"90"))
	p, err := decode(t, message)
	if err != nil {
		t.Fatal(err)
	}
	if got := encode(t, p); !bytes.Equal(got, message) {
		t.Errorf("got %x, want %x", got, message)
	}
}

func TestAttachmentsAreTheReceiversOwn(t *testing.T) {
	message := unhex(t, around("92 a165 c40107"))
	d := Parser{}.NewDecoder(10)
	first, _, err := d.Decode(message, true)
	if err != nil {
		t.Fatal(err)
	}
	message[len(message)-1] = 8
	if _, _, err := d.Decode(message, true); err != nil {
		t.Fatal(err)
	}
	if got := first.Attachments[0]; !slices.Equal(got, []byte{7}) {
		t.Errorf("got %v, want it untouched by what came later", got)
	}
}

// What a length claims is not allocated.
func TestAHostileLengthAllocatesNothing(t *testing.T) {
	for _, message := range []string{"ddffffffff", "91 dfffffffff", "91 c6ffffffff", "91 dbffffffff", "91 c9ffffffff00"} {
		b := unhex(t, around(message))
		d := Parser{}.NewDecoder(10)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, _, err := d.Decode(b, true); err == nil {
			t.Errorf("%s: got no error", message)
		}
		runtime.ReadMemStats(&after)
		if got := after.TotalAlloc - before.TotalAlloc; got > 64<<10 {
			t.Errorf("%s: got %d bytes allocated, want next to none", message, got)
		}
	}
}
