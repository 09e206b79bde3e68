package admin

import (
	"fmt"
	"os"
	"time"
)

// Mode is how much admins are told.
type Mode int

const (
	// Production tells counts: of clients, of sockets for each namespace, and per
	// second of connections, packets and bytes. It costs next to nothing, watched or
	// not.
	Production Mode = iota

	// Development also tells of each socket, what it is in and every event that it
	// sends or is sent. It costs a multiple of what events cost otherwise, watched or
	// not.
	Development
)

// Options says how a server may be administered. Auth has to be given.
type Options struct {
	// Path is the namespace that the UI connects to. "" means "/admin".
	Path string

	// Auth is who may: Basic, AuthFunc or NoAuth.
	Auth Auth

	// ReadOnly takes away everything but watching.
	ReadOnly bool

	// Mode is Production, unless it is Development. The reference has it the other way
	// round: development unless NODE_ENV is "production".
	Mode Mode

	// ServerID tells this server from others in the UI. "" means "<hostname>#<pid>", as
	// the reference has it for the workers of a cluster.
	ServerID string

	// StatsInterval is how often who watches is told the counts. 0 means 2s; the UI
	// takes a server for unhealthy that is silent for 10s.
	StatsInterval time.Duration

	// MaxSockets bounds of how many sockets Development tells: who connects while there
	// are so many is only counted. 0 means 2000. A list that is much longer exceeds what
	// a client may be owed (transport.Options.MaxSendBuffer), and makes the UI slow.
	MaxSockets int

	// Sessions keeps who has logged in. nil means in this process; servers that share a
	// UI need one that they share.
	Sessions SessionStore
}

// withDefaults panics for what cannot be meant.
func (o Options) withDefaults() Options {
	if o.Auth.check == nil {
		panic("admin: Options.Auth is missing: want admin.Basic, admin.AuthFunc, or admin.NoAuth() to let in everybody")
	}
	if o.Mode != Production && o.Mode != Development {
		panic(fmt.Sprintf("admin: Options.Mode is %d: want admin.Production or admin.Development", o.Mode))
	}
	if o.StatsInterval < 0 || o.MaxSockets < 0 {
		panic(fmt.Sprintf("admin: Options.StatsInterval is %v and MaxSockets %d: want neither below 0", o.StatsInterval, o.MaxSockets))
	}
	if o.Path == "" {
		o.Path = "/admin"
	}
	if o.ServerID == "" {
		o.ServerID = fmt.Sprintf("%s#%d", hostname(), os.Getpid())
	}
	if o.StatsInterval == 0 {
		o.StatsInterval = 2 * time.Second
	}
	if o.MaxSockets == 0 {
		o.MaxSockets = 2000
	}
	if o.Sessions == nil {
		o.Sessions = &sessions{}
	}
	return o
}

// hostname is "" where the system has none.
func hostname() string {
	name, _ := os.Hostname()
	return name
}
