package framework_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// diary is what an observer was told. The personal room of a socket, and the socket
// itself, stand in it by the name that the socket was given.
type diary struct {
	mu    sync.Mutex
	lines []string
	names map[string]string // by sid
	came  *sync.Cond
}

func newDiary() *diary {
	d := &diary{names: make(map[string]string)}
	d.came = sync.NewCond(&d.mu)
	return d
}

// call gives the socket with that id a name.
func (d *diary) call(sid, name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names[sid] = name
}

func (d *diary) write(words ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i, w := range words {
		if name, ok := d.names[w]; ok {
			words[i] = name
		}
	}
	d.lines = append(d.lines, strings.Join(words, " "))
	d.came.Broadcast()
}

// since waits for the last lines, and returns what has been written since it was called
// before.
func (d *diary) since(t *testing.T, last ...string) []string {
	t.Helper()
	done := make(chan []string, 1)
	go func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		for slices.ContainsFunc(last, func(line string) bool { return !slices.Contains(d.lines, line) }) {
			d.came.Wait()
		}
		lines := d.lines
		d.lines = nil
		done <- lines
	}()
	return receive(t, done)
}

func (d *diary) rooms() framework.Observer {
	return framework.Observer{
		RoomCreated: func(ns *framework.Namespace, room string) { d.write("created", room) },
		RoomDeleted: func(ns *framework.Namespace, room string) { d.write("deleted", room) },
		Joined:      func(s *framework.Socket, room string) { d.write(s.ID(), "joined", room) },
		Left:        func(s *framework.Socket, room string) { d.write(s.ID(), "left", room) },
	}
}

func (d *diary) all() framework.Observer {
	o := d.rooms()
	o.NamespaceMade = func(ns *framework.Namespace) { d.write("made", ns.Path()) }
	o.Connected = func(s *framework.Socket) { d.write(s.ID(), "connected") }
	o.Disconnected = func(s *framework.Socket, reason framework.Reason, err error) {
		d.write(s.ID(), "disconnected:", string(reason))
	}
	o.Opened = func(c framework.Client) { d.write("opened", c.Transport()) }
	o.Closed = func(c framework.Client, reason framework.Reason, err error) { d.write("closed:", string(reason)) }
	return o
}

