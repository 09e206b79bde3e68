package framework

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"os"
	"reflect"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework/adapter"
	"github.com/parlor-go/parlor/framework/internal/packet"
	"github.com/parlor-go/parlor/framework/parser"
	"github.com/parlor-go/parlor/transport"
)

// Options configure a Server. The zero value works; New copies it.
type Options struct {
	// Transport holds what the Engine.IO level is given: heartbeat, limits,
	// transports, origins, cookie, compression and a logger of its own.
	Transport transport.Options

	// ConnectTimeout is how long a client may stay without having joined a
	// namespace before it is closed. 0 means 45s, negative means for ever.
	ConnectTimeout time.Duration

	// MaxAttachments bounds the binary attachments of one packet that a client
	// sends. 0 means 10, as in the reference's parser.
	MaxAttachments int

	// AttachmentTimeout is how long the binary attachments of a packet may take to come,
	// kept to within twice that; a client whose packet is not complete then is closed.
	// 0 means 10s, negative means for ever.
	AttachmentTimeout time.Duration

	// MaxDepth bounds how deep arrays and objects are nested in what a client sends, by
	// whatever parser; one that sends more is closed. 0 means 256; want 1 to 10,000.
	MaxDepth int

	// MaxNamespaces bounds the namespaces that one client is in at a time, those that it
	// has left and whose OnDisconnect still runs among them: for another it is refused with
	// "Too many namespaces". 0 means 100, negative means no bound.
	MaxNamespaces int

	// MaxRooms bounds the rooms that one socket is in at a time, its personal one not
	// counted: Socket.Join for more is an error. 0 means 10,000, negative means no bound.
	MaxRooms int

	// MaxNameLength bounds names, in bytes: of events that a client sends, or it is
	// closed; of namespaces that it joins, or it is refused with "Invalid namespace"; of
	// rooms that sockets join, or that is an error. What is registered under a longer name
	// panics. 0 means 256, negative means no bound.
	MaxNameLength int

	// MaxPendingAcks bounds the answers that one socket owes at a time: to ask for another
	// is an error. 0 means 1,000, negative means no bound.
	MaxPendingAcks int

	// MaxChildren bounds the namespaces that exist at a time of each pattern that
	// RegisterFunc was given: a CONNECT that would need another is refused with "Too
	// many namespaces". With Recovery one exists while there is a client in it or a session
	// of one is kept. 0 means 10,000.
	MaxChildren int

	// MaxConcurrent bounds the handlers of one socket that run beside each other at a
	// time, of events that Router.Concurrent names. At the bound what the client sends
	// next waits. 0 means 64.
	MaxConcurrent int

	// EventName maps what follows On in a method's name to the event it serves:
	// "MyEvent" to "my_event". nil means SnakeCase; CamelCase and KebabCase are
	// there too. "" makes the method no handler.
	EventName func(method string) string

	// NewID makes the id of a socket that is about to connect, ahead of its
	// middleware: not empty, and not that of any other socket in the namespace, or
	// the client is refused and the error goes where that of OnConnect goes. Rooms
	// are addressed by it and other clients may see it, so it must not be a secret;
	// what may be guessed may be impersonated where a program trusts in ids. h is
	// the client's first request. nil means 20 random characters. Clients of Engine.IO 3
	// have the ids that AllowEIO3 tells.
	NewID func(h *Handshake) string

	// NewAdapter makes a namespace span the servers of a cluster: it is called for
	// each when it is registered ("/" by New), where an error panics, and for the child
	// of a pattern when it is made, where an error refuses. What it returns is closed by
	// Shutdown, or with the child. nil, or returning nil, means that the namespace lives
	// in this process alone. Of a child that has no client here others are not told:
	// speak to those from a server that has one. Package adapter says what an adapter
	// owes.
	NewAdapter adapter.New

	// Recovery lets clients come back to where they were when their connection is lost.
	// Its zero value does not.
	Recovery Recovery

	// Codec is used for JSON in place of the built-in codec, for what it can do. nil
	// means the built-in one throughout.
	Codec Codec

	// Parser is what packets are written and read by, in place of text with binary
	// attachments behind it. All clients have to be given the same one. nil means the
	// parser that clients have by themselves; package parser/msgpack is another.
	Parser parser.Parser

	// Client holds the bundles of the JavaScript client, which the server then serves
	// below the path that it is mounted on: socket.io.js and its map, socket.io.min.js,
	// socket.io.esm.min.js and socket.io.msgpack.min.js, each with .map too. It is what
	// npm's package socket.io-client has in its folder dist, as an embed.FS or os.DirFS
	// of that folder (fs.Sub); beside a file may stand FILE.br and FILE.gz. Files are
	// read once. nil serves none.
	//
	// Reference server, "serveClient".
	Client fs.FS

	// Logger gets the Socket.IO level: who connects, is refused and disconnects at
	// info, events at debug, a client that breaks the protocol or goes beyond a bound at
	// warn, failures that nobody handled, arguments that do not fit among them, at error.
	// What clients can multiply as they like is said aloud now and then, and else at debug:
	// broken protocols and each bound once a minute; 60 times each arguments that do not fit
	// and bounds that handlers return (Socket.Join), unknown namespaces, and those that a
	// factory refuses; of one client's joins 100. Of ids, which are secrets or lead to some,
	// lines have the beginning, "sid", that is found in Socket.ID.
	//
	// What handlers write to zerolog.Ctx(ctx) goes there too. Of the zero
	// Logger, which is stderr, the server itself uses only the error level;
	// zerolog.Nop() silences all of it. Transport.Logger is independent of it; where
	// that is left zero, what it would say at warn and error is said here.
	Logger zerolog.Logger
}

