package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// life is what one of the clients does, from connecting to its end, again and again.
type life struct {
	*soak
	rand *rand.Rand
	slot int
}

// lives are the kinds, with how many of a hundred are of each.
var lives = []struct {
	name  string
	share int
	live  func(*life, context.Context) error
}{
	{"chat", 66, (*life).chat},
	{"recover", 20, (*life).recover},
	{"stall", 4, (*life).stallFor},
	{"stall for good", 1, (*life).stallForGood},
	{"vanish", 6, (*life).vanish},
	{"hostile", 3, (*life).hostile},
}

// run lives until ctx ends. What goes wrong in a life that is none of a hostile client
// is a problem.
func (l *life) run(ctx context.Context) {
	for ctx.Err() == nil {
		n := l.rand.IntN(100)
		for _, kind := range lives {
			if n -= kind.share; n >= 0 {
				continue
			}
			l.lives.Add(1)
			if err := kind.live(l, ctx); err != nil {
				l.problem(kind.name, err)
			}
			break
		}
		l.sleep(ctx, l.between(0, l.Ping/2))
	}
}

func (l *life) between(low, high time.Duration) time.Duration {
	return low + time.Duration(l.rand.Int64N(int64(high-low)))
}

// sleep returns when d has passed or ctx has ended.
func (l *life) sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// dial opens a connection of one of the three kinds, of which polling is one in five and
// upgrades another. A server that has too much to do may turn it away: then it comes again
// when it was told to.
func (l *life) dial(k *class, polls bool) (*client, error) {
	n := l.rand.IntN(5)
	if !polls {
		n = max(n, 1)
	}
	for patience := time.Now().Add(dialPatience); ; {
		c, err := l.dialOnce(k, n)
		refusal, ok := errors.AsType[*handshakeError](err)
		if !ok || time.Now().After(patience) {
			return c, err
		}
		seconds, notANumber := strconv.Atoi(refusal.retryAfter)
		if notANumber != nil {
			return nil, err
		}
		l.turnedAway.Add(1)
		time.Sleep(time.Duration(seconds) * time.Second)
	}
}

func (l *life) dialOnce(k *class, n int) (*client, error) {
	l.dialing <- struct{}{}
	defer func() { <-l.dialing }()
	if n >= 2 {
		link, err := openWebSocket(l.addr)
		if err != nil {
			return nil, err
		}
		l.open.Add(1)
		return newClient(link, k), nil
	}
	link, err := openPolling(l.addr, l.http)
	if err != nil {
		return nil, err
	}
	l.open.Add(1)
	c := newClient(link, k)
	if n == 1 {
		if err := c.upgrade(); err != nil {
			l.gone(c)
			return nil, err
		}
	}
	return c, nil
}

// upgrade moves to a WebSocket. The poll that is under way comes back for it.
func (c *client) upgrade() error {
	if err := c.link.probe(); err != nil {
		return err
	}
	select {
	case <-c.link.moved:
		return nil
	case <-c.reading:
		return c.err()
	case <-time.After(ackPatience):
		return errors.New("upgrade: the poll does not come back")
	}
}

func (l *life) gone(c *client) {
	c.cut()
	l.open.Add(-1)
}

// member connects to "/chat" and joins rooms there.
func (l *life) member(k *class, polls bool) (*socket, error) {
	c, err := l.dial(k, polls)
	if err != nil {
		return nil, err
	}
	s, err := c.connect("/chat", nil)
	for n := 1 + l.rand.IntN(2); n > 0 && err == nil; n-- {
		err = s.join(l.room())
	}
	if err != nil {
		l.gone(c)
		return nil, err
	}
	return s, nil
}

func (l *life) room() string { return fmt.Sprintf("room-%d", l.rand.IntN(l.rooms())) }

// chat is a whole life of a healthy client. It ends by leaving, by a FIN, or in silence.
func (l *life) chat(ctx context.Context) error {
	s, err := l.member(&l.healthy, true)
	if err != nil {
		return err
	}
	defer l.gone(s.client)
	lobby, err := l.second(s.client)
	if err != nil {
		return err
	}
	if err := l.talk(ctx, s, lobby, l.between(2*l.Ping, 15*l.Ping)); err != nil {
		return err
	}
	n := l.rand.IntN(10)
	if ctx.Err() != nil {
		n = 0 // so that all is counted at the end
	}
	switch {
	case n < 6:
		return l.leave(s, lobby)
	case n < 8:
		return nil
	}
	s.hush()
	l.sleep(ctx, l.between(l.Ping, 5*l.Ping))
	return nil
}

// second joins the lobby, or the child of a pattern.
func (l *life) second(c *client) (*socket, error) {
	if l.rand.IntN(3) == 0 {
		return c.connect(fmt.Sprintf("/job/%d", l.rand.IntN(50)), nil)
	}
	return c.connect("/", nil)
}

// leave leaves the rooms, which tells what was lost, and then the namespaces.
func (l *life) leave(s, lobby *socket) error {
	for _, room := range s.joined() {
		if err := s.leave(room); err != nil {
			return err
		}
	}
	if err := s.disconnect(); err != nil || lobby == nil {
		return err
	}
	return lobby.disconnect()
}

