package framework_test

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

// When a child of a pattern is made, and when it ends.

// stages is a class that tells what it is asked to do, and waits where it is told to.
type stages struct {
	framework.Namespace
	id      string
	log     chan<- string
	connect error
	closing func() error
}

func (s *stages) OnConnect() error { s.log <- "connect " + s.id; return s.connect }
func (s *stages) OnDisconnect()    { s.log <- "disconnect " + s.id }
func (s *stages) OnWho() string    { return s.id }
func (s *stages) Close() error {
	s.log <- "close " + s.id
	if s.closing != nil {
		return s.closing()
	}
	return nil
}

func wantLog(t *testing.T, log <-chan string, want ...string) {
	t.Helper()
	for _, w := range want {
		equal(t, "order", receive(t, log), w)
	}
}

func TestTwoFirstClientsMakeOneChild(t *testing.T) {
	const clients = 20
	started, release := make(chan struct{}, clients), make(chan struct{})
	log := make(chan string, 3*clients)
	srv := quiet()
	srv.RegisterFunc("/job/{id}", func(p framework.Params) (framework.NamespaceHandler, error) {
		started <- struct{}{}
		<-release
		return &stages{id: p.Get("id"), log: log}, nil
	})
	srv.On("ping", func() {})
	var conns []*sockettest.Conn
	for range clients {
		conn := sockettest.Dial(t, srv, sockettest.Options{})
		conn.Send("0/job/7,")
		conn.Send(`2/job/7,1["who"]`) // comes before the child was made
		conns = append(conns, conn)
	}
	receive(t, started)
	for _, conn := range conns {
		conn.Join("/").Call("ping") // the reader is not held up, nor are the client's other namespaces
	}
	close(release)
	for _, conn := range conns {
		waitFrame(t, conn, `< 43/job/7,1["7"]`)
	}
	equal(t, "factories called", len(started), 0)
	equal(t, "children", srv.Children("/job/{id}").Len(), 1)
	for range clients {
		wantLog(t, log, "connect 7")
	}
}

func TestAChildEndsWithItsLastClientAndIsMadeAnew(t *testing.T) {
	log := make(chan string, 10)
	var made atomic.Int32
	srv, lines := logged()
	srv.RegisterFunc("/job/{id}", func(p framework.Params) (framework.NamespaceHandler, error) {
		return &stages{id: fmt.Sprint(p.Get("id"), ".", made.Add(1)), log: log}, nil
	})
	conn, other := sockettest.Dial(t, srv, sockettest.Options{}), sockettest.Dial(t, srv, sockettest.Options{})
	one, two := conn.Join("/job/7"), other.Join("/job/7")
	wantLog(t, log, "connect 7.1", "connect 7.1")
	one.Leave()
	wantLog(t, log, "disconnect 7.1")
	equal(t, "still", two.Call("who").JSON(), `["7.1"]`)
	two.Leave()
	wantLog(t, log, "disconnect 7.1", "close 7.1")
	equal(t, "anew", conn.Join("/job/7").Call("who").JSON(), `["7.2"]`)
	wantLog(t, log, "connect 7.2")
	conn.Cut()
	wantLog(t, log, "disconnect 7.2", "close 7.2")
	other.Refused("/nowhere")
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	equal(t, "more", len(log), 0)
	equal(t, "gone", strings.Count(lines.String(), `"namespace gone"`), 2)
}

func TestAChildEndsBehindARefusalToo(t *testing.T) {
	log := make(chan string, 10)
	var allow atomic.Bool
	srv := quiet()
	srv.RegisterFunc("/job/{id}", func(p framework.Params) (framework.NamespaceHandler, error) {
		s := &stages{id: p.Get("id"), log: log}
		if !allow.Load() {
			s.connect = framework.Refuse("no")
		}
		return s, nil
	})
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	equal(t, "refused", conn.Refused("/job/1").Message, "no")
	wantLog(t, log, "connect 1", "close 1")
	allow.Store(true)
	conn.Join("/job/1")
	wantLog(t, log, "connect 1")
}

