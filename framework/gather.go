package framework

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/parlor-go/parlor/framework/adapter"
	"github.com/parlor-go/parlor/framework/internal/packet"
	"github.com/parlor-go/parlor/transport"
)

// Answer is what one client answered to a question that several were asked.
type Answer struct {
	ID   string // the Socket.ID of who answered; "" if its server does not tell
	Args Args   // one for each argument that the client passed to its callback
}

// MissingAcksError says whose answers EmitWithAck did not get.
type MissingAcksError struct {
	Missing []string // ids of sockets that were asked, sorted
	Unknown int      // how many more there are, on servers that do not tell ids
	// Err is why: ctx's error, ErrClosed for clients that went, a *transport.LimitError for
	// those that owed Options.MaxPendingAcks already and were not asked, or several of these.
	Err error

	whole bool // ids may be logged as they are
}

// Error says how many are missing, and names the first of them, as logs do.
func (e *MissingAcksError) Error() string {
	const most = 3
	n := len(e.Missing) + e.Unknown
	text := fmt.Sprintf("%d answers are missing", n)
	if n == 1 {
		text = "1 answer is missing"
	}
	if len(e.Missing) > 0 {
		named := slices.Clone(e.Missing[:min(most, len(e.Missing))])
		if !e.whole {
			for i, id := range named {
				named[i] = shortID(id)
			}
		}
		text += " (" + strings.Join(named, ", ")
		if n > len(named) {
			text += ", ..."
		}
		text += ")"
	}
	return fmt.Sprintf("%s: %v", text, e.Err)
}

// Unwrap returns Err.
func (e *MissingAcksError) Unwrap() error { return e.Err }

// EmitWithAck sends event to the selection and gathers the answers, one for each
// client that it reached, in the order in which they came. Nobody there is no answer
// and no error. A client whose OnConnect still runs cannot answer and is not asked.
//
// If some are missing the error is a *MissingAcksError, and the answers that did come
// stand beside it. Once ctx or the Timeout has ended it does not wait any longer
// (errors.Is context.DeadlineExceeded); a client that goes is missing at once
// (ErrClosed). Without a deadline it waits for the slowest client, which may never
// answer while it stays. It is safe inside a handler: acks do not queue behind events.
//
// Socket.IO's emitWithAck on a BroadcastOperator.
func (b Broadcast) EmitWithAck(ctx context.Context, event string, args ...any) ([]Answer, error) {
	ctx, cancel := b.within(ctx)
	defer cancel()
	all, err := b.inquiries(event, args)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, emitError(event, err)
	}

	c := newCollector(all[0].of.ns.srv)
	elsewhere, others := make(chan error), 0
	for i := range all {
		in := &all[i]
		in.here = in.of.ask(event, in.id, in.message)
		c.Reached(in.here.ids(), 0)
		if in.of.spans() {
			others++
			go func() {
				elsewhere <- contained(func() error {
					return in.of.ns.adapter.Ask(ctx, in.packet, in.of.selection(), in.of.flags(), c)
				})
			}()
		}
	}
	for i := range all {
		err = bothErrors(err, all[i].here.wait(ctx, c.hear))
	}
	for range others {
		err = bothErrors(err, <-elsewhere)
	}
	answers, err := c.result(err)
	if err != nil {
		return answers, emitError(event, err)
	}
	return answers, nil
}

// inquiry is what the clients of one namespace are asked, on all servers.
type inquiry struct {
	of      Broadcast
	id      uint64
	packet  adapter.Packet
	message *transport.Message
	here    *question
}

// inquiries makes those of the selection's namespaces, before anybody is asked. What
// cannot be sent is an error even if there is nobody to send it to.
func (b *Broadcast) inquiries(event string, args []any) ([]inquiry, error) {
	namespaces, err := b.resolve(fmt.Sprintf("emit %q to", event))
	if err != nil {
		return nil, err
	}
	if len(namespaces) == 0 {
		_, err := b.ns.handle.empty().encodePacket(event, args)
		return nil, err
	}
	all := make([]inquiry, len(namespaces))
	for i, of := range namespaces {
		in := inquiry{of: of, id: of.ns.srv.questionID()}
		if in.packet, err = of.ns.encodePacket(event, args); err != nil {
			return nil, err
		}
		if in.message, err = of.ns.message(in.packet, in.id); err != nil {
			return nil, emitError(event, err)
		}
		all[i] = in
	}
	return all, nil
}

// collector puts together what is answered here and on other servers.
type collector struct {
	srv *Server

	mu      sync.Mutex
	done    bool            // what comes now is too late
	owing   map[string]bool // who was asked, and whether the answer has yet to come
	unknown int             // answers that have yet to come from who knows whom
	gone    bool            // somebody went before answering
	spared  error           // why somebody was not asked
	answers []Answer
}

func newCollector(srv *Server) *collector {
	return &collector{srv: srv, owing: make(map[string]bool)}
}

// hear takes what a client of this process answered.
func (c *collector) hear(h heard) {
	switch {
	case errors.As(h.err, new(*transport.LimitError)):
		c.mu.Lock()
		c.spared = h.err
		c.mu.Unlock()
		return
	case h.err != nil:
		c.Gone(h.socket.id)
		return
	}
	c.answered(Answer{ID: h.socket.id, Args: h.args})
}

func (c *collector) Reached(sids []string, unknown int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, sid := range sids {
		if _, known := c.owing[sid]; !known { // or the answer was faster
			c.owing[sid] = true
		}
	}
	c.unknown += unknown
}

func (c *collector) Answered(a adapter.Answer) {
	args, err := parseArgs(a.Data, nil, a.Attachments, packet.MostDepth)
	if err != nil {
		c.srv.log.Warn().Err(err).Str("sid", shortID(a.SID)).Msg("answer of another server's client cannot be read")
		return
	}
	c.answered(Answer{ID: a.SID, Args: args})
}

func (c *collector) answered(a Answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return
	}
	if a.ID == "" {
		c.unknown--
	} else {
		if owes, known := c.owing[a.ID]; known && !owes {
			return // twice
		}
		c.owing[a.ID] = false
	}
	c.answers = append(c.answers, a)
}

func (c *collector) Gone(sid string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if owes, known := c.owing[sid]; known && !owes {
		return
	}
	c.gone = true
	if sid != "" { // else it stays among the unknown
		c.owing[sid] = true
	}
}

// result ends the collection. err is what ended it early, or nil.
func (c *collector) result(err error) ([]Answer, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = true
	maps.DeleteFunc(c.owing, func(_ string, owes bool) bool { return !owes })
	unknown := max(0, c.unknown)
	if len(c.owing) == 0 && unknown == 0 {
		return c.answers, err
	}
	err = bothErrors(err, c.spared)
	if c.gone || err == nil {
		err = bothErrors(err, bare(ErrClosed))
	}
	missing := slices.Sorted(maps.Keys(c.owing))
	return c.answers, &MissingAcksError{Missing: missing, Unknown: unknown, Err: err, whole: c.srv.opts.NewID != nil}
}

// bothErrors joins two errors on one line; what says the same is said once.
func bothErrors(a, b error) error {
	switch {
	case a == nil:
		return b
	case b == nil || errors.Is(a, b):
		return a
	case errors.Is(b, a):
		return b
	}
	return fmt.Errorf("%w; %w", a, b)
}
