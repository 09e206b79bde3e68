package framework_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/adapter"
	"github.com/parlor-go/parlor/framework/parser"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// fakeCluster is an adapter that a test looks into. What it does not expect panics.
type fakeCluster struct {
	adapter.Adapter
	local adapter.Local

	ask       func(ctx context.Context, answers adapter.Answers) error
	fetch     func() ([]adapter.SocketInfo, error)
	err       error // of what is published
	closeErr  error
	mu        sync.Mutex
	published []string
	closed    int
}

// clustered makes a server whose "/" has the fake for its cluster.
func clustered(a *fakeCluster) *framework.Server {
	return unhurried(framework.Options{Logger: zerolog.Nop(), NewAdapter: func(local adapter.Local) (adapter.Adapter, error) {
		if local.Path() != "/" {
			return nil, nil
		}
		a.local = local
		return a, nil
	}})
}

func (a *fakeCluster) note(format string, args ...any) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.published = append(a.published, fmt.Sprintf(format, args...))
	return a.err
}

func (a *fakeCluster) notes() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	notes := a.published
	a.published = nil
	return notes
}

func (a *fakeCluster) Broadcast(p adapter.Packet, s adapter.Selection, f adapter.Flags) error {
	return a.note("broadcast %s %d to %v but %v %+v", p.Data, len(p.Attachments), s.Rooms, s.Except, f)
}

func (a *fakeCluster) Ask(ctx context.Context, _ adapter.Packet, _ adapter.Selection, _ adapter.Flags, answers adapter.Answers) error {
	return a.ask(ctx, answers)
}

func (a *fakeCluster) Fetch(context.Context, adapter.Selection) ([]adapter.SocketInfo, error) {
	return a.fetch()
}

func (a *fakeCluster) Count(context.Context, adapter.Selection) (int, error) {
	list, err := a.fetch()
	return len(list), err
}

func (a *fakeCluster) Join(_ context.Context, s adapter.Selection, rooms []string) error {
	return a.note("join %v: %v", s.Rooms, rooms)
}

func (a *fakeCluster) Leave(_ context.Context, s adapter.Selection, rooms []string) error {
	return a.note("leave %v: %v", s.Rooms, rooms)
}

func (a *fakeCluster) Disconnect(_ context.Context, s adapter.Selection, closing bool) error {
	return a.note("disconnect %v, closing %v", s.Rooms, closing)
}

func (a *fakeCluster) ServerEmit(_ context.Context, p adapter.Packet, answers adapter.Answers) error {
	return a.note("server event %s, %v", p.Data, answers != nil)
}

func (a *fakeCluster) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed++
	return a.closeErr
}

func TestOnlyWhatOthersMustKnowIsPublished(t *testing.T) {
	var a fakeCluster
	srv := clustered(&a)
	srv.Route("/alone", func(*framework.Router) {})
	client := sockettest.Connect(t, srv, "/")
	s, _ := srv.Of("/").Socket(client.ID())
	id, ctx := client.ID(), t.Context()
	tests := []struct {
		name string
		do   func() error
		want string // "" for nothing
	}{
		{"emit", func() error { return srv.Emit("x", 1, []byte{2}) },
			`broadcast ["x",1,{"_placeholder":true,"num":0}] 1 to [] but [] {Volatile:false Plain:false}`},
		{"flags", func() error { return srv.To("a").Except("b").Volatile().Compress(false).Send() },
			`broadcast ["message"] 0 to [a] but [b] {Volatile:true Plain:true}`},
		{"of a socket", func() error { return s.To("a", "b").Emit("x") },
			`broadcast ["x"] 0 to [a b] but [` + id + `] {Volatile:false Plain:false}`},
		{"close a room", func() error { return srv.Of("/").CloseRoom("a") }, `leave [a]: [a]`},
		{"join", func() error { return srv.Join(ctx, "a", "b") }, `join []: [a b]`},
		{"leave", func() error { return srv.To("a").Leave(ctx, "b") }, `leave [a]: [b]`},
		{"disconnect", func() error { return srv.To("z").Disconnect(ctx) }, `disconnect [z], closing false`},
		{"close", func() error { return srv.To("z").Close(ctx) }, `disconnect [z], closing true`},
		{"server event", func() error { return srv.ServerSideEmit("x", 1) }, `server event ["x",1], false`},

		{"to one socket", func() error { return s.Emit("x") }, ""},
		{"to one socket by a selection", func() error { return s.Compress(false).Emit("x") }, ""},
		{"join of a socket", func() error { s.Join("c"); return nil }, ""},
		{"local", func() error { return srv.Local().Emit("x") }, ""},
		{"local join", func() error { return srv.Local().Join(ctx, "c") }, ""},
		{"nobody", func() error { return srv.To().Emit("x") }, ""},
		{"nobody leaves", func() error { return srv.To().Leave(ctx, "c") }, ""},
		{"without an adapter", func() error { return srv.Of("/alone").Emit("x") }, ""},
	}
	for _, tt := range tests {
		if err := tt.do(); err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if got := strings.Join(a.notes(), "; "); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
	if err := srv.Emit("connect"); !errors.Is(err, framework.ErrReservedEvent) || len(a.notes()) > 0 {
		t.Errorf("reserved: got error %v", err)
	}
	if err := srv.ServerSideEmit("connection"); !errors.Is(err, framework.ErrReservedEvent) || len(a.notes()) > 0 {
		t.Errorf("reserved between servers: got error %v", err)
	}
}

func TestWhatIsPublishedIsNotTheCallersAnyMore(t *testing.T) {
	var got adapter.Packet
	keeping := keeper{new(fakeCluster), &got}
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), NewAdapter: func(adapter.Local) (adapter.Adapter, error) { return keeping, nil }})
	data := []byte{1, 2}
	srv.Emit("x", data)
	data[0] = 9
	for range 100 {
		srv.Local().Emit("another", strings.Repeat("y", 100)) // uses the buffers again
	}
	if want := `["x",{"_placeholder":true,"num":0}]`; string(got.Data) != want || !bytes.Equal(got.Attachments[0], []byte{1, 2}) {
		t.Errorf("got %s and %v", got.Data, got.Attachments)
	}
}

