package msgpack_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/parser"
	"github.com/parlor-go/parlor/framework/parser/msgpack"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/transport"
)

func TestMain(m *testing.M) { sockettest.Main(m) }

// client polls. What real clients do is tested in examples/conformance.
type client struct {
	t   *testing.T
	srv *framework.Server
	sid string
}

func dial(t *testing.T, srv *framework.Server) *client {
	t.Helper()
	c := &client{t: t, srv: srv}
	_, open := c.do("GET", "")
	_, rest, _ := strings.Cut(open, `"sid":"`)
	c.sid, _, _ = strings.Cut(rest, `"`)
	t.Cleanup(func() {
		c.do("POST", "1")
		c.do("GET", "")
	})
	return c
}

func (c *client) do(method, body string) (status int, answer string) {
	url := "/socket.io/?EIO=4&transport=polling"
	if c.sid != "" {
		url += "&sid=" + c.sid
	}
	w := httptest.NewRecorder()
	c.srv.ServeHTTP(w, httptest.NewRequest(method, url, strings.NewReader(body)))
	return w.Code, w.Body.String()
}

// send sends binary messages, whatever becomes of it.
func (c *client) send(messages ...[]byte) {
	var body []string
	for _, m := range messages {
		body = append(body, "b"+base64.StdEncoding.EncodeToString(m))
	}
	c.do("POST", strings.Join(body, "\x1e"))
}

// next is the next packet of the server.
func (c *client) next() parser.Packet {
	c.t.Helper()
	status, answer := c.do("GET", "")
	text, binary := strings.CutPrefix(answer, "b")
	message, err := base64.StdEncoding.DecodeString(text)
	if status != http.StatusOK || !binary || err != nil {
		c.t.Fatalf("poll: got %d %q, want one binary packet", status, answer)
	}
	p, _, err := msgpack.Parser{}.NewDecoder(10).Decode(message, true)
	if err != nil {
		c.t.Fatal(err)
	}
	return p
}

func (c *client) join() {
	c.t.Helper()
	c.send(encode(c.t, parser.Packet{Namespace: "/"}))
	if p := c.next(); p.Type != parser.Connect || !bytes.HasPrefix(p.Data, []byte(`{"sid":"`)) {
		c.t.Fatalf("CONNECT: got type %d, %s", p.Type, p.Data)
	}
}

func encode(t *testing.T, p parser.Packet) []byte {
	t.Helper()
	_, binary, err := msgpack.Parser{}.Encode(p)
	if err != nil {
		t.Fatal(err)
	}
	return binary[0]
}

func event(t *testing.T, data string) []byte {
	t.Helper()
	return encode(t, parser.Packet{Type: parser.Event, Namespace: "/", ID: 1, HasID: true, Data: []byte(data)})
}

func receive[T any](t *testing.T, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(time.Minute):
		t.Fatal("nothing came from the server within a minute")
		panic("unreachable")
	}
}

type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(b)
}

func (l *log) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.buf.Reset()
	return l.buf.String()
}

