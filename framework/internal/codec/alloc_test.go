//go:build !race

// The race detector makes sync.Pool drop values at random.

package codec

import "testing"

func TestEncodingUsualValuesDoesNotAllocate(t *testing.T) {
	values := map[string]any{"string": "s", "map": map[string]any{"a": "x", "b": []any{true}}, "struct": &benchMessage{Text: "t"}, "bytes": []byte{1}}
	dst, atts := make([]byte, 0, 256), make([][]byte, 0, 4)
	for name, v := range values {
		allocs := testing.AllocsPerRun(200, func() {
			if _, _, err := Append(dst, atts, v); err != nil {
				t.Fatal(err)
			}
		})
		if allocs >= 1 {
			t.Errorf("%s: got %v allocations, want 0", name, allocs)
		}
	}
}
