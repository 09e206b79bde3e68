package transport

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const (
	pollQueryV3 = "/engine.io/?EIO=3&transport=polling"
	wsQueryV3   = "/engine.io/?EIO=3&transport=websocket"
	octetStream = "application/octet-stream"
)

// v3 are the options of most tests here.
var v3 = Options{PingInterval: suite.PingInterval, PingTimeout: suite.PingTimeout, AllowEIO3: true}

// openPollV3 opens a session of protocol v3 by polling.
func (h *harness) openPollV3(more string) (query string, p *peer) {
	h.t.Helper()
	res := h.get(pollQueryV3 + more)
	p = h.peer()
	length, packet, _ := strings.Cut(res.body, ":")
	if res.status != 200 || length != fmt.Sprint(len(packet)) || !strings.HasPrefix(packet, `0{"sid":"`+p.session.ID()) {
		h.t.Fatalf("handshake: got %d %q %v", res.status, res.body, res.err)
	}
	return pollQueryV3 + "&sid=" + p.session.ID(), p
}

// openWSV3 opens a session of protocol v3 on a WebSocket.
func (h *harness) openWSV3(more string) (*wsClient, *peer) {
	h.t.Helper()
	c := h.dialWS(wsQueryV3 + more)
	if f := c.read(); f.opcode != opText || !strings.HasPrefix(f.data, "0{") {
		h.t.Fatalf("got %v, want the open packet", f)
	}
	return c, h.peer()
}

func TestOnlyVersionsThatAreServedAreLetIn(t *testing.T) {
	tests := []struct {
		name  string
		query string
		allow bool
		want  int // the protocol; 0 for a refusal
	}{
		{"4", "EIO=4", false, 4},
		{"3", "EIO=3", false, 0},
		{"4 beside 3", "EIO=4", true, 4},
		{"3, allowed", "EIO=3", true, 3},
		{"none", "x=y", true, 0},
		{"empty", "EIO=", true, 0},
		{"2", "EIO=2", true, 0},
		{"33", "EIO=33", true, 0},
		{"another number for 3", "EIO=03", true, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{AllowEIO3: tt.allow})
				poll := h.get("/?transport=polling&" + tt.query)
				ws := h.dialWS("/?transport=websocket&" + tt.query)
				if tt.want == 0 {
					const want = `{"code":5,"message":"Unsupported protocol version"}`
					poll.want(t, 400, want)
					ws.refusal().want(t, 400, want) // before the 101
					return
				}
				if poll.status != 200 || ws.res.StatusCode != 101 {
					t.Fatalf("got %d and %d, want 200 and 101", poll.status, ws.res.StatusCode)
				}
				for range 2 {
					if got := h.peer().session.Protocol(); got != tt.want {
						t.Errorf("got protocol %d, want %d", got, tt.want)
					}
				}
			})
		})
	}
}

func TestPollingOfProtocol3(t *testing.T) {
	binary := "\x00\x06\xff4hello\x01\x05\xff\x04\x01\x02\x03\x04"
	tests := []struct {
		name             string
		more             string // of the handshake's query
		post, sent       string
		want, answerType string
	}{
		{"text", "", "6:4hello", "text/plain", "6:4hello", plainText},
		{"several", "", "6:4test16:4test2", "", "6:4test16:4test2", plainText},
		{"a length in UTF-16 units", "", "5:4€👩x", "text/plain", "5:4€👩x", plainText},
		{"base64", "&b64=1", "6:4hello10:b4AQIDBA==", "text/plain", "6:4hello10:b4AQIDBA==", plainText},
		{"base64 is answered in binary", "", "6:4hello10:b4AQIDBA==", "text/plain", binary, octetStream},
		{"binary", "", binary, octetStream, binary, octetStream},
		{"binary is answered in base64", "&b64=true", binary, octetStream, "6:4hello10:b4AQIDBA==", plainText},
		{"text in binary is answered as text", "", "\x00\x06\xff4hello", octetStream + "; charset=UTF-8", "6:4hello", plainText},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, v3)
				q, _ := h.openPollV3(tt.more)
				h.post(q, tt.post, "Content-Type", tt.sent).want(t, 200, "ok")
				res := h.get(q)
				res.want(t, 200, tt.want)
				if got := res.header.Get("Content-Type"); got != tt.answerType {
					t.Errorf("got content type %q, want %q", got, tt.answerType)
				}
			})
		})
	}
}