// Bad input: its connection is closed, the log says why, and everybody else is served.
func TestGarbageEndsOneConnectionAndNoOther(t *testing.T) {
	const head = "83a474797065 02 a36e7370a12f a464617461 " // an event in "/" and its data
	tests := []struct{ name, message, logged string }{
		{"no MessagePack", "c1", "prefix 0xc1"},
		{"text of the built-in parser", hex.EncodeToString([]byte(`2["ping"]`)), "map"},
		{"cut short", head + "92 a470696e67", "too few bytes"},
		{"a list of 4 G", head + "ddffffffff a470696e67", "too few bytes"},
		{"nested too deep", head + strings.Repeat("91", 300) + "c0", "nested deeper than 256"},
		{"a forged placeholder", head + "92 a470696e67 82 ac5f706c616365686f6c646572 c3 a36e756d 00", "_placeholder"},
		{"too many attachments", head + "9c a470696e67" + strings.Repeat("c400", 11), "11 attachments"},
		{"a reserved name", head + "91 a7636f6e6e656374", "reserved"},
		{"a name that is none", head + "91 80", "event name"},
		{"an unknown extension", head + "92 a470696e67 d50700ff", "extension 7"},
		{"an ack of nothing", "83a474797065 03 a36e7370a12f a464617461 90", "ack without an id"},
	}
	var lines log
	srv := framework.New(framework.Options{
		Parser:    msgpack.Parser{},
		Logger:    zerolog.New(&lines).Level(zerolog.DebugLevel),
		Transport: transport.Options{MaxDelay: -1}, // however late a busy machine makes it
	})
	reasons := make(chan framework.Reason, 1)
	srv.On("ping", func() string { return "pong" })
	srv.On("disconnect", func(r framework.Reason) { reasons <- r })
	healthy := dial(t, srv)
	healthy.join()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			message, err := hex.DecodeString(strings.ReplaceAll(tt.message, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			c := dial(t, srv)
			c.join()
			c.send(message, event(t, `["ping"]`))
			if got := receive(t, reasons); got != framework.ForcedClose {
				t.Errorf("got reason %q, want %q", got, framework.ForcedClose)
			}
			if got := lines.take(); !strings.Contains(got, tt.logged) || !strings.Contains(got, "client broke the protocol") {
				t.Errorf("got the log %s, want a line that says %q", got, tt.logged)
			}
			healthy.send(event(t, `["ping"]`))
			if got := string(healthy.next().Data); got != `["pong"]` {
				t.Errorf("others: got %s", got)
			}
		})
	}
	t.Run("a text message", func(t *testing.T) {
		c := dial(t, srv)
		c.join()
		c.do("POST", "40")
		if got := receive(t, reasons); got != framework.ForcedClose {
			t.Errorf("got reason %q, want %q", got, framework.ForcedClose)
		}
	})
}

func TestHandlersDoNotNotice(t *testing.T) {
	type note struct {
		Text string    `json:"text"`
		At   time.Time `json:"at"`
		File []byte    `json:"file"`
		N    *int64    `json:"n"`
	}
	srv := framework.New(framework.Options{Parser: msgpack.Parser{}, Logger: zerolog.Nop()})
	srv.On("note", func(n note) (note, int) {
		n.File = append(n.File, 3)
		*n.N++
		return n, n.At.Year()
	})
	c := dial(t, srv)
	c.join()
	message, err := hex.DecodeString("84a474797065" + "02" + "a36e7370a12f" + "a26964" + "00" + "a464617461" + "92" + "a46e6f7465" + "84" +
		"a474657874" + "a3" + "e282ac" + // "text": "€"
		"a26174" + "d700" + "0000018df4dc5495" + // "at": a Date
		"a466696c65" + "c4020102" + // "file"
		"a16e" + "cf001fffffffffffff") // "n": 2^53-1
	if err != nil {
		t.Fatal(err)
	}
	c.send(message)
	p := c.next()
	want := `[{"text":"€","at":"2024-02-29T12:34:56.789Z","file":{"_placeholder":true,"num":0},"n":9007199254740992},2024]`
	if got := string(p.Data); p.Type != parser.Ack || got != want {
		t.Errorf("got type %d, %s, want an ack with %s", p.Type, got, want)
	}
	if len(p.Attachments) != 1 || !bytes.Equal(p.Attachments[0], []byte{1, 2, 3}) {
		t.Errorf("got attachments %v, want [[1 2 3]]", p.Attachments)
	}
}

func TestDataThatIsNestedTooDeepIsAnErrorOfTheEmit(t *testing.T) {
	srv := framework.New(framework.Options{Parser: msgpack.Parser{}, Logger: zerolog.Nop()})
	var deep any
	for range 1_001 {
		deep = []any{deep}
	}
	if err := srv.Emit("deep", deep); err == nil || !strings.Contains(err.Error(), "nested deeper than 1000") {
		t.Errorf("got %v, want an error that names the bound", err)
	}
}
