package wsframe

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// served is a server's frame: not masked.
func served(first byte, payload string) []byte {
	switch n := len(payload); {
	case n < 126:
		return append([]byte{first, byte(n)}, payload...)
	case n < 1<<16:
		return append([]byte{first, 126, byte(n >> 8), byte(n)}, payload...)
	default:
		return append([]byte{first, 127, 0, 0, 0, 0, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, payload...)
	}
}

// collect feeds data in pieces of size bytes and returns "opcode:payload" of each.
func collect(data []byte, size int) (got []string, err error) {
	var r Reader
	each := func(opcode byte, p []byte) error {
		got = append(got, fmt.Sprintf("%d:%s", opcode, p))
		return nil
	}
	for len(data) > 0 {
		n := min(size, len(data))
		// A copy, which then changes: nothing may be kept of what was fed.
		piece := bytes.Clone(data[:n])
		if err := r.Feed(piece, each); err != nil {
			return got, err
		}
		clear(piece)
		data = data[n:]
	}
	return got, nil
}

func TestFramesAreFoundHoweverTheyAreSplit(t *testing.T) {
	medium, long := strings.Repeat("m", 300), strings.Repeat("l", 70_000)
	tests := []struct {
		name string
		data [][]byte
		want []string
	}{
		{"one", [][]byte{served(0x81, "hello")}, []string{"1:hello"}},
		{"empty", [][]byte{served(0x81, "")}, []string{"1:"}},
		{"lengths", [][]byte{served(0x81, medium), served(0x82, long), served(0x81, "2")}, []string{"1:" + medium, "2:" + long, "1:2"}},
		{"fragments", [][]byte{served(0x02, "ab"), served(0x00, "cd"), served(0x80, "ef")}, []string{"2:abcdef"}},
		{"ping between fragments", [][]byte{served(0x01, "ab"), served(0x89, "p"), served(0x80, "c"), served(0x81, "d")},
			[]string{"9:p", "1:abc", "1:d"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			data := bytes.Join(tt.data, nil)
			for _, size := range []int{1, 2, 3, 7, 1000, len(data)} {
				got, err := collect(data, size)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Join(got, " ") != strings.Join(tt.want, " ") {
					t.Errorf("in pieces of %d: got %.200q, want %.200q", size, got, tt.want)
				}
			}
		})
	}
}

func TestFramesThatNoServerMaySendAreErrors(t *testing.T) {
	tests := []struct {
		name, want string
		data       []byte
	}{
		{"masked", "masks", []byte{0x81, 0x80, 0, 0, 0, 0}},
		{"compressed", "compresses", []byte{0xc1, 0}},
		{"too long", "a frame of", []byte{0x82, 127, 0, 0, 1, 0, 0, 0, 0, 0}},
		{"continuation of nothing", "opcode 0", served(0x80, "x")},
		{"message inside a fragmented one", "opcode 1", append(served(0x01, "x"), served(0x81, "y")...)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := collect(tt.data, len(tt.data)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}

// Whatever comes, pieces make no difference.
func FuzzFrames(f *testing.F) {
	f.Add(bytes.Join([][]byte{served(0x81, "hello"), served(0x02, "ab"), served(0x89, ""), served(0x80, "cd")}, nil), 1)
	f.Add(served(0x82, strings.Repeat("x", 200)), 3)
	f.Fuzz(func(t *testing.T, data []byte, size int) {
		if size < 1 || len(data) > 1<<16 {
			return
		}
		whole, err := collect(data, max(len(data), 1))
		pieces, err2 := collect(data, size)
		if strings.Join(whole, "\n") != strings.Join(pieces, "\n") || (err == nil) != (err2 == nil) {
			t.Errorf("whole: %q, %v; in pieces of %d: %q, %v", whole, err, size, pieces, err2)
		}
	})
}
