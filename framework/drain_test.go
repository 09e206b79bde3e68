package framework_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestPromise15AHandlerThatDoesNotReturnKeepsOnlyItsOwnClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := quiet()
		stuck := make(chan struct{})
		left := new(atomic.Int32)
		srv.Route("/", func(r *framework.Router) {
			r.On("stuck", func() { <-stuck })
			r.On("beside", func() { <-stuck })
			r.On("late", func() string { time.Sleep(9 * time.Second); return "done" })
			r.On("disconnect", func() { left.Add(1) })
			r.Concurrent("beside")
		})
		for _, event := range []string{"stuck", "beside"} {
			sockettest.Connect(t, srv, "/").Emit(event)
		}
		idle := []*sockettest.Socket{
			sockettest.Connect(t, srv, "/"),
			sockettest.Dial(t, srv, sockettest.Options{Transport: "polling"}).Join("/"),
		}
		patient := sockettest.Dial(t, srv, sockettest.Options{Timeout: time.Minute}).Join("/")
		answer := patient.EmitWithAck("late")
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		ended := make(chan error, 1)
		go func() { ended <- srv.Shutdown(ctx) }()
		time.Sleep(8 * time.Second)
		equal(t, "left before the deadline", left.Load(), 2)
		for _, s := range idle {
			if got := s.Disconnected(); got != "transport close" && got != "transport error" {
				t.Errorf("client sees %q, want a lost connection", got)
			}
		}
		equal(t, "answer of one that returned in time", answer.Wait().JSON(), `["done"]`)
		if err := receive(t, ended); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want context.DeadlineExceeded", err)
		}
		equal(t, "time taken", time.Since(start), 10*time.Second)
		close(stuck)
	})
}

// serving starts Run and returns where it serves, its result and its log.
func serving(t *testing.T, ctx context.Context, app http.Handler) (addr string, ended <-chan error, lines lineWriter) {
	t.Helper()
	lines = make(lineWriter, 100)
	srv := unhurried(framework.Options{Logger: zerolog.New(lines).Level(zerolog.InfoLevel)})
	done := make(chan error, 1)
	go func() { done <- srv.Run(ctx, "127.0.0.1:0", app) }()
	var line struct{ Addr string }
	if err := json.Unmarshal([]byte(receive(t, lines)), &line); err != nil {
		t.Fatal(err)
	}
	return line.Addr, done, lines
}

func TestRunRefusesAHeaderThatIsTooLarge(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	addr, ended, _ := serving(t, ctx, nil)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	go func() {
		_, _ = fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: x\r\nCookie: %s\r\n\r\n", strings.Repeat("x", 80<<10))
	}()
	answer := make([]byte, len("HTTP/1.1 431"))
	if _, err := io.ReadFull(conn, answer); err != nil || string(answer) != "HTTP/1.1 431" {
		t.Errorf("got %q (%v), want 431", answer, err)
	}
	stop()
	if err := receive(t, ended); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestRunLogsWhatConcernsTheOperator(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	addr, ended, lines := serving(t, ctx, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("application") }))
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	// net/http has a line for each such query, which anybody can send.
	if res, err := client.Get("http://" + addr + "/socket.io/?a;b"); err == nil {
		res.Body.Close()
	}
	if res, err := client.Get("http://" + addr); err == nil {
		t.Errorf("got %s of a handler that panicked", res.Status)
		res.Body.Close()
	}
	for {
		line := receive(t, lines)
		if strings.Contains(line, "semicolon") {
			t.Errorf("logged aloud: %s", line)
		}
		if !strings.Contains(line, "http: panic serving") {
			continue
		}
		for _, want := range []string{`"level":"error"`, `"from":"net/http"`, `"stack":`, "application"} {
			if !strings.Contains(line, want) {
				t.Errorf("the line lacks %s: %s", want, line)
			}
		}
		break
	}
	stop()
	if err := receive(t, ended); err != nil {
		t.Errorf("Run: %v", err)
	}
}
