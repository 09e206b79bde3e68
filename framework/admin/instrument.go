package admin

import (
	"context"
	"crypto/rand"
	"slices"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
)

// Instrument serves the Admin UI in a namespace of srv. It belongs where namespaces are
// registered: before the first request, once.
//
// The reference's instrument(io, options).
func Instrument(srv *framework.Server, opts Options) {
	if srv == nil {
		panic("admin: Instrument(nil, ...): want the server")
	}
	opts = opts.withDefaults()
	p := &panel{srv: srv, opts: opts}
	p.stats = newStats(p)
	srv.Register(opts.Path, p)
	p.observe()
}

// panel is the admin namespace.
type panel struct {
	framework.Namespace
	srv   *framework.Server
	opts  Options
	stats *stats
	view  view

	// Who watches. Only observers look there, and one is called at a time.
	watchers []*framework.Socket
}

// The reference's names of what its UI may offer.
func (p *panel) features() []string {
	var list []string
	if !p.opts.ReadOnly {
		list = append(list, "EMIT", "JOIN", "LEAVE", "DISCONNECT", "MJOIN", "MLEAVE", "MDISCONNECT")
	}
	list = append(list, "AGGREGATED_EVENTS")
	if p.opts.Mode == Development {
		list = append(list, "ALL_EVENTS")
	}
	return list
}

// credentials are what the UI connects with: the id of a session from before, or what
// was put into its form.
type credentials struct {
	SessionID string `json:"sessionId"`
	Username  string `json:"username"`
	Password  string `json:"password"`
}

// refused is the text by which the UI knows to show its form again.
const refused = "invalid credentials"

// OnConnect lets in who may, and tells nothing of why others may not.
func (p *panel) OnConnect(ctx context.Context, s *framework.Socket, auth framework.Args) error {
	var c credentials
	if auth.Len() > 0 && auth.Decode(0, &c) != nil {
		return framework.Refuse(refused)
	}
	if c.SessionID != "" && !p.opts.Auth.open {
		ok, err := p.opts.Sessions.Has(ctx, c.SessionID)
		if ok {
			return nil
		}
		if err != nil {
			zerolog.Ctx(ctx).Error().Err(err).Msg("admin: session not looked up")
		}
	}
	if err := p.opts.Auth.check(ctx, c.Username, c.Password); err != nil {
		zerolog.Ctx(ctx).Warn().Str("remote", s.Handshake().RemoteAddr).Err(err).Msg("admin: invalid credentials")
		return framework.Refuse(refused)
	}
	if p.opts.Auth.open {
		return nil
	}
	return p.remember(ctx, s)
}

// remember gives who has logged in a session. Without one the next connect asks for the
// password again.
func (p *panel) remember(ctx context.Context, s *framework.Socket) error {
	id := rand.Text()
	if err := p.opts.Sessions.Save(ctx, id, sessionTTL); err != nil {
		zerolog.Ctx(ctx).Error().Err(err).Msg("admin: session not saved")
		return nil
	}
	return s.Emit("session", id)
}

// observe has the panel told what it tells.
func (p *panel) observe() {
	o := framework.Observer{
		NamespaceMade: p.stats.namespaceMade,
		NamespaceGone: p.stats.namespaceGone,
		Opened:        p.stats.opened,
		Upgraded:      p.upgraded,
		Closed:        p.stats.closed,
		Connected:     p.connected,
		Disconnected:  p.disconnected,
		Traffic:       &p.stats.traffic,
	}
	if p.opts.Mode == Development {
		o.Joined, o.Left, o.Set = p.joined, p.left, p.stored
		o.Received, o.Sent = p.received, p.sent
	}
	p.srv.Observe(o)
}

// connected begins with what the UI is to know first. Whatever follows comes behind it,
// for observers are told of one thing after the other.
func (p *panel) connected(s *framework.Socket) {
	if p.opts.Mode == Development {
		p.appeared(s)
	}
	if !p.own(s) {
		return
	}
	_ = s.Emit("config", map[string]any{"supportedFeatures": p.features()}) // one that is gone needs none
	_ = s.Emit("server_stats", p.stats.now(nil))
	if p.opts.Mode == Development {
		_ = s.Emit("all_sockets", p.view.all())
	}
	p.watchers = append(p.watchers, s)
	p.stats.start()
}

func (p *panel) upgraded(c framework.Client) {
	p.stats.upgraded(c)
	if p.opts.Mode == Development {
		p.moved(c)
	}
}

func (p *panel) disconnected(s *framework.Socket, reason framework.Reason, _ error) {
	if p.own(s) {
		p.forget(s)
	}
	if p.opts.Mode == Development {
		p.disappeared(s, reason)
	}
}

func (p *panel) forget(s *framework.Socket) {
	p.watchers = slices.DeleteFunc(p.watchers, func(w *framework.Socket) bool { return w == s })
	if len(p.watchers) == 0 {
		p.stats.stop()
	}
}

// own tells whether s is an admin's.
func (p *panel) own(s *framework.Socket) bool { return s.Namespace().Path() == p.opts.Path }
