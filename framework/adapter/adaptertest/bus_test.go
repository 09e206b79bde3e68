package adaptertest_test

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/parlor-go/parlor/framework/adapter"
)

// bus carries messages between the servers of one process, as bytes, so that nothing
// but what the contract tells passes. It shows how little an adapter has to do.
type bus struct {
	mu    sync.Mutex
	nodes []*node
	last  int
}

// message is what nodes tell each other.
type message struct {
	Path string
	From int
	To   int `json:",omitempty"` // 0: all others
	Kind kind
	ID   int `json:",omitempty"` // of a request

	Packet    adapter.Packet
	Selection adapter.Selection
	Flags     adapter.Flags
	Rooms     []string             `json:",omitempty"`
	Closing   bool                 `json:",omitempty"`
	Deadline  time.Time            `json:",omitzero"`
	SIDs      []string             `json:",omitempty"`
	SID       string               `json:",omitempty"`
	Sockets   []adapter.SocketInfo `json:",omitempty"`
	Count     int                  `json:",omitempty"`
}

type kind string

const (
	broadcast  kind = "broadcast"
	join       kind = "join"
	leave      kind = "leave"
	disconnect kind = "disconnect"
	serverEmit kind = "server emit"

	// Requests, which each node ends with done.
	ask       kind = "ask"
	fetch     kind = "fetch"
	count     kind = "count"
	serverAsk kind = "server ask"

	reached kind = "reached"
	answer  kind = "answer"
	gone    kind = "gone"
	done    kind = "done"
	cancel  kind = "cancel" // nobody waits any more
	bye     kind = "bye"
)

// node is an adapter: one namespace of one server.
type node struct {
	bus   *bus
	id    int
	local adapter.Local

	ctx     context.Context // ends with Close
	close   context.CancelFunc
	running sync.WaitGroup

	post  sync.Mutex // taken behind mu and bus.mu
	inbox [][]byte
	more  chan struct{} // the inbox is not empty; room for one

	mu       sync.Mutex
	closed   bool
	requests map[int]*request
	asked    map[[2]int]context.CancelFunc // by node and request
	last     int
}

// request is one that other nodes have yet to end.
type request struct {
	waiting map[int]bool // nodes
	answers adapter.Answers
	sockets []adapter.SocketInfo
	count   int
	over    chan struct{} // closed when nobody is waited for
}

var errClosed = errors.New("bus: node is closed")

func (b *bus) join(local adapter.Local) (adapter.Adapter, error) {
	ctx, cancel := context.WithCancel(context.Background())
	n := &node{
		bus: b, local: local, ctx: ctx, close: cancel, more: make(chan struct{}, 1),
		requests: make(map[int]*request), asked: make(map[[2]int]context.CancelFunc),
	}
	b.mu.Lock()
	b.last++
	n.id = b.last
	b.nodes = append(b.nodes, n)
	b.mu.Unlock()
	n.running.Go(n.run)
	return n, nil
}

// publish hands m to the other nodes of the namespace, or to one, and returns whom.
func (n *node) publish(m message) (ids []int, err error) {
	if n.ctx.Err() != nil {
		return nil, errClosed
	}
	m.Path, m.From = n.local.Path(), n.id
	data, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	n.bus.mu.Lock()
	defer n.bus.mu.Unlock()
	for _, other := range n.bus.nodes {
		if other != n && other.local.Path() == m.Path && (m.To == 0 || m.To == other.id) {
			other.put(data)
			ids = append(ids, other.id)
		}
	}
	return ids, nil
}

func (n *node) put(data []byte) {
	n.post.Lock()
	n.inbox = append(n.inbox, data)
	n.post.Unlock()
	select {
	case n.more <- struct{}{}:
	default:
	}
}

func (n *node) run() {
	for {
		select {
		case <-n.more:
		case <-n.ctx.Done():
			return
		}
		n.post.Lock()
		inbox := n.inbox
		n.inbox = nil
		n.post.Unlock()
		for _, data := range inbox {
			var m message
			if err := json.Unmarshal(data, &m); err != nil {
				panic(err)
			}
			n.handle(m)
		}
	}
}

func (n *node) handle(m message) {
	switch m.Kind {
	case broadcast:
		_ = n.local.Broadcast(m.Packet, m.Selection, m.Flags)
	case join:
		n.local.Join(m.Selection, m.Rooms)
	case leave:
		n.local.Leave(m.Selection, m.Rooms)
	case disconnect:
		n.local.Disconnect(m.Selection, m.Closing)
	case serverEmit:
		n.running.Go(func() { _, _ = n.local.ServerEvent(n.ctx, m.Packet) })
	case fetch:
		n.tell(m, message{Kind: done, Sockets: n.local.Fetch(m.Selection)})
	case count:
		n.tell(m, message{Kind: done, Count: n.local.Count(m.Selection)})
	case ask, serverAsk:
		n.serve(m)
	case cancel:
		n.mu.Lock()
		stop := n.asked[[2]int{m.From, m.ID}]
		n.mu.Unlock()
		if stop != nil {
			stop()
		}
	case bye:
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, r := range n.requests {
			r.done(m.From)
		}
	default:
		n.answered(m)
	}
}

func (n *node) tell(question, m message) {
	m.To, m.ID = question.From, question.ID
	_, _ = n.publish(m)
}

