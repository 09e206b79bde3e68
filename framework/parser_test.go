package framework_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/parser"
	"github.com/parlor-go/parlor/transport"
)

// dashed is a parser for tests: "type|namespace|id|data" with attachments behind it. What
// it reads and ends in "~" goes on in the next message.
type dashed struct {
	encoded atomic.Int32
	refuse  func(parser.Packet) error                  // to encode; nil for nothing
	forge   func(message string) (parser.Packet, bool) // what a faulty decoder makes of a message
}

func (d *dashed) NewDecoder(int) parser.Decoder { return &dashedDecoder{dashed: d} }

func (d *dashed) Encode(p parser.Packet) ([]byte, [][]byte, error) {
	d.encoded.Add(1)
	if d.refuse != nil {
		if err := d.refuse(p); err != nil {
			return nil, nil, err
		}
	}
	id := ""
	if p.HasID {
		id = strconv.FormatUint(p.ID, 10)
	}
	return fmt.Appendf(nil, "%d|%s|%s|%s", p.Type, p.Namespace, id, p.Data), p.Attachments, nil
}

type dashedDecoder struct {
	*dashed
	begun string
}

func (d *dashedDecoder) Decode(data []byte, binary bool) (p parser.Packet, complete bool, err error) {
	message := d.begun + string(data)
	if d.forge != nil {
		if p, forged := d.forge(message); forged {
			return p, true, nil
		}
	}
	if begun, goesOn := strings.CutSuffix(message, "~"); goesOn {
		d.begun = begun
		return p, false, nil
	}
	d.begun = ""
	parts := strings.SplitN(message, "|", 4)
	if binary || len(parts) != 4 {
		return p, false, errors.New("no four parts")
	}
	kind, err := strconv.Atoi(parts[0])
	p.Type, p.Namespace = parser.Type(kind), parts[1]
	if p.HasID = parts[2] != ""; p.HasID {
		p.ID, _ = strconv.ParseUint(parts[2], 10, 64)
	}
	if parts[3] != "" {
		p.Data = []byte(parts[3])
	}
	return p, true, err
}

// poller is a client that polls, and makes its packets by itself.
type poller struct {
	t   *testing.T
	srv *framework.Server
	sid string
}

func dialPoller(t *testing.T, srv *framework.Server) *poller {
	t.Helper()
	_, rest, _ := strings.Cut(request(t, srv, "GET", "", ""), `"sid":"`)
	sid, _, _ := strings.Cut(rest, `"`)
	p := &poller{t, srv, sid}
	t.Cleanup(func() { // a session that the server has closed waits for somebody to fetch that
		p.try("POST", "1")
		p.try("GET", "")
	})
	return p
}

// joinPoller joins "/" too.
func joinPoller(t *testing.T, srv *framework.Server) *poller {
	t.Helper()
	p := dialPoller(t, srv)
	p.send("0|/||")
	if got := p.poll(); !strings.HasPrefix(got, `40|/||{"sid":"`) {
		t.Fatalf("CONNECT: got %q", got)
	}
	return p
}

func (p *poller) send(messages ...string) {
	p.t.Helper()
	request(p.t, p.srv, "POST", p.sid, "4"+strings.Join(messages, "\x1e4"))
}

// sendBroken sends what may end the session before the answer.
func (p *poller) sendBroken(messages ...string) { p.try("POST", "4"+strings.Join(messages, "\x1e4")) }

// try is request, whatever the answer.
func (p *poller) try(method, body string) {
	url := "/socket.io/?EIO=4&transport=polling&sid=" + p.sid
	p.srv.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(method, url, strings.NewReader(body)))
}

func (p *poller) poll() string {
	p.t.Helper()
	return request(p.t, p.srv, "GET", p.sid, "")
}

func parsing(p parser.Parser, opts transport.Options) *framework.Server {
	return unhurried(framework.Options{Logger: zerolog.Nop(), Parser: p, Transport: opts})
}