type keeper struct {
	*fakeCluster
	kept *adapter.Packet
}

func (k keeper) Broadcast(p adapter.Packet, _ adapter.Selection, _ adapter.Flags) error {
	*k.kept = p
	return nil
}

func TestWhatCannotBePublishedIsDoneHere(t *testing.T) {
	broken := errors.New("broken")
	a := fakeCluster{err: broken}
	srv := clustered(&a)
	client := sockettest.Connect(t, srv, "/")
	ctx := t.Context()
	if err := srv.Emit("x"); !errors.Is(err, broken) || err.Error() != `framework: emit "x": broken` {
		t.Errorf("emit: got error %v, want %v", err, broken)
	}
	client.Expect("x")
	if err := srv.Join(ctx, "a"); !errors.Is(err, broken) {
		t.Errorf("join: got error %v, want %v", err, broken)
	}
	equal(t, "members", len(srv.Of("/").Members("a")), 1)
	if err := srv.Of("/").CloseRoom("a"); !errors.Is(err, broken) {
		t.Errorf("close room: got error %v, want %v", err, broken)
	}
	equal(t, "members", len(srv.Of("/").Members("a")), 0)
	if err := srv.Disconnect(ctx); !errors.Is(err, broken) {
		t.Errorf("disconnect: got error %v, want %v", err, broken)
	}
	equal(t, "reason", client.Disconnected(), "io server disconnect")
}

func TestWhatIsKnownIsReturnedWithTheErrorForTheRest(t *testing.T) {
	broken := errors.New("one server is silent")
	a := fakeCluster{
		fetch: func() ([]adapter.SocketInfo, error) { return []adapter.SocketInfo{{ID: "far"}}, broken },
		ask: func(_ context.Context, answers adapter.Answers) error {
			answers.Reached([]string{"far"}, 2)
			answers.Answered(adapter.Answer{Packet: adapter.Packet{Data: []byte(`[1]`)}})
			answers.Answered(adapter.Answer{SID: "garbled", Packet: adapter.Packet{Data: []byte(`[1`)}})
			return broken
		},
	}
	srv := clustered(&a)
	client := sockettest.Connect(t, srv, "/")
	list, err := srv.Fetch(t.Context())
	if len(list) != 2 || list[1].ID() != "far" || !errors.Is(err, broken) {
		t.Errorf("fetch: got %d and error %v", len(list), err)
	}
	n, err := srv.Count(t.Context())
	if n != 2 || !errors.Is(err, broken) {
		t.Errorf("count: got %d and error %v", n, err)
	}
	q := ask(t.Context(), srv.Except())
	client.Expect("q").Ack(2)
	receive(t, q.done)
	if m := missing(t, q.err); len(q.answers) != 2 || !slices.Equal(m.Missing, []string{"far"}) || m.Unknown != 1 || !errors.Is(q.err, broken) {
		t.Errorf("ask: got %d answers, %v and %d missing, error %v", len(q.answers), m.Missing, m.Unknown, q.err)
	}
}

