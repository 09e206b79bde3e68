package payload

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// decodeAll takes a payload apart as a session does.
func decodeAll(next func([]byte) (Packet, []byte, bool, error), body []byte) (packets []Packet, err error) {
	for more := true; more; {
		var p Packet
		if p, body, more, err = next(body); err != nil {
			return packets, err
		}
		packets = append(packets, p)
	}
	return packets, nil
}

func samePackets(got, want []Packet) bool {
	if len(got) != len(want) {
		return false
	}
	for i := range got {
		if got[i].Type != want[i].Type || got[i].Binary != want[i].Binary || !bytes.Equal(got[i].Data, want[i].Data) {
			return false
		}
	}
	return true
}

func text(typ byte, data string) Packet       { return Packet{Type: typ, Data: []byte(data)} }
func message(data ...byte) Packet             { return Packet{Type: '4', Binary: true, Data: data} }
func binaryText(packet string) []byte         { return AppendBinaryV3(nil, false, []byte(packet)) }
func binaryPacket(length, data string) []byte { return []byte("\x01" + length + "\xff" + data) }

func TestPayloadsOfV3(t *testing.T) {
	tests := []struct {
		name, in string
		want     []Packet
	}{
		{"a message", "6:4hello", []Packet{text('4', "hello")}},
		{"a ping", "1:2", []Packet{text('2', "")}},
		{"several", "6:4test16:4test21:1", []Packet{text('4', "test1"), text('4', "test2"), text('1', "")}},
		{"a length in UTF-16 units", "6:4€ü👩x1:2", []Packet{text('4', "€ü👩x"), text('2', "")}},
		{"base64", "6:4hello10:b4AQIDBA==", []Packet{text('4', "hello"), message(1, 2, 3, 4)}},
		{"base64 without padding", "8:b4AQIDBA", []Packet{message(1, 2, 3, 4)}},
		{"an empty binary message", "2:b4", []Packet{message()}},
		{"zeros in front of a length", "0006:4hello", []Packet{text('4', "hello")}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := decodeAll(NextV3, []byte(tt.in))
			if err != nil || !samePackets(got, tt.want) {
				t.Errorf("got %v, %v, want %v", got, err, tt.want)
			}
		})
	}
}

func TestPayloadsOfV3ThatLie(t *testing.T) {
	digits := strings.Repeat("9", 400)
	tests := []struct {
		name, in string
		before   int // packets that come before the fault
	}{
		{"empty", "", 0},
		{"no length", ":4", 0},
		{"no colon", "6", 0},
		{"no number", "abc", 0},
		{"an empty packet", "0:", 0},
		{"too long", "7:4hello", 0},
		{"too short", "5:4hello", 1},
		{"negative", "-1:4", 0},
		{"a sign", "+2:4a", 0},
		{"a fraction", "1.5:4a", 0},
		{"hexadecimal", "0x2:4a", 0},
		{"a space", " 2:4a", 0},
		{"huge", "99999999999999999999:4", 0},
		{"as huge as JavaScript takes", digits + ":4", 0},
		{"in bytes", "4:4€", 0},
		{"half of a pair", "2:4👩", 0},
		{"the other half", "3:4👩2:👩", 1},
		{"not UTF-8", "2:4\xff", 0},
		{"an unknown type", "2:7a", 0},
		{"base64 of another type", "6:b2AAAA", 0},
		{"base64 without a type", "1:b", 0},
		{"no base64", "5:b4***", 0},
		{"a second that is cut off", "2:4a6:4hel", 1},
		{"something behind", "2:4ax", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := decodeAll(NextV3, []byte(tt.in))
			if !errors.Is(err, ErrInvalid) || len(got) != tt.before {
				t.Errorf("got %v and error %v, want %d packets and %v", got, err, tt.before, ErrInvalid)
			}
		})
	}
}

func TestBinaryPayloadsOfV3(t *testing.T) {
	body := AppendBinaryV3(nil, false, []byte("4€"))
	body = AppendBinaryV3(body, true, []byte{1, 2, 3, 4})
	if want := "\x00\x04\xff4€\x01\x05\xff\x04\x01\x02\x03\x04"; string(body) != want {
		t.Fatalf("got %q, want %q", body, want)
	}
	body = AppendBinaryV3(body, true, nil)
	body = AppendBinaryV3(body, true, make([]byte, 120))
	body = append(body, binaryText("b4AQI=")...)
	got, err := decodeAll(NextBinaryV3, body)
	want := []Packet{text('4', "€"), message(1, 2, 3, 4), message(), message(make([]byte, 120)...), message(1, 2)}
	if err != nil || !samePackets(got, want) {
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}

func TestBinaryPayloadsOfV3ThatLie(t *testing.T) {
	tests := []struct {
		name string
		in   []byte
	}{
		{"empty", nil},
		{"text", []byte("6:4hello")},
		{"neither text nor binary", []byte("\x02\x02\xff\x04a")},
		{"no length", binaryPacket("", "\x04")},
		{"no end of the length", []byte("\x01\x02\x04a")},
		{"too long", binaryPacket("\x09", "\x04a")},
		{"huge", binaryPacket(strings.Repeat("\x09", 400), "\x04a")},
		{"a digit above 9", binaryPacket("\x0a", "\x04aaaaaaaaaaaaa")},
		{"digits as text", binaryPacket("2", "\x04a")},
		{"an empty packet", binaryPacket("\x00", "")},
		{"binary of another type", binaryPacket("\x02", "\x02a")},
		{"binary with its type as text", binaryPacket("\x02", "4a")},
		{"text that is not UTF-8", binaryText("4\xff")},
		{"text of an unknown type", binaryText("7")},
		{"cut off behind the first byte", []byte{1}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got, err := decodeAll(NextBinaryV3, tt.in); !errors.Is(err, ErrInvalid) || len(got) > 0 {
				t.Errorf("got %v and error %v, want %v", got, err, ErrInvalid)
			}
		})
	}
}

func TestALengthThatLiesAllocatesNothing(t *testing.T) {
	text, binary := []byte("999999999:4a"), binaryPacket("\x09\x09\x09\x09\x09\x09\x09\x09\x09", "\x04a")
	got := testing.AllocsPerRun(10, func() {
		_, _, _, _ = NextV3(text)
		_, _, _, _ = NextBinaryV3(binary)
	})
	if got != 0 {
		t.Errorf("got %v allocations, want none", got)
	}
}

// Or a body of many packets would be copied once for each of them.
func TestNextV3LeavesTheRestOfThePayloadAlone(t *testing.T) {
	body := bytes.Repeat([]byte("3:4€x"), 10_000)
	got := testing.AllocsPerRun(10, func() {
		if _, rest, more, err := NextV3(body); len(rest) != len(body)-len("3:4€x") || !more || err != nil {
			t.Errorf("got %d bytes of rest, more %v, %v", len(rest), more, err)
		}
		_ = units(body)
	})
	if got != 0 {
		t.Errorf("got %v allocations, want none", got)
	}
}