func TestAValueIsClosedBeforeTheNextIsMade(t *testing.T) {
	log, release := make(chan string, 100), make(chan struct{})
	var made atomic.Int32
	srv := quiet()
	srv.RegisterFunc("/job/{id}", func(p framework.Params) (framework.NamespaceHandler, error) {
		n := made.Add(1)
		log <- fmt.Sprint("make ", n)
		s := &stages{id: fmt.Sprint(n), log: log}
		if n == 1 {
			s.closing = func() error { <-release; log <- "closed"; return nil }
		}
		return s, nil
	})
	first := sockettest.Connect(t, srv, "/job/7")
	wantLog(t, log, "make 1", "connect 1")
	first.Leave()
	wantLog(t, log, "disconnect 1", "close 1")

	// While it is being closed two come, and one comes and leaves.
	var conns []*sockettest.Conn
	for range 3 {
		conn := sockettest.Dial(t, srv, sockettest.Options{})
		conn.Send("0/job/7,")
		conn.Refused("/nowhere") // it was read
		conns = append(conns, conn)
	}
	conns[0].Send("1/job/7,")
	conns[0].Refused("/nowhere")
	equal(t, "children", srv.Children("/job/{id}").Len(), 0)
	if err := srv.Of("/job/7").Emit("nobody"); err != nil {
		t.Error(err)
	}
	close(release)
	wantLog(t, log, "closed", "make 2")
	for _, conn := range conns[1:] {
		waitFrame(t, conn, `< 40/job/7,{"sid":`)
	}
	equal(t, "made", made.Load(), 2)
	equal(t, "frames", len(framesWith(conns[0], `< 40/job/7`)), 0)
}

func TestWhoHasLeftWhileTheValueBeforeIsClosedLeavesNothing(t *testing.T) {
	log, release := make(chan string, 100), make(chan struct{})
	srv := quiet()
	srv.RegisterFunc("/job/{id}", func(p framework.Params) (framework.NamespaceHandler, error) {
		return &stages{id: p.Get("id"), log: log, closing: func() error { <-release; return nil }}, nil
	})
	client := sockettest.Connect(t, srv, "/job/7")
	client.Leave()
	wantLog(t, log, "connect 7", "disconnect 7", "close 7")
	// The client itself joins and leaves again, over and over.
	for range 100 {
		client.Conn().Send("0/job/7,")
		client.Conn().Send("1/job/7,")
	}
	client.Conn().Refused("/nowhere")
	close(release)
	client.Conn().Cut()
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	equal(t, "children", srv.Children("/job/{id}").Len(), 0)
	open := 0 // the first of the waiting sockets may have been connected before its leave was its turn
	for len(log) > 0 {
		switch <-log {
		case "connect 7":
			open++
		case "disconnect 7":
			open--
		}
	}
	equal(t, "open", open, 0)
}

func TestAFailureOfCloseIsLoggedAndThePathServedAgain(t *testing.T) {
	tests := map[string]func() error{
		"error":  func() error { return errors.New("on purpose") },
		"hollow": func() error { return (*hollow)(nil) },
		"panic":  func() error { panic("on purpose") },
		"exit":   func() error { runtime.Goexit(); return nil },
	}
	for name, closing := range tests {
		t.Run(name, func(t *testing.T) {
			log := make(chan string, 10)
			srv, lines := logged()
			srv.RegisterFunc("/job/{id}", func(p framework.Params) (framework.NamespaceHandler, error) {
				return &stages{id: p.Get("id"), log: log, closing: closing}, nil
			})
			conn := sockettest.Dial(t, srv, sockettest.Options{})
			for range 2 {
				conn.Join("/job/1").Leave()
				wantLog(t, log, "connect 1", "disconnect 1", "close 1")
			}
			conn.Close()
			if err := srv.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			equal(t, "lines", strings.Count(lines.String(), `"closing a namespace failed"`), map[bool]int{true: 0, false: 2}[name == "hollow"])
			equal(t, "gone", strings.Count(lines.String(), `"namespace gone"`), 2)
		})
	}
}

