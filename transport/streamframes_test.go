package transport

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// What frames of WebTransport look like, byte by byte: Engine.IO protocol v4,
// "WebTransport", and the reference's own tests.

func TestStreamFramesByteByByte(t *testing.T) {
	medium, large := strings.Repeat("\x07", 12345), strings.Repeat("\x07", 1<<16)
	tests := []struct {
		name    string
		message *Message
		want    string
	}{
		{"text", NewMessage([]byte("1€")), "\x05" + "41\xe2\x82\xac"},
		{"binary", NewMessage(nil, []byte{1, 2, 3}), "\x83\x01\x02\x03"},
		{"the longest of the short", NewMessage(nil, bytes.Repeat([]byte{7}, 125)), "\xfd" + strings.Repeat("\x07", 125)},
		{"the shortest of the medium", NewMessage(nil, bytes.Repeat([]byte{7}, 126)), "\xfe\x00\x7e" + strings.Repeat("\x07", 126)},
		{"medium", NewMessage(nil, []byte(medium)), "\xfe\x30\x39" + medium},
		{"the shortest of the large", NewMessage(nil, []byte(large)), "\xff\x00\x00\x00\x00\x00\x01\x00\x00" + large},
		{"text and binary", NewMessage([]byte("a"), []byte{1}), "\x02" + "4a" + "\x81\x01"},
		{"a ping", packetPing, "\x01" + "2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(tt.message.as(formStream)); got != tt.want {
				t.Errorf("got %.50q, want %.50q", got, tt.want)
			}
			whole := io.Reader(strings.NewReader(tt.want))
			for way, r := range map[string]io.Reader{"at once": whole, "byte by byte": iotest.OneByteReader(strings.NewReader(tt.want))} {
				frames := streamFrames{r: r, limit: 1 << 20}
				for rest := tt.message.frames; len(rest) > 0; {
					var opcode byte
					var want []byte
					opcode, want, rest = nextFrame(rest)
					got, isBinary, err := frames.next()
					if err != nil || isBinary != (opcode == frameBinary) || !bytes.Equal(got, want) {
						t.Errorf("%s: got %.50q, binary %v, %v, want %.50q", way, got, isBinary, err, want)
					}
				}
				if _, _, err := frames.next(); !errors.Is(err, io.EOF) {
					t.Errorf("%s: got error %v behind the last frame, want EOF", way, err)
				}
			}
		})
	}
	if got, want := appendStreamHeader(nil, streamBinary, 123_456_789), "\xff\x00\x00\x00\x00\x07\x5b\xcd\x15"; string(got) != want {
		t.Errorf("got header %q of a big message, want %q", got, want)
	}
}

func TestStreamFramesThatAreNone(t *testing.T) {
	tests := []struct {
		name  string
		frame []byte
	}{
		{"length 0", []byte{0}},
		{"length 0 in two bytes", []byte{126, 0, 0}},
		{"a byte too long", []byte{11}},
		{"too long in two bytes", []byte{254, 0, 11}},
		{"beyond what JavaScript counts", binary.BigEndian.AppendUint64([]byte{255}, 1<<53)},
		{"far beyond", []byte{255, 1, 0, 0, 0, 0, 0, 0, 0, 0}},
		{"negative", binary.BigEndian.AppendUint64([]byte{255}, 1<<64-1)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			frames := streamFrames{r: bytes.NewReader(tt.frame), limit: 10}
			if data, _, err := frames.next(); !errors.Is(err, errFrame) {
				t.Errorf("got %q, %v, want %v", data, err, errFrame)
			}
		})
	}
}