func TestAParserMakesEveryPacket(t *testing.T) {
	srv := parsing(&dashed{}, transport.Options{})
	srv.On("connect", func(auth *struct{ Token string }) error {
		if auth != nil {
			return framework.Refuse("no", auth.Token)
		}
		return nil
	})
	srv.On("add", func(a, b int) int { return a + b })
	srv.On("file", func(s *framework.Socket) error { return s.Emit("file", []byte{1}, "x", []byte{2}) })
	srv.On("all", func() error { return srv.Emit("told", 1.5) })
	srv.On("ask", func(s *framework.Socket) error {
		return s.Emit("question", func(answer string) error { return s.Emit("answered", answer) })
	})
	srv.On("leave me", func(s *framework.Socket) { s.Disconnect() })

	client := joinPoller(t, srv)
	tests := []struct{ name, send, want string }{
		{"ack", `2|/|0|["add",1,2]`, `43|/|0|[3]`},
		{"attachments", `2|/||["file"]`,
			`42|/||["file",{"_placeholder":true,"num":0},"x",{"_placeholder":true,"num":1}]` + "\x1ebAQ==\x1ebAg=="},
		{"broadcast", `2|/||["all"]`, `42|/||["told",1.5]`},
		{"a question", `2|/||["ask"]`, `42|/|1|["question"]`},
		{"its answer", `3|/|1|["yes"]`, `42|/||["answered","yes"]`},
		{"disconnect", `2|/||["leave me"]`, `41|/||`},
		{"refusal", `0|/||{"token":"t"}`, `44|/||{"message":"no","data":"t"}`},
		{"unknown namespace", `0|/nowhere||`, `44|/nowhere||{"message":"Invalid namespace"}`},
	}
	for _, tt := range tests {
		client.send(tt.send)
		equal(t, tt.name, client.poll(), tt.want)
	}
}

func TestABroadcastIsParsedOnce(t *testing.T) {
	p := &dashed{}
	srv := parsing(p, transport.Options{})
	var clients []*poller
	for range 3 {
		clients = append(clients, joinPoller(t, srv))
	}
	before := p.encoded.Load()
	if err := srv.Emit("news", 1); err != nil {
		t.Fatal(err)
	}
	for _, c := range clients {
		equal(t, "news", c.poll(), `42|/||["news",1]`)
	}
	equal(t, "packets encoded", p.encoded.Load()-before, 1)
}

func TestAPacketOfSeveralMessages(t *testing.T) {
	// Its bound is above half of the backlog, where reading would pause.
	srv := parsing(&dashed{}, transport.Options{MaxBacklog: 8 << 10})
	srv.On("length", func(text string) int { return len(text) })
	client := joinPoller(t, srv)
	part := strings.Repeat("x", 1500) + "~"
	for range 2 { // what is held of the first is released
		client.send(`2|/|1|["length","~`)
		client.send(part)
		client.send(part)
		client.send(part)
		client.send(`"]`)
		equal(t, "ack", client.poll(), `43|/|1|[4500]`)
	}
}

func TestAPacketThatNeverEndsClosesItsClient(t *testing.T) {
	reasons := make(chan framework.Reason, 1)
	srv := parsing(&dashed{}, transport.Options{MaxBacklog: 8 << 10})
	srv.On("disconnect", func(r framework.Reason) { reasons <- r })
	client := joinPoller(t, srv)
	for range 40 {
		client.sendBroken("~")
	}
	equal(t, "reason", receive(t, reasons), framework.TransportError)
}

// A parser may be at fault, or take what its client says for granted.
func TestWhatAParserReadsIsHeldAgainstTheLimits(t *testing.T) {
	event := func(data string, attachments ...[]byte) parser.Packet {
		return parser.Packet{Type: parser.Event, Namespace: "/", Data: []byte(data), Attachments: attachments}
	}
	tests := []struct {
		name   string
		p      parser.Packet
		reason framework.Reason
	}{
		{"unknown type", parser.Packet{Type: 5, Namespace: "/", Data: []byte(`["x"]`)}, framework.ForcedClose},
		{"the largest type", parser.Packet{Type: 255, Namespace: "/", Data: []byte(`["x"]`)}, framework.ForcedClose},
		{"event without data", parser.Packet{Type: parser.Event, Namespace: "/"}, framework.ForcedClose},
		{"event with an object", event(`{}`), framework.ForcedClose},
		{"event without a name", event(`[]`), framework.ForcedClose},
		{"reserved name", event(`["disconnect"]`), framework.ForcedClose},
		{"no JSON", event(`["x",tru]`), framework.ForcedClose},
		{"nested too deep", event(strings.Repeat("[", 257) + strings.Repeat("]", 257)), framework.ForcedClose},
		{"too many attachments", event(`["x"]`, make([][]byte, 11)...), framework.ForcedClose},
		{"placeholder of none of them", event(`["x",{"_placeholder":true,"num":1}]`, []byte{1}), framework.ForcedClose},
		{"ack without an id", parser.Packet{Type: parser.Ack, Namespace: "/", Data: []byte(`[]`)}, framework.ForcedClose},
		{"disconnect with data", parser.Packet{Type: parser.Disconnect, Namespace: "/", Data: []byte(`{}`)}, framework.ForcedClose},
		{"connect with no JSON", parser.Packet{Type: parser.Connect, Namespace: "/other", Data: []byte(`{`)}, framework.ForcedClose},
		{"second connect", parser.Packet{Type: parser.Connect, Namespace: "/"}, framework.ForcedServerClose},
		{"no namespace", parser.Packet{Type: parser.Event, Data: []byte(`["x"]`)}, framework.ForcedServerClose},
		{"connect error", parser.Packet{Type: parser.ConnectError, Namespace: "/", Data: []byte(`{}`)}, framework.ForcedServerClose},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			reasons := make(chan framework.Reason, 1)
			srv := parsing(&dashed{forge: func(m string) (parser.Packet, bool) { return tt.p, m == "forged" }}, transport.Options{})
			srv.Route("/other", func(*framework.Router) {})
			srv.On("disconnect", func(r framework.Reason) { reasons <- r })
			srv.On("x", func(framework.Args) { t.Error("the event was served") })
			client := joinPoller(t, srv)
			client.sendBroken("forged", `2|/||["x"]`)
			equal(t, "reason", receive(t, reasons), tt.reason)
		})
	}
}

