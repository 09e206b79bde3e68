package middleware

import (
	"bytes"
	"container/list"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/parlor-go/parlor/framework"
)

// OnceOptions configure Once. The zero value works.
type OnceOptions struct {
	// ID returns the id that the client has given the event, "" for none. nil means
	// the string "once" in the last argument, an object.
	ID func(e *framework.Event) string

	// Client names who sent the event, since nobody may get the answer to another's:
	// the user, so that a client is the same one when it has connected anew. "" and a
	// nil Client mean Socket.ID, which a new connection changes.
	Client func(ctx context.Context, e *framework.Event) string

	// For is how long an answer is remembered. 0 means 5 minutes.
	For time.Duration

	// MaxPerClient and Max bound the answers that are remembered of one client and
	// of all. The oldest is forgotten. 0 means 64 and 65536.
	MaxPerClient, Max int
}

// Once serves an event once, however often the client sends it, and answers each
// time as it did the first time. It is the server's part of the JavaScript
// client's option retries, which sends an event until it is acknowledged, if need
// be over a new connection. On the wire nothing tells that it is the same event:
// the arguments are the same, the ack's id and the socket's are not. So the client
// gives an id with it, which no other event of its has:
//
//	const socket = io({ ackTimeout: 10_000, retries: 3 });
//	await socket.emitWithAck("pay", { amount: 5, once: crypto.randomUUID() });
//
// What has no id is served whenever it comes. The ids of one client, namespace and
// event are compared. An answer is remembered as it was sent, and so is an error
// that was meant for the client, a *framework.Error; after any other failure the
// event is served again. What comes again before the first has been answered, as
// may happen over a new connection, is answered together with it; if the first fails,
// it is not, and the next try hears of that or is served.
//
// One Once is one memory. It stands inside Auth, and inside of what may refuse one
// time and not another (RateLimit, Concurrency). The memory is this process's: a
// client that comes back to another server of a cluster, or after a restart, is
// served anew.
//
// Socket.IO client 4.8, "retries" and "ackTimeout", which belong together.
func Once(opts OnceOptions) framework.Middleware {
	switch {
	case opts.For < 0:
		panic(fmt.Sprintf("middleware: Once: For is %v: want 0 for the default, or how long", opts.For))
	case opts.MaxPerClient < 0 || opts.Max < 0:
		panic(fmt.Sprintf("middleware: Once: MaxPerClient is %d and Max %d: want 0 for the default, or how many", opts.MaxPerClient, opts.Max))
	}
	if opts.ID == nil {
		opts.ID = onceField
	}
	if opts.For == 0 {
		opts.For = 5 * time.Minute
	}
	if opts.MaxPerClient == 0 {
		opts.MaxPerClient = 64
	}
	if opts.Max == 0 {
		opts.Max = 1 << 16
	}
	m := &memory{opts: opts, clients: make(map[string]*remembered)}
	return func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			if e.Kind() != framework.KindEvent {
				return next.ServeEvent(ctx, e)
			}
			id := opts.ID(e)
			if id == "" {
				return next.ServeEvent(ctx, e)
			}
			return m.serve(ctx, e, id, next)
		})
	}
}

// onceField finds the default id.
func onceField(e *framework.Event) string {
	last := e.Args.Len() - 1
	if !bytes.Contains(e.Args.Raw(last), []byte(`"once"`)) {
		return "" // most have none, and need not be decoded twice
	}
	var arg struct {
		Once string `json:"once"`
	}
	if err := e.Args.Decode(last, &arg); err != nil {
		return ""
	}
	return arg.Once
}

// memory has the answers of one Once.
type memory struct {
	opts OnceOptions

	mu      sync.Mutex
	clients map[string]*remembered
	kept    list.List // of *answer, all that may be forgotten, oldest first
}

// remembered is what is known of one client.
type remembered struct {
	name    string
	answers map[onceID]*answer
	kept    []*answer // its part of memory.kept
}

// onceID is a digest: clients choose how long their ids are.
type onceID [sha256.Size]byte

// answer is one event's. Guarded by memory.mu.
type answer struct {
	client  *remembered
	id      onceID
	place   *list.Element // in memory.kept; nil while the handler runs
	expires time.Time

	there   bool
	reply   framework.Args
	err     error          // in place of reply
	waiting *framework.Ack // of the last that came before the answer was there
}

