package admin

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/parlor-go/parlor/framework"
)

// view is the server's sockets as admins have been told of them. It changes with what is
// told, so that the list that one gets first and what follows always fit together,
// whatever the sockets have done meanwhile. Only observers look there.
type view struct {
	sockets map[*framework.Socket]*seen
	shown   int // of them
}

// seen is a socket that is connected, or in a room and may be connected yet.
type seen struct {
	hidden    bool // there were too many already: nothing is told of it
	connected bool
	in        int      // rooms
	rooms     []string // their names, unless hidden
	data      map[string]json.RawMessage
}

// all is the payload of "all_sockets".
func (v *view) all() []socketInfo {
	list := []socketInfo{}
	for s, known := range v.sockets {
		if known.connected && !known.hidden {
			list = append(list, describe(s, known))
		}
	}
	return list
}

// of returns s, as new if it is not known yet and hidden if there are max to be shown.
func (v *view) of(s *framework.Socket, max int) *seen {
	known := v.sockets[s]
	if known != nil {
		return known
	}
	if v.sockets == nil {
		v.sockets = make(map[*framework.Socket]*seen)
	}
	known = &seen{hidden: v.shown >= max}
	if !known.hidden {
		v.shown++
	}
	v.sockets[s] = known
	return known
}

// shows tells whether admins know of s.
func (v *view) shows(s *framework.Socket) bool {
	known := v.sockets[s]
	return known != nil && !known.hidden
}

func (v *view) drop(s *framework.Socket) {
	if v.shows(s) {
		v.shown--
	}
	delete(v.sockets, s)
}

// timestamp is how JSON has a Date.
func timestamp() string { return time.Now().UTC().Format("2006-01-02T15:04:05.000Z") }

// tell is for all who watch this server. It is an emit, so it waits for nobody.
func (p *panel) tell(event string, args ...any) { p.tellThose(p.watchers, event, args...) }

// tellThose names them: who is in OnConnect yet, or has just left it, will be told what
// there is first, and may be turned away.
func (p *panel) tellThose(admins []*framework.Socket, event string, args ...any) {
	if len(admins) == 0 {
		return
	}
	ids := make([]string, len(admins))
	for i, s := range admins {
		ids[i] = s.ID()
	}
	_ = p.Local().To(ids...).Emit(event, args...) // to whom may be gone
}

func (p *panel) appeared(s *framework.Socket) {
	known := p.view.of(s, p.opts.MaxSockets)
	known.connected = true
	if !known.hidden {
		p.tell("socket_connected", describe(s, known), timestamp())
	}
}

func (p *panel) disappeared(s *framework.Socket, reason framework.Reason) {
	shown := p.view.shows(s)
	p.view.drop(s)
	if shown {
		p.tell("socket_disconnected", s.Namespace().Path(), s.ID(), string(reason), timestamp())
	}
}

// joined may come before connected: rooms are joined in OnConnect, and the personal room
// ahead of it.
func (p *panel) joined(s *framework.Socket, room string) {
	known := p.view.of(s, p.opts.MaxSockets)
	known.in++
	if known.hidden {
		return
	}
	known.rooms = append(known.rooms, room)
	p.tell("room_joined", s.Namespace().Path(), room, s.ID(), timestamp())
}

// left may come without connected, if the socket is refused.
func (p *panel) left(s *framework.Socket, room string) {
	known := p.view.sockets[s]
	if known == nil {
		return
	}
	if i := slices.Index(known.rooms, room); i >= 0 {
		known.rooms = slices.Delete(known.rooms, i, i+1)
	}
	if known.in--; known.in == 0 && !known.connected {
		p.view.drop(s)
	}
	if !known.hidden {
		p.tell("room_left", s.Namespace().Path(), room, s.ID(), timestamp())
	}
}

// update is the payload of "socket_updated": one of the two has changed.
type update struct {
	ID        string                     `json:"id"`
	Namespace string                     `json:"nsp"`
	Data      map[string]json.RawMessage `json:"data,omitempty"`
	Transport string                     `json:"transport,omitempty"`
}

// stored takes a value of a Key. One that is no JSON is left out. What is stored before
// the socket is connected will be told with that.
func (p *panel) stored(s *framework.Socket, key string, value json.RawMessage) {
	known := p.view.sockets[s]
	if known == nil || known.hidden { // nil: it is gone
		return
	}
	if known.data == nil {
		known.data = make(map[string]json.RawMessage)
	}
	if known.data[key] = value; value == nil {
		delete(known.data, key)
	}
	if known.connected {
		p.tell("socket_updated", update{ID: s.ID(), Namespace: s.Namespace().Path(), Data: known.data})
	}
}

// moved is told when a client has another transport than before.
func (p *panel) moved(c framework.Client) {
	for _, s := range c.Sockets() {
		if p.view.shows(s) {
			p.tell("socket_updated", update{ID: s.ID(), Namespace: s.Namespace().Path(), Transport: c.Transport()})
		}
	}
}

func (p *panel) received(s *framework.Socket, event string, args framework.Args) {
	p.show("event_received", s, event, args)
}

func (p *panel) sent(s *framework.Socket, event string, args framework.Args) {
	p.show("event_sent", s, event, args)
}

// maxOwed is how many bytes an admin may be owed to hear of one more event. What else
// is told may not be missed, and ends the connection of who does not take it.
const maxOwed = 256 << 10

// show tells of an event who keeps up. Of the admins' own there would be no end.
func (p *panel) show(what string, s *framework.Socket, event string, args framework.Args) {
	if len(p.watchers) == 0 || p.own(s) || !p.view.shows(s) {
		return
	}
	var quick []*framework.Socket
	for _, w := range p.watchers {
		if w.Buffered() <= maxOwed {
			quick = append(quick, w)
		}
	}
	if len(quick) > 0 {
		p.tellThose(quick, what, s.Namespace().Path(), s.ID(), printable(event, args), timestamp())
	}
}
