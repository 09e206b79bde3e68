package sockettest

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

func reader(b []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(b)) }

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestReadMessageKnowsTheFramesOfRFC6455(t *testing.T) {
	tests := []struct {
		name, wire string
		op         byte
		want       string
	}{
		{"single text", "81 05 48 65 6c 6c 6f", opText, "Hello"},
		{"fragmented text", "01 03 48 65 6c 80 02 6c 6f", opText, "Hello"},
		{"ping", "89 05 48 65 6c 6c 6f", opPing, "Hello"},
		{"close with status", "88 02 03 f1", opClose, "\x03\xf1"},
		{"256 bytes", "82 7e 01 00" + strings.Repeat("2a", 256), opBinary, strings.Repeat("*", 256)},
		{"64 KiB", "82 7f 00 00 00 00 00 01 00 00" + strings.Repeat("2a", 65536), opBinary, strings.Repeat("*", 65536)},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f, err := readMessage(reader(unhex(t, test.wire)))
			if err != nil {
				t.Fatal(err)
			}
			if f.op != test.op || string(f.data) != test.want {
				t.Errorf("got opcode %#x with %q, want %#x with %q", f.op, clip(string(f.data)), test.op, clip(test.want))
			}
		})
	}
}

func TestReadMessageRefuses(t *testing.T) {
	tests := []struct{ name, wire, want string }{
		{"masked frame", "81 85 37 fa 21 3d 7f 9f 4d 51 58", "masked"},
		{"reserved bit", "c1 00", "reserved bits"},
		{"unknown opcode", "83 00", "unknown opcode"},
		{"unknown control opcode", "8b 00", "unknown opcode"},
		{"long ping", "89 7e 00 7e" + strings.Repeat("00", 126), "control frame"},
		{"fragmented ping", "09 00", "control frame"},
		{"length in too many bytes", "81 7e 00 05 48 65 6c 6c 6f", "length of 5 in two bytes"},
		{"length in far too many bytes", "81 7f 00 00 00 00 00 00 00 05", "length of 5 in eight bytes"},
		{"enormous length", "82 7f ff ff ff ff ff ff ff ff", "a frame of"},
		{"continuation of nothing", "80 00", "without a beginning"},
		{"new message inside another", "01 00 81 00", "inside a fragmented message"},
		{"text that is no UTF-8", "81 02 c3 28", "not UTF-8"},
		{"end inside a frame", "81 05 48", "unexpected EOF"},
		{"end inside a message", "01 01 48", "EOF"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := readMessage(reader(unhex(t, test.wire)))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestAppendFrameMasksAndGivesTheShortestLength(t *testing.T) {
	for n, head := range map[int]string{
		0: "81 80", 5: "81 85", 125: "81 fd", 126: "81 fe 00 7e", 65535: "81 fe ff ff",
		65536: "81 ff 00 00 00 00 00 01 00 00",
	} {
		want := strings.Repeat("x", n)
		b := appendFrame(nil, textFrame(want))
		start, ok := bytes.CutPrefix(b, unhex(t, head))
		if !ok || len(start) != 4+n {
			t.Errorf("%d bytes: got a frame of %d bytes with % x, want it to begin with %s", n, len(b), b[:min(len(b), 10)], head)
			continue
		}
		got := make([]byte, n)
		for i := range got {
			got[i] = start[4+i] ^ start[i%4]
		}
		if string(got) != want {
			t.Errorf("%d bytes: got another text behind the mask", n)
		}
	}
}

func TestCheckAcceptedKnowsTheExampleOfRFC6455(t *testing.T) {
	accepted := func() http.Header {
		return http.Header{"Upgrade": {"websocket"}, "Connection": {"Upgrade"},
			"Sec-Websocket-Accept": {"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="}}
	}
	const key = "dGhlIHNhbXBsZSBub25jZQ=="
	if err := checkAccepted(accepted(), key); err != nil {
		t.Errorf("got %v, want no error", err)
	}
	for name, value := range map[string]string{
		"Upgrade": "h2c", "Connection": "close", "Sec-Websocket-Accept": "bm8=", "Sec-Websocket-Extensions": "permessage-deflate",
	} {
		h := accepted()
		h.Set(name, value)
		if err := checkAccepted(h, key); err == nil {
			t.Errorf("%s: %s: got no error", name, value)
		}
	}
}

func TestPayloadsAreThoseOfTheProtocol(t *testing.T) {
	frames := []frame{textFrame("4hello"), textFrame("2"), {op: opBinary, data: []byte{1, 2, 3, 4}}, textFrame("4wörld")}
	const payload = "4hello\x1e2\x1ebAQIDBA==\x1e4wörld"
	if got := string(encodePayload(frames)); got != payload {
		t.Errorf("encode: got %q, want %q", got, payload)
	}
	got, err := decodePayload([]byte(payload))
	if err != nil || fmt.Sprint(got) != fmt.Sprint(frames) {
		t.Errorf("decode: got %v, %v, want %v", got, err, frames)
	}
	for _, bad := range []string{"", "4a\x1e", "\x1e4a", "b!", "4\xff", "bAQI"} {
		if _, err := decodePayload([]byte(bad)); err == nil {
			t.Errorf("decode %q: got no error", bad)
		}
	}
}

func TestPollingSplitsWhatIsLongerThanMaxPayload(t *testing.T) {
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if len(body) > 10 {
			w.WriteHeader(http.StatusRequestEntityTooLarge)
			return
		}
		io.WriteString(w, "ok")
	})
	host := serve(t, h)
	d := &dialer{host: host}
	p := &polling{post: &lane{dial: host.dial}, get: &lane{dial: host.dial}, maxPayload: 10,
		request: func(method, contentType string, body []byte) *http.Request {
			return d.request("polling", method, contentType, body)
		}}
	if err := p.write([]frame{textFrame("4aaaa"), textFrame("4bbb"), {op: opBinary, data: []byte("ccc")}, textFrame("4d")}); err != nil {
		t.Errorf("four packets in posts of 10 bytes: got %v", err)
	}
	// A single packet is too long; the body is one the server does not read.
	err := p.write([]frame{textFrame("4" + strings.Repeat("x", 1<<20))})
	if how := ended(""); !errors.As(err, &how) || how != "status 413" {
		t.Errorf("a packet that is too long: got %v, want status 413", err)
	}
}

func FuzzReadMessage(f *testing.F) {
	f.Add([]byte("\x81\x05Hello"))
	f.Add([]byte("\x01\x03Hel\x80\x02lo"))
	f.Add([]byte("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		m, err := readMessage(reader(wire))
		if err == nil && len(m.data) > len(wire) {
			t.Errorf("got %d bytes out of %d", len(m.data), len(wire))
		}
	})
}

func FuzzDecodePayloadAgreesWithEncode(f *testing.F) {
	f.Add([]byte("4hello\x1e2\x1ebAQIDBA=="))
	f.Fuzz(func(t *testing.T, payload []byte) {
		frames, err := decodePayload(payload)
		if err != nil {
			return
		}
		again, err := decodePayload(encodePayload(frames))
		if err != nil || fmt.Sprint(again) != fmt.Sprint(frames) {
			t.Errorf("got %v, %v, want %v", again, err, frames)
		}
	})
}