// serve serves the event, or answers it from memory.
func (m *memory) serve(ctx context.Context, e *framework.Event, id string, next framework.Handler) (reply []any, err error) {
	client := ""
	if m.opts.Client != nil {
		client = m.opts.Client(ctx, e)
	}
	if client == "" {
		client = "\x00" + e.Socket.ID() // no user's name
	}
	sum := sha256.Sum256([]byte(strconv.Quote(e.Socket.Namespace().Path()) + strconv.Quote(e.Name) + id))
	a, reply, err := m.begin(client, sum, e)
	if a == nil {
		return reply, err
	}

	returned := false
	defer func() { // a panic is no answer
		if !returned {
			m.forget(a)
		}
	}()
	e.TapLate(func(reply []any) { m.keep(a, encodeReply(reply), nil) })
	reply, err = next.ServeEvent(ctx, e)
	returned = true
	_, public := errors.AsType[*framework.Error](err)
	switch {
	case err == nil && e.Late():
		m.await(a)
	case err == nil:
		m.keep(a, encodeReply(reply), nil)
	case public:
		m.keep(a, &framework.Args{}, err)
	default:
		m.forget(a)
	}
	return reply, err
}

// begin makes a place for the answer of an event that is to be served. Of one that
// has been, it returns the answer and no place; of one that is being served it lets
// the answer come later.
func (m *memory) begin(client string, id onceID, e *framework.Event) (*answer, []any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.expire(time.Now())
	c := m.clients[client]
	if c == nil {
		c = &remembered{name: client, answers: make(map[onceID]*answer)}
		m.clients[client] = c
	}
	a := c.answers[id]
	switch {
	case a == nil:
		a = &answer{client: c, id: id}
		c.answers[id] = a
		return a, nil, nil
	case !a.there && e.WantsAck():
		a.waiting = e.TakeAck() // the client has given up the one before
		return nil, nil, nil
	case a.err != nil:
		return nil, nil, a.err
	}
	return nil, []any{a.reply}, nil
}

// encodeReply encodes what a handler answers, which may change once that is sent;
// nil if it cannot be.
func encodeReply(reply []any) *framework.Args {
	if len(reply) == 1 {
		if args, ok := reply[0].(framework.Args); ok {
			return &args
		}
	}
	args := framework.ArgsOf(reply...)
	if args.Len() < len(reply) {
		return nil
	}
	return &args
}

// keep remembers how a was answered, and answers who waits for it.
func (m *memory) keep(a *answer, reply *framework.Args, err error) {
	if reply == nil { // it will not be sent either
		m.forget(a)
		return
	}
	m.mu.Lock()
	waiting := a.waiting
	a.waiting = nil
	if !a.there {
		a.there, a.reply, a.err = true, *reply, err
		m.place(a)
	}
	m.mu.Unlock()
	if waiting != nil && err == nil { // an error takes the error's way: when it is asked for again
		_ = waiting.Reply(*reply) // the client may have gone again
	}
}

// await gives the handler's late answer as much time as answers are kept.
func (m *memory) await(a *answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.place(a)
}

// place puts a where it will be forgotten in its turn, unless it is there. m.mu is
// held.
func (m *memory) place(a *answer) {
	if a.place != nil || a.client.answers[a.id] != a {
		return
	}
	a.expires = time.Now().Add(m.opts.For)
	a.place = m.kept.PushBack(a)
	a.client.kept = append(a.client.kept, a)
	if len(a.client.kept) > m.opts.MaxPerClient {
		m.drop(a.client.kept[0])
	}
	if m.kept.Len() > m.opts.Max {
		m.drop(m.kept.Front().Value.(*answer))
	}
}

// expire forgets what is older than For. m.mu is held.
func (m *memory) expire(now time.Time) {
	for front := m.kept.Front(); front != nil; front = m.kept.Front() {
		a := front.Value.(*answer)
		if a.expires.After(now) {
			return
		}
		m.drop(a)
	}
}

// forget lets the event be served again.
func (m *memory) forget(a *answer) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(a)
}

// drop takes a out of the memory. m.mu is held.
func (m *memory) drop(a *answer) {
	c := a.client
	if c.answers[a.id] != a {
		return
	}
	delete(c.answers, a.id)
	if a.place != nil {
		m.kept.Remove(a.place)
		i := slices.Index(c.kept, a) // mostly the first
		c.kept = slices.Delete(c.kept, i, i+1)
	}
	if len(c.answers) == 0 {
		delete(m.clients, c.name)
	}
	a.waiting = nil
}
