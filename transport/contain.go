package transport

import "fmt"

// textOf is fmt.Sprint, also of what panics when it is looked at: package fmt stops that
// unless it does so again with what it panicked with.
func textOf(v any) (text string) {
	defer func() {
		if recover() != nil {
			text = fmt.Sprintf("%T that cannot be printed", v)
		}
	}()
	return fmt.Sprint(v)
}
