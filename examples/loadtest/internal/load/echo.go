package load

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/parlor-go/parlor/examples/internal/wsframe"
)

// Payload is the argument of an echo: 64 bytes, four fields.
const Payload = `{"room":"lobby-001","count":12345,"ratio":0.12345,"urgent":true}`

// Ack ids have a fixed width, so that frames are made once and patched.
const (
	idWidth = 6
	firstID = 100000
	lastID  = 999999
)

func (r *run) echo(ctx context.Context) (Result, error) { return r.echoed(ctx, "echo") }
func (r *run) raw(ctx context.Context) (Result, error)  { return r.echoed(ctx, "raw") }

func (r *run) echoed(ctx context.Context, event string) (Result, error) {
	return r.answered(ctx, func() *echoes { return newEchoes(r.flow, event, r.Window) })
}

func (r *run) binary(ctx context.Context) (Result, error) {
	return r.answered(ctx, func() *echoes { return newBinaryEchoes(r.flow, r.Window, r.Size) })
}

func (r *run) answered(ctx context.Context, make func() *echoes) (Result, error) {
	return r.steady(ctx, func(_ *session, c *client) error {
		c.handler = make()
		return nil
	}, func(clients []*client) error {
		for _, c := range clients {
			if err := c.handler.(*echoes).start(c); err != nil {
				return err
			}
		}
		return nil
	})
}

// echoes is one client's part in the scenarios echo, raw and binary: window
// events under way, each of which has a slot. An id says which slot it is of,
// so answers may come in any order.
type echoes struct {
	flow  *flow
	slots []slot

	frame   []byte // of an event, with an id in it
	idsAt   []int  // where the ids stand in it
	event   []byte // frame's text, for error texts
	want    []byte // what follows the id in the answer
	ackType string // "3", or "61-" for a binary ack

	attachment []byte // wanted, but for the id at its start; nil for text
	expecting  int    // the slot whose attachment comes next, or -1
}

type slot struct {
	id    int
	sent  time.Time
	under bool
}

func newEchoes(f *flow, event string, window int) *echoes {
	e := &echoes{flow: f, slots: make([]slot, window), ackType: "3", expecting: -1}
	e.event = fmt.Appendf(nil, `42%d["%s",%s]`, firstID, event, Payload)
	e.frame = wsframe.Append(nil, wsframe.Text, e.event)
	e.idsAt = []int{bytes.Index(e.frame, strconv.AppendInt(nil, firstID, 10))}
	e.want = []byte("[" + Payload + "]")
	e.number()
	return e
}

func newBinaryEchoes(f *flow, window, size int) *echoes {
	e := &echoes{flow: f, slots: make([]slot, window), ackType: "61-", expecting: -1}
	id := strconv.AppendInt(nil, firstID, 10)
	e.attachment = make([]byte, size)
	for i := range e.attachment {
		e.attachment[i] = byte(i * 7)
	}
	copy(e.attachment, id)
	e.event = fmt.Appendf(nil, `451-%s["binary",{"_placeholder":true,"num":0}]`, id)
	e.frame = wsframe.Append(nil, wsframe.Text, e.event)
	second := wsframe.Append(nil, wsframe.Binary, e.attachment)
	e.idsAt = []int{bytes.Index(e.frame, id), len(e.frame) + bytes.Index(second, id)}
	e.frame = append(e.frame, second...)
	e.want = []byte(`[{"_placeholder":true,"num":0}]`)
	e.number()
	return e
}

// number gives each slot its first id.
func (e *echoes) number() {
	for i := range e.slots {
		e.slots[i].id = firstID + i
	}
}

// start sends as many events as the window has room for.
func (e *echoes) start(c *client) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = time.Now()
	for i := range e.slots {
		e.send(c, i)
	}
	return c.flush()
}

func (e *echoes) send(c *client, i int) {
	if !e.flow.begin() {
		return
	}
	s := &e.slots[i]
	if s.id += len(e.slots); s.id > lastID {
		s.id = firstID + i
	}
	s.sent, s.under = c.now, true
	for _, at := range e.idsAt {
		strconv.AppendInt(e.frame[:at], int64(s.id), 10)
	}
	c.out = append(c.out, e.frame...)
}

func (e *echoes) packet(c *client, p []byte) error {
	i, rest, err := e.answered(p)
	if err != nil {
		return err
	}
	if !sameJSON(rest, e.want) {
		return wrong(e.sent(i), fmt.Appendf(nil, "4%s%d%s", e.ackType, e.slots[i].id, e.want), append([]byte("4"), p...))
	}
	if e.attachment != nil {
		e.expecting = i
		return nil
	}
	e.done(c, i)
	return nil
}

// answered finds the slot that an ack is for.
func (e *echoes) answered(p []byte) (i int, rest []byte, err error) {
	rest, ok := bytes.CutPrefix(p, []byte(e.ackType))
	digits := len(rest) - len(bytes.TrimLeft(rest, "0123456789"))
	id, _ := strconv.Atoi(string(rest[:digits]))
	i = (id - firstID) % len(e.slots)
	if !ok || id < firstID || !e.slots[i].under || e.slots[i].id != id || e.expecting >= 0 {
		return 0, nil, fmt.Errorf("sent %s and others of its kind, wanted the ack of one that is under way, got %s",
			clip(e.event), clip(append([]byte("4"), p...)))
	}
	return i, rest[digits:], nil
}

func (e *echoes) attach(c *client, p []byte) error {
	if e.expecting < 0 {
		return fmt.Errorf("got an attachment of %d bytes that no ack announced", len(p))
	}
	i := e.expecting
	e.expecting = -1
	copy(e.attachment, strconv.AppendInt(nil, int64(e.slots[i].id), 10))
	if !bytes.Equal(p, e.attachment) {
		return wrong(e.attachment, e.attachment, p)
	}
	e.done(c, i)
	return nil
}

func (e *echoes) done(c *client, i int) {
	e.slots[i].under = false
	e.flow.answered.Add(1)
	e.flow.latency.Add(c.now.Sub(e.slots[i].sent))
	e.send(c, i)
	e.flow.end()
}

// sent is the text of slot i's event.
func (e *echoes) sent(i int) []byte {
	return bytes.Replace(e.event, strconv.AppendInt(nil, firstID, 10), strconv.AppendInt(nil, int64(e.slots[i].id), 10), 1)
}

// sameJSON compares bytes, and values only if the bytes differ: a server may
// space them or order keys in its own way.
func sameJSON(got, want []byte) bool {
	if bytes.Equal(got, want) {
		return true
	}
	var g, w any
	return json.Unmarshal(got, &g) == nil && json.Unmarshal(want, &w) == nil && reflect.DeepEqual(g, w)
}
