package admin_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/admin"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/transport"
)

func TestAnAdminIsFirstToldWhatThereIs(t *testing.T) {
	tests := []struct {
		name   string
		opts   admin.Options
		events []string
		want   string
	}{
		{"production", admin.Options{}, []string{"config", "server_stats"},
			`[{"supportedFeatures":["EMIT","JOIN","LEAVE","DISCONNECT","MJOIN","MLEAVE","MDISCONNECT","AGGREGATED_EVENTS"]}]`},
		{"development", admin.Options{Mode: admin.Development}, []string{"config", "server_stats", "all_sockets"},
			`[{"supportedFeatures":["EMIT","JOIN","LEAVE","DISCONNECT","MJOIN","MLEAVE","MDISCONNECT","AGGREGATED_EVENTS","ALL_EVENTS"]}]`},
		{"read-only", admin.Options{ReadOnly: true}, []string{"config", "server_stats"}, `[{"supportedFeatures":["AGGREGATED_EVENTS"]}]`},
		{"elsewhere", admin.Options{Path: "/boss", ReadOnly: true}, []string{"config", "server_stats"}, `[{"supportedFeatures":["AGGREGATED_EVENTS"]}]`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.opts.Auth = admin.NoAuth()
			path := tt.opts.Path
			if path == "" {
				path = "/admin"
			}
			boss := sockettest.Connect(t, watched(tt.opts), path)
			for _, want := range tt.events {
				e := boss.Next()
				equal(t, "event", e.Name, want)
				if want == "config" {
					equal(t, "config", e.Args.JSON(), tt.want)
				}
			}
		})
	}
}

// socket is what the UI takes for one.
type socket struct {
	ID, ClientID, Transport, Nsp string
	Data                         map[string]any
	Handshake                    struct {
		Address        string
		Headers, Query map[string]string
		Issued         int64
		Secure         bool
		Time, URL      string
		Xdomain        bool
	}
	Rooms []string
}

func TestASocketIsDescribedAsTheReferenceDoes(t *testing.T) {
	srv := watched(open(admin.Development))
	boss := watch(t, srv)
	began := time.Now().UnixMilli()
	conn := sockettest.Dial(t, srv, sockettest.Options{
		Transport: "polling",
		Query:     map[string][]string{"a": {"1", "2"}, "token": {"x y"}},
		Header: http.Header{
			"Authorization": {"Bearer secret"}, "Cookie": {"session=secret"}, "X-Forwarded-For": {"203.0.113.7, 10.0.0.1"},
			"Origin": {"http://example.com"}, "X-Two": {"a", "b"},
		},
	})
	ann := conn.Join("/", "ann")
	e := boss.Expect("socket_connected")
	got := decode[socket](e, 0)
	equal(t, "id", got.ID, ann.ID())
	equal(t, "namespace", got.Nsp, "/")
	equal(t, "transport", got.Transport, "polling")
	equal(t, "rooms", fmt.Sprint(got.Rooms), fmt.Sprint([]string{ann.ID(), "hall"}))
	equal(t, "data", fmt.Sprint(got.Data), "map[name:ann]")
	h := got.Handshake
	equal(t, "address", h.Address, "203.0.113.7, 10.0.0.1")
	equal(t, "several headers", h.Headers["x-two"], "a, b")
	equal(t, "query", h.Query["a"]+" "+h.Query["token"]+" "+h.Query["EIO"], "2 x y 4")
	equal(t, "xdomain", h.Xdomain, true)
	equal(t, "secure", h.Secure, false)
	if h.Issued < began || h.Issued > time.Now().UnixMilli() {
		t.Errorf("issued: got %d, want milliseconds since %d", h.Issued, began)
	}
	if !strings.HasPrefix(h.URL, "/") || !strings.Contains(h.URL, "transport=polling") {
		t.Errorf("url: got %q, want a path with the query", h.URL)
	}
	if _, err := time.Parse("2006-01-02T15:04:05.000Z", e.Args.String(1)); err != nil {
		t.Errorf("when: %v", err)
	}
	if len(got.ClientID) < 8 || !strings.HasPrefix(conn.SID(), got.ClientID) || len(got.ClientID) > len(conn.SID())/2 {
		t.Errorf("client: got %q of %q, want the beginning of it, and less than half", got.ClientID, conn.SID())
	}
	if told := e.Args.JSON(); strings.Contains(told, "secret") {
		t.Errorf("a secret is told: %s", told)
	}
}

