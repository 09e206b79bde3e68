package admin

import (
	"fmt"
	"testing"
)

func TestFewWaitForAPasswordToBeChecked(t *testing.T) {
	q := &queue{from: make(map[string]bool)}
	for i := range mostWaiting {
		from := fmt.Sprint("192.0.2.", i)
		if !q.enter(from) {
			t.Errorf("%s is refused, and is the first from there", from)
		}
		if q.enter(from) {
			t.Errorf("%s waits twice", from)
		}
	}
	if q.enter("198.51.100.1") {
		t.Errorf("got one more than %d", mostWaiting)
	}
	q.leave("192.0.2.1")
	if !q.enter("198.51.100.1") {
		t.Error("once one has left another is refused")
	}
}