func same(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got\n\t%s\nwant\n\t%s", what, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

// mover does what tests ask for.
type mover struct {
	framework.Namespace
	diary *diary
}

func (m *mover) OnConnect(s *framework.Socket, name *string) error {
	if name == nil {
		return nil
	}
	m.diary.call(s.ID(), *name)
	s.Join("lobby")
	if *name == "spy" {
		return framework.Refuse("")
	}
	return nil
}

func (m *mover) OnJoin(s *framework.Socket, rooms []string) bool  { s.Join(rooms...); return true }
func (m *mover) OnLeave(s *framework.Socket, rooms []string) bool { s.Leave(rooms...); return true }
func (m *mover) OnCloseRoom(room string) bool                     { m.CloseRoom(room); return true }

func observed(o func(*diary) framework.Observer) (*framework.Server, *diary) {
	srv, d := quiet(), newDiary()
	srv.Observe(o(d))
	srv.Use(func(next framework.Handler) framework.Handler { return naming(d, next) })
	srv.Register("/chat", &mover{diary: d})
	return srv, d
}

func TestAnObserverIsToldOfEveryThingInItsOrder(t *testing.T) {
	srv, d := observed((*diary).all)
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	ann := conn.Join("/chat", "ann")
	same(t, "connect", d.since(t, "ann connected"), []string{
		"made /", "made /chat", "opened websocket",
		"created ann", "ann joined ann", "created lobby", "ann joined lobby", "ann connected",
	})

	ann.Call("join", []string{"lobby", "den", "den"})
	ann.Call("leave", []string{"lobby", "nowhere"})
	same(t, "move", d.since(t, "deleted lobby"), []string{"created den", "ann joined den", "ann left lobby", "deleted lobby"})

	ann.Leave()
	same(t, "leave", d.since(t, "ann disconnected: client namespace disconnect"), []string{
		"ann left den", "deleted den", "ann left ann", "deleted ann", "ann disconnected: client namespace disconnect",
	})

	conn.Join("/chat", "ann2")
	d.since(t, "ann2 connected")
	conn.Close()
	same(t, "close", d.since(t, "ann2 disconnected: transport close"), []string{
		"closed: transport close", "ann2 left lobby", "deleted lobby", "ann2 left ann2", "deleted ann2",
		"ann2 disconnected: transport close",
	})
}

func TestAnObserverIsToldOfTheChildrenOfAPattern(t *testing.T) {
	srv, d := quiet(), newDiary()
	srv.Observe(framework.Observer{
		NamespaceMade: func(ns *framework.Namespace) { d.write("made", ns.Path()) },
		NamespaceGone: func(ns *framework.Namespace) { d.write("gone", ns.Path()) },
		Connected:     func(s *framework.Socket) { d.write("connected to", s.Namespace().Path()) },
		Disconnected:  func(s *framework.Socket, _ framework.Reason, _ error) { d.write("left", s.Namespace().Path()) },
		RoomCreated:   func(ns *framework.Namespace, room string) { d.write("created in", ns.Path()) },
		RoomDeleted:   func(ns *framework.Namespace, room string) { d.write("deleted in", ns.Path()) },
	})
	srv.RegisterFunc("/job/{id}", func(framework.Params) (framework.NamespaceHandler, error) { return &mover{diary: d}, nil })
	for range 2 {
		client := sockettest.Connect(t, srv, "/job/7")
		client.Leave()
		got := d.since(t, "gone /job/7")
		same(t, "told", got[len(got)-6:], []string{
			"made /job/7", "created in /job/7", "connected to /job/7", "deleted in /job/7", "left /job/7", "gone /job/7",
		})
	}
}

// naming tells the diary the name of a socket before it is in its personal room.
func naming(d *diary, next framework.Handler) framework.Handler {
	return handlerFunc(func(e *framework.Event) {
		var name string
		if e.Kind() == framework.KindConnect && e.Args.Len() > 0 && e.Args.Decode(0, &name) == nil {
			d.call(e.Socket.ID(), name)
		}
	}, next)
}

func TestARefusedSocketIsToldOfAsOneThatCameAndWentAndNeverConnected(t *testing.T) {
	srv, d := observed((*diary).all)
	sockettest.Dial(t, srv, sockettest.Options{}).Refused("/chat", "spy")
	same(t, "told", d.since(t, "deleted spy"), []string{
		"made /", "made /chat", "opened websocket",
		"created spy", "spy joined spy", "created lobby", "spy joined lobby",
		"spy left lobby", "deleted lobby", "spy left spy", "deleted spy",
	})
}

func TestARoomIsCreatedWithItsFirstMemberAndDeletedWithItsLast(t *testing.T) {
	srv, d := observed((*diary).rooms)
	ann := sockettest.Connect(t, srv, "/chat", "ann")
	bob := sockettest.Connect(t, srv, "/chat", "bob")
	d.since(t, "bob joined lobby")

	ann.Call("join", []string{"den"})
	bob.Call("join", []string{"den", ann.ID()})
	same(t, "joins", d.since(t, "bob joined ann"), []string{"created den", "ann joined den", "bob joined den", "bob joined ann"})

	ann.Call("close_room", "den")
	got := d.since(t, "deleted den")
	slices.Sort(got[:2]) // members have no order
	same(t, "CloseRoom", got, []string{"ann left den", "bob left den", "deleted den"})

	ann.Leave()
	same(t, "a personal room with a guest", d.since(t, "ann left ann"), []string{"ann left lobby", "ann left ann"})
	bob.Leave()
	same(t, "the guest goes", d.since(t, "deleted bob"),
		[]string{"bob left lobby", "deleted lobby", "bob left ann", "deleted ann", "bob left bob", "deleted bob"})
}

// TestRoomsAreToldOfInOrderHoweverManyMove holds the observer's picture of the rooms
// against the rules, while everybody moves at once.
func TestRoomsAreToldOfInOrderHoweverManyMove(t *testing.T) {
	members := make(map[string]map[*framework.Socket]bool) // no lock: one thing is told at a time
	wrong := func(format string, args ...any) { t.Errorf(format, args...) }
	gone := make(chan bool, 100)
	srv := quiet()
	srv.Observe(framework.Observer{
		RoomCreated: func(_ *framework.Namespace, room string) {
			if members[room] != nil {
				wrong("%s is created, and was there", room)
			}
			members[room] = make(map[*framework.Socket]bool)
		},
		Joined: func(s *framework.Socket, room string) {
			if members[room] == nil || members[room][s] {
				wrong("%s is joined before it is created, or twice by one", room)
				return
			}
			members[room][s] = true
		},
		Left: func(s *framework.Socket, room string) {
			if !members[room][s] {
				wrong("%s is left by who is not in it", room)
			}
			delete(members[room], s)
		},
		RoomDeleted: func(_ *framework.Namespace, room string) {
			if members[room] == nil || len(members[room]) > 0 {
				wrong("%s is deleted, and was not there or has %d members", room, len(members[room]))
			}
			delete(members, room)
		},
		Disconnected: func(s *framework.Socket, _ framework.Reason, _ error) {
			if members[s.ID()] != nil {
				wrong("a socket is disconnected before it is told that it left its room")
			}
			gone <- true
		},
	})
	srv.On("move", func(s *framework.Socket, n int) bool {
		var wg sync.WaitGroup
		for i := range 4 {
			wg.Go(func() {
				for j := range n {
					room := fmt.Sprint("room ", (i*j)%3)
					s.Join(room, "hall")
					s.Leave(room)
					if j%10 == 0 {
						s.Namespace().CloseRoom("hall")
					}
				}
			})
		}
		wg.Wait()
		return true
	})
	const clients = 8
	sockets := make([]*sockettest.Socket, clients)
	moves := make([]*sockettest.Pending, clients)
	for i := range sockets {
		sockets[i] = sockettest.Connect(t, srv, "/")
	}
	for i, s := range sockets {
		moves[i] = s.EmitWithAck("move", 50)
	}
	for i, s := range sockets {
		moves[i].Wait()
		s.Leave()
	}
	for range sockets {
		receive(t, gone)
	}
}

func TestAnObserverMayDoWhatItObserves(t *testing.T) {
	srv, d := quiet(), newDiary()
	srv.Observe(framework.Observer{
		Connected: func(s *framework.Socket) { s.Join("everybody"); _ = s.Emit("welcome") },
		Joined:    func(s *framework.Socket, room string) { s.Join(room); s.Leave(room) },
	})
	srv.Observe(framework.Observer{Left: func(_ *framework.Socket, room string) { d.write("left", room) }})
	client := sockettest.Connect(t, srv, "/")
	client.Expect("welcome")
	d.since(t, "left everybody")
}

func TestWhatAnObserverDoesWrongConcernsNobodyElse(t *testing.T) {
	srv, log := logged()
	d := newDiary()
	srv.Observe(framework.Observer{
		Opened:       func(framework.Client) { panic("at Opened") },
		Closed:       func(framework.Client, framework.Reason, error) { panic("at Closed") },
		Connected:    func(*framework.Socket) { panic("at Connected") },
		Joined:       func(*framework.Socket, string) { runtime.Goexit() },
		Disconnected: func(*framework.Socket, framework.Reason, error) { panic(errors.New("at Disconnected")) },
		Received:     func(*framework.Socket, string, framework.Args) { panic("at Received") },
		Sent:         func(*framework.Socket, string, framework.Args) { panic("at Sent") },
	})
	srv.Observe(d.all())
	srv.On("join", func(s *framework.Socket) (string, error) {
		s.Join("den")
		return "joined", s.Emit("joining")
	})
	for range 2 {
		client := sockettest.Connect(t, srv, "/")
		d.since(t, client.ID()+" connected")
		client.Emit("join") // its goroutine is ended by the observer, or another is
		client.Leave()
		d.since(t, client.ID()+" disconnected: client namespace disconnect")
		client.Conn().Close()
		d.since(t, "closed: transport close")
	}
	for _, want := range []string{"at Opened", "at Closed", "at Connected", "at Disconnected", "at Received"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log has no %q", want)
		}
	}
}