func TestWhatHappensToASocketIsTold(t *testing.T) {
	srv := watched(open(admin.Development))
	boss := watch(t, srv)
	boss.Expect("config")
	boss.Expect("all_sockets")
	next := func() string {
		t.Helper()
		e := boss.Next()
		text := e.Name + " " + e.Args.JSON()
		if i := strings.LastIndex(text, `,"20`); i > 0 { // when
			text = text[:i] + "]"
		}
		return text
	}
	ann := sockettest.Connect(t, srv, "/", "ann")
	id := ann.ID()
	equal(t, "own room", next(), fmt.Sprintf(`room_joined ["/","%s","%[1]s"]`, id))
	equal(t, "in OnConnect", next(), fmt.Sprintf(`room_joined ["/","hall","%s"]`, id))
	equal(t, "connected", boss.Next().Name, "socket_connected")

	ann.Call("join", []string{"den"})
	equal(t, "event", next(), fmt.Sprintf(`event_received ["/","%s",["join",["den"]]]`, id))
	equal(t, "join", next(), fmt.Sprintf(`room_joined ["/","den","%s"]`, id))
	ann.Call("leave", []string{"den", "nowhere"})
	boss.Next()
	equal(t, "leave", next(), fmt.Sprintf(`room_left ["/","den","%s"]`, id))
	ann.Call("name", map[string]int{"a": 1})
	boss.Next()
	equal(t, "data", next(), fmt.Sprintf(`socket_updated [{"id":"%s","nsp":"/","data":{"name":{"a":1}}}]`, id))

	ann.Emit("say", "hi", []byte("abc"), map[string]any{"deep": []any{[]byte("x"), 1}})
	ann.Expect("said")
	equal(t, "received", next(), fmt.Sprintf(`event_received ["/","%s",["say","hi","(3 bytes)",{"deep":["(1 bytes)",1]}]]`, id))
	equal(t, "sent", next(), fmt.Sprintf(`event_sent ["/","%s",["said","hi","(3 bytes)",{"deep":["(1 bytes)",1]}]]`, id))
	ann.Call("ask")
	equal(t, "no ack", next(), fmt.Sprintf(`event_received ["/","%s",["ask"]]`, id))
	ann.Emit("unknown", nil)
	equal(t, "unknown", next(), fmt.Sprintf(`event_received ["/","%s",["unknown",null]]`, id))

	ann.Leave()
	equal(t, "hall", next(), fmt.Sprintf(`room_left ["/","hall","%s"]`, id))
	equal(t, "own", next(), fmt.Sprintf(`room_left ["/","%s","%[1]s"]`, id))
	equal(t, "gone", next(), fmt.Sprintf(`socket_disconnected ["/","%s","client namespace disconnect"]`, id))
	boss.ExpectNone()
}

func TestAnUpgradeIsTold(t *testing.T) {
	srv := watched(open(admin.Development))
	boss := watch(t, srv)
	ann := sockettest.Dial(t, srv, sockettest.Options{Transport: "upgrade"}).Join("/")
	connected := boss.Expect("socket_connected")
	if decode[socket](connected, 0).Transport == "websocket" {
		return // it was faster
	}
	equal(t, "update", boss.Expect("socket_updated").Args.JSON(), fmt.Sprintf(`[{"id":"%s","nsp":"/","transport":"websocket"}]`, ann.ID()))
}

func TestProductionTellsNothingOfSockets(t *testing.T) {
	srv := watched(open(admin.Production))
	boss := watch(t, srv)
	boss.Expect("config")
	ann := sockettest.Connect(t, srv, "/", "ann")
	ann.Call("join", []string{"den"})
	ann.Emit("say", "hi")
	ann.Expect("said")
	ann.Conn().Close()
	boss.ExpectNone()
}

func TestLongArgumentsAreCutShort(t *testing.T) {
	srv := watched(open(admin.Development))
	boss := watch(t, srv)
	ann := sockettest.Connect(t, srv, "/")
	ann.Emit("say", 1, strings.Repeat("x", 20_000), 2)
	equal(t, "told", string(asJSON(t, decode[any](boss.Expect("event_received"), 2))), `["say",1,"(1 more arguments, of which this one has 20002 bytes)"]`)
}

