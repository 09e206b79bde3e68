package framework_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestAQuietClientRecoversThoughItsOffsetIsNotLoggedAnyMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := recovering()
		quiet, busy := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
		quiet.Call("join", "quiet")
		srv.To("quiet").Emit("news", "1")
		hears(t, quiet, "news 1")
		for range 100 { // longer than anything is logged
			time.Sleep(10 * time.Second)
			srv.To(busy.ID()).Emit("tick", "t")
			busy.Expect("tick")
		}
		srv.cut(t, quiet)
		time.Sleep(10 * time.Second)
		srv.To("quiet").Emit("news", "2")
		back := srv.back(t, quiet)
		recovered(t, back, true)
		hears(t, back, "news 2")

		// What is sent into a connection that is dead already is missed, too.
		offset := back.Offset()
		time.Sleep(1000 * time.Second)
		srv.To("quiet").Emit("news", "3")
		srv.To(busy.ID()).Emit("tick", "t")
		hears(t, back, "news 3")
		srv.cut(t, back)
		time.Sleep(50 * time.Second)
		again := sockettest.Dial(t, srv, sockettest.Options{}).RecoverAt("/", back.PID(), offset)
		recovered(t, again, true)
		hears(t, again, "news 3")
		for _, c := range []*sockettest.Socket{again, busy} {
			c.Conn().Close()
		}
		srv.Shutdown(context.Background())
	})
}

func TestAVolatileEventThatEndsInAStringHasTheOffset(t *testing.T) {
	tests := []struct {
		name string
		args []any
		want string // before the offset; "" for the whole
	}{
		{"text", []any{"text"}, `["text"`},
		{"text that ends in a quote", []any{`"`}, `["\""`},
		{"nothing but the name", nil, `[`},
		{"a string in JSON", []any{framework.ArgsOf("a", "b")}, `["a","b"`},
		{"number", []any{1}, ""},
		{"object", []any{map[string]string{"k": "v"}}, ""},
		{"list", []any{[]string{"v"}}, ""},
		{"binary", []any{[]byte("v")}, ""},
	}
	synctest.Test(t, func(t *testing.T) {
		srv := recovering()
		client := sockettest.Connect(t, srv, "/")
		srv.Emit("news", "1")
		client.Expect("news")
		offset := client.Offset()
		s, _ := srv.Of("/").Socket(client.ID())
		for _, tt := range tests {
			for _, b := range []framework.Broadcast{srv.Of("/").Volatile(), s.Volatile()} {
				synctest.Wait() // nothing is queued
				b.Emit("volatile", tt.args...)
				want := strings.Replace(tt.want+`,"`+offset+`"]`, "[,", "[", 1)
				got := client.Expect("volatile").Args.JSON()
				switch {
				case tt.want == "" && strings.Contains(got, offset):
					t.Errorf("%s: got %s, want no offset", tt.name, got)
				case tt.want != "" && got != want:
					t.Errorf("%s: got %s, want %s", tt.name, got, want)
				}
			}
			equal(t, tt.name, client.Offset(), offset)
		}
		srv.cut(t, client)
		srv.Emit("news", "2")
		back := srv.back(t, client)
		hears(t, back, "news 2")
		back.Conn().Close()
		srv.Shutdown(context.Background())
	})
}

func TestAckRequestsAndAnswersHaveNoOffset(t *testing.T) {
	srv := recovering()
	srv.On("ask", func(s *framework.Socket) string {
		s.Emit("question", "q", func(string) {})
		return "answer"
	})
	client := sockettest.Connect(t, srv, "/")
	equal(t, "answer", client.Call("ask").JSON(), `["answer"]`)
	equal(t, "question", client.Expect("question").Args.JSON(), `["q"]`)
}

func TestPacketsAreForWhoWasInTheRoomWhenTheyWereSent(t *testing.T) {
	srv := recovering()
	client := sockettest.Connect(t, srv, "/")
	client.Call("join", "left", "left and joined again", "left out")
	room := func(name string, texts ...string) {
		for _, text := range texts {
			srv.To(name).Emit(name, text)
		}
	}
	room("joined later", "0")
	room("left", "1")
	room("left and joined again", "2")
	srv.Except("left out").Emit("not left out", "3")
	client.Call("leave", "left", "left and joined again", "left out")
	room("left", "4")
	room("left and joined again", "5")
	client.Call("join", "joined later", "left and joined again")
	room("joined later", "6")
	room("left and joined again", "7")
	srv.Except("left out").Emit("not left out", "8")
	srv.cut(t, client)
	room("joined later", "9")

	// As if it had received nothing of that.
	back := sockettest.Dial(t, srv, sockettest.Options{}).RecoverAt("/", client.PID(), "")
	recovered(t, back, true)
	hears(t, back, "left 1", "left and joined again 2", "joined later 6", "left and joined again 7", "not left out 8", "joined later 9")
	room("left", "10")
	hears(t, back)

	srv.Of("/").CloseRoom("joined later")
	room("joined later", "11")
	srv.cut(t, back)
	room("joined later", "12")
	again := srv.back(t, back)
	recovered(t, again, true)
	hears(t, again)
}

