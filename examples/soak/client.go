package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// client is one Socket.IO client.
type client struct {
	link  *link
	class *class // whom its messages are counted with

	mu      sync.Mutex // over what follows
	sockets map[string]*socket
	partial *packet // whose attachments are to come
	ended   error   // why reading has ended

	reading chan struct{} // closed when reading has ended
}

// socket is a client in one namespace.
type socket struct {
	*client
	path             string
	sid, pid, offset string
	connected        chan connected
	calls            map[int]chan []json.RawMessage // by id
	lastID           int
	rooms            map[string]*sequence
	blob             []byte // the attachment of the last answer
}

// connected is the answer to CONNECT.
type connected struct {
	SID, PID, Message string
}

// class is a kind of clients whose messages are counted together.
type class struct {
	name                                string
	received, lost, duplicated, missing atomic.Int64
}

// ackPatience is how long an answer may take.
const ackPatience = 30 * time.Second

var errNoAck = errors.New("no answer came")

func newClient(l *link, k *class) *client {
	c := &client{link: l, class: k, sockets: map[string]*socket{}}
	c.listen()
	return c
}

// listen reads until the link ends or is silent.
func (c *client) listen() {
	c.reading = make(chan struct{})
	c.ended = nil
	go func() {
		err := c.link.read(c.receive)
		c.mu.Lock()
		c.ended = err
		c.mu.Unlock()
		close(c.reading)
	}()
}

// hush stops reading, and answering. What has been read is what has been received.
func (c *client) hush() {
	c.link.hush()
	<-c.reading
}

// stall does not read for d. Its error is that of the connection, if that has ended.
func (c *client) stall(d time.Duration) error {
	c.hush()
	if !errors.Is(c.ended, errSilent) {
		return c.ended
	}
	time.Sleep(d)
	c.link.listen()
	c.listen()
	return nil
}

func (c *client) cut() {
	c.link.cut()
	<-c.reading
}

// err is why the connection has ended.
func (c *client) err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ended
}

// connect joins a namespace. As what was lost it may claim its session.
func (c *client) connect(path string, lost *socket) (*socket, error) {
	s := &socket{client: c, path: path, connected: make(chan connected, 1),
		calls: map[int]chan []json.RawMessage{}, rooms: map[string]*sequence{}}
	auth := ""
	if lost != nil {
		s.rooms = lost.rooms // what is missed comes before the answer
		s.offset = lost.offset
		claim, err := json.Marshal(map[string]string{"pid": lost.pid, "offset": lost.offset})
		if err != nil {
			return nil, err
		}
		auth = string(claim)
	}
	c.mu.Lock()
	c.sockets[path] = s
	c.mu.Unlock()
	if err := c.link.send(message{data: []byte("0" + s.prefix() + auth)}); err != nil {
		return nil, err
	}
	select {
	case answer := <-s.connected:
		if answer.SID == "" {
			return nil, fmt.Errorf("%s refuses: %s", path, answer.Message)
		}
		s.sid, s.pid = answer.SID, answer.PID
		return s, nil
	case <-c.reading:
		return nil, c.err()
	case <-time.After(ackPatience):
		return nil, fmt.Errorf("CONNECT to %s: %w", path, errNoAck)
	}
}

func (s *socket) prefix() string {
	if s.path == "/" {
		return ""
	}
	return s.path + ","
}

// call sends an event and waits for its answer. A blob goes behind it.
func (s *socket) call(blob []byte, event string, args ...any) ([]json.RawMessage, error) {
	list := append([]any{event}, args...)
	kind, messages := "2", []message(nil)
	if blob != nil {
		kind, messages = "51-", []message{{binary: true, data: blob}}
		list = append(list, json.RawMessage(`{"_placeholder":true,"num":0}`))
	}
	payload, err := json.Marshal(list)
	if err != nil {
		return nil, err
	}
	answer := make(chan []json.RawMessage, 1)
	s.mu.Lock()
	s.lastID++
	id := s.lastID
	s.calls[id] = answer
	s.mu.Unlock()
	text := kind + s.prefix() + strconv.Itoa(id) + string(payload)
	if err := s.link.send(append([]message{{data: []byte(text)}}, messages...)...); err != nil {
		return nil, s.because(err)
	}
	patience := time.NewTimer(ackPatience)
	defer patience.Stop()
	select {
	case args := <-answer:
		return args, nil
	case <-s.reading:
		return nil, s.err()
	case <-patience.C:
		s.class.missing.Add(1)
		return nil, fmt.Errorf("%s of %s: %w in %v", event, s.path, errNoAck, ackPatience)
	}
}

// because prefers the reader's error to that of a write, which comes of it.
func (c *client) because(err error) error {
	select {
	case <-c.reading:
		return c.err()
	case <-time.After(100 * time.Millisecond):
		return err
	}
}

