package framework_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/transport"
)

// wantLimit checks that err wraps the LimitError of a bound, and that the server has
// counted it so often.
func wantLimit(t *testing.T, srv *framework.Server, err error, option string, times uint64) {
	t.Helper()
	limit, ok := errors.AsType[*transport.LimitError](err)
	if !ok || limit.Option != option {
		t.Errorf("got %v, want the LimitError of %s", err, option)
	}
	if got := srv.Exceeded()[option]; got != times {
		t.Errorf("counted %d times that %s was exceeded, want %d", got, option, times)
	}
}

func TestAPacketWhoseAttachmentsDoNotComeClosesTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ended := make(chan error, 1)
		srv := unhurried(framework.Options{Logger: zerolog.Nop(), AttachmentTimeout: 3 * time.Second})
		srv.On("file", func(...[]byte) bool { return true })
		srv.On("disconnect", func(reason framework.Reason, err error) {
			equal(t, "reason", reason, framework.ForcedClose)
			ended <- err
		})
		client := sockettest.Connect(t, srv, "/")
		for range 5 { // the watch over the first is none over those that follow in time
			client.Call("file", []byte{1}, []byte{2})
			time.Sleep(2 * time.Second)
		}
		client.Conn().Send(`52-["file",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]`, []byte{1})
		start := time.Now()
		err := receive(t, ended)
		if waited := time.Since(start); waited < 3*time.Second || waited > 6*time.Second {
			t.Errorf("closed after %v, want 3s to 6s", waited)
		}
		wantLimit(t, srv, err, "AttachmentTimeout", 1)
	})
}

func TestAPacketMayTakeForEverWithoutAnAttachmentTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := unhurried(framework.Options{Logger: zerolog.Nop(), AttachmentTimeout: -1})
		ended := make(chan error, 1)
		srv.On("disconnect", func(err error) { ended <- err })
		client := sockettest.Connect(t, srv, "/")
		client.Conn().Send(`51-["file",{"_placeholder":true,"num":0}]`)
		time.Sleep(time.Hour)
		equal(t, "disconnected", len(ended), 0)
	})
}

func TestWhoGoesBeyondABoundOfPacketsIsClosed(t *testing.T) {
	tests := []struct {
		name, packet, option string
		opts                 framework.Options
	}{
		{"attachments, by the header alone", `599999999-["x"]`, "MaxAttachments", framework.Options{}},
		{"attachments, chosen", `53-["x"]`, "MaxAttachments", framework.Options{MaxAttachments: 2}},
		{"depth", `2["x",` + strings.Repeat("[", 256) + strings.Repeat("]", 256) + `]`, "MaxDepth", framework.Options{}},
		{"depth, chosen", `2["x",[[1]]]`, "MaxDepth", framework.Options{MaxDepth: 2}},
		{"depth of objects", `2["x",{"a":{"b":1}}]`, "MaxDepth", framework.Options{MaxDepth: 2}},
		{"depth of an answer", `31[[[1]]]`, "MaxDepth", framework.Options{MaxDepth: 2}},
		{"depth of a payload of CONNECT", `0/other,{"a":[[1]]}`, "MaxDepth", framework.Options{MaxDepth: 2}},
		{"an event's name", `2["` + strings.Repeat("n", 257) + `"]`, "MaxNameLength", framework.Options{}},
		{"an event's name, chosen", `2["five5"]`, "MaxNameLength", framework.Options{MaxNameLength: 4}},
		{"an event's name in escapes", `2["\u0061bcde"]`, "MaxNameLength", framework.Options{MaxNameLength: 4}},
		{"an event's name that is a number", `2[12345]`, "MaxNameLength", framework.Options{MaxNameLength: 4}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tt.opts.Logger = zerolog.Nop()
			srv := unhurried(tt.opts)
			ended := make(chan error, 1)
			srv.On("fits", func() bool { return true })
			srv.On("disconnect", func(reason framework.Reason, err error) {
				if reason == framework.ForcedClose { // else it is the other one's, at last
					ended <- err
				}
			})
			other, client := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
			client.Emit("fits")
			client.Conn().Send(tt.packet)
			wantLimit(t, srv, receive(t, ended), tt.option, 1)
			equal(t, "another client", other.Call("fits").JSON(), "[true]")
		})
	}
}

