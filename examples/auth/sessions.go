package main

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// Sessions are the logins of browsers, by the random id in their cookie. They
// are kept in memory: a restart logs everybody out.
type Sessions struct {
	ended func(id string) // called when somebody logs out

	mu   sync.Mutex
	byID map[string]Session
}

// Session is one login.
type Session struct {
	ID      string
	User    User
	Expires time.Time
}

const (
	cookieName = "session"
	lifetime   = 12 * time.Hour
)

// passwords of the demonstration. A real program keeps slow hashes of them
// (argon2, bcrypt), and slows down who guesses.
var passwords = map[string]string{"ann": "apple", "bob": "banana"}

type sessionKey struct{}

// Middleware puts the session that a request's cookie names into its context.
// The context of a handshake's request is where a socket's begins.
func (s *Sessions) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cookie, err := r.Cookie(cookieName); err == nil {
			if session, ok := s.find(cookie.Value); ok {
				r = r.WithContext(context.WithValue(r.Context(), sessionKey{}, session))
			}
		}
		next.ServeHTTP(w, r)
	})
}

func sessionFrom(ctx context.Context) (Session, bool) {
	session, ok := ctx.Value(sessionKey{}).(Session)
	return session, ok
}

// Login takes the form's name and password, and sets the cookie.
func (s *Sessions) Login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 10_000)
	name := r.PostFormValue("name")
	want, known := passwords[name]
	right := subtle.ConstantTimeCompare([]byte(r.PostFormValue("password")), []byte(want)) == 1
	if !known || !right {
		http.Redirect(w, r, "/?wrong", http.StatusSeeOther)
		return
	}
	session := Session{ID: rand.Text(), User: User{Name: name, Login: true}, Expires: time.Now().Add(lifetime)}
	s.add(session)
	http.SetCookie(w, &http.Cookie{
		Name:     cookieName,
		Value:    session.ID,
		Path:     "/",
		MaxAge:   int(lifetime / time.Second),
		HttpOnly: true,                 // scripts have no business with it
		SameSite: http.SameSiteLaxMode, // other sites' forms come without it
		Secure:   r.TLS != nil,
	})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// Logout ends the session, and the sockets that it let in.
func (s *Sessions) Logout(w http.ResponseWriter, r *http.Request) {
	if session, ok := sessionFrom(r.Context()); ok {
		s.mu.Lock()
		delete(s.byID, session.ID)
		s.mu.Unlock()
		s.ended(session.ID)
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// Me tells the page who is logged in: {"name":"ann"}, or "" for nobody.
func (s *Sessions) Me(w http.ResponseWriter, r *http.Request) {
	session, _ := sessionFrom(r.Context())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(session.User) // fails when the client has gone
}

// add keeps a session, and forgets those whose time is up.
func (s *Sessions) add(session Session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byID == nil {
		s.byID = make(map[string]Session)
	}
	for id, old := range s.byID {
		if time.Now().After(old.Expires) {
			delete(s.byID, id)
		}
	}
	s.byID[session.ID] = session
}

func (s *Sessions) find(id string) (Session, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	session, ok := s.byID[id]
	return session, ok && time.Now().Before(session.Expires)
}
