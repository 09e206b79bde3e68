package framework

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework/internal/packet"
	"github.com/parlor-go/parlor/transport"
)

// FuzzAttachments sends any sequence of text and binary messages and compares what
// reaches the handlers, and how the connection ends, with a model of Socket.IO's
// reassembly (protocol v5, "Packet encoding").
//
// The input is a byte that chooses the server, and the messages, separated by 0x1e as
// in a payload: "b" and what a binary message holds, or a text.
func FuzzAttachments(f *testing.F) {
	binary := func(messages ...string) string { return strings.Join(messages, "\x1e") }
	for _, messages := range []string{
		`2["plain",1]`,
		binary(`51-["one",{"_placeholder":true,"num":0}]`, "b\x01\x02"),
		binary(`52-7["two",{"a":[{"_placeholder":true,"num":1},{"_placeholder":true,"num":0}]}]`, "b", "b\xff\xfe", `2["behind"]`),
		binary(`61-1[{"_placeholder":true,"num":0}]`, "banswer"),
		binary(`32["second"]`, `31["first"]`, `31["again"]`, `399[]`),
		binary(`51-["a",{"_placeholder":true,"num":0}]`, `2["between"]`),
		binary(`51-["a",{"_placeholder":true,"num":1}]`, "bx"),
		binary(`52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]`, "bx", "by"),
		binary(`2["a"]`, "bunasked"),
		binary(`50-["none"]`, `2["b",{"_placeholder":true,"num":0}]`),
		binary(`1`, `51-["late",{"_placeholder":true,"num":0}]`, "bx", `2["late"]`, `2/x,["stray"]`),
		binary(`51-/x,["a",{"_placeholder":true,"num":0}]`, "bx"),
		binary(`0/x,{"a":1}`, `2["a"]`, `0`),
		binary(`51-["disconnect",{"_placeholder":true,"num":0}]`, "bx"),
		binary(`51-[]`, "bx"), binary(`51-[`, "bx"), binary(`53-["a"]`, "bx", "by", "bz"),
		binary(`61-["a",{"_placeholder":true,"num":0}]`, "bx"), `4{}`, "2[\"\xff\"]", `2["\u0061",1e999,[[]]]`,
	} {
		for mode := range byte(len(assemblers)) {
			f.Add([]byte(string(rune(mode)) + messages))
		}
	}
	servers := make([]*Server, len(assemblers))
	for i, opts := range assemblers {
		servers[i] = assembler(opts)
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		if len(input) == 0 || len(input) > 1<<12 {
			return
		}
		mode := int(input[0]) % len(servers)
		messages := split(input[1:])
		protocol := 4
		if assemblers[mode].Transport.AllowEIO3 {
			protocol = 3
		}
		want := model{most: 10, pending: map[uint64]bool{1: true, 2: true}}
		if n := assemblers[mode].MaxAttachments; n > 0 {
			want.most = n
		}
		messages = want.take(messages, protocol)
		got := sent(t, servers[mode], protocol, messages)
		if !slices.Equal(got.calls, want.calls) || got.end != want.end {
			t.Fatalf("%+q: got\n%q\nand then %q, want\n%q\nand then %q", payloadOf(4, messages), got.calls, got.end, want.calls, want.end)
		}
	})
}

// assemblers are the servers that there are.
var assemblers = []Options{
	{},
	{MaxAttachments: 2},
	{Transport: transport.Options{AllowEIO3: true}}, // whose client speaks that
}

// message is one of Engine.IO.
type message struct {
	binary bool
	data   string
}

func split(input []byte) (messages []message) {
	for text := range strings.SplitSeq(string(input), "\x1e") {
		m := message{data: text}
		m.data, m.binary = strings.CutPrefix(text, "b")
		messages = append(messages, m)
	}
	return messages
}

// record is what the handlers of one connection were called with.
type record struct {
	calls []string
	end   Reason
	ended chan struct{}
}

type recordKey struct{}

