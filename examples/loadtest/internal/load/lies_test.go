package load

import (
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestMain(m *testing.M) { sockettest.Main(m) }

// honest serves what the generator wants; a test replaces one handler by a liar.
type honest struct{ framework.Namespace }

func (h *honest) OnJoin(s *framework.Socket, room string) { s.Join(room) }

// lying starts a server that serves event with handler, which has to differ from
// what the generator wants.
func lying(t *testing.T, event string, handler func(h *honest) any) (url string) {
	t.Helper()
	srv := framework.New(framework.Options{})
	h := &honest{}
	srv.Route("/", func(r *framework.Router) {
		r.Attach(h)
		r.On(event, handler(h))
	})
	s := httptest.NewServer(srv)
	t.Cleanup(func() {
		_ = srv.Shutdown(t.Context())
		s.Close()
	})
	return s.URL
}

func TestLiesAreFoundOut(t *testing.T) {
	otherCount := func(v json.RawMessage) json.RawMessage {
		return bytes.Replace(v, []byte("12345"), []byte("12346"), 1)
	}
	tests := []struct {
		name, scenario, event string
		handler               func(h *honest) any
		want                  []string // in the error
	}{
		{"another value", "echo", "echo", func(*honest) any { return otherCount },
			[]string{`sent "42`, `wanted "43`, `count\":12345`, `got "43`, `count\":12346`}},
		{"nothing", "raw", "raw", func(*honest) any { return func(json.RawMessage) {} },
			[]string{`sent "42`, `wanted "43`, `got "43`, `[]"`}},
		{"another value over polling", "polling", "echo", func(*honest) any { return otherCount },
			[]string{`sent "42`, `count\":12346`}},
		{"another value in a life", "life", "echo", func(*honest) any { return otherCount },
			[]string{"life 1", `sent "42`, `count\":12346`}},
		{"another byte", "binary", "binary", func(*honest) any {
			return func(b []byte) []byte { b[100]++; return b }
		}, []string{`sent "`, `wanted "`, `got "`}},
		{"fewer bytes", "binary", "binary", func(*honest) any {
			return func(b []byte) []byte { return b[:4000] }
		}, []string{"(4096 bytes)", "(4000 bytes)"}},
		{"text for an attachment", "binary", "binary", func(*honest) any {
			return func([]byte) string { return "done" }
		}, []string{"wanted the ack", "done"}},
		{"a delivery twice", "broadcast", "broadcast", func(h *honest) any {
			return func(v json.RawMessage) error { _ = h.Send(v); return h.Send(v) }
		}, []string{"client 0 sent", "got number 1000001: it was delivered twice, or out of order"}},
		{"the one before again", "broadcast", "broadcast", func(h *honest) any {
			var mu sync.Mutex
			var first json.RawMessage
			return func(v json.RawMessage) error {
				mu.Lock()
				defer mu.Unlock()
				if first == nil {
					first = v
				}
				return h.Send(first)
			}
		}, []string{"wanted here number 1000002", "got number 1000001"}},
		{"a number that was not sent", "broadcast", "broadcast", func(h *honest) any {
			return func(v json.RawMessage) error {
				return h.Send(json.RawMessage(bytes.Replace(v, []byte("1000001"), []byte("1000002"), 1)))
			}
		}, []string{"wanted here number 1000001", "got number 1000002: one before it is missing"}},
		{"another text", "broadcast", "broadcast", func(h *honest) any {
			return func(v json.RawMessage) error {
				return h.Send(json.RawMessage(bytes.Replace(v, []byte("parlor"), []byte("Parlor"), 1)))
			}
		}, []string{`got "{`, "Parlor"}},
		{"a room's news for everybody", "rooms", "room", func(h *honest) any {
			return func(_ string, v json.RawMessage) error { return h.Send(v) }
		}, []string{"is not for this client"}},
		{"news that nobody gets", "rooms", "room", func(h *honest) any {
			return func(_ string, _ json.RawMessage) {}
		}, []string{"nothing was answered for 1s; events under way: 1, answers before: 0"}},
		{"news while idle", "idle", "connect", func(h *honest) any {
			return func(s *framework.Socket) error { return s.Send("hello") }
		}, []string{"wanted nothing but pings", "hello"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o := Options{URL: lying(t, tt.event, tt.handler), Clients: 4, Rooms: 2, Events: 50}
			if tt.event == "room" {
				o.Timeout = time.Second
			}
			_, err := Run(t.Context(), tt.scenario, o)
			if err == nil {
				t.Fatal("nobody found out")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("got %v, want it to have %s", err, want)
				}
			}
		})
	}
}

// answering is an echoes that has sent the events of a window to nobody.
func answering(t *testing.T, window int) (*client, *echoes) {
	t.Helper()
	e := newEchoes(newFlow(int64(window)), "echo", window)
	c := &client{handler: e, wire: nowhere{}}
	if err := e.start(c); err != nil {
		t.Fatal(err)
	}
	return c, e
}

type nowhere struct{}

func (nowhere) write([]byte) error { return nil }

func TestAcksMayComeInAnyOrderButOnce(t *testing.T) {
	ack := func(id string) []byte { return []byte("3" + id + "[" + Payload + "]") }
	c, e := answering(t, 3) // their ids are 100003, 100004 and 100005
	for _, id := range []string{"100005", "100003"} {
		if err := e.packet(c, ack(id)); err != nil {
			t.Errorf("ack %s: %v", id, err)
		}
	}
	for _, id := range []string{"100005", "100001", "100007", "4", ""} {
		if err := e.packet(c, ack(id)); err == nil || !strings.Contains(err.Error(), "wanted the ack of one that is under way") {
			t.Errorf("ack %q: got %v, want an error", id, err)
		}
	}
	if got := e.flow.answered.Load(); got != 2 {
		t.Errorf("got %d answers, want 2", got)
	}
}

func TestAnswersMayBeEncodedInAnotherWay(t *testing.T) {
	c, e := answering(t, 1)
	if err := e.packet(c, []byte(`3100001[ {"urgent": true, "ratio": 12.345e-2, "count": 12345, "room": "lobby-001"} ]`)); err != nil {
		t.Error(err)
	}
}
