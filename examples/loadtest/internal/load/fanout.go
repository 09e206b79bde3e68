package load

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/parlor-go/parlor/examples/internal/wsframe"
)

// A channel is one line of broadcasts, from one sender to a fixed set of
// receivers, of which one is under way at a time. Its payload names it and
// carries a sequence number, so that each receiver can tell a lost, a repeated
// and a misplaced one. Number and name have a fixed width: frames are patched.
type channel struct {
	id        int
	sender    *client
	receivers []*client

	frame []byte
	news  []byte // the payload in frame; it changes only when all have it
	seqAt int
	seq   atomic.Int64 // of the broadcast under way, or the last one
	sent  atomic.Int64 // when, in ns since the fanout's epoch
	left  atomic.Int64 // receivers that have not got it
}

const (
	firstChannel = 10000
	firstSeq     = 1000000
	lastSeq      = 9999999
)

// fanout sends over channels in turn, window of them at a time, and is the
// handler of all their clients.
type fanout struct {
	flow     *flow
	channels []*channel
	idle     chan *channel
	timed    *channel // whose latency counts; nil is everyone's
	epoch    time.Time
	expects  []map[int]int64 // by client, then channel: the next number
}

func (r *run) broadcast(ctx context.Context) (Result, error) {
	return r.fanned(ctx, func(*session, *client) error { return nil }, func(_ *fanout, clients []*client) []*channel {
		return broadcasts(r.Window, clients)
	})
}

func broadcasts(n int, clients []*client) []*channel {
	channels := make([]*channel, n)
	for i := range channels {
		channels[i] = newChannel(i, "", clients[i*len(clients)/n], clients)
	}
	return channels
}

// beside is broadcast with one more channel, to a room with only its sender in it, and
// with the latency of that.
func (r *run) beside(ctx context.Context) (Result, error) {
	join := func(s *session, c *client) error {
		if c.id > 0 {
			return nil
		}
		return s.enter(roomName(0))
	}
	return r.fanned(ctx, join, func(f *fanout, clients []*client) []*channel {
		f.timed = newChannel(r.Window, roomName(0), clients[0], clients[:1])
		return append(broadcasts(r.Window, clients), f.timed)
	})
}

func (r *run) rooms(ctx context.Context) (Result, error) {
	if r.Clients < r.Rooms {
		return Result{}, fmt.Errorf("-clients %d cannot fill -rooms %d", r.Clients, r.Rooms)
	}
	join := func(s *session, c *client) error { return s.enter(roomName(c.id % r.Rooms)) }
	return r.fanned(ctx, join, func(_ *fanout, clients []*client) []*channel {
		members := make([][]*client, r.Rooms)
		for i, c := range clients {
			members[i%r.Rooms] = append(members[i%r.Rooms], c)
		}
		channels := make([]*channel, r.Rooms)
		for i := range channels {
			channels[i] = newChannel(i, roomName(i), members[i][0], members[i])
		}
		return channels
	})
}

func (s *session) enter(room string) error {
	event := fmt.Appendf(nil, `42%d["join","%s"]`, firstID, room)
	p, err := s.call(string(event))
	if err != nil {
		return fmt.Errorf("join a room: %w", err)
	}
	if want := fmt.Appendf(nil, "43%d[", firstID); !bytes.HasPrefix(p.data, want) {
		return wrong(event, append(want, "...]"...), p.data)
	}
	return nil
}

func roomName(i int) string { return fmt.Sprintf("room-%05d", i) }

// newChannel is to everybody if room is "".
func newChannel(id int, room string, sender *client, receivers []*client) *channel {
	c := &channel{id: id, sender: sender, receivers: receivers}
	c.seq.Store(firstSeq)
	payload := c.payload(firstSeq)
	if room == "" {
		c.frame = wsframe.OfText(fmt.Sprintf(`42["broadcast",%s]`, payload))
	} else {
		c.frame = wsframe.OfText(fmt.Sprintf(`42["room","%s",%s]`, room, payload))
	}
	c.news = c.frame[len(c.frame)-len(payload)-1 : len(c.frame)-1]
	c.seqAt = bytes.Index(c.frame, strconv.AppendInt(nil, firstSeq, 10))
	return c
}

// payload is 64 bytes.
func (c *channel) payload(seq int64) []byte {
	return fmt.Appendf(nil, `{"channel":%d,"seq":%d,"text":"parlor, fanned, 64 byte"}`, firstChannel+c.id, seq)
}

