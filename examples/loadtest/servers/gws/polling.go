package main

import (
	"bytes"
	"io"
	"net/http"
	"sync"
)

// polls are the sessions over HTTP long polling. They serve echoes only.
type polls struct {
	mu       sync.Mutex
	sessions map[string]chan []byte
}

func newPolls() *polls { return &polls{sessions: map[string]chan []byte{}} }

// waiting bounds the packets that wait for a GET.
const waiting = 64

func (s *server) polling(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	sid := r.URL.Query().Get("sid")
	if sid == "" {
		sid = s.newID()
		s.polls.mu.Lock()
		s.polls.sessions[sid] = make(chan []byte, waiting)
		s.polls.mu.Unlock()
		_, _ = io.WriteString(w, s.open(sid))
		return
	}
	s.polls.mu.Lock()
	answers, ok := s.polls.sessions[sid]
	s.polls.mu.Unlock()
	switch {
	case !ok:
		http.Error(w, `{"code":1,"message":"Session ID unknown"}`, http.StatusBadRequest)
	case r.Method == http.MethodPost:
		s.posted(w, r, answers)
	default:
		select {
		case p := <-answers:
			_, _ = w.Write(p)
		case <-r.Context().Done():
		}
	}
}

func (s *server) posted(w http.ResponseWriter, r *http.Request, answers chan<- []byte) {
	p, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var answer []byte
	switch {
	case string(p) == "40":
		answer = []byte(`40{"sid":"` + s.newID() + `"}`)
	case bytes.HasPrefix(p, []byte(`42`)):
		id, args := cutDigits(p[2:])
		_, args, _ = bytes.Cut(args, []byte(","))
		answer = ack(id, args)
	}
	select {
	case answers <- answer:
		_, _ = io.WriteString(w, "ok")
	default:
		http.Error(w, "too many packets wait", http.StatusBadRequest)
	}
}
