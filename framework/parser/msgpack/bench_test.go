package msgpack

import (
	"testing"

	"github.com/parlor-go/parlor/framework/parser"
)

var benchPacket = parser.Packet{Type: parser.Event, Namespace: "/", ID: 7, HasID: true,
	Data: []byte(`["echo",{"room":"lobby-001","count":12345,"ratio":0.12345,"urgent":true}]`)}

func BenchmarkEncode(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := (Parser{}).Encode(benchPacket); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	_, messages, err := Parser{}.Encode(benchPacket)
	if err != nil {
		b.Fatal(err)
	}
	d := Parser{}.NewDecoder(10)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := d.Decode(messages[0], true); err != nil {
			b.Fatal(err)
		}
	}
}