func TestEveryEventThatIsReceivedOrSentIsObserved(t *testing.T) {
	srv, d := quiet(), newDiary()
	note := func(what string) func(*framework.Socket, string, framework.Args) {
		return func(s *framework.Socket, event string, args framework.Args) {
			text, err := args.MarshalJSON()
			if err != nil {
				text = []byte(err.Error())
			}
			d.write(s.ID(), what, event, string(text))
		}
	}
	srv.Observe(framework.Observer{Received: note("sends"), Sent: note("gets")})
	srv.Use(func(next framework.Handler) framework.Handler { return naming(d, next) })
	srv.On("connect", func(s *framework.Socket) error { return s.Emit("held", 1) })
	srv.On("tell", func(s *framework.Socket, text string) (string, error) {
		return "an ack", errors.Join(s.Namespace().Emit("told", text, nil), s.To("nobody").Emit("unheard"))
	})
	srv.On("ask", func(s *framework.Socket) error {
		return s.Emit("question", map[string]int{"a": 1}, func(string) {})
	})

	ann := sockettest.Connect(t, srv, "/", "ann")
	same(t, "connect", d.since(t, "ann gets held [1]"), []string{"ann gets held [1]"})
	bob := sockettest.Connect(t, srv, "/", "bob")
	d.since(t, "bob gets held [1]")

	ann.Call("tell", "news", "more")
	got := d.since(t, `ann gets told ["news",null]`, `bob gets told ["news",null]`)
	slices.Sort(got[1:])
	same(t, "tell", got, []string{`ann sends tell ["news","more"]`, `ann gets told ["news",null]`, `bob gets told ["news",null]`})

	bob.Emit("ask")
	bob.Expect("question").Ack("an answer")
	bob.Emit("nobody handles this")
	same(t, "ask", d.since(t, "bob sends nobody handles this []"),
		[]string{"bob sends ask []", `bob gets question [{"a":1}]`, "bob sends nobody handles this []"})
}

