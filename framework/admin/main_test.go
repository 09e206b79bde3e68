package admin_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/crypto/bcrypt"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/admin"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/transport"
)

func TestMain(m *testing.M) { sockettest.Main(m) }

// login is what the UI's form sends.
var login = map[string]string{"username": "admin", "password": "changeit"}

// basic is the user that login is; its hash is quick to check.
func basic(t testing.TB) admin.Auth {
	t.Helper()
	hash, err := bcrypt.GenerateFromPassword([]byte("changeit"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	return admin.Basic("admin", string(hash))
}

// hall is something to watch.
type hall struct{ framework.Namespace }

var name = framework.NewKey[any]("name")

func (h *hall) OnConnect(s *framework.Socket, who *string) error {
	if who == nil {
		return nil
	}
	name.Set(s, *who)
	s.Join("hall")
	if *who == "thief" {
		return framework.Refuse("no")
	}
	return nil
}

func (h *hall) OnJoin(s *framework.Socket, rooms []string) bool  { s.Join(rooms...); return true }
func (h *hall) OnLeave(s *framework.Socket, rooms []string) bool { s.Leave(rooms...); return true }
func (h *hall) OnName(s *framework.Socket, v any) bool           { name.Set(s, v); return true }
func (h *hall) OnSay(args framework.Args) error                  { return h.To("hall").Emit("said", args) }
func (h *hall) OnAsk(s *framework.Socket) (string, error)        { return "an ack", nil }

// unhurried has a server take clients however late a busy machine makes it.
var unhurried = transport.Options{MaxDelay: -1}

// watched makes a server with a hall, to which opts apply. Its stats wait.
func watched(opts admin.Options) *framework.Server {
	srv := framework.New(framework.Options{Logger: zerolog.Nop(), Transport: unhurried})
	instrument(srv, opts)
	return srv
}

func instrument(srv *framework.Server, opts admin.Options) {
	if opts.StatsInterval == 0 {
		opts.StatsInterval = time.Hour
	}
	srv.Register("/", &hall{})
	admin.Instrument(srv, opts)
}

// watch connects an admin, and takes what comes first.
func watch(t *testing.T, srv *framework.Server) *sockettest.Socket {
	t.Helper()
	s := sockettest.Connect(t, srv, "/admin")
	s.Expect("server_stats")
	return s
}

// open is for tests of something else than who may.
func open(mode admin.Mode) admin.Options { return admin.Options{Auth: admin.NoAuth(), Mode: mode} }

// decode is argument i of an event.
func decode[T any](e *sockettest.Event, i int) T {
	var v T
	e.Args.Decode(i, &v)
	return v
}

func equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

// asJSON is for values to be compared.
func asJSON(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// logBuffer is a log that the server's goroutines write to.
type logBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func logged(opts admin.Options) (*framework.Server, *logBuffer) {
	var log logBuffer
	srv := framework.New(framework.Options{Logger: zerolog.New(&log), Transport: unhurried})
	instrument(srv, opts)
	return srv, &log
}

var errDown = errors.New("the database is down")
