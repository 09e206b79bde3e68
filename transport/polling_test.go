package transport

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestPollingEchoesTextAndBinary(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		q, p := h.openPoll()
		if res := h.post(q, "4hello"); res.body != "ok" || res.header.Get("Content-Type") != "text/html" || res.header.Get("Content-Length") != "2" {
			t.Errorf("got %q %v, want ok", res.body, res.header)
		}
		h.get(q).want(t, 200, "4hello")
		h.post(q, "4test1\x1e4test2\x1e4test3").want(t, 200, "ok")
		h.get(q).want(t, 200, "4test1\x1e4test2\x1e4test3")
		h.post(q, "4a\x1ebAQIDBA==\x1e4ü\x1ebAQIDBA").want(t, 200, "ok")
		h.get(q).want(t, 200, "4a\x1ebAQIDBA==\x1e4ü\x1ebAQIDBA==")
		if got := p.session.Transport(); got != Polling {
			t.Errorf("got transport %q, want %q", got, Polling)
		}
	})
}

func TestPendingPollIsAnsweredByASend(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		q, p := h.openPoll()
		poll := h.goGet(q)
		p.pending(t)
		_ = p.session.Send(NewMessage([]byte("x"), []byte("\x01\x02")))
		receive(t, poll).want(t, 200, "4x\x1ebAQI=")
	})
}

func TestPostTakesChunkedBodies(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		r, w := io.Pipe()
		go func() {
			for _, piece := range []string{"4one", " two\x1e", "4three"} {
				_, _ = io.WriteString(w, piece)
			}
			_ = w.Close()
		}()
		req := h.request("POST", q, "")
		req.Body = r
		h.do(req).want(t, 200, "ok")
		for _, want := range []string{"one two", "three"} {
			if got := receive(t, p.messages); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		}
	})
}

func TestPostSizeIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxPayload: 1000})
		q, p := h.openPoll()
		h.post(q, "4"+strings.Repeat("x", 1000)).want(t, 413, "")
		chunked := h.request("POST", q, "")
		chunked.Body = io.NopCloser(strings.NewReader("4" + strings.Repeat("x", 1000)))
		h.do(chunked).want(t, 413, "")
		h.post(q, "4"+strings.Repeat("x", 999)).want(t, 200, "ok")
		if got := receive(t, p.messages); len(got) != 999 {
			t.Errorf("got a message of %d bytes, want 999", len(got))
		}
	})
}

func TestPostEndings(t *testing.T) {
	tests := []struct {
		name        string
		body        string
		contentType string
		status      int
		reason      Reason
		poll        string // what the pending poll gets
		messages    []string
	}{
		{"invalid packet", "abc", "", 400, ReasonParseError, "1", nil},
		{"empty body", "", "", 400, ReasonParseError, "1", nil},
		{"empty packet", "4a\x1e\x1e4b", "", 400, ReasonParseError, "1", []string{"a"}},
		{"invalid packet after others", "4a\x1e4b\x1ex\x1e4c", "", 400, ReasonParseError, "1", []string{"a", "b"}},
		{"bad base64", "b!", "", 400, ReasonParseError, "1", nil},
		{"invalid UTF-8", "4a\x1e4\xff", "", 400, ReasonParseError, "1", []string{"a"}},
		{"ping", "2", "", 400, ReasonTransportError, "1", nil},
		{"binary content type", "4a", "application/octet-stream", 400, ReasonTransportError, "1", nil},
		{"close", "4a\x1e1\x1e4b", "", 200, ReasonTransportClose, "6", []string{"a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{}, withAccept(func(p *peer) { p.quiet = true }))
				q, p := h.openPoll()
				poll := h.goGet(q)
				p.pending(t)
				if got := h.post(q, tt.body, "Content-Type", tt.contentType); got.status != tt.status {
					t.Errorf("got %d %q %v, want %d", got.status, got.body, got.err, tt.status)
				}
				receive(t, poll).want(t, 200, tt.poll)
				p.wantClosed(t, tt.reason)
				for _, want := range tt.messages {
					if got := receive(t, p.messages); got != want {
						t.Errorf("got message %q, want %q", got, want)
					}
				}
				if len(p.messages) > 0 {
					t.Errorf("got message %q, want no more", <-p.messages)
				}
				h.get(q).want(t, 400, `{"code":1,"message":"Session ID unknown"}`)
				if got := h.engine.Len(); got != 0 {
					t.Errorf("got %d sessions, want 0", got)
				}
			})
		})
	}
}

