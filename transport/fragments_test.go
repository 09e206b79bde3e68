package transport

import (
	"bytes"
	"runtime"
	"testing"
)

// A message in very many pieces costs no more than one in a single piece: a server that
// keeps each of them runs out of memory long before the message is too large.
func TestTinyFragmentsCostTheirBytesOnly(t *testing.T) {
	const fragments = 200_000 // of one byte, and as many empty ones
	h := newHarness(t, Options{})
	c, p := h.openWS()
	p.quiet = true
	c.raw(opText, 0x80|1, "\x00\x00\x00\x004")

	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	many := bytes.Repeat([]byte{0, 0x80 | 1, 0, 0, 0, 0, 'x', 0, 0x80, 0, 0, 0, 0}, 1000)
	for range fragments / 1000 {
		if _, err := c.conn.Write(many); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8*fragments {
		t.Errorf("%d bytes in tiny fragments took %d bytes of memory", fragments, grown)
	}
	c.raw(0x80, 0x80|1, "\x00\x00\x00\x00.")
	if got := receive(t, p.messages); len(got) != fragments+1 {
		t.Errorf("got a message of %d bytes, want %d", len(got), fragments+1)
	}
}

func TestTinyFragmentsAreBoundedAsOneMessage(t *testing.T) {
	h := newHarness(t, Options{MaxPayload: 1000})
	c, p := h.openWS()
	c.raw(opText, 0x80|1, "\x00\x00\x00\x004")
	wrote := make(chan struct{})
	go func() { // until the server no longer reads
		defer close(wrote)
		_, _ = c.conn.Write(bytes.Repeat([]byte{0, 0x80 | 1, 0, 0, 0, 0, 'x'}, 2000))
	}()
	end := c.wantEnd()
	_ = c.conn.Close()
	<-wrote
	p.wantClosed(t, ReasonTransportError)
	if got := closeCode(end); got != 1009 {
		t.Errorf("got close code %d, want 1009", got)
	}
}
