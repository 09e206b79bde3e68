package transport

import (
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rs/zerolog"
)

// The names of the transports, as they stand in the "transport" parameter of a request.
const (
	Polling      = "polling"
	WebSocket    = "websocket"
	WebTransport = "webtransport"
)

// Options are the settings of an Engine. The zero value works; New copies it and
// fills the defaults in.
type Options struct {
	// PingInterval is the time between a client's answer to a ping and the next
	// ping, PingTimeout how long that answer may take. 0 means 25s and 20s.
	PingInterval, PingTimeout time.Duration

	// UpgradeTimeout is how long the upgrade to a WebSocket may take before it is
	// given up; the session stays on polling then. 0 means 10s.
	UpgradeTimeout time.Duration

	// WriteTimeout is how long a client may take nothing of what is being written
	// to it before it is closed. 0 means 10s.
	WriteTimeout time.Duration

	// BodyTimeout is how long a client may take to send the body of a POST, after which
	// the answer is 408 and the session is closed. 0 means PingInterval+PingTimeout: who
	// needs longer could not answer pings either. Headers are http.Server's to bound.
	BodyTimeout time.Duration

	// MaxPayload bounds the body of a POST and a WebSocket message, in bytes. It is
	// announced to clients. 0 means 1e6.
	MaxPayload int

	// MaxSendBuffer bounds what a client is owed, in bytes: a message for a client
	// for which more than that waits already closes it. 0 means 4 MiB.
	MaxSendBuffer int

	// MaxBacklog bounds what a client has sent and nobody has handled (Session.Hold),
	// in bytes: at half of it reading pauses, at the whole the client is closed.
	// 0 means 4 MiB.
	MaxBacklog int

	// MaxHeader bounds the URL and the headers of a handshake, in bytes, 32 a header
	// counted for itself: they may be kept as long as its session is there. Beyond it the
	// answer is status 431. 0 means 32 KiB, negative no bound; what http.Server takes,
	// its MaxHeaderBytes bounds.
	MaxHeader int

	// MaxSessions bounds the open sessions in all, with those that are closed and of
	// which something has yet to be delivered. Beyond it handshakes are answered with
	// status 503 and "Server is full". 0 means 100,000, negative no bound.
	MaxSessions int

	// HandshakeRate bounds the new sessions in a second, those that AllowRequest or NewID
	// refuses among them; ten seconds' worth may come at once. Beyond it handshakes are
	// answered with status 503 and "Server is overloaded". 0 means 1,000, negative no
	// bound.
	HandshakeRate float64

	// MaxPerAddress bounds the sessions of one client address, AddressRate its handshakes
	// in a second, of which five seconds' worth may come at once: users behind one router,
	// or in one company, share an address. Beyond them handshakes are answered with status
	// 429 and "Too many connections" or "Too many requests". IPv6 addresses count by their
	// network of 64 bits. 0 means 1,000 and 100, negative no bound.
	//
	// The address is that of Session.RemoteAddr. Addresses that do not come over the
	// internet (loopback, private, link-local, Unix sockets) and those of TrustedProxies
	// are proxies' as a rule: the defaults are not for them, only values that are set. So
	// behind a proxy name it in TrustedProxies, or its clients are not told apart.
	//
	// All refusals for want of room have a Retry-After of 1 to 5 seconds and code 3.
	// They come before AllowRequest is asked, and before the 101 of a WebSocket.
	MaxPerAddress int
	AddressRate   float64

	// MaxDelay bounds how late the engine's deadlines are, which shows how long whatever
	// wants a processor waits for one. Beyond it handshakes are answered with status 503
	// and "Server is overloaded" until they are on time again; the clients that are there
	// are served as before. 0 means 1s, negative no bound.
	MaxDelay time.Duration

	// TrustedProxies are the networks of the proxies in front of the server. Of requests
	// that come from there, the last address in X-Forwarded-For that is not one of theirs
	// is taken for the client's, and what X-Forwarded-Host has first for the host that it
	// asked for, with which its origin is compared. All hooks get requests with these as
	// RemoteAddr and Host. Of others these headers are not looked at.
	//
	// The proxies have to append to X-Forwarded-For, or set it, as they do by default or
	// are told to (nginx: proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for);
	// one that passes on what the client has sent lets that choose its address. A proxy on
	// a Unix socket counts as 127.0.0.1.
	//
	// chi's middleware.ClientIPFrom* leave RemoteAddr as it is and put what they find into
	// the context, where hooks and handlers find it (middleware.GetClientIP); the engine
	// does not look there. middleware.RealIP, which is deprecated, replaces RemoteAddr with
	// what the client says: in front of the engine it makes bounds by address worthless.
	TrustedProxies []netip.Prefix

	// MaxBuffered bounds what is kept for all clients together, in bytes: what they are
	// owed, what they have sent and nobody has handled (Session.Hold), and messages that
	// are under way. From half of it on, handshakes are answered with status 503 and
	// "Server is overloaded", and each client has an even share of that half: who is
	// owed more is closed by the next message, of whom more is held nothing is read until
	// it is less, and so the sum stays below the whole. Clients that keep up are not
	// concerned. A message of 16 KiB or more that is for many counts once.
	//
	// 0 means half of the memory limit, if there is one (GOMEMLIMIT), else 1 GiB; negative
	// means no bound. A client counts from about a kibibyte on, so MaxSessions times that
	// comes on top and should be a fraction of it.
	MaxBuffered int64

	// Transports are those on offer. nil means Polling and WebSocket. WebTransport,
	// which runs over QUIC, also needs a server of package transport/webtransport.
	Transports []string

	// AllowEIO3 also serves clients that speak Engine.IO 3: socket.io-client 2.x for
	// JavaScript, and those of other languages from the time before 2021, over both
	// transports. It also serves JSONP, the polling of very old browsers, to them and
	// to clients of version 4. Off by default, as in the reference server (allowEIO3).
	//
	// socket.io-client 2.x derives the ids of its sockets from the id of the session.
	// So the Socket.ID of such a client is Session.ID, with the namespace in front
	// unless that is "/": "/chat#" and 20 characters. Session.ID lets who knows it act
	// as the client, so do not show the ids of such sockets to others.
	//
	// In a browser socket.io-client 2.x sends cookies with all its requests: for pages
	// of other origins it needs AllowCredentials, and so Origins that are named.
	// JSONP is answered only where Sec-Fetch-Site or Referer shows that the page is of
	// the server's own origin or one that Origins and AllowOrigin let in, since
	// any page can include a script; Origins "*" lets all of them.
	AllowEIO3 bool

	// DisableUpgrades keeps the engine from offering other transports to polling clients.
	DisableUpgrades bool

	// Origins are the web origins whose pages may connect besides those of the
	// server's own: "https://app.example.com", "https://*.example.com" (all
	// subdomains, not example.com itself), or "*" for every page there is. Requests
	// without an Origin header, which do not come from pages, are always allowed.
	//
	// Own means the same host and port as in the Host header; the scheme is not
	// compared, since TLS often ends at a proxy in front. Such a proxy has to pass
	// the Host header on (nginx: proxy_set_header Host $http_host), or the origin must be
	// named here, or the proxy in TrustedProxies, whose X-Forwarded-Host counts then.
	Origins []string

	// AllowOrigin is asked about an origin that Origins does not have. nil means no.
	AllowOrigin func(r *http.Request, origin string) bool

	// AllowCredentials lets pages of other origins send cookies with polling
	// requests. It needs Origins to be more special than "*".
	AllowCredentials bool

	// Cookie, if not nil, is set on the first polling answer, with the session's id
	// for its value; load balancers keep clients on one server by it. An empty Name
	// means "io", an empty Path "/", SameSite 0 Lax.
	Cookie *http.Cookie

	// CompressionThreshold is the size in bytes from which polling answers are
	// compressed for clients that accept gzip or deflate, unless all in them is
	// Uncompressed. 0 means 1024, negative means never.
	//
	// Engine.IO reference server, "httpCompression".
	CompressionThreshold int

	// PerMessageDeflate, if not nil, compresses messages on WebSockets for clients that
	// offer it, browsers among them, RFC 7692. It takes processor time for each message
	// and, while messages are compressed, memory; it pays for large texts on slow
	// networks. What is Uncompressed is sent as it is, and so is what goes to clients of
	// Engine.IO 3 or to those that take no binary messages. MaxPayload bounds what comes
	// in as it is when inflated.
	//
	// Engine.IO reference server, "perMessageDeflate".
	PerMessageDeflate *PerMessageDeflate

	// AllowRequest is asked about each handshake, on any transport, before the client
	// is answered; of WebTransport also about upgrades. An error refuses it with status
	// 403 and code 4: a *Refusal with the text that it has for the client, any other with
	// "Forbidden". The request's origin has been checked by then. nil allows all.
	//
	// Engine.IO reference server, "allowRequest".
	AllowRequest func(r *http.Request) error

	// NewID makes the id of a new session, in place of 15 random bytes in base64. Who
	// knows an id can act as its client, so ids must not be guessed. They are 1 to 128
	// of the characters A-Z a-z 0-9 - . _ ~. A client for which there is an error, or
	// an id that is taken or not of that kind, is refused with code 3.
	//
	// Engine.IO reference server, "generateId".
	NewID func(r *http.Request) (string, error)

	// InitialPacket, if not nil, is sent to each client right behind the open packet,
	// in the same answer if it polls. What is to depend on the client, accept sends.
	//
	// Engine.IO reference server, "initialPacket".
	InitialPacket *Message

	// InitialHeaders and Headers may add to the headers of responses, cookies for one:
	// InitialHeaders once a session, to the answer to its handshake, Headers to that
	// and to all later answers to polls and data requests and to the 101 of an
	// upgrade. They are called when the request has come, before it is served, with
	// what middleware has set already in h. Content-Type, Content-Length,
	// Cache-Control and X-Content-Type-Options of answers are the engine's own; a 101
	// also takes nothing that concerns the WebSocket or a body.
	//
	// Engine.IO reference server, "initial_headers" and "headers".
	InitialHeaders, Headers func(h http.Header, r *http.Request)

	// OnConnectionError is told of each request that is refused, before it is
	// answered. A panic in it is logged.
	OnConnectionError func(e ConnectionError)

	// OnUpgrade is told of a session that has left polling, OnUpgradeFailed of one that
	// goes on polling though its client tried another transport: the probe was closed, took
	// longer than UpgradeTimeout, or sent what does not belong there. They run on a
	// goroutine of their own, beside the session's messages; a panic in them is logged.
	//
	// Engine.IO reference server, "upgrade".
	OnUpgrade       func(s *Session)
	OnUpgradeFailed func(s *Session, err error)

	// Logger gets what happens at the level of Engine.IO. The zero Logger is silent.
	Logger zerolog.Logger
}