func TestAnswersMayComeInAnyOrder(t *testing.T) {
	one := adapter.Packet{Data: []byte(`[1]`)}
	tests := []struct {
		name    string
		ask     func(adapter.Answers)
		answers int
		missing int
	}{
		{"answers first", func(a adapter.Answers) {
			a.Answered(adapter.Answer{SID: "a", Packet: one})
			a.Answered(adapter.Answer{Packet: one})
			a.Reached([]string{"a"}, 1)
		}, 2, 0},
		{"twice", func(a adapter.Answers) {
			a.Reached([]string{"a", "b"}, 0)
			a.Answered(adapter.Answer{SID: "a", Packet: one})
			a.Answered(adapter.Answer{SID: "a", Packet: one})
		}, 1, 1},
		{"gone first", func(a adapter.Answers) {
			a.Gone("a")
			a.Reached([]string{"a"}, 1)
			a.Gone("")
		}, 0, 2},
		{"gone after the answer", func(a adapter.Answers) {
			a.Reached([]string{"a"}, 0)
			a.Answered(adapter.Answer{SID: "a", Packet: one})
			a.Gone("a")
		}, 1, 0},
		{"more than were asked", func(a adapter.Answers) {
			a.Reached(nil, 1)
			a.Answered(adapter.Answer{Packet: one})
			a.Answered(adapter.Answer{Packet: one})
		}, 2, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var late adapter.Answers
			a := fakeCluster{ask: func(_ context.Context, answers adapter.Answers) error {
				tt.ask(answers)
				late = answers
				return nil
			}}
			got, err := clustered(&a).EmitWithAck(t.Context(), "q")
			late.Answered(adapter.Answer{SID: "late", Packet: one}) // is no matter
			late.Gone("late")
			equal(t, "answers", len(got), tt.answers)
			if tt.missing == 0 {
				equal(t, "error", err, nil)
				return
			}
			m := missing(t, err)
			equal(t, "missing", len(m.Missing)+m.Unknown, tt.missing)
			if !errors.Is(err, framework.ErrClosed) {
				t.Errorf("got error %v, want %v", err, framework.ErrClosed)
			}
		})
	}
}

func TestPacketsOfOtherServersAreChecked(t *testing.T) {
	var a fakeCluster
	srv := clustered(&a)
	client := sockettest.Connect(t, srv, "/")
	tests := []struct {
		name, data  string
		attachments int
		want        string
	}{
		{"nothing", "", 0, "payload is not an array"},
		{"no array", `{"x":1}`, 0, "payload is not an array"},
		{"white space in front", ` ["x"]`, 0, "payload is not an array"},
		{"no name", `[]`, 0, "an event without a name"},
		{"a name that is none", `[{}]`, 0, "event name is neither a string nor a number"},
		{"reserved", `["disconnect"]`, 0, `event name "disconnect" is reserved`},
		{"cut off", `["x",`, 0, "JSON ends too early"},
		{"trailing", `["x"]1`, 0, `unexpected '1' behind the payload`},
		{"attachment that is not there", `["x",{"_placeholder":true,"num":1}]`, 1, "illegal attachments"},
		{"too deep", `["x",` + strings.Repeat("[", 10_000) + strings.Repeat("]", 10_000) + `]`, 0, "deep"},
	}
	for _, tt := range tests {
		p := adapter.Packet{Data: []byte(tt.data), Attachments: make([][]byte, tt.attachments)}
		_, serverErr := a.local.ServerEvent(t.Context(), p)
		for what, err := range map[string]error{
			"broadcast":    a.local.Broadcast(p, adapter.Selection{}, adapter.Flags{}),
			"ask":          a.local.Ask(t.Context(), p, adapter.Selection{}, adapter.Flags{}, nil),
			"server event": serverErr,
		} {
			if err == nil || !strings.Contains(err.Error(), tt.want) && tt.name != "trailing" {
				t.Errorf("%s, %s: got error %v, want %q", tt.name, what, err, tt.want)
			}
		}
	}
	client.ExpectNone()
	if err := a.local.Broadcast(adapter.Packet{Data: []byte(`[ "x" , 1 ] `)}, adapter.Selection{}, adapter.Flags{}); err != nil {
		t.Error(err)
	}
	equal(t, "spaces", client.Expect("x").Args.JSON(), "[1]")
}

