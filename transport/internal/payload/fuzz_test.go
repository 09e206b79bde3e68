package payload

import (
	"bytes"
	"math/big"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"
)

// The models below say what a payload holds as the protocols' documents do, and as
// slowly: they copy, convert and keep whole lists where the package reads on.

// model is what a body decodes to: the packets in front of the first fault.
type model struct {
	packets []Packet
	faulty  bool
}

func modelV4(body []byte) (m model) {
	for _, part := range strings.Split(string(body), "\x1e") {
		p, ok := modelPacket(part, "b")
		if !ok {
			m.faulty = true
			return m
		}
		m.packets = append(m.packets, p)
	}
	return m
}

// modelV3 reads "<length>:<packet>", the length in UTF-16 units.
func modelV3(body []byte) (m model) {
	for rest := string(body); ; {
		digits, after, found := strings.Cut(rest, ":")
		n, ok := modelLength(digits, '0')
		all := utf16.Encode([]rune(after))
		if !found || !ok || n > len(all) {
			m.faulty = true
			return m
		}
		if n < len(all) && utf16.IsSurrogate(rune(all[n])) && all[n] >= 0xdc00 {
			m.faulty = true // the length ends in the middle of a pair
			return m
		}
		size := 0
		for range utf16.Decode(all[:n]) { // a broken byte is a character too, of one byte
			_, width := utf8.DecodeRuneInString(after[size:])
			size += width
		}
		p, ok := modelPacket(after[:size], "b4")
		if !ok {
			m.faulty = true
			return m
		}
		m.packets = append(m.packets, p)
		if rest = after[size:]; rest == "" {
			return m
		}
	}
}

// modelBinaryV3 reads "<0 or 1><digits as bytes><255><packet>".
func modelBinaryV3(body []byte) (m model) {
	for rest := string(body); ; {
		if rest == "" || rest[0] > 1 {
			m.faulty = true
			return m
		}
		kind := rest[0]
		digits, after, found := strings.Cut(rest[1:], "\xff")
		n, ok := modelLength(digits, 0)
		if !found || !ok || n > len(after) {
			m.faulty = true
			return m
		}
		packet := after[:n]
		var p Packet
		if kind == 0 {
			p, ok = modelPacket(packet, "b4")
		} else if ok = strings.HasPrefix(packet, "\x04"); ok {
			p = message([]byte(packet[1:])...)
		}
		if !ok {
			m.faulty = true
			return m
		}
		m.packets = append(m.packets, p)
		if rest = after[n:]; rest == "" {
			return m
		}
	}
}

// modelLength reads a decimal number of any length whose digits begin at zero. What
// is beyond a billion is beyond any payload.
func modelLength(digits string, zero byte) (int, bool) {
	var decimal strings.Builder
	for _, c := range []byte(digits) {
		if c < zero || c > zero+9 {
			return 0, false
		}
		decimal.WriteByte('0' + c - zero)
	}
	n, ok := new(big.Int).SetString(decimal.String(), 10)
	if !ok || n.Cmp(big.NewInt(1e9)) > 0 {
		return 0, false
	}
	return int(n.Int64()), true
}

// modelPacket reads a textual packet; mark is what base64 has in front.
func modelPacket(packet, mark string) (Packet, bool) {
	switch {
	case packet == "":
		return Packet{}, false
	case strings.HasPrefix(packet, mark):
		data, ok := modelBase64(packet[len(mark):])
		return message(data...), ok
	}
	ok := strings.Contains("0123456", packet[:1]) && utf8.ValidString(packet[1:])
	return text(packet[0], packet[1:]), ok
}

// modelBase64 gathers six bits a character. As with encoding/base64 line breaks do not
// count; padding may be there or not, and be of any length.
func modelBase64(s string) (data []byte, ok bool) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	bits, have, n := 0, 0, 0
	for _, c := range []byte(strings.TrimRight(s, "=")) {
		if c == '\r' || c == '\n' {
			continue
		}
		value := strings.IndexByte(alphabet, c)
		if value < 0 {
			return nil, false
		}
		n++
		bits, have = bits<<6|value, have+6
		if have >= 8 {
			have -= 8
			data = append(data, byte(bits>>have))
			bits &= 1<<have - 1
		}
	}
	return data, n%4 != 1
}