func TestPayloadsOfProtocol3ThatLieCloseTheSession(t *testing.T) {
	tests := []struct{ name, body, contentType string }{
		{"not of v3", "4hello", "text/plain"},
		{"too long", "99:4hello", "text/plain"},
		{"huge", "99999999999999999999999:4hello", "text/plain"},
		{"half of a pair", "2:4👩", "text/plain"},
		{"binary, too long", "\x01\x09\x09\x09\x09\xff\x04a", octetStream},
		{"binary without an end of its length", "\x01\x01\x01\x01", octetStream},
		{"text said to be binary", "6:4hello", octetStream},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, v3)
				q, p := h.openPollV3("")
				h.post(q, tt.body, "Content-Type", tt.contentType).want(t, 400, "")
				p.wantClosed(t, ReasonParseError)
				h.get(q).want(t, 400, `{"code":1,"message":"Session ID unknown"}`)
				if len(p.messages) > 0 {
					t.Errorf("got message %q", <-p.messages)
				}
			})
		})
	}
}

func TestPacketsBeforeALieArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, v3)
		q, p := h.openPollV3("")
		h.post(q, "2:4a9:4b").want(t, 400, "")
		p.wantClosed(t, ReasonParseError)
		if got := receive(t, p.messages); got != "a" {
			t.Errorf("got %q, want %q", got, "a")
		}
	})
}

func TestBinaryOnAWebSocketOfProtocol3HasATypeInFront(t *testing.T) {
	large := strings.Repeat("x", 2*shareSize)
	tests := []struct {
		name       string
		more       string
		sent, back frame
		got        string // by the handler
	}{
		{"small", "", frame{opBinary, "\x04\x01\x02"}, frame{opBinary, "\x04\x01\x02"}, "\x01\x02"},
		{"empty", "", frame{opBinary, "\x04"}, frame{opBinary, "\x04"}, ""},
		{"large", "", frame{opBinary, "\x04" + large}, frame{opBinary, "\x04" + large}, large},
		{"from base64", "", frame{opText, "b4AQI="}, frame{opBinary, "\x04\x01\x02"}, "\x01\x02"},
		{"to base64", "&b64=1", frame{opBinary, "\x04\x01\x02"}, frame{opText, "b4AQI="}, "\x01\x02"},
		{"base64 both ways", "&b64=1", frame{opText, "b4AQI="}, frame{opText, "b4AQI="}, "\x01\x02"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := newHarness(t, v3).openWSV3(tt.more)
				c.write(tt.sent.opcode, tt.sent.data)
				if got := receive(t, p.messages); got != "binary:"+tt.got {
					t.Errorf("got message %.50q, want %.50q", got, "binary:"+tt.got)
				}
				if got := c.read(); got != tt.back {
					t.Errorf("got %v, want %v", got, tt.back)
				}
			})
		})
	}
}

func TestPacketsOfAWebSocketOfProtocol3ThatAreNone(t *testing.T) {
	tests := []struct {
		name string
		sent frame
	}{
		{"text", frame{opText, "abc"}},
		{"empty text", frame{opText, ""}},
		{"empty binary", frame{opBinary, ""}},
		{"binary of another type", frame{opBinary, "\x02a"}},
		{"binary as in v4", frame{opBinary, "abc"}},
		{"base64 as in v4", frame{opText, "bAQI="}},
		{"base64 of another type", frame{opText, "b2AQI="}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, p := newHarness(t, v3).openWSV3("")
				c.write(tt.sent.opcode, tt.sent.data)
				p.wantClosed(t, ReasonParseError)
				c.wantEnd()
			})
		})
	}
}

func TestOneMessageForBothProtocols(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, v3)
		four, p4 := h.openWS()
		three, p3 := h.openWSV3("")
		text, pText := h.openWSV3("&b64=1")
		m := NewMessage([]byte("with"), []byte{1}, []byte{2})
		for _, p := range []*peer{p4, p3, pText} {
			if err := p.session.Send(m); err != nil {
				t.Fatal(err)
			}
		}
		for _, tt := range []struct {
			c    *wsClient
			want []frame
		}{
			{four, []frame{{opText, "4with"}, {opBinary, "\x01"}, {opBinary, "\x02"}}},
			{three, []frame{{opText, "4with"}, {opBinary, "\x04\x01"}, {opBinary, "\x04\x02"}}},
			{text, []frame{{opText, "4with"}, {opText, "b4AQ=="}, {opText, "b4Ag=="}}},
		} {
			for _, want := range tt.want {
				if got := tt.c.read(); got != want {
					t.Errorf("got %v, want %v", got, want)
				}
			}
		}
		if first, second := m.as(formV3), m.as(formV3); &first[0] != &second[0] {
			t.Error("the second client of v3 had the message encoded anew")
		}
	})
}

func TestTextIsTheSameInAllForms(t *testing.T) {
	m := NewMessage([]byte("text"))
	for _, f := range []form{formV3, formBase64V3} {
		if got := m.as(f); &got[0] != &m.frames[0] {
			t.Errorf("form %d: got a copy of the frames", f)
		}
	}
}

