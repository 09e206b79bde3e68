package middleware

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/time/rate"
)

// aloud lets some lines be logged at warn of a kind that clients can multiply as they
// like, 60 at once and one a second in the long run: an attack must not fill the disk.
type aloud struct {
	limiter *rate.Limiter
	unsaid  atomic.Int64 // lines since the last one
}

func newAloud() *aloud { return &aloud{limiter: rate.NewLimiter(rate.Every(time.Second), 60)} }

// warn begins a line: at warn, with how many before it were not, or at debug.
func (a *aloud) warn(ctx context.Context) *zerolog.Event {
	log := zerolog.Ctx(ctx)
	if !a.limiter.Allow() {
		a.unsaid.Add(1)
		return log.Debug()
	}
	line := log.Warn()
	if n := a.unsaid.Swap(0); n > 0 {
		line.Int64("unsaid", n)
	}
	return line
}