func TestAParserMakesWhatComesFromAndGoesToOtherServers(t *testing.T) {
	var a fakeCluster
	broken := errors.New("no more")
	with := &dashed{}
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), Parser: with, NewAdapter: func(local adapter.Local) (adapter.Adapter, error) {
		a.local = local
		return &a, nil
	}})
	client := joinPoller(t, srv)
	all, p := adapter.Selection{}, adapter.Packet{Data: []byte(`["x",{"_placeholder":true,"num":0}]`), Attachments: [][]byte{{1}}}
	if err := a.local.Broadcast(p, all, adapter.Flags{}); err != nil {
		t.Error(err)
	}
	equal(t, "from elsewhere", client.poll(), `42|/||["x",{"_placeholder":true,"num":0}]`+"\x1ebAQ==")
	if err := srv.Emit("x", []byte{1}); err != nil {
		t.Error(err)
	}
	equal(t, "to here", client.poll(), `42|/||["x",{"_placeholder":true,"num":0}]`+"\x1ebAQ==")
	equal(t, "to others", strings.Join(a.notes(), ""), `broadcast ["x",{"_placeholder":true,"num":0}] 1 to [] but [] {Volatile:false Plain:false}`)

	with.refuse = func(parser.Packet) error { return broken }
	_, asked := srv.Local().EmitWithAck(t.Context(), "x")
	for what, err := range map[string]error{
		"broadcast": a.local.Broadcast(p, all, adapter.Flags{}),
		"ask":       a.local.Ask(t.Context(), p, all, adapter.Flags{}, nil),
		"emit":      srv.Emit("x"),
		"question":  asked,
	} {
		if !errors.Is(err, broken) {
			t.Errorf("%s: got error %v, want %v", what, err, broken)
		}
	}
	equal(t, "published", len(a.notes()), 0)
}

func TestAVolatilePacketOfAnotherServerIsDroppedWhereAnythingIsQueued(t *testing.T) {
	var a fakeCluster
	srv := clustered(&a)
	p := adapter.Packet{Data: []byte(`["x"]`)}
	sid := strings.Split(request(t, srv, "GET", "", ""), `"`)[3]
	request(t, srv, "POST", sid, "40")
	request(t, srv, "GET", sid, "")
	for _, volatile := range []bool{false, true} {
		if err := a.local.Broadcast(p, adapter.Selection{}, adapter.Flags{Volatile: volatile}); err != nil {
			t.Error(err)
		}
	}
	equal(t, "poll", request(t, srv, "GET", sid, ""), `42["x"]`)
	request(t, srv, "POST", sid, "1")
}

// watching notes which rooms have members.
type watching struct {
	*fakeCluster
	rooms map[string]bool
	t     *testing.T
}

func (w watching) RoomOpened(room string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rooms[room] {
		w.t.Errorf("room %s opened twice", room)
	}
	w.rooms[room] = true
}

func (w watching) RoomClosed(room string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.rooms[room] {
		w.t.Errorf("room %s closed and was not open", room)
	}
	delete(w.rooms, room)
}

func TestAnAdapterHearsOfTheFirstAndTheLastMemberOfARoom(t *testing.T) {
	w := watching{new(fakeCluster), make(map[string]bool), t}
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), NewAdapter: func(local adapter.Local) (adapter.Adapter, error) {
		w.local = local
		return w, nil
	}})
	ann, bob := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
	a, _ := srv.Of("/").Socket(ann.ID())
	b, _ := srv.Of("/").Socket(bob.ID())
	want := func(rooms ...string) {
		t.Helper()
		w.mu.Lock()
		defer w.mu.Unlock()
		for _, room := range rooms {
			if !w.rooms[room] {
				t.Errorf("room %s is not open", room)
			}
		}
		equal(t, "open rooms", len(w.rooms), len(rooms))
	}
	want() // personal rooms are none
	a.Join("x", "x", "y", a.ID())
	b.Join("x")
	want("x", "y")
	equal(t, "has a room", w.local.Has("x"), true)
	equal(t, "has a socket", w.local.Has(a.ID()), true)
	equal(t, "has neither", w.local.Has("z"), false)
	equal(t, "rooms", fmt.Sprint(w.local.Rooms()), "[x y]")
	a.Leave("x", "y", "never joined")
	want("x")
	b.Leave("x")
	want()
	a.Join("x")
	want("x")
	srv.Of("/").CloseRoom("x")
	want()
	a.Join("x")
	ann.Leave()
	<-a.Context().Done()
	want()
}