func TestOfMoreSocketsThanMaxNothingIsTold(t *testing.T) {
	opts := open(admin.Development)
	opts.MaxSockets = 2 // of which one is the admin's
	srv := watched(opts)
	boss := watch(t, srv)
	ann := sockettest.Connect(t, srv, "/", "ann")
	boss.Expect("socket_connected")
	drain(boss, "room_joined", 2)
	bob := sockettest.Connect(t, srv, "/", "bob")
	bob.Call("join", []string{"den"})
	bob.Call("name", "robert")
	bob.Emit("unknown")
	bob.Leave()
	ann.Leave()
	equal(t, "gone", boss.Expect("socket_disconnected").Args.String(1), ann.ID())
	eve := sockettest.Connect(t, srv, "/") // there is room again
	equal(t, "connected", decode[socket](boss.Expect("socket_connected"), 0).ID, eve.ID())
	boss.Expect("config")
	boss.Expect("all_sockets")
	drain(boss, "room_left", 2)
	boss.Expect("room_joined")
	boss.ExpectNone() // of bob
}

func TestAnAdminIsToldNothingBeforeWhatThereIs(t *testing.T) {
	var srv *framework.Server
	told := make(chan struct{})
	srv = watched(admin.Options{Mode: admin.Development, Auth: admin.AuthFunc(func(_ context.Context, username, _ string) error {
		if username == "late" { // so late that something happens meanwhile
			srv.Of("/").Sockets()[0].Join("den")
			<-told
		}
		return nil
	})})
	srv.Observe(framework.Observer{Joined: func(_ *framework.Socket, room string) { // behind the admins
		if room == "den" {
			close(told)
		}
	}})
	boss := watch(t, srv)
	sockettest.Connect(t, srv, "/")
	late := sockettest.Connect(t, srv, "/admin", map[string]string{"username": "late"})
	boss.Expect("room_joined")
	for _, want := range []string{"session", "config", "server_stats", "all_sockets"} {
		equal(t, "event", late.Next().Name, want)
	}
}

// A client may put a megabyte into its handshake, and as much into an event's name, if no
// bound keeps it from that.
func TestLongHandshakesAndNamesAreCutShort(t *testing.T) {
	srv := framework.New(framework.Options{Logger: zerolog.Nop(), MaxNameLength: -1, Transport: transport.Options{MaxHeader: -1, MaxDelay: -1}})
	instrument(srv, open(admin.Development))
	boss := watch(t, srv)
	header := http.Header{"User-Agent": {strings.Repeat("\u00e4", 10_000)}, strings.Repeat("A", 10_000): {"a"}}
	query := map[string][]string{"long": {strings.Repeat("x", 10_000)}}
	for i := range 200 {
		header.Set(fmt.Sprint("X-Header-", i), "a")
		query[fmt.Sprint("query", i)] = []string{"a"}
	}
	ann := sockettest.Dial(t, srv, sockettest.Options{Header: header, Query: query}).Join("/")
	e := boss.Expect("socket_connected")
	if size := len(e.Args.JSON()); size > 10_000 {
		t.Errorf("got %d bytes, want a few", size)
	}
	h := decode[socket](e, 0).Handshake
	equal(t, "headers", len(h.Headers) < 50, true)
	equal(t, "queries", len(h.Query) < 50, true)
	if agent := h.Headers["user-agent"]; !strings.HasSuffix(agent, "\u00e4...") {
		t.Errorf("got the agent %q, want its beginning", agent)
	}
	ann.Emit(strings.Repeat("x", 20_000), 1)
	if told := boss.Expect("event_received").Args.JSON(); len(told) > 1000 || !strings.Contains(told, `xxx...",1]`) {
		t.Errorf("got %d bytes, want the beginning of the name and the argument", len(told))
	}
}

// model is the UI's picture of the server: its store, src/store/modules/main.js.
type model struct {
	sockets map[string][]string // rooms by id
}

func (m *model) apply(t *testing.T, e *sockettest.Event) {
	switch e.Name {
	case "all_sockets":
		m.sockets = make(map[string][]string)
		for _, s := range decode[[]socket](e, 0) {
			m.sockets[s.ID] = s.Rooms
		}
	case "socket_connected":
		s := decode[socket](e, 0)
		if m.sockets[s.ID] != nil {
			t.Errorf("%s is connected twice", s.ID)
		}
		m.sockets[s.ID] = s.Rooms
	case "socket_disconnected":
		delete(m.sockets, e.Args.String(1))
	case "room_joined":
		room, id := e.Args.String(1), e.Args.String(2)
		if rooms, ok := m.sockets[id]; ok {
			if slices.Contains(rooms, room) {
				t.Errorf("%s joins %s twice", id, room) // it would be listed twice
			}
			m.sockets[id] = append(rooms, room)
		}
	case "room_left":
		room, id := e.Args.String(1), e.Args.String(2)
		m.sockets[id] = slices.DeleteFunc(m.sockets[id], func(r string) bool { return r == room })
		if len(m.sockets[id]) == 0 {
			delete(m.sockets, id) // was never there, or will be gone
		}
	}
}

