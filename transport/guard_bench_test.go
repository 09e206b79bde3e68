package transport

import (
	"bufio"
	"bytes"
	"io"
	"testing"
)

// BenchmarkGuard is what looking at a frame costs, with its reading from memory and by
// a bufio.Reader as gws does it; "none" is that without the guard.
func BenchmarkGuard(b *testing.B) {
	const payload = 100
	frames := bytes.Repeat([]byte(maskedFrame("4"+string(make([]byte, payload-1)))), 1000)
	size := len(frames) / 1000
	for _, guarded := range []bool{false, true} {
		name := map[bool]string{false: "none", true: "guard"}[guarded]
		b.Run(name, func(b *testing.B) {
			mem := bytes.NewReader(frames)
			c := readingConn(inMemory{mem}, 1e6)
			from := io.Reader(c)
			if !guarded {
				from = mem
			}
			br := bufio.NewReaderSize(from, gwsBuffer)
			buf := make([]byte, size)
			b.ReportAllocs()
			for b.Loop() {
				if mem.Len() == 0 {
					mem.Reset(frames)
				}
				for _, part := range [][]byte{buf[:2], buf[2:6], buf[6:]} { // as gws does
					if _, err := io.ReadFull(br, part); err != nil {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

type inMemory struct{ *bytes.Reader }

func (r inMemory) ahead() bool { return true }
func (inMemory) free()         {}
