package framework

import (
	"bytes"
	"testing"

	"github.com/parlor-go/parlor/framework/internal/packet"
)

// FuzzConnectOfV4: whatever a client asks for becomes a packet that protocol v5 could
// have, with an object for its payload or none.
func FuzzConnectOfV4(f *testing.F) {
	for _, seed := range []string{"0", "0/room,", "0/room?a=1&b=%ff,", "0/room?a=1;b&&=&%zz=1", `0/room?"=\\",{}`, "0/?"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, message []byte) {
		p, err := packet.Decode(message, 0)
		if err != nil || p.Type != packet.Connect {
			return
		}
		got := connectOfV4(p)
		if bytes.ContainsRune(got.Namespace, '?') {
			t.Errorf("got namespace %q, which has a query", got.Namespace)
		}
		if got.Data == nil {
			return
		}
		if err := packet.Valid(got.Data, 256); err != nil || got.Data[0] != '{' {
			t.Errorf("got payload %q (%v), want an object", got.Data, err)
		}
	})
}