// check holds what next makes of body against the model of it, and body against what
// it was. It returns the packets.
func check(t *testing.T, body []byte, next func([]byte) (Packet, []byte, bool, error), want model) []Packet {
	t.Helper()
	before := bytes.Clone(body)
	got, err := decodeAll(next, body)
	if !bytes.Equal(body, before) {
		t.Fatalf("%q: was changed to %q", before, body)
	}
	if (err != nil) != want.faulty || !samePackets(got, want.packets) {
		t.Fatalf("%q: got %v and error %v, want %v and an error: %v", body, got, err, want.packets, want.faulty)
	}
	size := 0
	for _, p := range got {
		size += 1 + len(p.Data)
	}
	if size > len(body) {
		t.Fatalf("%q: got %d bytes in packets, out of %d", body, size, len(body))
	}
	return got
}

// FuzzNext: a payload of v4 decodes to what the model of it says, and what decoded
// encodes back to something that decodes to the same.
func FuzzNext(f *testing.F) {
	for _, seed := range []string{
		"", "4", "4hello\x1e4", "b", "bAQIDBA==\x1e2\x1e3probe", "\x1e", "0{}\x1e\x1e", "bAA\r\nAA", "bAQ=\x1ebAQ===", "b=\n", "4\xf0\x9f\x98\x1e4\x80",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		packets := check(t, body, Next, modelV4(body))
		if len(packets) == 0 {
			return
		}
		var again []byte
		for _, p := range packets {
			if p.Binary {
				again = AppendBinary(again, p.Data)
			} else {
				again = AppendText(again, append([]byte{p.Type}, p.Data...))
			}
		}
		if got, err := decodeAll(Next, again); err != nil || !samePackets(got, packets) {
			t.Errorf("%q: got %v, %v, want %v", again, got, err, packets)
		}
	})
}

// FuzzNextV3: a payload of v3, taken as text and as binary, decodes to what the model
// says, and what decoded encodes back to what decodes to the same, in both forms.
func FuzzNextV3(f *testing.F) {
	for _, seed := range []string{
		"", "6:4hello10:b4AQIDBA==", "4:4👩x", "0:", "99999999999:4", "2:4\xff", "3:4👩2:👩", "2:4👩", "007:4hello!1:2",
		"\x00\x02\xff4a\x01\x03\xff\x04\x01\x02", "\x01\x09\x09\x09\xff\x04", "\x00\xff", "1:21:6", "\x01\x00\x01\xff\x04", "\x00\x04\xffb4AA",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if len(body) > 4096 {
			return // the model takes a time that grows with the square of that
		}
		for _, packets := range [][]Packet{
			check(t, body, NextV3, modelV3(body)),
			check(t, body, NextBinaryV3, modelBinaryV3(body)),
		} {
			if len(packets) == 0 {
				continue
			}
			var asText, asBinary []byte
			for _, p := range packets {
				if p.Binary {
					asText = AppendBase64V3(asText, p.Data)
					asBinary = AppendBinaryV3(asBinary, true, p.Data)
					continue
				}
				packet := append([]byte{p.Type}, p.Data...)
				asText = AppendTextV3(asText, packet)
				asBinary = AppendBinaryV3(asBinary, false, packet)
			}
			if got, err := decodeAll(NextV3, asText); err != nil || !samePackets(got, packets) {
				t.Errorf("text %q: got %v, %v, want %v", asText, got, err, packets)
			}
			if got, err := decodeAll(NextBinaryV3, asBinary); err != nil || !samePackets(got, packets) {
				t.Errorf("binary %q: got %v, %v, want %v", asBinary, got, err, packets)
			}
		}
	})
}