// TestWhatAnAdminIsToldAddsUp has admins come while everybody moves.
func TestWhatAnAdminIsToldAddsUp(t *testing.T) {
	opts := open(admin.Development)
	opts.ReadOnly = true
	srv := watched(opts)
	var moving sync.WaitGroup
	stay := make([]*sockettest.Socket, 6)
	for i := range stay {
		stay[i] = sockettest.Connect(t, srv, "/", "guest")
		random := rand.New(rand.NewPCG(1, uint64(i)))
		moving.Go(func() {
			for range 60 {
				room := fmt.Sprint("room ", random.IntN(4))
				if random.IntN(2) == 0 {
					stay[i].Call("join", []string{room})
				} else {
					stay[i].Call("leave", []string{room})
				}
			}
		})
	}
	moving.Go(func() {
		for i := range 20 {
			conn := sockettest.Dial(t, srv, sockettest.Options{})
			if i%3 == 0 {
				conn.Refused("/", "thief")
			} else {
				conn.Join("/", "guest").Call("join", []string{"room 1"})
			}
			conn.Close()
		}
	})
	var admins []*sockettest.Socket
	for range 3 {
		admins = append(admins, sockettest.Connect(t, srv, "/admin"))
	}
	moving.Wait()
	last := sockettest.Connect(t, srv, "/", "last")

	want := make(map[string][]string)
	for _, ns := range []string{"/", "/admin"} {
		for _, s := range srv.Of(ns).Sockets() {
			rooms := append(s.Rooms(), s.ID())
			slices.Sort(rooms)
			want[s.ID()] = slices.Compact(rooms)
		}
	}
	for i, boss := range admins {
		m := model{sockets: make(map[string][]string)}
		for m.sockets[last.ID()] == nil {
			m.apply(t, boss.Next())
		}
		for _, rooms := range m.sockets {
			slices.Sort(rooms)
		}
		if got, want := asJSON(t, m.sockets), asJSON(t, want); got != want {
			t.Errorf("admin %d: got\n%s\nwant\n%s", i, got, want)
		}
	}
	for _, s := range stay {
		s.Leave()
	}
}

// poller is a client that polls when it likes.
type poller struct {
	t   *testing.T
	srv http.Handler
	url string
}

func (p *poller) do(method, body string) string {
	p.t.Helper()
	w := httptest.NewRecorder()
	p.srv.ServeHTTP(w, httptest.NewRequest(method, p.url, strings.NewReader(body)))
	if w.Code != http.StatusOK {
		p.t.Fatalf("%s %s: got status %d: %s", method, p.url, w.Code, w.Body)
	}
	return w.Body.String()
}

func TestAnAdminThatDoesNotReadMissesEventsOnly(t *testing.T) {
	srv := watched(open(admin.Development))
	slow := &poller{t, srv, "/?EIO=4&transport=polling"}
	var handshake struct{ SID string }
	if err := json.Unmarshal([]byte(slow.do("GET", "")[1:]), &handshake); err != nil {
		t.Fatal(err)
	}
	slow.url += "&sid=" + handshake.SID
	slow.do("POST", "40/admin,")
	for !strings.Contains(slow.do("GET", ""), "all_sockets") {
	}
	quick := watch(t, srv)
	ann := sockettest.Connect(t, srv, "/")
	const events = 100
	text := strings.Repeat("x", 10_000)
	for range events {
		ann.Emit("unknown", text)
		quick.Expect("event_received")
	}
	ann.Call("join", []string{"den"})
	quick.Expect("room_joined")

	heard, polled := 0, ""
	for !strings.Contains(polled, `"den","`+ann.ID()) {
		polled = slow.do("GET", "")
		heard += strings.Count(polled, `"event_received"`)
	}
	if heard == 0 || heard > events/2 {
		t.Errorf("got %d of %d events, want those that it could be owed", heard, events)
	}
	slow.do("POST", "1")
}