func TestEveryClassOfAChildIsClosedTheLastFirst(t *testing.T) {
	log := make(chan string, 10)
	srv := quiet()
	srv.RouteFunc("/job/{id}", func(r *framework.Router, p framework.Params) error {
		r.Attach(&job{id: "first", closed: log})
		r.Attach(&plain{})
		r.Attach(&alsoCloses{log: log})
		return nil
	})
	sockettest.Connect(t, srv, "/job/1").Leave()
	wantLog(t, log, "also", "first")
}

type alsoCloses struct {
	framework.Namespace
	log chan<- string
}

func (a *alsoCloses) Close() error { a.log <- "also"; return nil }

func TestAChildThatCouldNotBeMadeHoldsUpNobody(t *testing.T) {
	started, release := make(chan struct{}, 10), make(chan struct{})
	var calls atomic.Int32
	srv := quiet()
	srv.RegisterFunc("/job/{id}", func(p framework.Params) (framework.NamespaceHandler, error) {
		if calls.Add(1) == 1 {
			started <- struct{}{}
			<-release
			return nil, framework.Refuse("not yet")
		}
		return &job{id: p.Get("id")}, nil
	})
	var conns []*sockettest.Conn
	for range 3 {
		conn := sockettest.Dial(t, srv, sockettest.Options{})
		conn.Send("0/job/1,")
		conn.Send(`2/job/1,["who"]`)
		conn.Refused("/nowhere")
		conns = append(conns, conn)
	}
	receive(t, started)
	close(release)
	for _, conn := range conns {
		waitFrame(t, conn, `< 44/job/1,{"message":"not yet"}`)
	}
	equal(t, "calls", calls.Load(), 1)
	equal(t, "again", conns[1].Join("/job/1").Call("who").JSON(), `["1","/job/1"]`)
}

func TestAConnectionThatIsLostWhileItsChildIsMadeLeavesNothing(t *testing.T) {
	started, release := make(chan struct{}, 10), make(chan struct{})
	log := make(chan string, 10)
	srv := quiet()
	srv.RegisterFunc("/job/{id}", func(p framework.Params) (framework.NamespaceHandler, error) {
		started <- struct{}{}
		<-release
		return &stages{id: p.Get("id"), log: log}, nil
	})
	noticed := make(chan struct{}, 2)
	srv.On("disconnect", func() { noticed <- struct{}{} })
	for range 2 {
		conn := sockettest.Dial(t, srv, sockettest.Options{})
		conn.Send("0/job/1,")
		conn.Join("/")
		conn.Cut()
		receive(t, noticed)
	}
	receive(t, started)
	close(release)
	wantLog(t, log, "close 1")
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	equal(t, "children", srv.Children("/job/{id}").Len(), 0)
	equal(t, "more", len(log)+len(started), 0)
}

func TestPromise15ShutdownClosesChildren(t *testing.T) {
	log := make(chan string, 10)
	srv := quiet()
	srv.RegisterFunc("/job/{id}", func(p framework.Params) (framework.NamespaceHandler, error) {
		return &stages{id: p.Get("id"), log: log, closing: func() error {
			for range 100 {
				runtime.Gosched()
			}
			log <- "closed"
			return nil
		}}, nil
	})
	sockettest.Connect(t, srv, "/job/1")
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	wantLog(t, log, "connect 1", "disconnect 1", "close 1", "closed")
}