func TestAParserThatCannotEncode(t *testing.T) {
	for _, how := range []string{"error", "panic"} {
		t.Run(how, func(t *testing.T) {
			failing := func(kind parser.Type) func(parser.Packet) error {
				return func(p parser.Packet) error {
					if p.Type != kind {
						return nil
					}
					if how == "panic" {
						panic("cannot")
					}
					return errors.New("cannot")
				}
			}
			t.Run("an event", func(t *testing.T) {
				srv := parsing(&dashed{refuse: failing(parser.Event)}, transport.Options{})
				err := srv.Emit("news", 1)
				if err == nil || !strings.Contains(err.Error(), `"news"`) || !strings.Contains(err.Error(), "cannot") {
					t.Errorf("got %v, want an error that names the event and the reason", err)
				}
			})
			t.Run("an ack", func(t *testing.T) {
				srv := parsing(&dashed{refuse: failing(parser.Ack)}, transport.Options{})
				failures := make(chan error, 1)
				srv.OnError(func(_ context.Context, _ *framework.Event, err error) ([]any, bool) {
					failures <- err
					return nil, false
				})
				srv.On("add", func(a, b int) int { return a + b })
				client := joinPoller(t, srv)
				client.send(`2|/|0|["add",1,2]`)
				if err := receive(t, failures); !strings.Contains(err.Error(), "cannot") {
					t.Errorf("got %v, want the parser's reason", err)
				}
			})
			t.Run("a CONNECT", func(t *testing.T) {
				reasons := make(chan framework.Reason, 1)
				srv := parsing(&dashed{refuse: failing(parser.Connect)}, transport.Options{})
				srv.On("disconnect", func(r framework.Reason) { reasons <- r })
				client := dialPoller(t, srv)
				client.sendBroken("0|/||")
				equal(t, "reason", receive(t, reasons), framework.TransportError)
			})
		})
	}
}

func TestAParserThatMakesNothingIsAnError(t *testing.T) {
	srv := parsing(silentParser{&dashed{}}, transport.Options{})
	if err := srv.Emit("news"); err == nil {
		t.Error("got no error")
	}
}

type silentParser struct{ *dashed }

func (silentParser) Encode(parser.Packet) ([]byte, [][]byte, error) { return nil, nil, nil }

func TestADecoderThatPanicsEndsOneConnection(t *testing.T) {
	reasons := make(chan framework.Reason, 1)
	srv := parsing(&dashed{forge: func(m string) (parser.Packet, bool) {
		if m == "forged" {
			panic("cannot")
		}
		return parser.Packet{}, false
	}}, transport.Options{})
	srv.On("disconnect", func(r framework.Reason) { reasons <- r })
	srv.On("ping", func() string { return "pong" })
	healthy := joinPoller(t, srv)
	joinPoller(t, srv).sendBroken("forged")
	equal(t, "reason", receive(t, reasons), framework.TransportError)
	healthy.send(`2|/|0|["ping"]`)
	equal(t, "others", healthy.poll(), `43|/|0|["pong"]`)
}