func (r *run) fanned(ctx context.Context, join func(*session, *client) error, plan func(*fanout, []*client) []*channel) (Result, error) {
	f := &fanout{flow: r.flow, epoch: time.Now(), expects: make([]map[int]int64, r.Clients)}
	prepare := func(s *session, c *client) error {
		c.handler = f
		return join(s, c)
	}
	return r.steady(ctx, prepare, func(clients []*client) error {
		f.plan(plan(f, clients))
		window := min(r.Window, len(f.channels))
		if f.timed != nil {
			window = len(f.channels)
		}
		for range window {
			if err := f.send(); err != nil {
				return err
			}
		}
		return nil
	})
}

func (f *fanout) plan(channels []*channel) {
	f.channels = channels
	f.idle = make(chan *channel, len(channels))
	for _, ch := range channels {
		f.idle <- ch
		for _, c := range ch.receivers {
			if f.expects[c.id] == nil {
				f.expects[c.id] = map[int]int64{}
			}
			f.expects[c.id][ch.id] = firstSeq + 1
		}
	}
}

// send begins the next broadcast of the channel that has rested longest.
func (f *fanout) send() error {
	if !f.flow.begin() {
		return nil
	}
	ch := <-f.idle // never empty: no more are under way than there are
	if ch.seq.Add(1) > lastSeq {
		return errors.New("the sequence numbers of a channel are used up: run it for a shorter time")
	}
	strconv.AppendInt(ch.frame[:ch.seqAt], ch.seq.Load(), 10)
	ch.left.Store(int64(len(ch.receivers)))
	ch.sent.Store(int64(time.Since(f.epoch)))
	return ch.sender.wire.write(ch.frame)
}

var newsPrefix = []byte(`2["message",`)

func (f *fanout) packet(c *client, p []byte) error {
	args, ok := bytes.CutPrefix(p, newsPrefix)
	if !ok {
		return fmt.Errorf(`wanted an event 42["message",...], got %s`, clip(append([]byte("4"), p...)))
	}
	args = bytes.TrimSuffix(args, []byte("]"))
	id, seq, ok := parseNews(args)
	if !ok {
		return fmt.Errorf("wanted a payload like %s, got %s", f.channels[0].payload(firstSeq), clip(args))
	}
	next, ok := f.expects[c.id][id]
	if !ok {
		return fmt.Errorf("got %s, whose channel %d is not for this client: it is not in that room", clip(args), firstChannel+id)
	}
	ch := f.channels[id]
	if current := ch.seq.Load(); seq != next || seq != current {
		return fmt.Errorf("client %d sent %s, wanted here number %d of channel %d next, got number %d: %s",
			ch.sender.id, clip(ch.payload(current)), next, firstChannel+id, seq, misplaced(seq, next))
	}
	if !sameJSON(args, ch.news) {
		return wrong(ch.news, ch.news, args)
	}
	f.expects[c.id][id] = next + 1
	f.flow.answered.Add(1)
	if ch.left.Add(-1) > 0 {
		return nil
	}
	if f.timed == nil || f.timed == ch {
		f.flow.latency.Add(c.now.Sub(f.epoch) - time.Duration(ch.sent.Load()))
	}
	f.idle <- ch
	err := f.send()
	f.flow.end()
	return err
}

func (f *fanout) attach(_ *client, p []byte) error {
	return fmt.Errorf("got a binary message of %d bytes, wanted none", len(p))
}

func misplaced(got, want int64) string {
	if got < want {
		return "it was delivered twice, or out of order"
	}
	return "one before it is missing"
}

// parseNews reads a payload as it was sent without decoding it.
func parseNews(p []byte) (channel int, seq int64, ok bool) {
	const (
		head, middle = `{"channel":`, `,"seq":`
		seqAt        = len(head) + 5 + len(middle)
	)
	if len(p) > seqAt+7 && string(p[:len(head)]) == head && string(p[len(head)+5:seqAt]) == middle {
		name, err1 := strconv.Atoi(string(p[len(head) : len(head)+5]))
		number, err2 := strconv.ParseInt(string(p[seqAt:seqAt+7]), 10, 64)
		if err1 == nil && err2 == nil {
			return name - firstChannel, number, true
		}
	}
	var v struct {
		Channel int
		Seq     int64
	}
	err := json.Unmarshal(p, &v)
	return v.Channel - firstChannel, v.Seq, err == nil && v.Channel != 0
}