// TestJoinsAndCleanUpsSideBySide has clients come and go at a few paths. No two values of
// a path live at a time, no join is lost, and nothing is left in the end.
func TestJoinsAndCleanUpsSideBySide(t *testing.T) {
	var mu sync.Mutex
	alive := make(map[string]int)
	most := 0
	srv := quiet()
	srv.RegisterFunc("/job/{id}", func(p framework.Params) (framework.NamespaceHandler, error) {
		id := p.Get("id")
		mu.Lock()
		defer mu.Unlock()
		if id == "2" && len(alive)%2 == 0 {
			return nil, framework.Refuse("not now")
		}
		alive[id]++
		most = max(most, alive[id])
		return &counted{id: id, gone: func() { mu.Lock(); alive[id]--; mu.Unlock() }}, nil
	})
	var clients sync.WaitGroup
	for k := range 8 {
		conn := sockettest.Dial(t, srv, sockettest.Options{})
		clients.Go(func() {
			for i := range 60 {
				id := (i + k) % 3
				path := fmt.Sprintf("/job/%d", id)
				if id == 2 {
					conn.Send("0" + path + ",")
					conn.Send("1" + path + ",")
					conn.Refused("/nowhere")
					continue
				}
				s := conn.Join(path)
				equal(t, "value", s.Call("who").JSON(), fmt.Sprintf(`["%d"]`, id))
				s.Leave()
			}
			conn.Close()
		})
	}
	clients.Wait()
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	equal(t, "most at a time", most, 1)
	equal(t, "children", srv.Children("/job/{id}").Len(), 0)
	for id, n := range alive {
		equal(t, "left of "+id, n, 0)
	}
}

type counted struct {
	framework.Namespace
	id   string
	gone func()
}

func (c *counted) OnWho() string { return c.id }
func (c *counted) Close() error  { c.gone(); return nil }

func TestAHandleSpeaksToTheChildOfTheMoment(t *testing.T) {
	log := make(chan string, 10)
	srv := quiet()
	handle := srv.Of("/job/7") // before the pattern is there
	srv.RegisterFunc("/job/{id}", func(p framework.Params) (framework.NamespaceHandler, error) {
		if err := srv.Of(p.Path()).Emit("early"); err != nil {
			t.Error(err)
		}
		return &stages{id: p.Get("id"), log: log}, nil
	})
	nobody := func() {
		t.Helper()
		if err := errors.Join(handle.Emit("x"), handle.To("a").Emit("x"), handle.Volatile().Send(1)); err != nil {
			t.Errorf("to nobody: %v", err)
		}
		if err := handle.Emit("connect"); !errors.Is(err, framework.ErrReservedEvent) {
			t.Errorf("got %v, want ErrReservedEvent", err)
		}
		if err := handle.Emit("x", func() {}); err == nil || !strings.Contains(err.Error(), "takes no ack callback") {
			t.Errorf("got %v, want that a broadcast takes no callback", err)
		}
		handle.CloseRoom("a")
		_, found := handle.Socket("x")
		equal(t, "sockets and rooms", len(handle.Sockets())+len(handle.Rooms()), 0)
		equal(t, "found", found, false)
	}
	nobody()
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	kept := handle.To("a")
	for range 2 {
		client := conn.Join("/job/7")
		s, found := handle.Socket(client.ID())
		if !found || len(handle.Sockets()) != 1 {
			t.Fatal("the client is not found")
		}
		equal(t, "path", s.Namespace().Path()+" "+handle.Path(), "/job/7 /job/7")
		s.Join("a")
		equal(t, "rooms", fmt.Sprint(handle.Rooms()), "[a]")
		if err := errors.Join(handle.Emit("all"), kept.Emit("room")); err != nil {
			t.Error(err)
		}
		client.Expect("all")
		client.Expect("room")
		handle.CloseRoom("a")
		equal(t, "rooms", fmt.Sprint(handle.Rooms()), "[]")
		client.Leave()
		wantLog(t, log, "connect 7", "disconnect 7", "close 7")
		nobody()
	}
}