func (s *socket) joined() (list []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for room := range s.rooms {
		list = append(list, room)
	}
	return list
}

// talk speaks for d, and does what else a client does.
func (l *life) talk(ctx context.Context, s, lobby *socket, d time.Duration) error {
	end := time.Now().Add(d)
	for n := int64(1); ; {
		pause := time.Duration(l.rand.ExpFloat64() / l.Rate * float64(time.Second))
		left := time.Until(end)
		l.sleep(ctx, min(pause, max(left, 0)))
		if ctx.Err() != nil || pause > left {
			return nil
		}
		var err error
		switch what := l.rand.IntN(20); {
		case what < 14:
			err = l.say(s, n)
			n++
		case lobby == nil:
		case what < 17:
			err = l.echo(lobby)
		case what < 18:
			err = l.blob(lobby)
		default:
			err = l.ask(lobby)
		}
		if err != nil {
			return err
		}
		l.sent.Add(1)
	}
}

func (l *life) say(s *socket, n int64) error {
	rooms := s.joined()
	room := rooms[l.rand.IntN(len(rooms))]
	_, err := s.number("say", room, n, fmt.Sprintf("%0*d", 20+l.rand.IntN(200), n))
	return err
}

func (l *life) echo(s *socket) error {
	began := time.Now()
	want := fmt.Sprintf(`{"at":%d,"slot":%d}`, began.UnixNano(), l.slot)
	answer, err := s.call(nil, "echo", json.RawMessage(want))
	if err != nil {
		return err
	}
	l.latency.Add(time.Since(began))
	if len(answer) != 1 || string(answer[0]) != want {
		return fmt.Errorf("echo was answered with %s, want %s", answer, want)
	}
	return nil
}

func (l *life) blob(s *socket) error {
	blob := make([]byte, 100+l.rand.IntN(4000))
	for i := range blob {
		blob[i] = byte(l.rand.Uint32())
	}
	if _, err := s.call(blob, "blob"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if string(s.blob) != string(blob) {
		return fmt.Errorf("a blob of %d bytes came back as another of %d", len(blob), len(s.blob))
	}
	return nil
}

func (l *life) ask(s *socket) error {
	want := l.rand.Int64N(1000)
	got, err := s.number("ask", want)
	if err == nil && got != want {
		err = fmt.Errorf("ask %d was answered with %d", want, got)
	}
	return err
}

// vanish falls silent after a moment, on a connection that stays open, or ends it.
func (l *life) vanish(ctx context.Context) error {
	s, err := l.member(&l.healthy, true)
	if err != nil {
		return err
	}
	defer l.gone(s.client)
	if err := l.talk(ctx, s, nil, l.between(0, 2*l.Ping)); err != nil || l.rand.IntN(2) == 0 {
		return err
	}
	s.hush()
	l.sleep(ctx, l.between(l.notice(), 2*l.notice())) // the server has noticed by then
	return nil
}

// stallFor does not read for a while, in a room in which much is said, and then gets all
// that was said, unless that was more than the bound.
func (l *life) stallFor(ctx context.Context) error {
	s, err := l.listener(&l.stalled, fmt.Sprintf("heavy-%d", l.slot%max(l.Clients/50, 1)))
	if err != nil {
		return err
	}
	defer l.gone(s.client)
	if err := l.flood(s, 8); err != nil {
		return err
	}
	if err := s.stall(l.between(l.Ping/4, l.Ping)); err != nil {
		return err
	}
	l.sleep(ctx, l.between(l.Ping, 4*l.Ping))
	return l.leave(s, nil)
}

// stallForGood does not read while much is said, until the server closes it: no more
// than the bound may wait for a client. Who reads in the same room gets everything.
func (l *life) stallForGood(context.Context) error {
	room := fmt.Sprintf("drown-%d", l.slot)
	s, err := l.listener(&l.cutOff, room)
	if err != nil {
		return err
	}
	defer l.gone(s.client)
	s.link.shrink()
	s.hush()
	other, err := l.listener(&l.stalled, room)
	if err != nil {
		return err
	}
	defer l.gone(other.client)
	for range 8 {
		if err := l.flood(other, sendBound/4/floodSize); err != nil {
			return err
		}
	}
	if err := l.leave(other, nil); err != nil {
		return err
	}
	s.link.listen()
	s.listen()
	select {
	case <-s.reading:
		return nil
	case <-time.After(ackPatience):
		return errors.New("a client is kept for which twice the bound waited")
	}
}

const floodSize = 16 << 10

// flood has the server say much in the room of s.
func (l *life) flood(s *socket, count int) error {
	_, err := s.call(nil, "flood", s.joined()[0], count, floodSize)
	return err
}

// listener joins a room in which much is said. Those have a namespace of their own, lest
// its log push what others may have missed out of theirs.
func (l *life) listener(k *class, room string) (*socket, error) {
	c, err := l.dial(k, false)
	if err != nil {
		return nil, err
	}
	s, err := c.connect("/heavy", nil)
	if err == nil {
		err = s.join(room)
	}
	if err != nil {
		l.gone(c)
		return nil, err
	}
	return s, nil
}
