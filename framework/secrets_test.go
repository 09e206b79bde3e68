package framework_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/middleware"
	"github.com/parlor-go/parlor/transport"
)

// talkative makes a server that does and logs a little of everything.
func talkative(log *logBuffer, opts framework.Options) *framework.Server {
	opts.Logger = zerolog.New(log).Level(zerolog.DebugLevel)
	opts.Transport.Logger = opts.Logger
	srv := unhurried(opts)
	srv.Use(middleware.Logger)
	srv.On("echo", func(text string) string { return text })
	srv.On("fail", func() error { return framework.ErrNoHandler })
	srv.On("number", func(int) {})
	srv.On("panic", func() { panic("oh") })
	srv.On("ask", func(s *framework.Socket) error { return s.Emit("question", func() {}) })
	srv.On("everybody", func(s *framework.Socket) error { return s.Namespace().Emit("news", "text") })
	srv.Route("/closed", func(r *framework.Router) {
		r.On("connect", func() error { return framework.Refuse("no") })
	})
	return srv
}

func wantNoneOf(t *testing.T, log *logBuffer, secrets map[string]string) {
	t.Helper()
	lines := log.String()
	if len(lines) < 1000 {
		t.Fatalf("the log is all but empty:\n%s", lines)
	}
	for name, secret := range secrets {
		if len(secret) < 10 {
			t.Errorf("the %s is %q, want one that is worth looking for", name, secret)
		}
		for line := range strings.Lines(lines) {
			if strings.Contains(line, secret) {
				t.Errorf("the log has the %s: %s", name, line)
			}
		}
	}
}

func TestTheLogHasNoSecrets(t *testing.T) {
	for _, way := range []string{"polling", "websocket"} {
		t.Run(way, func(t *testing.T) {
			var log logBuffer
			srv := talkative(&log, framework.Options{Transport: transport.Options{Cookie: &http.Cookie{Name: "io"}}})
			conn := sockettest.Dial(t, srv, sockettest.Options{
				Transport: way,
				Query:     map[string][]string{"token": {"query-secret-1"}},
				Header:    http.Header{"Cookie": {"session=cookie-secret-1"}, "Authorization": {"Bearer header-secret-1"}},
			})
			client := conn.Join("/", map[string]string{"password": "auth-secret-1"})
			conn.Refused("/closed", map[string]string{"password": "auth-secret-2"})
			conn.Refused("/unknown", map[string]string{"password": "auth-secret-3"})
			client.Call("echo", "argument-secret-1")
			for _, event := range []string{"fail", "panic", "number", "unknown"} {
				client.Emit(event, "argument-secret-2")
			}
			client.Emit("ask")
			client.Expect("question").Ack("answer-secret-1")
			client.Call("echo", "")
			client.Emit("everybody")
			client.Expect("news")
			sid := client.ID()
			conn.Send(`2["echo",argument-secret-3]`)
			conn.Closed()
			if err := srv.Shutdown(t.Context()); err != nil {
				t.Fatal(err)
			}
			wantNoneOf(t, &log, map[string]string{
				"id of the session": conn.SID(), "id of the socket": sid,
				"query": "query-secret", "cookie": "cookie-secret", "header": "header-secret", "auth payload": "auth-secret",
				"arguments": "argument-secret", "answer": "answer-secret",
			})
			if !strings.Contains(log.String(), `"sid":"`+sid[:8]+`"`) {
				t.Errorf("the log has no line with the beginning of %s", sid)
			}
		})
	}
}

func TestTheLogHasNoSecretsOfClientsOfEngineIO3(t *testing.T) {
	var log logBuffer
	srv := talkative(&log, framework.Options{Transport: transport.Options{AllowEIO3: true}})
	srv.Route("/chat", func(r *framework.Router) { r.On("echo", func(text string) string { return text }) })
	client := joinOlder(t, serve(t, srv))
	client.send(`40/chat?token=query-secret-1`)
	client.want("40/chat,")
	client.send(`42/chat,0["echo","argument-secret-1"]`)
	client.want(`43/chat,0["argument-secret-1"]`)
	client.send(`42["panic"]`)
	client.send(`42["everybody"]`)
	client.want(`42["news","text"]`)
	client.send(`41`)
	client.send(`4nonsense`)
	client.wantEnd()
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantNoneOf(t, &log, map[string]string{
		"id of the session": client.sid, "query": "query-secret", "arguments": "argument-secret",
	})
	if !strings.Contains(log.String(), `"sid":"`+client.sid[:8]+`"`) {
		t.Errorf("the log has no line with the beginning of %s", client.sid)
	}
}

func TestTheLogHasNoSecretsOfWhoRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log logBuffer
		srv := talkative(&log, framework.Options{Recovery: framework.Recovery{MaxDisconnection: time.Minute}})
		pids := make([]string, 0, 3)
		sids := make([]string, 0, 3)
		client := sockettest.Connect(t, srv, "/")
		for range 2 {
			pids, sids = append(pids, client.PID()), append(sids, client.ID())
			client.Emit("everybody")
			client.Expect("news")
			client.Conn().Cut()
			synctest.Wait()
			client = sockettest.Dial(t, srv, sockettest.Options{}).Recover(client)
		}
		client.Conn().Cut()
		time.Sleep(2 * time.Minute) // it expires
		client = sockettest.Dial(t, srv, sockettest.Options{}).Recover(client)
		client.Leave()
		if err := srv.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
		wantNoneOf(t, &log, map[string]string{
			"secret of the session": pids[0], "secret of the recovered session": pids[1], "secret of the next": client.PID(),
			"id of the socket": sids[0], "id of the next": client.ID(),
		})
		for _, want := range []string{"session expired", "session not recovered", `"recovered":true`} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log has no %q", want)
			}
		}
	})
}

func TestTheLogHasTheIDsThatAProgramMade(t *testing.T) {
	var log logBuffer
	srv := talkative(&log, framework.Options{NewID: func(*framework.Handshake) string { return "customer-number-12" }})
	sockettest.Connect(t, srv, "/").Call("echo", "")
	if !strings.Contains(log.String(), `"sid":"customer-number-12"`) {
		t.Errorf("the log has no line of customer-number-12:\n%s", &log)
	}
}
