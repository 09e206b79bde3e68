package framework_test

import (
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/transport"
)

// seedTalk lets a client connect, talk and fail on a server with these options.
func seedTalk(t *testing.T, opts framework.Options) {
	t.Helper()
	srv := unhurried(opts)
	gone := make(chan bool, 1)
	srv.On("my_event", func(s *framework.Socket) error { return s.Emit("my_response", 1) })
	srv.On("fail", seedFails)
	srv.On("disconnect", func() { gone <- true })
	c := sockettest.Dial(t, srv, sockettest.Options{})
	s := c.Join("/")
	s.Emit("my_event")
	s.Expect("my_response").WantsAck()
	s.Emit("unknown")
	s.Emit("fail")
	s.Call("my_event")
	s.Conn().Close()
	receive(t, gone)
}

func TestSeed112_113TheServerLogsSocketIO(t *testing.T) {
	want := map[zerolog.Level][]string{
		zerolog.ErrorLevel: {"a failure"},
		zerolog.InfoLevel:  {"socket connected", "socket disconnected", `"reason":"transport close"`, `"transport":"websocket"`},
		zerolog.DebugLevel: {"event received", "event sent", "no handler for the event", `"event":"my_event"`},
	}
	for level := range want {
		t.Run(level.String(), func(t *testing.T) {
			var log logBuffer
			seedTalk(t, framework.Options{Logger: zerolog.New(&log).Level(level)})
			for of, texts := range want {
				for _, text := range texts {
					if got := strings.Contains(log.String(), text); got != (of >= level) {
						t.Errorf("%q, which is at %v, is in the log: %t\n%s", text, of, got, &log)
					}
				}
			}
		})
	}
}

func TestSeed114_115TheTransportHasALoggerOfItsOwn(t *testing.T) {
	var socketIO, engineIO logBuffer
	seedTalk(t, framework.Options{
		Logger:    zerolog.New(&socketIO),
		Transport: transport.Options{Logger: zerolog.New(&engineIO)},
	})
	for _, tt := range []struct {
		text     string
		in, out  *logBuffer
		inWhich  string
		notWhich string
	}{
		{"session opened", &engineIO, &socketIO, "transport's", "server's"},
		{"event received", &socketIO, &engineIO, "server's", "transport's"},
	} {
		if !strings.Contains(tt.in.String(), tt.text) {
			t.Errorf("the %s log has no %q:\n%s", tt.inWhich, tt.text, tt.in)
		}
		if strings.Contains(tt.out.String(), tt.text) {
			t.Errorf("the %s log has %q:\n%s", tt.notWhich, tt.text, tt.out)
		}
	}

	var alone logBuffer
	seedTalk(t, framework.Options{
		Logger:    zerolog.Nop(),
		Transport: transport.Options{Logger: zerolog.New(&alone)},
	})
	if got := alone.String(); !strings.Contains(got, "session opened") || strings.Contains(got, "event received") {
		t.Errorf("the transport's log alone:\n%s", got)
	}
}

func TestSeed116AnyLoggerMayBeGiven(t *testing.T) {
	var log logBuffer
	seedTalk(t, framework.Options{Logger: zerolog.New(&log).With().Str("app", "demo").Logger()})
	for line := range strings.Lines(log.String()) {
		if !strings.Contains(line, `"app":"demo"`) {
			t.Errorf("a line has not what was added to the logger: %s", line)
		}
	}
}

// onStderr returns what f writes to os.Stderr.
func onStderr(t *testing.T, f func()) string {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "stderr")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stderr := os.Stderr
	os.Stderr = file
	defer func() { os.Stderr = stderr }()
	f()
	text, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSeed117WithoutALoggerOnlyFailuresAreWritten(t *testing.T) {
	got := onStderr(t, func() { seedTalk(t, framework.Options{}) })
	if !strings.Contains(got, "a failure") {
		t.Errorf("stderr has nothing of the failure that nobody handled: %q", got)
	}
	if lines := strings.Count(got, "\n"); lines != 1 {
		t.Errorf("stderr has %d lines, want the failure's only:\n%s", lines, got)
	}
	got = onStderr(t, func() { seedTalk(t, framework.Options{Logger: zerolog.Nop()}) })
	equal(t, "stderr with zerolog.Nop", got, "")
}

func TestSeed118LogsTellWhyARequestWasRefused(t *testing.T) {
	const target = "/socket.io/?"
	tests := []struct {
		name   string
		method string
		query  string
		header http.Header
		status int
		body   string
		log    []string
	}{
		{"origin", "GET", "EIO=4&transport=polling", http.Header{"Origin": {"https://evil.example"}}, 403,
			`{"code":4,"message":"Forbidden"}`, []string{"https://evil.example", "Options.Origins"}},
		{"transport", "GET", "EIO=4&transport=pigeon", nil, 400, `{"code":0,"message":"Transport unknown"}`, []string{"Transport unknown"}},
		{"version", "GET", "EIO=3&transport=polling", nil, 400, `{"code":5,"message":"Unsupported protocol version"}`,
			[]string{"Unsupported protocol version"}},
		{"session", "GET", "EIO=4&transport=polling&sid=nobody", nil, 400, `{"code":1,"message":"Session ID unknown"}`,
			[]string{"Session ID unknown"}},
		{"method", "PUT", "EIO=4&transport=polling", nil, 400, `{"code":2,"message":"Bad handshake method"}`,
			[]string{"Bad handshake method", `"method":"PUT"`}},
		{"upgrade", "GET", "EIO=4&transport=websocket", nil, 400, `{"code":3,"message":"Bad request"}`,
			[]string{"a WebSocket handshake and transport=websocket belong together"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var log logBuffer
			srv := unhurried(framework.Options{
				Logger:    zerolog.Nop(),
				Transport: transport.Options{Logger: zerolog.New(&log)},
			})
			r := httptest.NewRequest(tt.method, target+tt.query, nil)
			for name, values := range tt.header {
				r.Header[name] = values
			}
			w := httptest.NewRecorder()
			srv.ServeHTTP(w, r)
			equal(t, "status", w.Code, tt.status)
			equal(t, "body", strings.TrimSpace(w.Body.String()), tt.body)
			for _, want := range append(tt.log, "request refused", `"remote":"192.0.2.1:1234"`) {
				if !strings.Contains(log.String(), want) {
					t.Errorf("the log has no %q:\n%s", want, &log)
				}
			}
		})
	}
}
