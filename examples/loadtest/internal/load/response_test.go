package load

import (
	"bytes"
	"strings"
	"testing"
)

func TestResponsesAreFoundHoweverTheyAreSplit(t *testing.T) {
	answer := "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-length: 5\r\n\r\nhello"
	for size := 1; size <= len(answer); size++ {
		var r response
		for range 2 { // one after the other on a connection
			var got []byte
			for at := 0; at < len(answer); at += size {
				body, err := r.feed([]byte(answer[at:min(at+size, len(answer))]))
				if err != nil {
					t.Fatal(err)
				}
				if body != nil {
					got = bytes.Clone(body)
				}
			}
			if string(got) != "hello" {
				t.Fatalf("in pieces of %d: got %q, want %q", size, got, "hello")
			}
		}
	}
}

func TestResponsesThatAreNotWantedAreErrors(t *testing.T) {
	tests := []struct{ name, answer, want string }{
		{"status", "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno", "wanted status 200"},
		{"no length", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "no Content-Length"},
		{"bad length", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "Content-Length is"},
		{"two answers", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP", "no request asked for"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var r response
			if _, err := r.feed([]byte(tt.answer)); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got error %v, want one with %q", err, tt.want)
			}
		})
	}
}