func TestWhatIsJustWithinABoundIsServed(t *testing.T) {
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), MaxDepth: 3, MaxNameLength: 5})
	srv.On("*", func(e *framework.Event) string { return e.Name })
	srv.On("bytes", func(b ...[]byte) int { return len(b) })
	client := sockettest.Connect(t, srv, "/")
	equal(t, "a name", client.Call("five5", [][]int{{1}}).JSON(), `["five5"]`)
	equal(t, "attachments", client.Call("bytes", []byte{1}, []byte{2}).JSON(), `[2]`)
}

func TestANamespaceWithANameThatIsTooLongIsRefused(t *testing.T) {
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), MaxNameLength: 6})
	srv.RegisterFunc("/{any}", func(framework.Params) (framework.NamespaceHandler, error) { return &plain{}, nil })
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Join("/five5")
	equal(t, "message", conn.Refused("/sixsix").Message, "Invalid namespace")
	equal(t, "counted", srv.Exceeded()["MaxNameLength"], 1)
	conn.Join("/other")
}

func TestASocketJoinsAllOfTheRoomsOrNone(t *testing.T) {
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), MaxRooms: 3, MaxNameLength: 5})
	sockets := make(chan *framework.Socket, 1)
	srv.On("connect", func(s *framework.Socket) { sockets <- s })
	client := sockettest.Connect(t, srv, "/")
	s := receive(t, sockets)
	tests := []struct {
		name   string
		rooms  []string
		option string // "" for none
		want   string
	}{
		{"some", []string{"a", "b"}, "", "a b"},
		{"too many", []string{"c", "d"}, "MaxRooms", "a b"},
		{"one that it is in, and its own", []string{"a", "b", "c", "c", s.ID()[:5]}, "MaxRooms", "a b"},
		{"those that it is in", []string{"a", "b", "a", "c", "c"}, "", "a b c"},
		{"none", nil, "", "a b c"},
		{"a name that is too long", []string{"a", "sixsix"}, "MaxNameLength", "a b c"},
		{"one more", []string{"d"}, "MaxRooms", "a b c"},
	}
	times := map[string]uint64{}
	for _, tt := range tests {
		err := s.Join(tt.rooms...)
		if tt.option == "" && err != nil {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.option != "" {
			times[tt.option]++
			wantLimit(t, srv, err, tt.option, times[tt.option])
		}
		if got := strings.Join(s.Rooms()[1:], " "); got != tt.want {
			t.Errorf("%s: got rooms %q, want %q", tt.name, got, tt.want)
		}
	}
	s.Leave("a")
	if err := s.Join("d"); err != nil {
		t.Error(err)
	}
	wantLimit(t, srv, srv.Join(t.Context(), "e"), "MaxRooms", times["MaxRooms"]+1)
	wantLimit(t, srv, srv.To(s.ID()).Join(t.Context(), "f"), "MaxRooms", times["MaxRooms"]+2)
	client.Conn().Close()
	<-s.Context().Done()
	if err := s.Join("g", "h", "i"); err != nil {
		t.Errorf("of a socket that is gone: got %v, want nil", err)
	}
}

