package main

import (
	"context"
	"time"
)

// recover is cut off and comes back, some times: what it has missed has to come, in
// order, once. Now and then it comes too late and begins anew.
func (l *life) recover(ctx context.Context) error {
	s, err := l.member(&l.healthy, false)
	if err != nil {
		return err
	}
	for range 1 + l.rand.IntN(3) {
		if err := l.talk(ctx, s, nil, l.between(l.Ping/2, 3*l.Ping)); err != nil {
			l.gone(s.client)
			return err
		}
		if ctx.Err() != nil {
			break
		}
		if s, err = l.comeBack(ctx, s); err != nil {
			return err
		}
	}
	defer l.gone(s.client)
	return l.leave(s, nil)
}

// comeBack loses the connection of s, with a FIN or so that the server does not notice,
// and returns the socket on another.
func (l *life) comeBack(ctx context.Context, s *socket) (*socket, error) {
	lost := time.Now()
	late := l.rand.IntN(10) == 0
	away := l.between(0, l.Keep/2)
	if late {
		away = l.Keep + 2*l.Ping
	}
	if late || l.rand.IntN(3) > 0 {
		l.gone(s.client)
	} else {
		s.hush()
		defer l.gone(s.client)
	}
	l.sleep(ctx, away) // at the end all come back at once
	c, err := l.dial(&l.recovered, false)
	if err != nil {
		return nil, err
	}
	back, err := c.connect("/chat", s)
	if err != nil {
		l.gone(c)
		return nil, err
	}
	if back.pid == s.pid {
		l.recoveries.Add(1)
		return back, nil
	}
	return back, l.anew(back, time.Since(lost))
}

// anew joins the rooms again that were a lost session's.
func (l *life) anew(s *socket, away time.Duration) error {
	if away < l.Keep {
		l.tooEarly.Add(1)
	}
	l.begunAnew.Add(1)
	rooms := s.rooms
	s.mu.Lock()
	s.rooms = map[string]*sequence{}
	s.mu.Unlock()
	for room, before := range rooms {
		if err := s.join(room); err != nil {
			l.gone(s.client)
			return err
		}
		s.mu.Lock()
		l.cutOff.lost.Add(s.rooms[room].start() - before.last)
		s.mu.Unlock()
	}
	return nil
}
