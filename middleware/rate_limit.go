package middleware

import (
	"context"
	"fmt"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/parlor-go/parlor/framework"
)

// RateLimitOptions configure RateLimit. Rate has to be set.
type RateLimitOptions struct {
	// Rate is how many events a socket may send in a second, in the long run;
	// rate.Every(time.Minute/30) is 30 a minute.
	Rate rate.Limit

	// Burst is how many of them may come at once. 0 means what Rate allows in a
	// second, at least 1.
	Burst int

	// DisconnectAfter is how many events are refused before the client is sent
	// away from the namespace. A pause in which it might have sent a whole burst
	// begins the count anew. 0 means never.
	DisconnectAfter int
}

// RateLimit bounds how many events each socket sends: a token bucket of
// golang.org/x/time/rate for each socket that has sent any, gone with it. One
// RateLimit is one bucket for all events that it stands in front of; give With or
// a Group another one to count some of them by themselves.
//
// An event beyond the limit is not served. Whoever asked for an ack gets
//
//	{"error":{"message":"rate limit exceeded","data":{"retryAfter":250}}}
//
// with the milliseconds after which the bucket has a token; other events are
// dropped. The first of them is logged at warn, at debug when too many sockets have
// one, the rest are not, nor seen by middleware inside: it stands outside of Logger. Connecting is let through: a
// socket does it once. How often an address connects is for HTTP middleware
// around the server to bound.
//
// It panics if the options make no limit.
func RateLimit(opts RateLimitOptions) framework.Middleware {
	switch {
	case opts.Rate <= 0 || opts.Rate == rate.Inf || math.IsNaN(float64(opts.Rate)):
		panic(fmt.Sprintf("middleware: RateLimit: Rate is %v: want how many events a second, or no RateLimit", opts.Rate))
	case opts.Burst < 0:
		panic(fmt.Sprintf("middleware: RateLimit: Burst is %d: want 0 for the default, or how many events at once", opts.Burst))
	case opts.DisconnectAfter < 0:
		panic(fmt.Sprintf("middleware: RateLimit: DisconnectAfter is %d: want 0 for never, or how many refused events", opts.DisconnectAfter))
	}
	if opts.Burst == 0 {
		opts.Burst = int(min(max(1, math.Ceil(float64(opts.Rate))), math.MaxInt32))
	}
	l := &rateLimit{opts: opts, key: framework.NewKey[*bucket](""), log: newAloud()}
	return func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			if e.Kind() != framework.KindEvent {
				return next.ServeEvent(ctx, e)
			}
			if wait := l.take(ctx, e.Socket); wait > 0 {
				return refuseBy(e, wait)
			}
			return next.ServeEvent(ctx, e)
		})
	}
}

type rateLimit struct {
	opts RateLimitOptions
	key  framework.Key[*bucket]
	log  *aloud
	mu   sync.Mutex // while a bucket is made
}

// bucket is a socket's.
type bucket struct {
	limiter *rate.Limiter

	mu      sync.Mutex
	refused int // since the bucket was full
	warned  bool
}

// take takes a token, or tells after which time there will be one.
func (l *rateLimit) take(ctx context.Context, s *framework.Socket) (wait time.Duration) {
	b, now := l.bucket(s), time.Now()
	b.mu.Lock()
	if b.refused > 0 && b.limiter.TokensAt(now) >= float64(l.opts.Burst) {
		b.refused = 0
	}
	token := b.limiter.ReserveN(now, 1)
	if wait = token.DelayFrom(now); wait == 0 {
		b.mu.Unlock()
		return 0
	}
	token.CancelAt(now)
	b.refused++
	warn := !b.warned
	b.warned = true
	enough := b.refused == l.opts.DisconnectAfter
	b.mu.Unlock()

	if warn {
		l.log.warn(ctx).Msg("rate limit exceeded")
	}
	if enough {
		l.log.warn(ctx).Int("refused", l.opts.DisconnectAfter).Msg("rate limit exceeded, socket disconnected")
		s.Disconnect()
	}
	return wait
}

// bucket finds the socket's bucket, or makes it. Events of one socket may be
// served at the same time.
func (l *rateLimit) bucket(s *framework.Socket) *bucket {
	if b, ok := l.key.Get(s); ok {
		return b
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b, ok := l.key.Get(s)
	if !ok {
		b = &bucket{limiter: rate.NewLimiter(l.opts.Rate, l.opts.Burst)}
		l.key.Set(s, b)
	}
	return b
}

type retryAfter struct {
	Milliseconds int64 `json:"retryAfter"`
}

func refuseBy(e *framework.Event, wait time.Duration) ([]any, error) {
	if !e.WantsAck() {
		return nil, nil
	}
	ms := (wait + time.Millisecond - 1) / time.Millisecond
	return nil, &framework.Error{Message: "rate limit exceeded", Data: retryAfter{int64(ms)}}
}