func TestPollingRejectsConcurrentGET(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		q, p := h.openPoll()
		first := h.goGet(q)
		p.pending(t)
		h.get(q).want(t, 400, "")
		receive(t, first).want(t, 200, "1")
		p.wantClosed(t, ReasonTransportError)
		h.get(q).want(t, 400, `{"code":1,"message":"Session ID unknown"}`)
	})
}

func TestPollingRejectsConcurrentPOST(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		q, p := h.openPoll()
		r, w := io.Pipe()
		defer w.Close()
		req := h.request("POST", q, "")
		req.Body = r
		first := make(chan response, 1)
		go func() { first <- h.do(req) }()
		_, _ = io.WriteString(w, "4a") // the body goes on for ever
		eventually(t, "pending POST", func() bool {
			p.session.mu.Lock()
			defer p.session.mu.Unlock()
			return p.session.poll.post != nil
		})
		h.post(q, "4b").want(t, 400, "")
		p.wantClosed(t, ReasonTransportError)
		// The running one is broken off, rather than waited for.
		if got := receive(t, first); got.err == nil && got.status != 400 {
			t.Errorf("got %d, want 400 or a broken connection", got.status)
		}
		if len(p.messages) > 0 {
			t.Errorf("got message %q, want none", <-p.messages)
		}
	})
}

func TestAbortedGETIsATransportError(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		q, p := h.openPoll()
		ctx, cancel := context.WithCancel(t.Context())
		req := h.request("GET", q, "").WithContext(ctx)
		done := make(chan response, 1)
		go func() { done <- h.do(req) }()
		p.pending(t)
		cancel()
		<-done
		if err := p.wantClosed(t, ReasonTransportError); err == nil || !strings.Contains(err.Error(), "poll connection closed prematurely") {
			t.Errorf("got error %v", err)
		}
	})
}

func TestAbortedPOSTIsATransportError(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		q, p := h.openPoll()
		conn, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, "POST "+q+" HTTP/1.1\r\nHost: parlor.test\r\nContent-Length: 100\r\n\r\n4abc")
		_ = conn.Close()
		if err := p.wantClosed(t, ReasonTransportError); err == nil || !strings.Contains(err.Error(), "data request connection closed prematurely") {
			t.Errorf("got error %v", err)
		}
	})
}

func TestPostThatNeverEndsIsBrokenOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		conn, err := h.dial()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "POST "+q+" HTTP/1.1\r\nHost: parlor.test\r\nContent-Length: 100\r\n\r\n4abc")
		answer := make(chan []byte, 1)
		go func() {
			b, _ := io.ReadAll(conn)
			answer <- b
		}()
		// Its own deadline and that of the heartbeat are about the same.
		if got := receive(t, p.closed).reason; got != ReasonPingTimeout && got != ReasonTransportError {
			t.Errorf("closed with reason %q", got)
		}
		if got := receive(t, answer); !bytes.HasPrefix(got, []byte("HTTP/1.1 40")) {
			t.Errorf("got %q, want 400 or 408", got)
		}
	})
}

func TestServerCloseWithAPendingPoll(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		h := start(Options{})
		q, p := h.openPoll()
		poll := h.goGet(q)
		p.pending(t)
		_ = p.session.Append([]byte("last"))
		p.session.Close(ReasonForcedClose)
		// The end has an answer of its own: clients throw away what comes with it.
		receive(t, poll).want(t, 200, "4last")
		h.get(q).want(t, 200, "6\x1e1")
		p.wantClosed(t, ReasonForcedClose)
		h.get(q).want(t, 400, `{"code":1,"message":"Session ID unknown"}`)
	})
}