func TestPromise14AHandleOfWhatIsNotRegisteredIsAnErrorNotAPanic(t *testing.T) {
	srv := quiet()
	srv.RegisterFunc("/job/{id}", jobs(nil))
	for _, path := range []string{"/nowhere", "", "/job/7/8", "/job/" + strings.Repeat("x", 2000), "job/1"} {
		n := srv.Of(path)
		for _, err := range []error{n.Emit("x"), n.To("a").Except("b").Emit("x"), n.Send(1)} {
			if !errors.Is(err, framework.ErrNotRegistered) {
				t.Errorf("%q: got %v, want ErrNotRegistered", path, err)
			}
		}
		n.CloseRoom("a")
		_, found := n.Socket("x")
		if found || n.Sockets() != nil || n.Rooms() != nil {
			t.Errorf("%q: somebody is there", path)
		}
	}
	none := srv.Children("/job/{other}")
	if err := none.Emit("x"); !errors.Is(err, framework.ErrNotRegistered) {
		t.Errorf("got %v, want ErrNotRegistered", err)
	}
	equal(t, "of another pattern", none.Len()+len(none.Paths()), 0)
}

func TestAllChildrenOfAPatternAreReached(t *testing.T) {
	srv := quiet()
	all := srv.Children("/job/{id}") // looked up at each use
	srv.RegisterFunc("/job/{id}", jobs(nil))
	srv.RegisterFunc("/other/{id}", jobs(nil))
	if err := all.Emit("nobody"); err != nil {
		t.Error(err)
	}
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	one, two, other := conn.Join("/job/1"), conn.Join("/job/2"), conn.Join("/other/1")
	one.Call("enter", "a")
	other.Call("enter", "a")
	equal(t, "paths", fmt.Sprint(all.Paths()), "[/job/1 /job/2]")
	equal(t, "number", all.Len(), 2)
	if err := errors.Join(all.Emit("all", []byte("x")), all.To("a").Emit("in a"), all.Except("a").Send("not in a"), all.SendJSON(1),
		all.In("a", one.ID()).Emit("once"), all.Volatile().Emit("volatile")); err != nil {
		t.Error(err)
	}
	names := func(s *sockettest.Socket, n int) (names []string) {
		for range n {
			if e := s.Next(); e.Name != "volatile" {
				names = append(names, e.Name)
			}
		}
		return names
	}
	if got, want := names(one, 4), []string{"all", "in a", "json", "once"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := names(two, 3), []string{"all", "message", "json"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := all.Emit("disconnect"); !errors.Is(err, framework.ErrReservedEvent) {
		t.Errorf("got %v, want ErrReservedEvent", err)
	}
	conn.Refused("/nowhere")
	for _, f := range conn.Frames() {
		if strings.HasPrefix(f, "< 42/other") {
			t.Errorf("another pattern's child got %s", f)
		}
	}
}

func TestPacketsForAChildThatTheClientHasLeftAreIgnored(t *testing.T) {
	log := make(chan string, 10)
	srv := quiet()
	srv.RegisterFunc("/job/{id}", func(p framework.Params) (framework.NamespaceHandler, error) {
		return &stages{id: p.Get("id"), log: log}, nil
	})
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Join("/job/1").Leave()
	conn.Send(`2/job/1,["who"]`)
	conn.Send("1/job/1,")
	conn.Join("/job/2")
	conn.Send(`2/nowhere,["who"]`)
	equal(t, "closed", conn.Closed() != "", true)
}

func TestAClientJoinsAChildOnce(t *testing.T) {
	started, release := make(chan struct{}, 1), make(chan struct{})
	srv := quiet()
	srv.RegisterFunc("/job/{id}", func(p framework.Params) (framework.NamespaceHandler, error) {
		started <- struct{}{}
		<-release
		return &job{id: p.Get("id")}, nil
	})
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Send("0/job/1,")
	receive(t, started)
	conn.Send("0/job/1,")
	waitFrame(t, conn, `< 44/job/1,{"message":"Already connecting"}`)
	close(release)
	waitFrame(t, conn, `< 40/job/1,{"sid":`)
	conn.Send("0/job/1,")
	if conn.Closed() == "" {
		t.Error("a second CONNECT did not end the connection")
	}
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	equal(t, "children", srv.Children("/job/{id}").Len(), 0)
}
