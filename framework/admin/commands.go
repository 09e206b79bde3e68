package admin

import (
	"context"
	"errors"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
)

// Routes registers what admins may do besides watching. A filter is a room or a
// socket's id; without one everybody in the namespace is meant.
func (p *panel) Routes(r *framework.Router) {
	r.OnServerSide(watchedEvent, p.stats.startElsewhere)
	if p.opts.ReadOnly {
		return
	}
	r.On("emit", p.emit)
	r.On("join", p.join)
	r.On("leave", p.leave)
	r.On("_disconnect", p.disconnect)
}

func (p *panel) emit(ctx context.Context, nsp string, filter *string, event string, args framework.Args) {
	err := p.selection(nsp, filter).Emit(event, args)
	done(ctx, command{"emit", nsp, filter, event}, err)
}

func (p *panel) join(ctx context.Context, nsp, room string, filter *string) {
	if room == "" {
		return // the UI's field was left empty
	}
	err := p.selection(nsp, filter).Join(ctx, room)
	done(ctx, command{"join", nsp, filter, room}, err)
}

func (p *panel) leave(ctx context.Context, nsp, room string, filter *string) {
	err := p.selection(nsp, filter).Leave(ctx, room)
	done(ctx, command{"leave", nsp, filter, room}, err)
}

func (p *panel) disconnect(ctx context.Context, nsp string, closing bool, filter *string) {
	whom := p.selection(nsp, filter)
	c := command{"disconnect", nsp, filter, ""}
	if closing {
		c.name = "close"
		done(ctx, c, whom.Close(ctx))
		return
	}
	done(ctx, c, whom.Disconnect(ctx))
}

// selection is whom a command is for. What is null or empty in JavaScript is no filter.
func (p *panel) selection(nsp string, filter *string) framework.Broadcast {
	all := p.srv.Of(nsp).Except()
	if filter == nil || *filter == "" {
		return all
	}
	return all.To(*filter)
}

// command is what an admin has asked for.
type command struct {
	name, nsp string
	filter    *string
	what      string // the event or the room
}

// shown is a filter as logs have it: what looks like an id, which may be its client's
// secret, by its beginning.
func shown(filter string) string {
	const id = 20 // characters, behind "/chat#" for clients of Engine.IO 3
	if len(filter) == id || len(filter) > id && filter[len(filter)-id-1] == '#' {
		return filter[:len(filter)-id+8]
	}
	return filter
}

// done notes who did what. The UI waits for no answer, so a mistake is only logged.
func done(ctx context.Context, c command, err error) {
	line := zerolog.Ctx(ctx).Info()
	if err != nil {
		line = zerolog.Ctx(ctx).Warn().Err(err)
	}
	line.Str("command", c.name).Str("to", c.nsp)
	if c.filter != nil {
		line.Str("filter", shown(*c.filter))
	}
	if c.what != "" {
		line.Str("what", c.what)
	}
	if errors.Is(err, framework.ErrNotRegistered) {
		line.Msg("admin: command for an unknown namespace")
		return
	}
	line.Msg("admin: command")
}
