package admin

import (
	"context"
	"maps"
	"sync"
	"time"
)

// sessionTTL is how long who has logged in may come back without a password: the
// reference's 86400 seconds.
const sessionTTL = 24 * time.Hour

// SessionStore keeps the ids of those who have logged in, so that the UI may come back
// after a reload or a lost connection. An id is a secret of its admin. The methods are
// called from any goroutine. The reference server keeps an id under the Redis key
// "socket.io-admin#<id>".
type SessionStore interface {
	Save(ctx context.Context, id string, ttl time.Duration) error
	Has(ctx context.Context, id string) (bool, error)
}

// sessions is a SessionStore in memory.
type sessions struct {
	mu   sync.Mutex
	ends map[string]time.Time // by id, a secret of 130 random bits; a lookup's time tells nothing of it
}

func (s *sessions) Save(_ context.Context, id string, ttl time.Duration) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(s.ends, func(_ string, end time.Time) bool { return !now.Before(end) })
	if s.ends == nil {
		s.ends = make(map[string]time.Time)
	}
	s.ends[id] = now.Add(ttl)
	return nil
}

func (s *sessions) Has(_ context.Context, id string) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Now().Before(s.ends[id]), nil
}
