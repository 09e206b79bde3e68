package replay

import (
	"sync/atomic"
	"time"
)

// Budget bounds the bytes of several logs together. Once they hold it, whoever appends
// keeps no more than an even share; those that hold less lose nothing. So they never hold
// more than twice as much.
type Budget struct {
	most int64
	used atomic.Int64
	logs atomic.Int64 // that hold something
}

// NewBudget makes a Budget of so many bytes.
func NewBudget(most int) *Budget { return &Budget{most: int64(most)} }

// share is what one log may hold.
func (b *Budget) share(most int) int {
	if b == nil || b.used.Load() <= b.most {
		return most
	}
	return min(most, int(b.most/max(1, b.logs.Load())))
}

// charge tells the budget what the log holds now.
func (m *Memory) charge() {
	b, before, now := m.opts.Budget, m.charged, m.log.bytes
	if b == nil || before == now {
		return
	}
	m.charged = now
	b.used.Add(int64(now - before))
	switch {
	case before == 0:
		b.logs.Add(1)
	case now == 0:
		b.logs.Add(-1)
	}
}

// trim drops what is too old or too much.
func (m *Memory) trim(now time.Time) {
	m.log.trim(now.Add(-m.opts.Retain), m.opts.Budget.share(m.opts.MaxBytes))
	m.charge()
}
