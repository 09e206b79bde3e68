package packet

import (
	"strings"
	"testing"
)

// A header is read in place: what a client sends is not copied over and over.
func TestALargePacketIsReadInPlace(t *testing.T) {
	const size = 1 << 20
	var room [4][]byte
	for name, frame := range map[string]string{
		"namespace": "2/" + strings.Repeat("a", size) + `,["x"]`,
		"text":      `2["x","` + strings.Repeat("a", size) + `"]`,
		"list":      `2["x",[` + strings.Repeat("1,", size/2) + `1]]`,
	} {
		b := []byte(frame)
		allocations := testing.AllocsPerRun(3, func() {
			p, err := Decode(b, 10)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if _, err := Split(p.Data, room[:0], 256); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		})
		if allocations > 0 {
			t.Errorf("%s: got %v allocations, want none", name, allocations)
		}
	}
}