func TestRoomsOpenAndCloseInOrderUnderLoad(t *testing.T) {
	w := watching{new(fakeCluster), make(map[string]bool), t}
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), NewAdapter: func(adapter.Local) (adapter.Adapter, error) { return w, nil }})
	var members sync.WaitGroup
	for range 4 {
		s, _ := srv.Of("/").Socket(sockettest.Connect(t, srv, "/").ID())
		members.Go(func() {
			for range 500 {
				s.Join("x", "y")
				s.Leave("y", "x")
			}
		})
	}
	members.Wait()
	equal(t, "open rooms", len(w.rooms), 0)
}

func TestAnAdapterIsClosedOnceAndBehindTheLastHandler(t *testing.T) {
	a := fakeCluster{closeErr: errors.New("still full")}
	srv := clustered(&a)
	srv.On("disconnect", func(s *framework.Socket) {
		a.mu.Lock()
		defer a.mu.Unlock()
		equal(t, "closed in OnDisconnect", a.closed, 0)
	})
	sockettest.Connect(t, srv, "/")
	err := srv.Shutdown(t.Context())
	if !errors.Is(err, a.closeErr) || err.Error() != `framework: shutdown: close adapter of namespace "/": still full` {
		t.Errorf("got error %v", err)
	}
	equal(t, "second error", srv.Shutdown(t.Context()), nil)
	equal(t, "closed", a.closed, 1)
}

func TestAnAdapterThatCannotBeMadePanicsAtRegistration(t *testing.T) {
	refuse := func(path string) adapter.New {
		return func(local adapter.Local) (adapter.Adapter, error) {
			if local.Path() == path {
				return nil, errors.New("no connection")
			}
			return nil, nil
		}
	}
	panics := func(f func()) (v any) {
		defer func() { v = recover() }()
		f()
		return nil
	}
	equal(t, "New", panics(func() { framework.New(framework.Options{NewAdapter: refuse("/")}) }),
		any(`framework: adapter of namespace "/": no connection`))
	srv := framework.New(framework.Options{NewAdapter: refuse("/chat")})
	equal(t, "Route", panics(func() { srv.Route("/chat", func(*framework.Router) {}) }),
		any(`framework: adapter of namespace "/chat": no connection`))
}

func TestAnotherServersQuestionEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a fakeCluster
		srv := clustered(&a)
		ann, bob := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
		ctx, cancel := context.WithCancel(t.Context())
		var heard listening
		over := make(chan error, 1)
		go func() {
			over <- a.local.Ask(ctx, adapter.Packet{Data: []byte(`["q"]`)}, adapter.Selection{}, adapter.Flags{}, &heard)
		}()
		ann.Expect("q").Ack([]byte{1})
		bob.Expect("q")
		synctest.Wait()
		cancel()
		equal(t, "error", <-over, context.Canceled)
		equal(t, "reached", len(heard.reached), 2)
		equal(t, "answered", fmt.Sprint(heard.answered), fmt.Sprint([]string{ann.ID() + ` [{"_placeholder":true,"num":0}] [[1]]`}))
		equal(t, "gone", len(heard.gone), 0)
	})
}

// listening is called on one goroutine.
type listening struct {
	reached, answered, gone []string
}

func (l *listening) Reached(sids []string, _ int) { l.reached = append(l.reached, sids...) }
func (l *listening) Answered(a adapter.Answer) {
	l.answered = append(l.answered, fmt.Sprintf("%s %s %v", a.SID, a.Data, a.Attachments))
}
func (l *listening) Gone(sid string) { l.gone = append(l.gone, sid) }

// stuck is an adapter that cannot leave.
type stuck struct {
	*fakeCluster
	release chan struct{}
}

func (s stuck) Close() error {
	<-s.release
	return nil
}

func TestAnAdapterThatCannotLeaveDoesNotHoldUpShutdownForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := stuck{new(fakeCluster), make(chan struct{})}
		srv := unhurried(framework.Options{Logger: zerolog.Nop(), NewAdapter: func(adapter.Local) (adapter.Adapter, error) { return a, nil }})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := srv.Shutdown(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("got error %v, want %v", err, context.Canceled)
		}
		close(a.release)
		equal(t, "once it can", srv.Shutdown(t.Context()), nil)
	})
}