func TestAClientOwesSoManyAnswersOnly(t *testing.T) {
	srv := unhurried(framework.Options{Logger: zerolog.Nop(), MaxPendingAcks: 2})
	sockets := make(chan *framework.Socket, 2)
	srv.On("connect", func(s *framework.Socket) { sockets <- s })
	client := sockettest.Connect(t, srv, "/")
	s := receive(t, sockets)
	answered := make(chan error, 3)
	ask := func() error { return s.Emit("ask", func(err error) { answered <- err }) }
	for range 2 {
		if err := ask(); err != nil {
			t.Fatal(err)
		}
	}
	wantLimit(t, srv, ask(), "MaxPendingAcks", 1)
	_, err := s.EmitWithAck(t.Context(), "ask")
	wantLimit(t, srv, err, "MaxPendingAcks", 2)

	// Of several who are asked, the others answer.
	other := sockettest.Connect(t, srv, "/")
	go func() { other.Expect("all").Ack("yes") }()
	answers, err := srv.Of("/").EmitWithAck(t.Context(), "all")
	wantLimit(t, srv, err, "MaxPendingAcks", 3)
	missing, ok := errors.AsType[*framework.MissingAcksError](err)
	if !ok || fmt.Sprint(missing.Missing) != fmt.Sprint([]string{s.ID()}) {
		t.Errorf("got %v, want the one who owes too much to be missing", err)
	}
	if errors.Is(err, framework.ErrClosed) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want nothing but the bound", err)
	}
	if len(answers) != 1 || answers[0].ID != other.ID() {
		t.Errorf("got %v, want the answer of %s", answers, other.ID())
	}

	client.Expect("ask").Ack()
	if err := receive(t, answered); err != nil {
		t.Error(err)
	}
	if err := ask(); err != nil {
		t.Errorf("once an answer has come: %v", err)
	}
}

func TestBoundsThatMakeNoSensePanic(t *testing.T) {
	tests := []struct {
		name string
		make func()
		want string
	}{
		{"negative depth", func() { framework.New(framework.Options{MaxDepth: -1}) }, "MaxDepth is -1: want 1 to 10000"},
		{"great depth", func() { framework.New(framework.Options{MaxDepth: 10_001}) }, "MaxDepth is 10001: want 1 to 10000"},
		{"a long event", func() { framework.New(framework.Options{MaxNameLength: 4}).On("five5", func() {}) }, "MaxNameLength is 4"},
		{"a long path", func() {
			framework.New(framework.Options{MaxNameLength: 4}).Route("/five", func(*framework.Router) {})
		}, "MaxNameLength is 4"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "framework: ") || !strings.Contains(got, tt.want) {
					t.Errorf("got %s, want it to say %q", got, tt.want)
				}
			}()
			tt.make()
		})
	}
}

// An attack must not fill the disk.
func TestWhatClientsDoWrongIsSaidAloudNowAndThenOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logBuffer
		srv := unhurried(framework.Options{Logger: zerolog.New(&log).Level(zerolog.InfoLevel)})
		attack := func() {
			for range 100 {
				conn := sockettest.Dial(t, srv, sockettest.Options{})
				conn.Refused("/nowhere")
				conn.Send("nonsense")
				conn.Closed()
			}
		}
		attack()
		attack()
		count := func(text string) int { return strings.Count(log.String(), text) }
		equal(t, "violations", count("client broke the protocol"), 1)
		equal(t, "unknown namespaces", count("namespace unknown"), 60)
		time.Sleep(time.Minute)
		attack()
		equal(t, "violations after a minute", count("client broke the protocol"), 2)
		equal(t, "how many there were", count(`"unsaid":199`), 1)
	})
}

func TestGuessesAtPathsDoNotHideWhatAFactoryRefusesWith(t *testing.T) {
	srv, log := logged()
	srv.RegisterFunc("/job/{id}", func(framework.Params) (framework.NamespaceHandler, error) {
		return nil, errors.New("the database is away")
	})
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	for range 200 {
		conn.Refused("/nowhere")
	}
	conn.Refused("/job/7")
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "the database is away") {
			equal(t, "said aloud", strings.Contains(line, `"level":"info"`), true)
			return
		}
	}
	t.Error("the factory's error is not in the log")
}

// What Join returns, handlers return, as the guide says.
func TestFailuresOfABoundAreSaidAloudNowAndThenOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, log := logged()
		srv.On("join", func(s *framework.Socket, room string) error { return s.Join(room) })
		client := sockettest.Connect(t, srv, "/")
		for range 200 {
			client.Emit("join", strings.Repeat("r", 257))
		}
		client.Emit("join", "r")
		synctest.Wait()
		equal(t, "times", srv.Exceeded()["MaxNameLength"], 200)
		equal(t, "lines at error", strings.Count(log.String(), `"level":"error"`), 60)
	})
}
