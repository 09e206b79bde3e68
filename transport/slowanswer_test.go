package transport

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"
)

func TestAnAnswerThatNobodyReadsHoldsNothing(t *testing.T) {
	tests := []struct{ name, request string }{
		{"a refusal", "GET /?transport=none HTTP/1.1\r\nHost: example.com\r\n\r\n"},
		{"an unknown session", "GET /?EIO=4&transport=polling&sid=unknown HTTP/1.1\r\nHost: example.com\r\n\r\n"},
		{"a preflight", "OPTIONS / HTTP/1.1\r\nHost: example.com\r\nOrigin: http://example.com\r\n\r\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{})
				conn, err := h.dial()
				if err != nil {
					t.Fatal(err)
				}
				defer func() { _ = conn.Close() }()
				if _, err := conn.Write([]byte(tt.request)); err != nil {
					t.Fatal(err)
				}
				time.Sleep(11 * time.Second) // a pipe holds nothing: the server waits for its reader
				if n, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
					t.Errorf("got %d bytes, %v, want the connection closed after Options.WriteTimeout", n, err)
				}
			})
		})
	}
}