// number calls, and takes the answer for a number.
func (s *socket) number(event string, args ...any) (int64, error) {
	answer, err := s.call(nil, event, args...)
	if err != nil {
		return 0, err
	}
	var n int64
	if len(answer) != 1 || json.Unmarshal(answer[0], &n) != nil {
		return 0, fmt.Errorf("%s was answered with %s, want a number", event, answer)
	}
	return n, nil
}

func (s *socket) join(room string) error {
	s.mu.Lock()
	s.rooms[room] = &sequence{}
	s.mu.Unlock()
	base, err := s.number("join", room)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.class.lost.Add(s.rooms[room].joined(base))
	return nil
}

func (s *socket) leave(room string) error {
	end, err := s.number("leave", room)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.class.lost.Add(s.rooms[room].left(end))
	delete(s.rooms, room)
	return nil
}

// disconnect leaves the namespace.
func (s *socket) disconnect() error {
	s.mu.Lock()
	delete(s.sockets, s.path)
	s.mu.Unlock()
	return s.link.send(message{data: []byte("1" + s.prefix())})
}

// packet is one of Socket.IO's.
type packet struct {
	kind        byte
	attachments int
	path        string
	id          int // -1 is none
	payload     []byte
	blob        []byte
}

func parsePacket(p []byte) (packet, error) {
	k := packet{path: "/", id: -1}
	if len(p) == 0 || p[0] < '0' || p[0] > '6' {
		return k, fmt.Errorf("wanted a packet of Socket.IO, got %.100q", p)
	}
	k.kind = p[0]
	rest := string(p[1:])
	if k.kind >= '5' {
		count, after, ok := strings.Cut(rest, "-")
		n, err := strconv.Atoi(count)
		if !ok || err != nil || n > 1 {
			return k, fmt.Errorf("wanted at most one attachment, got %.100q", p)
		}
		k.attachments, rest = n, after
	}
	if strings.HasPrefix(rest, "/") {
		k.path, rest, _ = strings.Cut(rest, ",")
	}
	digits := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
	if digits > 0 {
		k.id, _ = strconv.Atoi(rest[:digits])
	}
	k.payload = []byte(rest[digits:])
	return k, nil
}

// receive takes one message. An error of it ends the connection.
func (c *client) receive(binary bool, data []byte) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if binary {
		k := c.partial
		if k == nil {
			return errors.New("an attachment came that belongs to nothing")
		}
		c.partial = nil
		k.blob = append([]byte(nil), data...)
		return c.packet(k)
	}
	k, err := parsePacket(data)
	if err != nil {
		return err
	}
	if c.partial != nil {
		return fmt.Errorf("wanted an attachment, got %.100q", data)
	}
	if k.attachments > 0 {
		c.partial = &k
		return nil
	}
	return c.packet(&k)
}

func (c *client) packet(k *packet) error {
	s := c.sockets[k.path]
	if s == nil {
		return nil // it was sent before the server knew that we had left
	}
	switch k.kind {
	case '0', '4':
		var answer connected
		if err := json.Unmarshal(k.payload, &answer); err != nil {
			return err
		}
		s.connected <- answer
		return nil
	case '1':
		return fmt.Errorf("the server disconnects the client from %s", k.path)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(k.payload, &list); err != nil {
		return fmt.Errorf("%w: %.100q", err, k.payload)
	}
	if k.kind == '2' || k.kind == '5' {
		return s.event(k, list)
	}
	answer := s.calls[k.id]
	if answer == nil {
		c.class.duplicated.Add(1) // an answer to what was answered
		return nil
	}
	delete(s.calls, k.id)
	s.blob = k.blob
	answer <- list
	return nil
}

// event takes what the server says. With Recovery a message's last argument is its place
// in the server's log.
func (s *socket) event(k *packet, list []json.RawMessage) error {
	var name string
	if len(list) == 0 || json.Unmarshal(list[0], &name) != nil {
		return fmt.Errorf("wanted an event, got %.100q", k.payload)
	}
	switch {
	case name == "filled":
		return nil
	case name == "question" && k.id >= 0 && len(list) == 2:
		// Not here, for the server need not be reading.
		answer := fmt.Sprintf("3%s%d[%s]", s.prefix(), k.id, list[1])
		go func() { _ = s.link.send(message{data: []byte(answer)}) }() // what it answers is missed if it fails
		return nil
	case name == "said" && len(list) == 5:
		var room string
		var seq int64
		if err := errors.Join(json.Unmarshal(list[1], &room), json.Unmarshal(list[2], &seq), json.Unmarshal(list[4], &s.offset)); err != nil {
			return fmt.Errorf("%w: %.100q", err, k.payload)
		}
		q := s.rooms[room]
		if q == nil {
			s.class.duplicated.Add(1) // nothing of a room comes behind the answer to leaving it
			return nil
		}
		s.class.received.Add(1)
		lost, duplicated := q.take(seq)
		s.class.lost.Add(lost)
		if duplicated {
			s.class.duplicated.Add(1)
		}
		return nil
	}
	return fmt.Errorf("wanted said or question, got %.100q", k.payload)
}