// serve answers what may take its time.
func (n *node) serve(m message) {
	ctx, stop := context.WithCancel(n.ctx)
	if !m.Deadline.IsZero() {
		ctx, stop = context.WithDeadline(n.ctx, m.Deadline)
	}
	key := [2]int{m.From, m.ID}
	n.mu.Lock()
	n.asked[key] = stop
	n.mu.Unlock()
	n.running.Go(func() {
		defer func() {
			stop()
			n.mu.Lock()
			delete(n.asked, key)
			n.mu.Unlock()
		}()
		if m.Kind == ask {
			_ = n.local.Ask(ctx, m.Packet, m.Selection, m.Flags, teller{n, m})
			if ctx.Err() == nil { // else its asker's has ended, or is about to
				n.tell(m, message{Kind: done})
			}
			return
		}
		defer n.tell(m, message{Kind: done})
		n.tell(m, message{Kind: reached, Count: 1})
		p, err := n.local.ServerEvent(ctx, m.Packet)
		if err != nil {
			n.tell(m, message{Kind: gone})
			return
		}
		n.tell(m, message{Kind: answer, Packet: p})
	})
}

// teller passes answers to the node that asked.
type teller struct {
	n        *node
	question message
}

func (t teller) Reached(sids []string, unknown int) {
	t.n.tell(t.question, message{Kind: reached, SIDs: sids, Count: unknown})
}

func (t teller) Answered(a adapter.Answer) {
	t.n.tell(t.question, message{Kind: answer, SID: a.SID, Packet: a.Packet})
}

func (t teller) Gone(sid string) { t.n.tell(t.question, message{Kind: gone, SID: sid}) }

func (n *node) answered(m message) {
	n.mu.Lock()
	defer n.mu.Unlock()
	r := n.requests[m.ID]
	if r == nil {
		return
	}
	switch m.Kind {
	case reached:
		r.answers.Reached(m.SIDs, m.Count)
	case answer:
		r.answers.Answered(adapter.Answer{SID: m.SID, Packet: m.Packet})
	case gone:
		r.answers.Gone(m.SID)
	case done:
		r.sockets = append(r.sockets, m.Sockets...)
		r.count += m.Count
		r.done(m.From)
	}
}

// done notes, under node.mu, that a node has nothing more to say.
func (r *request) done(node int) {
	if !r.waiting[node] {
		return
	}
	delete(r.waiting, node)
	if len(r.waiting) == 0 {
		close(r.over)
	}
}

// request publishes m and waits until all others have ended it.
func (n *node) request(ctx context.Context, m message, answers adapter.Answers) (*request, error) {
	r := &request{waiting: make(map[int]bool), answers: answers, over: make(chan struct{})}
	m.Deadline, _ = ctx.Deadline()
	n.mu.Lock()
	n.last++
	m.ID = n.last
	n.requests[m.ID] = r
	ids, err := n.publish(m) // the first answer waits for the lock
	for _, id := range ids {
		r.waiting[id] = true
	}
	n.mu.Unlock()
	if err == nil && len(ids) > 0 {
		select {
		case <-r.over:
		case <-ctx.Done():
			err = ctx.Err()
			_, _ = n.publish(message{Kind: cancel, ID: m.ID})
		case <-n.ctx.Done():
			err = errClosed
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.requests, m.ID)
	return r, err
}

func (n *node) Broadcast(p adapter.Packet, s adapter.Selection, f adapter.Flags) error {
	_, err := n.publish(message{Kind: broadcast, Packet: p, Selection: s, Flags: f})
	return err
}

func (n *node) Ask(ctx context.Context, p adapter.Packet, s adapter.Selection, f adapter.Flags, answers adapter.Answers) error {
	_, err := n.request(ctx, message{Kind: ask, Packet: p, Selection: s, Flags: f}, answers)
	return err
}

func (n *node) Fetch(ctx context.Context, s adapter.Selection) ([]adapter.SocketInfo, error) {
	r, err := n.request(ctx, message{Kind: fetch, Selection: s}, nil)
	return r.sockets, err
}

func (n *node) Count(ctx context.Context, s adapter.Selection) (int, error) {
	r, err := n.request(ctx, message{Kind: count, Selection: s}, nil)
	return r.count, err
}

func (n *node) Join(_ context.Context, s adapter.Selection, rooms []string) error {
	_, err := n.publish(message{Kind: join, Selection: s, Rooms: rooms})
	return err
}

func (n *node) Leave(_ context.Context, s adapter.Selection, rooms []string) error {
	_, err := n.publish(message{Kind: leave, Selection: s, Rooms: rooms})
	return err
}

func (n *node) Disconnect(_ context.Context, s adapter.Selection, closing bool) error {
	_, err := n.publish(message{Kind: disconnect, Selection: s, Closing: closing})
	return err
}

func (n *node) ServerEmit(ctx context.Context, p adapter.Packet, answers adapter.Answers) error {
	if answers == nil {
		_, err := n.publish(message{Kind: serverEmit, Packet: p})
		return err
	}
	_, err := n.request(ctx, message{Kind: serverAsk, Packet: p}, answers)
	return err
}

func (n *node) Close() error {
	n.mu.Lock()
	twice := n.closed
	n.closed = true
	n.mu.Unlock()
	if twice {
		return errors.New("bus: closed twice")
	}
	_, err := n.publish(message{Kind: bye})
	n.bus.mu.Lock()
	n.bus.nodes = remove(n.bus.nodes, n)
	n.bus.mu.Unlock()
	n.close()
	n.running.Wait()
	return err
}

func remove(nodes []*node, n *node) (rest []*node) {
	for _, other := range nodes {
		if other != n {
			rest = append(rest, other)
		}
	}
	return rest
}