const (
	defaultConnectTimeout = 45 * time.Second
	defaultMaxAttachments = 10

	defaultAttachmentTimeout = 10 * time.Second
	defaultMaxDepth          = 256
	defaultMaxNamespaces     = 100
	defaultMaxRooms          = 10_000
	defaultMaxNameLength     = 256
	defaultMaxPendingAcks    = 1_000

	defaultMaxChildren   = 10_000
	defaultMaxConcurrent = 64
	defaultSendBound     = 4 << 20 // as transport.Options.MaxSendBuffer
)

// withDefaults fills what was left out.
func (o Options) withDefaults() Options {
	if o.MaxAttachments < 0 {
		panic(fmt.Sprintf("framework: Options.MaxAttachments is %d: want 0 for the default, or how many", o.MaxAttachments))
	}
	if o.MaxConcurrent < 0 {
		panic(fmt.Sprintf("framework: Options.MaxConcurrent is %d: want 0 for the default, or how many", o.MaxConcurrent))
	}
	if o.MaxConcurrent == 0 {
		o.MaxConcurrent = defaultMaxConcurrent
	}
	if o.MaxChildren < 0 {
		panic(fmt.Sprintf("framework: Options.MaxChildren is %d: want 0 for the default, or how many", o.MaxChildren))
	}
	if o.MaxChildren == 0 {
		o.MaxChildren = defaultMaxChildren
	}
	if o.ConnectTimeout == 0 {
		o.ConnectTimeout = defaultConnectTimeout
	}
	if o.MaxAttachments == 0 {
		o.MaxAttachments = defaultMaxAttachments
	}
	if o.AttachmentTimeout == 0 {
		o.AttachmentTimeout = defaultAttachmentTimeout
	}
	if o.MaxDepth == 0 {
		o.MaxDepth = defaultMaxDepth
	}
	if o.MaxDepth < 1 || o.MaxDepth > packet.MostDepth {
		panic(fmt.Sprintf("framework: Options.MaxDepth is %d: want 1 to %d, or 0 for %d", o.MaxDepth, packet.MostDepth, defaultMaxDepth))
	}
	setBound(&o.MaxNamespaces, defaultMaxNamespaces)
	setBound(&o.MaxRooms, defaultMaxRooms)
	setBound(&o.MaxNameLength, defaultMaxNameLength)
	setBound(&o.MaxPendingAcks, defaultMaxPendingAcks)
	o.Recovery = o.Recovery.withDefaults()
	if o.EventName == nil {
		o.EventName = SnakeCase
	}
	return o
}

// setBound puts def in the place of a zero, and what nothing reaches in that of no bound.
func setBound(v *int, def int) {
	switch {
	case *v == 0:
		*v = def
	case *v < 0:
		*v = math.MaxInt
	}
}

// loggers returns the server's own logger and the one that handlers get.
func (o Options) loggers() (own, handlers zerolog.Logger) {
	if !isZero(o.Logger) {
		return o.Logger, o.Logger
	}
	console := zerolog.ConsoleWriter{Out: os.Stderr, TimeFormat: time.DateTime, NoColor: !terminal(os.Stderr)}
	console.FieldsExclude = []string{stackField} // written raw, below the line
	console.FormatExtra = func(fields map[string]any, b *bytes.Buffer) error {
		if stack, ok := fields[stackField].(string); ok {
			b.WriteString("\n" + strings.TrimRight(stack, "\n"))
		}
		return nil
	}
	stderr := zerolog.New(console).With().Timestamp().Logger()
	return stderr.Level(zerolog.ErrorLevel), stderr
}

// isZero tells a logger that nobody set: zerolog's zero Logger is silent, but so are
// others.
func isZero(l zerolog.Logger) bool { return reflect.ValueOf(l).IsZero() }

// stackField is the field that a panic's stack is logged in.
const stackField = "stack"

func terminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