func TestServerCloseAnswersAPendingPoll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		poll := h.goGet(q)
		p.pending(t)
		p.session.Close(ReasonForcedClose)
		receive(t, poll).want(t, 200, "1")
		p.wantClosed(t, ReasonForcedClose)
		h.get(q).want(t, 400, `{"code":1,"message":"Session ID unknown"}`)
	})
}

func TestClientCloseAnswersThePollThatComesLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		_ = p.session.Send(NewMessage([]byte("unwanted")))
		h.post(q, "1").want(t, 200, "ok")
		p.wantClosed(t, ReasonTransportClose)
		h.get(q).want(t, 200, "6")
		h.get(q).want(t, 400, `{"code":1,"message":"Session ID unknown"}`)
	})
}

func TestServerCloseIsFetchedByTheNextPolls(t *testing.T) {
	tests := []struct {
		name   string
		queued int
		want   []string
	}{
		{"nothing queued", 0, []string{"6\x1e1"}},
		{"some queued", 2, []string{"40\x1e41", "6\x1e1"}},
		{"an answer full", 16, []string{numbered(0, 16), "6\x1e1"}},
		{"more than an answer", 20, []string{numbered(0, 16), numbered(16, 20), "6\x1e1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{})
				q, p := h.openPoll()
				for i := range tt.queued {
					_ = p.session.Send(NewMessage(fmt.Append(nil, i)))
				}
				p.session.Close(ReasonForcedClose)
				p.wantClosed(t, ReasonForcedClose)
				if got := h.engine.Len(); got != 0 {
					t.Errorf("got %d sessions, want 0", got)
				}
				h.post(q, "4late").want(t, 200, "ok")
				for _, want := range tt.want {
					h.get(q).want(t, 200, want)
				}
				h.get(q).want(t, 400, `{"code":1,"message":"Session ID unknown"}`)
				eventually(t, "end of the workers", func() bool { return !h.busy() })
			})
		})
	}
}

func TestServerCloseIsNotKeptForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		p.session.Close(ReasonForcedClose)
		time.Sleep(11 * time.Second) // on the bubble's clock
		h.get(q).want(t, 400, `{"code":1,"message":"Session ID unknown"}`)
		if h.busy() {
			t.Error("the workers still run")
		}
	})
}

func TestAbortAfterCloseForgetsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		p.session.Close(ReasonForcedClose)
		p.session.Abort(ReasonTransportError, nil)
		p.wantClosed(t, ReasonForcedClose)
		h.get(q).want(t, 400, `{"code":1,"message":"Session ID unknown"}`)
		if len(p.closed) > 0 {
			t.Error("Closed was called twice")
		}
	})
}

// numbered returns the payload of messages from to to.
func numbered(from, to int) string {
	var b strings.Builder
	for i := from; i < to; i++ {
		if i > from {
			b.WriteByte(0x1e)
		}
		fmt.Fprintf(&b, "4%d", i)
	}
	return b.String()
}

func TestAnAnswerHasAtMost16Packets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		attachments := make([][]byte, 20) // more than an answer takes
		for i := range attachments {
			attachments[i] = []byte{byte(i)}
		}
		_ = p.session.Send(NewMessage([]byte("a"), attachments...))
		_ = p.session.Send(NewMessage([]byte("b")))
		var got []string
		for len(got) < 22 {
			packets := strings.Split(h.get(q).body, "\x1e")
			if len(packets) > 16 {
				t.Fatalf("got %d packets in an answer, want at most 16", len(packets))
			}
			got = append(got, packets...)
		}
		if got[0] != "4a" || got[1] != "bAA==" || got[20] != "bEw==" || got[21] != "4b" {
			t.Errorf("got %q, want the packets in order", got)
		}
		if got := p.session.Buffered(); got != 0 {
			t.Errorf("got %d bytes buffered, want 0", got)
		}
	})
}

