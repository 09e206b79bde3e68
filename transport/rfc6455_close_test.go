package transport

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestRFC6455Close(t *testing.T) {
	closing := func(code uint16, reason string) string {
		return clientFrame(frameClose, closed(code).data+reason)
	}
	reason := strings.Repeat("r", 123)
	cases := []wsCase{
		{"no code", clientFrame(frameClose, ""), frames(frame{opClose, ""})},
		{"half a code", clientFrame(frameClose, "\x03"), frames(closed(1002))},
		{"a reason", closing(1000, "bye"), frames(closed(1000))},
		{"a reason of 123 bytes", closing(1000, reason), frames(closed(1000))},
		{"a reason of 124 bytes", closing(1000, reason+"r"), frames(closed(1002))},
		{"a reason in UTF-8", closing(1000, "κόσμε"), frames(closed(1000))},
		{"a reason cut inside of a letter", closing(1000, "κόσμε"[:9]), frames(closed(1007))},
		{"a reason that is no UTF-8, with a code that is none", closing(999, "\xff"), frames(closed(1002))},
		{"in fragments", clientFrame(opClose, "\x03\xe8") + last("bye"), frames(closed(1002))},
		{"claims more than it may", clientFrameOf(frameClose, 126, ""), frames(closed(1002))},
		{"twice", closing(1000, "") + closing(1000, ""), frames(closed(1000))},
		{"twice with different codes", closing(1001, "") + closing(3000, ""), frames(closed(1001))},
		{"a ping behind", closing(1000, "") + ping("p"), frames(closed(1000))},
		{"a message behind", closing(1000, "") + text("4a"), frames(closed(1000))},
		{"what is no frame behind", closing(1000, "") + "\xff\xff\xff\xff", frames(closed(1000))},
		{"behind a message", text("4a") + closing(1001, ""), frames(textEcho("4a"), closed(1001))},
		{"behind a large message", text("4"+strings.Repeat("a", suiteLimit-1)) + closing(1001, ""),
			frames(textEcho("4"+strings.Repeat("a", suiteLimit-1)), closed(1001))},
		{"behind a ping", ping("p") + closing(1001, ""), frames(pongTo("p"), closed(1001))},
		{"inside of a message", begin("4a") + closing(1001, ""), frames(closed(1001))},
	}
	for _, code := range []uint16{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999} {
		cases = append(cases, wsCase{fmt.Sprintf("code %d", code), closing(code, ""), frames(closed(code))},
			wsCase{fmt.Sprintf("code %d with a reason", code), closing(code, "bye"), frames(closed(code))})
	}
	for _, code := range []uint16{0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535} {
		cases = append(cases, wsCase{fmt.Sprintf("code %d", code), closing(code, ""), frames(closed(1002))},
			wsCase{fmt.Sprintf("code %d with a reason", code), closing(code, "bye"), frames(closed(1002))})
	}
	runSuite(t, false, cases)
}

// The handler hears of it too: who closes in good order has closed, who does not has
// broken the rules.
func TestRFC6455CloseReasons(t *testing.T) {
	for _, tt := range []struct {
		name    string
		payload string
		want    Reason
	}{
		{"no code", "", ReasonTransportClose},
		{"code 1000", "\x03\xe8", ReasonTransportClose},
		{"code 4999 and a reason", "\x13\x87bye", ReasonTransportClose},
		{"half a code", "\x03", ReasonTransportError},
		{"code 1005", "\x03\xed", ReasonTransportError},
		{"invalid reason", "\x03\xe8\xff", ReasonTransportError},
	} {
		t.Run(tt.name, func(t *testing.T) {
			everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
				c, p := start(Options{}).openWS()
				c.write(opClose, tt.payload)
				if err := p.wantClosed(t, tt.want); err == nil {
					t.Error("got no error that says more")
				}
				c.wantEnd()
			})
		})
	}
}

func TestACloseFrameIsAnsweredAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, p := newHarness(t, Options{}).openWS()
		start := time.Now()
		c.write(opClose, "\x03\xe8")
		if got := c.read(); got != closing1000 {
			t.Errorf("got %v, want %v", got, closing1000)
		}
		if f, err := c.next(); err == nil { // the server closes the connection first, section 7.1.1
			t.Errorf("got %v, want the end", f)
		}
		p.wantClosed(t, ReasonTransportClose)
		between(t, "closing", time.Since(start), 0, 0)
	})
}

// Both close at the same time: each has sent a close frame and takes the other's for
// the answer.
func TestBothSidesMayClose(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		c, p := start(Options{}).openWS()
		p.session.Close(ReasonForcedClose)
		c.write(opClose, "\x03\xe9")
		p.wantClosed(t, ReasonForcedClose)
		if got, want := c.read(), (frame{opClose, ""}); got != want {
			t.Errorf("got %v, want the server's own close frame", got)
		}
		if f, err := c.next(); err == nil {
			t.Errorf("got %v behind it, want the end", f)
		}
	})
}

// What comes behind the server's close frame is read and not answered, until the
// client's own comes.
func TestBehindTheServersCloseNothingIsAnswered(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		c, p := start(Options{}).openWS()
		p.session.Close(ReasonForcedClose)
		c.send("4late")
		c.write(opPing, "p")
		c.write(opClose, "")
		if got, want := c.read(), (frame{opClose, ""}); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
		if f, err := c.next(); err == nil {
			t.Errorf("got %v behind the close frame, want the end", f)
		}
		p.wantClosed(t, ReasonForcedClose)
	})
}

// A client that breaks off behind the server's close frame is no longer worth a code.
func TestNonsenseBehindTheServersCloseEndsTheConnection(t *testing.T) {
	everywhere(t, func(t *testing.T, start func(Options, ...harnessOption) *harness) {
		c, p := start(Options{}).openWS()
		p.session.Close(ReasonForcedClose)
		c.raw(0xff, 0xff, "\xff\xff\xff\xff\xff\xff")
		if got, want := c.read(), (frame{opClose, ""}); got != want {
			t.Errorf("got %v, want %v", got, want)
		}
		_ = c.conn.Close()
		p.wantClosed(t, ReasonForcedClose)
	})
}