func TestWhatMiddlewareDoesToAClientThatComesBackCounts(t *testing.T) {
	var srv *away
	srv = recoveringBehind(func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			if e.Kind() == framework.KindConnect && e.Socket.Recovered() {
				srv.To("new room").Emit("early", "1")
				e.Socket.Join("new room")
				srv.To("new room", "old room").Emit("rooms", "2")
				e.Socket.Emit("own", "3")
				srv.To(e.Socket.ID()).Emit("id", "4")
			}
			return next.ServeEvent(ctx, e)
		})
	})
	client := sockettest.Connect(t, srv, "/")
	client.Call("join", "old room")
	srv.cut(t, client)
	back := srv.back(t, client)
	recovered(t, back, true)
	srv.To("new room").Emit("late", "5")
	hears(t, back, "rooms 2", "own 3", "id 4", "late 5")
}

func TestALogThatDoesNotReachBackMeansANewSession(t *testing.T) {
	long := strings.Repeat("x", 1000)
	tests := []struct {
		name string
		set  func(*framework.Options)
		emit int
		want bool
	}{
		{"within all bounds", func(*framework.Options) {}, 10, true},
		{"more than the log holds", func(o *framework.Options) { o.Recovery.MaxLog = 10_000 }, 10, false},
		{"more than a client may be owed", func(o *framework.Options) { o.Transport.MaxSendBuffer = 10_000 }, 10, false},
		{"one event is larger than the log", func(o *framework.Options) { o.Recovery.MaxLog = 1000 }, 1, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			expired := make(chan string, 10)
			srv := recovering(tt.set, func(o *framework.Options) {
				o.Recovery.OnExpired = func(e framework.ExpiredSession) { expired <- e.ID }
			})
			client := sockettest.Connect(t, srv, "/")
			srv.cut(t, client)
			want := []string{}
			for range tt.emit {
				srv.Emit("news", long)
				want = append(want, "news "+long)
			}
			back := srv.back(t, client)
			recovered(t, back, tt.want)
			if tt.want {
				hears(t, back, want...)
				return
			}
			hears(t, back)
			equal(t, "overrun", srv.RecoveryStats().Overrun, 1)
			equal(t, "expired", receive(t, expired), client.ID())
			if log := srv.log.String(); !strings.Contains(log, `"reason":"log overrun","message":"session not recovered"`) {
				t.Errorf("the log does not say why: %s", log)
			}
		})
	}
}

func TestALogThatIsOverrunByMiddlewareClosesTheConnection(t *testing.T) {
	var srv *away
	srv = recoveringBehind(func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			if e.Kind() == framework.KindConnect && e.Socket.Recovered() {
				for range 100 {
					srv.Emit("news", strings.Repeat("x", 1000))
				}
			}
			return next.ServeEvent(ctx, e)
		})
	}, func(o *framework.Options) { o.Recovery.MaxLog = 10_000 })
	client := sockettest.Connect(t, srv, "/")
	srv.cut(t, client)
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	conn.Send(`0{"pid":"` + client.PID() + `"}`)
	conn.Closed()
	equal(t, "answers", len(framesWith(conn, "< 40", "< 44")), 0)
	recovered(t, srv.back(t, client), false)
}

func TestAnExpiredSessionIsToldAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		user := framework.NewKey[string]("user")
		expired := make(chan string, 10)
		srv := recovering(func(o *framework.Options) {
			o.Recovery.OnExpired = func(e framework.ExpiredSession) {
				name, _ := user.GetExpired(e)
				expired <- fmt.Sprint(e.Namespace.Path(), " ", name, " ", e.Rooms)
				panic("of no consequence")
			}
		})
		srv.On("connect", func(s *framework.Socket) { user.Set(s, "ann") })
		client := sockettest.Connect(t, srv, "/")
		client.Call("join", "kitchen", "cellar", "attic")
		client.Call("leave", "cellar")
		srv.cut(t, client)
		srv.Emit("news", "1")
		time.Sleep(59 * time.Second)
		stats := srv.RecoveryStats()
		equal(t, "kept", stats.Kept, 1)
		equal(t, "logged", stats.Logged > 0, true)
		equal(t, "expired", len(expired), 0)
		time.Sleep(2 * time.Second)
		equal(t, "expired", receive(t, expired), "/ ann [attic kitchen]")
		synctest.Wait()
		equal(t, "stats", srv.RecoveryStats(), framework.RecoveryStats{Expired: 1})
		srv.Emit("news", "2") // to nobody
		equal(t, "logged", srv.RecoveryStats().Logged, 0)
		back := srv.back(t, client)
		recovered(t, back, false)
		hears(t, back)
		equal(t, "unknown", srv.RecoveryStats().Unknown, 1)
		back.Conn().Close()
		srv.Shutdown(context.Background())
	})
}

func TestTooManySessionsGiveUpTheOldest(t *testing.T) {
	srv := recovering(func(o *framework.Options) { o.Recovery.MaxSessions = 2 })
	var clients []*sockettest.Socket
	for range 3 {
		client := sockettest.Connect(t, srv, "/")
		srv.cut(t, client)
		clients = append(clients, client)
	}
	waitFor(t, func() bool { return srv.RecoveryStats().Kept == 2 && srv.RecoveryStats().Expired == 1 })
	for i, client := range clients {
		recovered(t, srv.back(t, client), i > 0)
	}
}

// waitFor waits by round trips of a client of its own.
func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	conn := sockettest.Dial(t, quiet(), sockettest.Options{})
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		if done() {
			return
		}
		conn.Refused("/nowhere")
	}
	t.Fatal("it did not come to that within a minute")
}

func TestShutdownForgetsTheSessions(t *testing.T) {
	srv := recovering(func(o *framework.Options) {
		o.Recovery.OnExpired = func(framework.ExpiredSession) { t.Error("told of a session that Shutdown has ended") }
	})
	away, here := sockettest.Connect(t, srv, "/"), sockettest.Connect(t, srv, "/")
	srv.cut(t, away)
	srv.Emit("news", "1")
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "reason", here.Disconnected(), "transport close")
	receive(t, srv.left)
	equal(t, "stats", srv.RecoveryStats(), framework.RecoveryStats{})
}

func TestMiddlewareRunsForWhoRecoversUnlessItIsSkipped(t *testing.T) {
	for _, skip := range []bool{false, true} {
		t.Run(fmt.Sprint("skipped ", skip), func(t *testing.T) {
			users, runs := make(chan any, 10), 0
			srv := recoveringBehind(func(next framework.Handler) framework.Handler {
				return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
					if e.Kind() == framework.KindConnect {
						runs++
						ctx = context.WithValue(ctx, userKey{}, fmt.Sprint("ann ", runs))
					}
					return next.ServeEvent(ctx, e)
				})
			}, func(o *framework.Options) { o.Recovery.SkipMiddleware = skip })
			user := func(ctx context.Context, s *framework.Socket) {
				users <- ctx.Value(userKey{})
				equal(t, "in the socket's context", s.Context().Value(userKey{}), ctx.Value(userKey{}))
				equal(t, "the event", framework.EventFrom(ctx).Socket, s)
			}
			srv.On("connect", func(ctx context.Context) { users <- ctx.Value(userKey{}) })
			srv.On("user", user)
			client := sockettest.Connect(t, srv, "/")
			equal(t, "at connect", receive(t, users), any("ann 1"))
			for i := range 3 {
				srv.cut(t, client)
				client = srv.back(t, client)
				recovered(t, client, true)
				want := any("ann 1")
				if !skip {
					want = fmt.Sprint("ann ", i+2)
				}
				equal(t, "at connect", receive(t, users), want)
				client.Call("rooms")
				client.Emit("user")
				equal(t, "at an event", receive(t, users), want)
			}
		})
	}
}

func TestNegativeBoundsOfRecoveryPanic(t *testing.T) {
	for _, r := range []framework.Recovery{{MaxDisconnection: -1}, {MaxLog: -1}, {MaxSessions: -1}} {
		func() {
			defer func() {
				if v := recover(); v == nil || !strings.HasPrefix(fmt.Sprint(v), "framework: Options.Recovery has a negative bound") {
					t.Errorf("%+v: got %v", r, v)
				}
			}()
			framework.New(framework.Options{Recovery: r})
		}()
	}
}