func TestWhatAnObserverWasGivenIsItsOwn(t *testing.T) {
	srv := quiet()
	const events = 50
	shown := make(chan framework.Args, 2*events)
	srv.Observe(framework.Observer{
		Received: func(_ *framework.Socket, _ string, args framework.Args) { shown <- args },
		Sent:     func(_ *framework.Socket, _ string, args framework.Args) { shown <- args },
	})
	srv.On("echo", func(s *framework.Socket, text string) (bool, error) {
		b := []byte(text)
		err := s.Namespace().Emit("echoed", text, b)
		clear(b)
		return true, err
	})
	client := sockettest.Connect(t, srv, "/")
	for i := range events {
		client.Call("echo", fmt.Sprint("text ", i))
	}
	for i := range 2 * events {
		args, want := receive(t, shown), fmt.Sprint("text ", i/2)
		var text string
		var data []byte
		if err := args.Decode(0, &text); err != nil || text != want {
			t.Fatalf("event %d: got %q, %v, want %q", i, text, err, want)
		}
		if i%2 == 0 {
			continue
		}
		if err := args.Decode(1, &data); err != nil || string(data) != want {
			t.Fatalf("attachment of event %d: got %q, %v, want %q", i, data, err, want)
		}
	}
}

func TestObserveComesBeforeTheFirstRequest(t *testing.T) {
	srv := quiet()
	sockettest.Connect(t, srv, "/")
	defer func() {
		if got, want := fmt.Sprint(recover()), "framework: Observe comes behind the first request"; !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}()
	srv.Observe(framework.Observer{})
}

func TestTrafficCountsMessagesBothWays(t *testing.T) {
	for _, transport := range []string{"websocket", "polling", "upgrade"} {
		var traffic, second framework.Traffic
		srv := quiet()
		srv.Observe(framework.Observer{Traffic: &traffic})
		srv.Observe(framework.Observer{Traffic: &second})
		srv.On("echo", func(s *framework.Socket, b []byte) ([]byte, error) {
			return b, errors.Join(s.Emit("told", 1), s.Namespace().Emit("told", b))
		})
		client := sockettest.Dial(t, srv, sockettest.Options{Transport: transport}).Join("/")
		client.Call("echo", []byte("12345"))

		placeholder := `{"_placeholder":true,"num":0}`
		in := len("0") + len(`51-1["echo",`+placeholder+`]`) + len("12345")
		out := len(`0{"sid":"12345678901234567890"}`) + len(`2["told",1]`) +
			len(`51-["told",`+placeholder+`]`) + len("12345") + len(`61-1[`+placeholder+`]`) + len("12345")
		for _, got := range []*framework.Traffic{&traffic, &second} {
			equal(t, transport+": packets in", got.PacketsIn.Load(), 3)
			equal(t, transport+": bytes in", got.BytesIn.Load(), uint64(in))
			equal(t, transport+": packets out", got.PacketsOut.Load(), 6)
			equal(t, transport+": bytes out", got.BytesOut.Load(), uint64(out))
		}
	}
}

func TestPromise12AHandlerMayChangeWhatItWasGivenThoughItIsObserved(t *testing.T) {
	srv := quiet()
	served, shown := make(chan struct{}), make(chan framework.Args, 1)
	srv.Observe(framework.Observer{Received: func(_ *framework.Socket, _ string, args framework.Args) {
		<-served
		shown <- args
	}})
	heard := make(chan framework.Args, 1)
	srv.On("connect", func(s *framework.Socket) {
		s.OnAny(func(_ string, args framework.Args) { heard <- args })
	})
	srv.On("data", func(raw json.RawMessage, file []byte) {
		defer close(served)
		clear(raw)
		clear(file)
	})
	client := sockettest.Connect(t, srv, "/")
	client.Emit("data", map[string]int{"a": 1}, []byte{1, 2})
	for what, args := range map[string]framework.Args{"observer": receive(t, shown), "listener": receive(t, heard)} {
		var file []byte
		if err := args.Decode(1, &file); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		equal(t, what, fmt.Sprintf("%s %v", args.Raw(0), file), `{"a":1} [1 2]`)
	}
}