// withDefaults returns a copy of o with defaults for what is zero. It panics if o
// contradicts itself.
func (o Options) withDefaults() Options {
	setDefault(&o.PingInterval, 25*time.Second, "PingInterval")
	setDefault(&o.PingTimeout, 20*time.Second, "PingTimeout")
	setDefault(&o.UpgradeTimeout, 10*time.Second, "UpgradeTimeout")
	setDefault(&o.WriteTimeout, 10*time.Second, "WriteTimeout")
	setDefault(&o.BodyTimeout, min(o.PingInterval+o.PingTimeout, 24*time.Hour), "BodyTimeout")
	setDefault(&o.MaxPayload, 1_000_000, "MaxPayload")
	setDefault(&o.MaxSendBuffer, 4<<20, "MaxSendBuffer")
	setDefault(&o.MaxBacklog, 4<<20, "MaxBacklog")
	setBound(&o.MaxHeader, 32<<10)
	setBound(&o.MaxSessions, 100_000)
	setBound(&o.HandshakeRate, 1_000)
	setBound(&o.MaxDelay, time.Second)
	for name, perSecond := range map[string]float64{"HandshakeRate": o.HandshakeRate, "AddressRate": o.AddressRate} {
		if math.IsNaN(perSecond) || math.IsInf(perSecond, 0) {
			panic(fmt.Sprintf("transport: Options.%s is %v: want a number of new sessions a second, 0 for the default, "+
				"or a negative one for no bound", name, perSecond))
		}
	}
	if o.CompressionThreshold == 0 {
		o.CompressionThreshold = 1024
	}

	if o.Transports == nil {
		o.Transports = []string{Polling, WebSocket}
	}
	o.Transports = slices.Clone(o.Transports)
	if len(o.Transports) == 0 {
		panic(`transport: Options.Transports is empty: want Polling, WebSocket or both, or nil for both`)
	}
	for _, t := range o.Transports {
		if t != Polling && t != WebSocket && t != WebTransport {
			panic(fmt.Sprintf("transport: Options.Transports has %q: want %q, %q, %q", t, Polling, WebSocket, WebTransport))
		}
	}

	o.Origins = slices.Clone(o.Origins)
	if o.AllowCredentials && slices.Contains(o.Origins, "*") {
		panic(`transport: Options.AllowCredentials with Origins "*" would let every page act as your users: name the origins`)
	}

	if o.Cookie != nil {
		c := *o.Cookie
		if c.Name == "" {
			c.Name = "io"
		}
		if c.Path == "" {
			c.Path = "/"
		}
		if c.SameSite == 0 {
			c.SameSite = http.SameSiteLaxMode
		}
		c.Value = ""
		if err := c.Valid(); err != nil {
			panic(fmt.Sprintf("transport: Options.Cookie: %v", err))
		}
		o.Cookie = &c
	}
	return o
}

// upgrades lists what is offered to clients that poll, as the elements of a JSON array.
// The order is that of the reference server.
func (o *Options) upgrades() string {
	if o.DisableUpgrades {
		return ""
	}
	var list []string
	for _, t := range []string{WebSocket, WebTransport} {
		if slices.Contains(o.Transports, t) {
			list = append(list, strconv.Quote(t))
		}
	}
	return strings.Join(list, ",")
}

// setBound puts def in the place of a zero. What is negative bounds nothing.
func setBound[T int | int64 | float64 | time.Duration](v *T, def T) {
	if *v == 0 {
		*v = def
	}
}

// setDefault puts def in the place of a zero and refuses what is negative.
func setDefault[T int | time.Duration](v *T, def T, name string) {
	if *v < 0 {
		panic(fmt.Sprintf("transport: Options.%s is negative: want a positive value, or 0 for %v", name, def))
	}
	if *v == 0 {
		*v = def
	}
	if d, ok := any(*v).(time.Duration); ok && (d < time.Millisecond || d > 24*time.Hour) {
		panic(fmt.Sprintf("transport: Options.%s is %v: want a time.Duration between a millisecond and a day, such as %v", name, d, def))
	}
}
