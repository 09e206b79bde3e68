package replay

import (
	"testing"

	"github.com/parlor-go/parlor/framework/adapter"
)

func TestLogsOfOneBudgetHoldNoMoreThanTwiceThat(t *testing.T) {
	const most, each = 100_000, 1000
	budget := NewBudget(most)
	packet := adapter.Packet{Data: make([]byte, each-entryOverhead)}
	var logs []*Memory
	sum := func() (bytes int) {
		for _, m := range logs {
			bytes += m.Logged()
		}
		return bytes
	}
	grow := func(m *Memory, packets int) {
		for range packets {
			if _, err := m.Append(packet, adapter.Selection{}); err != nil {
				t.Fatal(err)
			}
			if got := sum(); got > 2*most {
				t.Fatalf("the logs hold %d bytes, want %d at most", got, 2*most)
			}
			if got := budget.used.Load(); got != int64(sum()) {
				t.Fatalf("the budget has %d bytes, the logs %d", got, sum())
			}
		}
	}
	for range 20 {
		m := newMemory(func(o *Options) { o.Budget = budget })
		m.Attended(true)
		logs = append(logs, m)
	}
	grow(logs[0], 500)
	if got := logs[0].Logged(); got != most {
		t.Errorf("a log that is alone holds %d bytes, want %d", got, most)
	}
	for _, m := range logs[1:] {
		grow(m, 3)
	}
	for _, m := range logs {
		grow(m, 200)
	}
	for i, m := range logs {
		if got := m.Logged(); got < 3*each {
			t.Errorf("log %d holds %d bytes, want what is less than its share at least", i, got)
		}
		m.Attended(false)
	}
	if used, holding := budget.used.Load(), budget.logs.Load(); used != 0 || holding != 0 {
		t.Errorf("forgotten logs: %d bytes and %d logs are left in the budget", used, holding)
	}
}
