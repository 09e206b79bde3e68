package framework

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"unicode/utf8"
)

const idLen = 20 // of what newID makes

// newID makes a socket id: 20 characters that nobody can guess. Cluster
// adapters of the reference tell ids from rooms by that length.
func newID() string {
	var b [idLen / 4 * 3]byte // of which base64 makes four of three
	_, _ = rand.Read(b[:])    // never fails, says crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// logID is what logs have of a socket's id. Whoever knows the whole of an id that was made
// here can address its room, and where it is that of the session, act as the client; its
// beginning is enough to find its lines. What Options.NewID makes is no secret.
func (s *Socket) logID() string {
	if s.conn != nil && s.conn.protocol4() { // one that stands for a server has none
		return shortID(s.conn.session.ID())
	}
	return s.ns.srv.logID(s.id)
}

func (srv *Server) logID(sid string) string {
	if srv.opts.NewID != nil {
		return sid
	}
	return shortID(sid)
}

func shortID(id string) string { return id[:min(8, len(id))] }

// named has a socket that has no id yet named by Options.NewID, before h and whatever is
// around it see the socket.
func (s *Socket) named(h Handler) Handler {
	newID := s.ns.srv.opts.NewID
	if newID == nil || s.id != "" {
		return h
	}
	return HandlerFunc(func(ctx context.Context, e *Event) ([]any, error) {
		id := newID(s.Handshake())
		if id == "" || !utf8.ValidString(id) {
			return nil, fmt.Errorf("framework: Options.NewID returned %q: want a socket id that nobody has, in UTF-8", id)
		}
		s.mu.Lock()
		ended := s.ended
		if !ended { // else it may be in use already, as none
			s.id = id
		}
		s.mu.Unlock()
		if ended {
			return nil, Refuse("") // nobody will hear it
		}
		return h.ServeEvent(ctx, e)
	})
}

// errDuplicateID refuses a socket whose id Options.NewID gave to another before.
var errDuplicateID = errors.New("framework: Options.NewID returned the id of a socket that is connected: want one that nobody has")