func TestFramesOfV3AreAsLongAsTheySay(t *testing.T) {
	for _, n := range []int{0, 1, 92, 93, 124, 125, 126, 1 << 14, 1<<16 - 2, 1<<16 - 1, 1 << 16} {
		data := bytes.Repeat([]byte{7}, n)
		m := NewMessage(nil, data)
		opcode, got, rest := nextFrame(m.as(formV3))
		if opcode != frameBinary || len(rest) > 0 || !bytes.Equal(got, append([]byte{4}, data...)) {
			t.Errorf("%d bytes: got opcode %x, %d bytes, %d behind", n, opcode, len(got), len(rest))
		}
		opcode, got, rest = nextFrame(m.as(formBase64V3))
		if opcode != frameText || len(rest) > 0 || string(got) != "b4"+base64.StdEncoding.EncodeToString(data) {
			t.Errorf("%d bytes as base64: got opcode %x, %d bytes, %d behind", n, opcode, len(got), len(rest))
		}
	}
}

func TestUpgradeOfProtocol3(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, v3, withAccept(func(p *peer) { p.quiet = true }))
		q, p := h.openPollV3("")
		poll := h.goGet(q)
		p.pending(t)
		c := h.dialWS(wsQueryV3 + "&sid=" + p.session.ID())
		c.send("2probe")
		c.want("3probe")
		receive(t, poll).want(t, 200, "1:6")
		if err := p.session.Send(NewMessage([]byte("late"), []byte{1})); err != nil {
			t.Fatal(err)
		}
		c.send("5")
		c.want("4late")
		if got, want := c.read(), (frame{opBinary, "\x04\x01"}); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
		time.Sleep(400 * time.Millisecond) // on the bubble's clock
		c.send("2")
		c.want("3")
		h.get(q).want(t, 400, `{"code":3,"message":"Bad request"}`)
	})
}

func TestAnUpgradeTakesTheRestOfAnAnswerAlong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, v3, withAccept(func(p *peer) { p.quiet = true }))
		q, p := h.openPollV3("&b64=1")
		attachments := make([][]byte, maxPackets+1)
		for i := range attachments {
			attachments[i] = []byte{byte(i)}
		}
		if err := p.session.Send(NewMessage([]byte("x"), attachments...)); err != nil {
			t.Fatal(err)
		}
		want := "2:4x"
		for _, a := range attachments[:maxPackets-1] {
			want += "6:b4" + base64.StdEncoding.EncodeToString(a)
		}
		h.get(q).want(t, 200, want)
		c := h.dialWS(wsQueryV3 + "&sid=" + p.session.ID())
		c.send("2probe")
		c.want("3probe")
		c.send("5")
		for _, a := range attachments[maxPackets-1:] {
			if got, want := c.read(), (frame{opBinary, "\x04" + string(a)}); got != want {
				t.Errorf("got %v, want %v", got, want)
			}
		}
	})
}

func TestTheEndOfAPollingSessionOfProtocol3(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, v3)
		q, p := h.openPollV3("")
		poll := h.goGet(q)
		p.pending(t)
		h.post(q, "1:1").want(t, 200, "ok")
		receive(t, poll).want(t, 200, "1:6")
		p.wantClosed(t, ReasonTransportClose)

		q, p = h.openPollV3("")
		p.session.Close(ReasonForcedClose)
		h.get(q).want(t, 200, "1:61:1")
		p.wantClosed(t, ReasonForcedClose)
	})
}

func TestBinaryPayloadsAreOfProtocol3(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, v3)
		q, p := h.openPoll()
		h.post(q, "\x01\x02\xff\x04a", "Content-Type", octetStream).want(t, 400, "")
		p.wantClosed(t, ReasonTransportError)
	})
}

func TestASessionOfProtocol3StaysOffStreams(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := v3
		opts.Transports = bothAndStreams
		h := newHarness(t, opts)
		q, p := h.openPollV3("")
		c := h.dialStream(`0{"sid":"` + p.session.ID() + `"}`)
		<-c.gone
		h.post(q, "2:4a").want(t, 200, "ok")
		h.get(q).want(t, 200, "2:4a")
	})
}

func TestNothingIsCompressedForProtocol3(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		opts := v3
		opts.PerMessageDeflate = &PerMessageDeflate{Threshold: 10}
		h := newHarness(t, opts)
		c := h.dialWS(wsQueryV3, "Sec-WebSocket-Extensions", "permessage-deflate")
		if got := c.read(); !strings.HasPrefix(got.data, "0{") {
			t.Fatalf("got %v, want the open packet", got)
		}
		text := strings.Repeat("text", 100)
		c.send("4" + text)
		c.want("4" + text)
		c.write(opBinary, "\x04"+text)
		if got, want := c.read(), (frame{opBinary, "\x04" + text}); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}