func TestCompression(t *testing.T) {
	long := strings.Repeat("x", 2000)
	tests := []struct {
		name      string
		threshold int
		accept    string
		text      string
		coding    string
		vary      string
	}{
		{"long", 0, "gzip, deflate, br", long, "gzip", "Origin Accept-Encoding"},
		{"quality", 0, "br;q=1.0, gzip;q=0.5", long, "gzip", "Origin Accept-Encoding"},
		{"anything", 0, "*", long, "gzip", "Origin Accept-Encoding"},
		{"deflate", 0, "deflate", long, "deflate", "Origin Accept-Encoding"},
		{"deflate liked better", 0, "gzip;q=0.1, deflate;q=0.2", long, "deflate", "Origin Accept-Encoding"},
		{"deflate in place of gzip", 0, "gzip;q=0, deflate", long, "deflate", "Origin Accept-Encoding"},
		{"not accepted", 0, "br, zstd", long, "", "Origin Accept-Encoding"},
		{"wrong quality", 0, "gzip;q=2, deflate;q=x", long, "", "Origin Accept-Encoding"},
		{"not named", 0, "", long, "", "Origin Accept-Encoding"},
		{"quality 0", 0, "gzip;q=0, *", long, "", "Origin Accept-Encoding"},
		{"quality 0.0", 0, "gzip; q=0.0", long, "", "Origin Accept-Encoding"},
		{"at the threshold", 0, "gzip", long[:1023], "gzip", "Origin Accept-Encoding"},
		{"below the threshold", 0, "gzip", long[:1022], "", "Origin Accept-Encoding"},
		{"own threshold", 10, "gzip", long[:9], "gzip", "Origin Accept-Encoding"},
		{"never", -1, "gzip", long, "", "Origin"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{CompressionThreshold: tt.threshold})
				q, p := h.openPoll()
				_ = p.session.Send(NewMessage([]byte(tt.text)))
				res := h.get(q, "Accept-Encoding", tt.accept)
				if got := res.header.Get("Content-Encoding"); got != tt.coding {
					t.Fatalf("got coding %q, want %q", got, tt.coding)
				}
				if got := res.header.Get("Content-Length"); got != fmt.Sprint(len(res.body)) {
					t.Errorf("got content length %s of %d", got, len(res.body))
				}
				if got := strings.Join(res.header.Values("Vary"), " "); got != tt.vary {
					t.Errorf("got Vary %q, want %q", got, tt.vary)
				}
				body := decoded(t, tt.coding, res.body)
				if body != "4"+tt.text {
					t.Errorf("got %.20q, want %.20q", body, "4"+tt.text)
				}
			})
		})
	}
}

// decoded undoes a content coding.
func decoded(t *testing.T, coding, body string) string {
	t.Helper()
	var r io.Reader = strings.NewReader(body)
	var err error
	switch coding {
	case "gzip":
		r, err = gzip.NewReader(r)
	case "deflate":
		r, err = zlib.NewReader(r)
	}
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestAnAnswerOfUncompressedMessagesIsNotCompressed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		long := NewMessage([]byte(strings.Repeat("x", 2000)))
		_ = p.session.Send(long.Uncompressed())
		_ = p.session.Send(long.Uncompressed())
		if res := h.get(q, "Accept-Encoding", "gzip"); res.header.Get("Content-Encoding") != "" || len(res.body) != 4003 {
			t.Errorf("got coding %q, %d bytes, want none and 4003", res.header.Get("Content-Encoding"), len(res.body))
		}
		_ = p.session.Send(long.Uncompressed())
		_ = p.session.Send(long)
		if res := h.get(q, "Accept-Encoding", "gzip"); res.header.Get("Content-Encoding") != "gzip" {
			t.Errorf("got coding %q beside a message that may be compressed, want gzip", res.header.Get("Content-Encoding"))
		}
	})
}

func TestConnectionCloseHeaderDoesNoHarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{})
		q, p := h.openPoll()
		req := h.request("GET", q, "")
		req.Close = true
		done := make(chan response, 1)
		go func() { done <- h.do(req) }()
		p.pending(t)
		h.post(q, "4a").want(t, http.StatusOK, "ok")
		receive(t, done).want(t, 200, "4a")
	})
}
