package sockettest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Event is an event that the server sent.
type Event struct {
	Name string
	Args Args

	s     *Socket
	id    int
	acked bool
}

// WantsAck reports whether the server waits for an acknowledgement.
func (e *Event) WantsAck() bool { return e.id != noID }

// Ack answers the event. It fails the test when the server wants no answer, or
// has one.
func (e *Event) Ack(args ...any) {
	c := e.s.c
	c.tb.Helper()
	if !e.WantsAck() {
		c.tb.Fatalf("sockettest: acknowledge %q: the server did not ask for it", e.Name)
	}
	if e.acked {
		c.tb.Fatalf("sockettest: acknowledge %q: it is acknowledged", e.Name)
	}
	text, attachments, err := encodeArgs(args)
	if err != nil {
		c.tb.Fatalf("sockettest: acknowledge %q: %v", e.Name, err)
	}
	e.acked = true
	c.mu.Lock()
	defer c.mu.Unlock()
	e.s.sendMessage(kindAck, e.id, text, attachments)
}

// Pending is a call whose answer may be under way.
type Pending struct {
	s     *Socket
	event string

	// Guarded by s.c.mu.
	answered bool
	args     Args
}

// Wait waits for the answer and returns it. It fails the test when none comes.
func (p *Pending) Wait() Args {
	p.s.c.tb.Helper()
	p.s.c.await(func() bool { return p.answered || p.s.ended() })
	p.s.c.mu.Lock()
	answered, args := p.answered, p.args
	p.s.c.mu.Unlock()
	if !answered {
		p.s.fail(fmt.Sprintf("%q in %q was not acknowledged", p.event, p.s.path),
			" (an event without a handler, or whose handler fails, is not)")
	}
	return args
}

// Answered reports whether the answer is there, after one more packet has gone
// to the server and back. What that proves, and what it does not, is said at
// Socket.ExpectNone.
func (p *Pending) Answered() bool {
	p.s.c.tb.Helper()
	p.s.c.mu.Lock()
	ended := p.s.ended()
	p.s.c.mu.Unlock()
	if !ended {
		p.s.c.roundTrip()
	}
	p.s.c.mu.Lock()
	defer p.s.c.mu.Unlock()
	return p.answered
}

// Args are the arguments of an event or of an acknowledgement, as they came.
// Methods that take an index fail the test when there is no such argument, or
// it is of another kind.
type Args struct {
	c           *Conn
	event       string // for failures: what they are the arguments of
	answer      bool   // of the answer to that event
	list        []json.RawMessage
	attachments [][]byte
}

// Len is the number of arguments.
func (a Args) Len() int { return len(a.list) }

// JSON is the whole list as the server wrote it: `["news",{"id":1}]`. An
// attachment shows as its placeholder, {"_placeholder":true,"num":0}.
func (a Args) JSON() string {
	items := make([]string, len(a.list))
	for i, item := range a.list {
		items[i] = string(item)
	}
	return "[" + strings.Join(items, ",") + "]"
}

// Decode decodes argument i into v as json.Unmarshal does. Each []byte in v
// takes an attachment; in an any, an attachment is text in base64.
func (a Args) Decode(i int, v any) {
	a.c.tb.Helper()
	text := []byte(a.raw(i))
	if len(a.attachments) > 0 {
		filled, err := resolve(json.RawMessage(text), func(num int) (any, error) { return a.attachments[num], nil })
		if err == nil {
			text, err = json.Marshal(filled)
		}
		if err != nil {
			a.c.tb.Fatalf("sockettest: argument %d of %s: %v", i, a.describe(), err)
		}
	}
	if err := json.Unmarshal(text, v); err != nil {
		a.c.tb.Fatalf("sockettest: argument %d of %s: %v", i, a.describe(), err)
	}
}

// String is argument i, a string.
func (a Args) String(i int) string {
	a.c.tb.Helper()
	raw := a.raw(i)
	var s *string
	if err := json.Unmarshal(raw, &s); err != nil || s == nil {
		a.c.tb.Fatalf("sockettest: argument %d of %s: want a string", i, a.describe())
	}
	return *s
}

// Bytes is argument i, an attachment.
func (a Args) Bytes(i int) []byte {
	a.c.tb.Helper()
	var placeholder struct {
		Placeholder bool `json:"_placeholder"`
		Num         int
	}
	err := json.Unmarshal(a.raw(i), &placeholder)
	if err != nil || !placeholder.Placeholder || len(a.attachments) == 0 {
		a.c.tb.Fatalf("sockettest: argument %d of %s: want an attachment", i, a.describe())
	}
	return bytes.Clone(a.attachments[placeholder.Num])
}

func (a Args) raw(i int) json.RawMessage {
	a.c.tb.Helper()
	if i < 0 || i >= len(a.list) {
		a.c.tb.Fatalf("sockettest: argument %d of %s: there are %d", i, a.describe(), len(a.list))
	}
	return a.list[i]
}

// Format prints the list as JSON does, for all verbs.
func (a Args) Format(f fmt.State, _ rune) { io.WriteString(f, a.JSON()) }

// describe is the list with what it belongs to, for a failure message.
func (a Args) describe() string {
	of := ""
	if a.answer {
		of = "the answer to "
	}
	return fmt.Sprintf("%s%q %s", of, a.event, clip(a.JSON()))
}