// assembler is a server that notes each event and each answer that it is given to two
// questions, in the record of the handshake's context.
func assembler(opts Options) *Server {
	opts.Logger = zerolog.Nop()
	t := &opts.Transport
	t.HandshakeRate, t.AddressRate, t.MaxDelay = -1, -1, -1 // one after the other, as fast as can be
	srv := New(opts)
	of := func(ctx context.Context) *record { return ctx.Value(recordKey{}).(*record) }
	srv.On("connect", func(s *Socket) error {
		for range 2 {
			err := s.Emit("question", func(ctx context.Context, answer Args, err error) {
				if r := of(ctx); err == nil {
					r.calls = append(r.calls, told("answer", answer.elems, answer.attachments))
				}
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	srv.On("*", HandlerFunc(func(ctx context.Context, e *Event) ([]any, error) {
		r := of(ctx)
		r.calls = append(r.calls, told("event "+strconv.Quote(e.Name), e.Args.elems, e.Args.attachments))
		return nil, nil
	}))
	srv.On("disconnect", func(ctx context.Context, reason Reason) {
		r := of(ctx)
		r.end = reason
		close(r.ended)
	})
	return srv
}

func told[T ~[]byte](what string, elems []T, attachments [][]byte) string {
	return fmt.Sprintf("%s %q with %q", what, elems, attachments)
}

// sent plays a client that polls: it joins, sends the messages, and closes.
func sent(t *testing.T, srv *Server, protocol int, messages []message) *record {
	t.Helper()
	r := &record{ended: make(chan struct{})}
	ctx := context.WithValue(t.Context(), recordKey{}, r)
	do := func(method, sid string, body []byte) (status int, answer string) {
		url := fmt.Sprintf("/?transport=polling&EIO=%d&sid=%s", protocol, sid)
		w := httptest.NewRecorder()
		request := httptest.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
		srv.ServeHTTP(w, request)
		return w.Code, w.Body.String()
	}
	post := func(sid string, messages ...message) {
		if len(messages) > 0 {
			do(http.MethodPost, sid, payloadOf(protocol, messages))
		}
	}

	status, answer := do(http.MethodGet, "", nil)
	_, sid, found := strings.Cut(answer, `"sid":"`)
	sid, _, _ = strings.Cut(sid, `"`)
	if status != http.StatusOK || !found {
		t.Fatalf("handshake: got %d %q", status, answer)
	}
	if protocol == 4 {
		post(sid, message{data: "0"})
	}
	for asked := strings.Count(answer, `"question"`); asked < 2; asked += strings.Count(answer, `"question"`) {
		if status, answer = do(http.MethodGet, sid, nil); status != http.StatusOK {
			t.Fatalf("poll: got %d %q", status, answer)
		}
	}
	post(sid, messages...)
	do(http.MethodPost, sid, textPacket(protocol, "1")) // no more than a noop where the server has closed
	<-r.ended

	// How the transport ended says whether a client was closed that had left before.
	for last := byte(0); last != '1' && last != '6'; last = answer[len(answer)-1] {
		if status, answer = do(http.MethodGet, sid, nil); status != http.StatusOK {
			answer = "gone"
			break
		}
	}
	switch {
	case r.end != ClientNamespaceDisconnect:
	case strings.HasSuffix(answer, "6"):
		r.end = TransportClose
	case strings.HasSuffix(answer, "1"):
		r.end = ForcedClose
	default:
		r.end = ParseError
	}
	return r
}

// payloadOf is the body of a POST.
func payloadOf(protocol int, messages []message) (body []byte) {
	for i, m := range messages {
		packet := "4" + m.data
		if m.binary && protocol == 3 {
			packet = "b4" + base64.StdEncoding.EncodeToString([]byte(m.data))
		} else if m.binary {
			packet = "b" + base64.StdEncoding.EncodeToString([]byte(m.data))
		}
		if i > 0 && protocol == 4 {
			body = append(body, '\x1e')
		}
		body = append(body, textPacket(protocol, packet)...)
	}
	return body
}

func textPacket(protocol int, packet string) []byte {
	if protocol == 4 {
		return []byte(packet)
	}
	return fmt.Appendf(nil, "%d:%s", len(utf16.Encode([]rune(packet))), packet)
}

// model is the reassembly of the protocol's document: it copies, keeps everything and
// tells what came of it.
type model struct {
	most    int             // attachments of a packet
	pending map[uint64]bool // answers that are awaited

	left        bool // the client has left "/"
	head        []string
	attachments [][]byte

	calls []string
	end   Reason // "" while it is open
}

// take handles messages until the connection ends, by the last of them if by nothing
// else. It returns the messages, without those that the model does not know the
// outcome of.
func (m *model) take(messages []message, protocol int) []message {
	for i, in := range messages {
		err := m.message(in, protocol)
		if errors.Is(err, errBeyond) {
			messages = messages[:i]
			break
		}
		var end modelEnd
		if errors.As(err, &end) {
			m.end = Reason(end)
			if m.left && m.end == ForcedServerClose {
				m.end = ForcedClose // which of the two nobody is told
			}
			return messages
		}
	}
	m.end = TransportClose
	return messages
}

// modelEnd ends the connection; errBeyond says that what follows is left to chance, or
// to bounds that are tested elsewhere.
type modelEnd Reason

func (e modelEnd) Error() string { return string(e) }

var errBeyond = errors.New("beyond the model")

// outline is protocol v5's "<type>[<attachments>-][<namespace>,][<ack id>][<JSON>]".
var outline = regexp.MustCompile(`(?s)^(?:([0-4])|([56])([0-9]{1,18})-)(?:(/[^,]*),?)?([0-9]{1,18})?([^0-9].*)?$`)

func (m *model) message(in message, protocol int) error {
	if in.binary {
		if m.head == nil {
			return modelEnd(ForcedClose)
		}
		m.attachments = append(m.attachments, []byte(in.data))
		if n, _ := strconv.Atoi(m.head[3]); len(m.attachments) < n {
			return nil
		}
		head, attachments := m.head, m.attachments
		m.head, m.attachments = nil, nil
		return m.packet(head, attachments)
	}
	if !utf8.ValidString(in.data) {
		return modelEnd(ParseError)
	}
	head := outline.FindStringSubmatch(in.data)
	if m.head != nil || head == nil {
		return modelEnd(ForcedClose)
	}
	if len(in.data) > 200 {
		return errBeyond // there are bounds for names
	}
	kind, id, data := head[1]+head[2], head[5], head[6]
	array := strings.HasPrefix(data, "[")
	switch {
	case strings.Contains("2536", kind) && !array, strings.Contains("36", kind) && id == "", kind == "1" && data != "":
		return modelEnd(ForcedClose)
	case kind == "0":
		return m.connect(head[4], data, protocol)
	}
	if n, _ := strconv.Atoi(head[3]); n > m.most {
		return modelEnd(ForcedClose)
	} else if n > 0 {
		m.head = head
		return nil
	}
	return m.packet(head, nil)
}

// connect asks for another namespace, of which there is none.
func (m *model) connect(namespace, data string, protocol int) error {
	if protocol == 3 {
		namespace, _, _ = strings.Cut(namespace, "?")
		data = ""
	}
	if data != "" && !sound(data) {
		return modelEnd(ForcedClose)
	}
	if namespace != "" && namespace != "/" {
		return nil
	}
	if m.left {
		return errBeyond // it joins at a moment of its own
	}
	return modelEnd(ForcedServerClose)
}

// packet handles one that is complete.
func (m *model) packet(head []string, attachments [][]byte) error {
	kind := head[1] + head[2]
	switch {
	case kind == "4":
		return modelEnd(ForcedServerClose)
	case head[4] != "" && head[4] != "/":
		return modelEnd(ForcedServerClose)
	case m.left:
		return nil
	case kind == "1":
		m.left = true
		return nil
	}
	var elems []json.RawMessage
	if !sound(head[6]) || json.Unmarshal([]byte(head[6]), &elems) != nil || !m.placed(elems, len(attachments)) {
		return modelEnd(ForcedClose)
	}
	id, _ := strconv.ParseUint(head[5], 10, 64)
	switch {
	case kind == "2" || kind == "5":
		name, ok := modelName(elems)
		if !ok {
			return modelEnd(ForcedClose)
		}
		m.calls = append(m.calls, told("event "+strconv.Quote(name), elems[1:], attachments))
	case m.pending[id]:
		delete(m.pending, id)
		m.calls = append(m.calls, told("answer", elems, attachments))
	}
	return nil
}

// sound tells whether data is JSON that is not too deep.
func sound(data string) bool {
	d := json.NewDecoder(strings.NewReader(data))
	for depth := 0; ; {
		switch token, err := d.Token(); {
		case err != nil:
			return json.Valid([]byte(data))
		case token == json.Delim('[') || token == json.Delim('{'):
			if depth++; depth > defaultMaxDepth {
				return false
			}
		case token == json.Delim(']') || token == json.Delim('}'):
			depth--
		}
	}
}

func modelName(elems []json.RawMessage) (name string, ok bool) {
	if len(elems) == 0 {
		return "", false
	}
	if json.Unmarshal(elems[0], &name) == nil && elems[0][0] == '"' {
		return name, !packet.Reserved(name)
	}
	number := elems[0][0] == '-' || elems[0][0] >= '0' && elems[0][0] <= '9'
	return string(elems[0]), number
}

// placed tells whether each placeholder among the elements names an attachment of its
// own, if there are any attachments.
func (m *model) placed(elems []json.RawMessage, attachments int) bool {
	if attachments == 0 {
		return true
	}
	free := make(map[float64]bool)
	for i := range attachments {
		free[float64(i)] = true
	}
	for _, elem := range elems {
		d := json.NewDecoder(bytes.NewReader(elem))
		d.UseNumber()
		var tree any
		if err := d.Decode(&tree); err != nil || !placedIn(tree, free) {
			return false
		}
	}
	return true
}

func placedIn(tree any, free map[float64]bool) bool {
	switch tree := tree.(type) {
	case []any:
		for _, item := range tree {
			if !placedIn(item, free) {
				return false
			}
		}
	case map[string]any:
		if tree["_placeholder"] == true {
			number, _ := tree["num"].(json.Number)
			n, err := number.Float64()
			ok := err == nil && free[n]
			free[n] = false
			return ok
		}
		for _, item := range tree {
			if !placedIn(item, free) {
				return false
			}
		}
	}
	return true
}
