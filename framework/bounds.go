package framework

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/transport"
)

// exceed counts that the client went beyond a bound, and is merely kept from it. It may
// be called with conn.mu held, but not Socket.mu: it logs.
func (c *conn) exceed(option, detail string, args ...any) (err *transport.LimitError) {
	err = &transport.LimitError{Option: option, Detail: fmt.Sprintf(detail, args...)}
	defer func() { _ = recover() }() // of the log: what goes on is needed
	c.srv.engine.Exceed(err, c.handshake.RemoteAddr)
	return err
}

// throttle lets so many lines a minute be logged of a kind that clients can multiply as
// they like: an attack must not fill the disk.
type throttle struct {
	mu     sync.Mutex
	minute time.Time // when it began
	lines  int       // since then
	unsaid int       // since the last one that was said
}

// next tells whether the next line is said aloud, and if so, how many before it were not.
func (t *throttle) next(most int) (unsaid int, aloud bool) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Sub(t.minute) >= time.Minute {
		t.minute, t.lines = now, 0
	}
	if t.lines >= most {
		t.unsaid++
		return 0, false
	}
	unsaid = t.unsaid
	t.lines, t.unsaid = t.lines+1, 0
	return unsaid, true
}

// line begins the next line: at level if it is said aloud, with how many before it were
// not, and at debug else.
func (t *throttle) line(log *zerolog.Logger, level zerolog.Level, most int) *zerolog.Event {
	unsaid, aloud := t.next(most)
	if !aloud {
		return log.Debug()
	}
	line := log.WithLevel(level)
	if unsaid > 0 {
		line.Int("unsaid", unsaid)
	}
	return line
}

// throttles are those of a server.
type throttles struct{ violations, unknown, unmade, misfits throttle }

// How many lines a minute are said aloud.
const (
	loudViolations = 1
	loudUnknown    = 60
	loudUnmade     = 60 // apart: guesses at paths must not hide what a factory said
	loudMisfits    = 60 // who develops a client wants to see each; the bounds that handlers return, too
)

// logViolation logs that a client broke the protocol. That it went beyond a bound, the
// engine tells.
func (srv *Server) logViolation(remote string, err error) {
	var line *zerolog.Event
	if errors.As(err, new(*transport.LimitError)) {
		line = srv.log.Debug()
	} else {
		line = srv.throttles.violations.line(&srv.log, zerolog.WarnLevel, loudViolations)
	}
	line.Str("remote", remote).Err(err).Msg("client broke the protocol, connection closed")
}

// logUnknown logs that nobody knows a namespace.
func (srv *Server) logUnknown(remote, path string) {
	srv.throttles.unknown.line(&srv.log, zerolog.InfoLevel, loudUnknown).
		Str("nsp", logName(path)).Str("remote", remote).Msg("namespace unknown: nothing is registered at that path")
}

// loudJoins is how many joins of one client are logged in a minute, and what becomes of
// them, as they are logged of others: a client may join, or be refused, as often as it
// likes.
const loudJoins = 100

// loud tells whether the client's next socket is one of them. conn.mu is held.
func (c *conn) loud() bool {
	if minute := uint32(time.Now().Unix() / 60); minute != c.minute {
		c.minute, c.joins = minute, 0
	}
	if c.joins >= loudJoins {
		return false
	}
	c.joins++
	return true
}
