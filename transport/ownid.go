package transport

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// maxID is how long an id of Options.NewID may be, in bytes.
const maxID = 128

var errIDTaken = errors.New("another session has that id")

// makeID asks Options.NewID for the id of a new session. It is "" if the engine makes
// ids itself; else disownID is due once the session has been listed, or has not.
func (e *Engine) makeID(r *http.Request) (id string, err error) {
	if e.opts.NewID == nil {
		return "", nil
	}
	id, err = e.opts.NewID(r)
	if err == nil {
		err = e.claim(id)
	}
	if err != nil {
		return "", fmt.Errorf("Options.NewID: %w", err)
	}
	return id, nil
}

// ownID is makeID that answers that there is none.
func (e *Engine) ownID(w http.ResponseWriter, r *http.Request) (id string, ok bool) {
	id, err := e.makeID(r)
	if err != nil {
		e.refuseFor(w, r, refusedID, err)
	}
	return id, err == nil
}

// claim keeps an id for a session that is about to be opened.
func (e *Engine) claim(id string) error {
	if id == "" || len(id) > maxID || strings.ContainsFunc(id, notInID) {
		return fmt.Errorf("it returned %.150q: want 1 to %d of the characters A-Z a-z 0-9 - . _ ~, "+
			"which need no escaping in a query or a cookie", id, maxID)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sessions[id] != nil || e.claimed[id] {
		return errIDTaken
	}
	if e.claimed == nil {
		e.claimed = make(map[string]bool)
	}
	e.claimed[id] = true
	return nil
}

// disownID ends what makeID began.
func (e *Engine) disownID(id string) {
	if id == "" {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.claimed, id)
}

// notInID tells the characters that are not "unreserved", RFC 3986 section 2.3.
func notInID(c rune) bool {
	switch {
	case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9':
		return false
	default:
		return c != '-' && c != '.' && c != '_' && c != '~'
	}
}
