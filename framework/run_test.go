package framework_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/transport"
)

// lineWriter passes log lines on.
type lineWriter chan string

func (w lineWriter) Write(p []byte) (int, error) {
	select {
	case w <- string(p):
	default:
	}
	return len(p), nil
}

func TestRunServesTheApplicationBesideItAndDrains(t *testing.T) {
	lines := make(lineWriter, 100)
	srv := unhurried(framework.Options{Logger: zerolog.New(lines).Level(zerolog.InfoLevel)})
	app := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "the page") })
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx, "127.0.0.1:0", app) }()

	var serving struct{ Addr string }
	if err := json.Unmarshal([]byte(receive(t, lines)), &serving); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for path, want := range map[string]string{
		"/":                                      "the page",
		"/other/socket.io/":                      "the page",
		"/socket.io/?EIO=4&transport=polling":    `0{"sid":`,
		"/socket.io?EIO=4&transport=polling":     `0{"sid":`,
		"/socket.io/x/?EIO=4&transport=polling":  `0{"sid":`,
		"/socket.io/?EIO=4&transport=telepathic": `{"code":0,`,
	} {
		res, err := client.Get("http://" + serving.Addr + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if !strings.HasPrefix(string(body), want) {
			t.Errorf("%s: got %s, want %s...", path, body, want)
		}
	}
	stop()
	if err := receive(t, ended); err != nil {
		t.Errorf("Run: %v", err)
	}
	if _, err := client.Get("http://" + serving.Addr); err == nil {
		t.Error("the port is still served")
	}
}

func TestRunReportsAnAddressThatIsTaken(t *testing.T) {
	err := quiet().Run(t.Context(), "256.0.0.1:1", nil)
	if err == nil || !strings.HasPrefix(err.Error(), "framework: run: listen") {
		t.Errorf("got %v, want the reason", err)
	}
}

func TestTheTwoLoggersAreIndependent(t *testing.T) {
	tests := []struct {
		name                string
		socketIO, engineIO  bool
		wantEvent, wantSend bool
	}{
		{"none", false, false, false, false},
		{"Socket.IO", true, false, true, false},
		{"Engine.IO", false, true, false, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var upper, lower logBuffer
			opts := framework.Options{Logger: zerolog.Nop()}
			if tt.socketIO {
				opts.Logger = zerolog.New(&upper)
			}
			if tt.engineIO {
				opts.Transport = transport.Options{Logger: zerolog.New(&lower)}
			}
			srv := unhurried(opts)
			srv.On("ping", func() {})
			client := sockettest.Connect(t, srv, "/")
			client.Call("ping")
			client.Conn().Close()
			if err := srv.Shutdown(t.Context()); err != nil {
				t.Error(err)
			}
			equal(t, "Socket.IO lines", strings.Contains(upper.String(), "event received"), tt.wantEvent)
			equal(t, "Engine.IO lines", strings.Contains(lower.String(), "session"), tt.wantSend)
		})
	}
}

func TestARefusedOriginIsToldEvenIfOnlyOneLoggerIsSet(t *testing.T) {
	srv, log := logged()
	_, refused := sockettest.TryDial(t, srv, sockettest.Options{Header: http.Header{"Origin": {"http://localhost:5173"}}})
	if refused == nil || refused.Status != http.StatusForbidden {
		t.Fatalf("got %v, want 403", refused)
	}
	for _, want := range []string{`"level":"error"`, "add the origin to Options.Origins", "http://localhost:5173"} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
}

func TestContextLoggerCarriesNamespaceSocketAndEvent(t *testing.T) {
	srv, log := logged()
	addUser := func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			if e.Kind() == framework.KindConnect {
				ctx = zerolog.Ctx(ctx).With().Str("user", "ann").Logger().WithContext(ctx)
			}
			return next.ServeEvent(ctx, e)
		})
	}
	srv.Route("/plain", func(r *framework.Router) {
		r.On("note", func(ctx context.Context) { zerolog.Ctx(ctx).Info().Msg("noted") })
	})
	srv.Route("/user", func(r *framework.Router) {
		r.Use(addUser)
		r.On("note", func(ctx context.Context) { zerolog.Ctx(ctx).Info().Msg("noted") })
	})
	conn := sockettest.Dial(t, srv, sockettest.Options{})
	plain, user := conn.Join("/plain"), conn.Join("/user")
	plain.Call("note")
	user.Call("note")
	for _, want := range []string{
		fmt.Sprintf(`{"level":"info","nsp":"/plain","sid":%q,"event":"note","message":"noted"}`, plain.ID()[:8]),
		fmt.Sprintf(`{"level":"info","nsp":"/user","sid":%q,"user":"ann","event":"note","message":"noted"}`, user.ID()[:8]),
	} {
		if !strings.Contains(log.String(), want) {
			t.Errorf("the log lacks %s:\n%s", want, log)
		}
	}
}

func TestRunServesTheClientToo(t *testing.T) {
	lines := make(lineWriter, 100)
	srv := unhurried(framework.Options{Logger: zerolog.New(lines).Level(zerolog.InfoLevel), Client: bundle})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- srv.Run(ctx, "127.0.0.1:0", nil) }()

	var serving struct{ Addr string }
	if err := json.Unmarshal([]byte(receive(t, lines)), &serving); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for path, want := range map[string]int{
		"/socket.io/socket.io.js": 200,
		"/socket.io/unknown.js":   400, // the engine's: no transport
		"/socket.io.js":           404,
	} {
		res, err := client.Get("http://" + serving.Addr + path)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != want || want == 200 && string(body) != script {
			t.Errorf("%s: got %d, %d bytes, want %d", path, res.StatusCode, len(body), want)
		}
	}
	stop()
	if err := receive(t, ended); err != nil {
		t.Errorf("Run: %v", err)
	}
}
