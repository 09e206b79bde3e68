package transport

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// net/http reads a part of a body that a handler has left before it answers, and has no
// limit of its own for how long that takes.
func TestABodyThatIsNotReadHoldsNobodyForLong(t *testing.T) {
	tests := []struct {
		name    string
		request func(session string) string // its first lines
		want    int
	}{
		{"unknown session", func(string) string {
			return "POST " + pollQuery + "&sid=unknown HTTP/1.1\r\nContent-Length: 100\r\n"
		}, 400},
		{"method", func(session string) string { return "PUT " + session + " HTTP/1.1\r\nContent-Length: 100\r\n" }, 400},
		{"preflight", func(session string) string {
			return "OPTIONS " + session + " HTTP/1.1\r\nContent-Length: 100\r\n"
		}, 204},
		{"poll with a body", func(session string) string {
			return "GET " + session + " HTTP/1.1\r\nContent-Length: 100\r\n"
		}, 400},
		{"chunked", func(string) string {
			return "POST " + pollQuery + "&sid=unknown HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"
		}, 400},
		{"too large", func(session string) string {
			return "POST " + session + " HTTP/1.1\r\nContent-Length: 200000\r\n"
		}, 413},
		{"binary", func(session string) string {
			return "POST " + session + " HTTP/1.1\r\nContent-Type: application/octet-stream\r\nContent-Length: 100\r\n"
		}, 400},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{BodyTimeout: 3 * time.Second, MaxPayload: 100_000, PingInterval: time.Hour})
				q, _ := h.openPoll()
				conn, err := h.dial()
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				start := time.Now()
				go func() { _, _ = fmt.Fprintf(conn, "%sHost: parlor.test\r\n\r\n", tt.request(q)) }()
				br := bufio.NewReader(conn)
				res, err := http.ReadResponse(br, &http.Request{Method: strings.Fields(tt.request(q))[0]})
				if err != nil {
					t.Fatalf("no answer: %v", err)
				}
				if res.StatusCode != tt.want {
					t.Errorf("got status %d, want %d", res.StatusCode, tt.want)
				}
				_, _ = io.Copy(io.Discard, br) // until the connection is closed
				if took := time.Since(start); took > 5*time.Second {
					t.Errorf("it took %v until the connection was closed, want about 3s", took)
				}
			})
		})
	}
}
