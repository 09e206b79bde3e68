package sockettest

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// fake is a server by hand: a script talks to one client in Engine.IO packets.
// A binary message is written as in a payload, "b" and base64.
type fake struct {
	script func(p *peer)

	mu   sync.Mutex
	peer *peer
}

type peer struct {
	in       chan string   // from the client; closed at the end of the connection
	out      chan string   // to the client
	end      chan string   // how the server ends it: "1009" for a close frame, "eof", or "status" for the next request's
	upgraded chan struct{} // closed when a websocket has taken over
	endOnce  sync.Once
}

// next is what the client sends next; "gone" when it has gone.
func (p *peer) next() string {
	packet, ok := <-p.in
	if !ok {
		return "gone"
	}
	return packet
}

// reply sends packets when the client has sent want.
func (p *peer) reply(want string, packets ...string) {
	if got := p.next(); got != want {
		p.out <- fmt.Sprintf("4unexpected: got %q, want %q", got, want)
	}
	for _, packet := range packets {
		p.out <- packet
	}
}

func (p *peer) gone() { p.endOnce.Do(func() { close(p.in) }) }

// start runs the script, which joins the client to "/" first unless bare.
func server(script func(p *peer)) *fake {
	return &fake{script: func(p *peer) {
		p.reply("40", `40{"sid":"A"}`)
		script(p)
	}}
}

func bare(script func(p *peer)) *fake { return &fake{script: script} }

const openPolling = `0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`
const openWebSocket = `0{"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`

func (f *fake) start() *peer {
	p := &peer{
		in:       make(chan string, 1000),
		out:      make(chan string, 1000),
		end:      make(chan string, 1),
		upgraded: make(chan struct{}),
	}
	f.mu.Lock()
	f.peer = p
	f.mu.Unlock()
	go f.script(p)
	return p
}

func (f *fake) session() *peer {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.peer
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	switch {
	case r.URL.Path != "/socket.io/" || query.Get("EIO") != "4":
		w.WriteHeader(http.StatusBadRequest)
		io.WriteString(w, `{"code":5,"message":"Unsupported protocol version"}`)
	case query.Get("transport") == "websocket":
		f.webSocket(w, r)
	case query.Get("sid") == "":
		f.start()
		w.Header().Set("Set-Cookie", "io=lv_VI97HAXpY6yYWAAAC")
		io.WriteString(w, openPolling)
	case r.Method == http.MethodGet:
		f.session().poll(w, r)
	default:
		f.session().post(w, r)
	}
}

func (p *peer) poll(w http.ResponseWriter, r *http.Request) {
	select {
	case packet := <-p.out:
		packets := []string{packet}
		for len(p.out) > 0 {
			packets = append(packets, <-p.out)
		}
		io.WriteString(w, strings.Join(packets, "\x1e"))
	case how := <-p.end:
		if len(p.out) > 0 { // sent before
			p.end <- how
			io.WriteString(w, <-p.out)
			return
		}
		if how != "eof" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		conn, _, _ := http.NewResponseController(w).Hijack()
		conn.Close()
	case <-p.upgraded:
		io.WriteString(w, "6")
	case <-r.Context().Done():
		p.gone()
	}
}

func (p *peer) post(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	for packet := range strings.SplitSeq(string(body), "\x1e") {
		if packet == "1" {
			p.gone()
			p.out <- "6"
			break
		}
		if packet == "4malformed" {
			p.out <- "1"
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		p.in <- packet
	}
	io.WriteString(w, "ok")
}

func (f *fake) webSocket(w http.ResponseWriter, r *http.Request) {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	conn, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]))
	p := f.session()
	if r.URL.Query().Get("sid") == "" {
		p = f.start()
		serverFrame(conn, openWebSocket)
	} else {
		clientFrame(rw.Reader) // 2probe
		serverFrame(conn, "3probe")
		close(p.upgraded)
		clientFrame(rw.Reader) // 5
	}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		defer p.gone()
		for {
			packet, ok := clientFrame(rw.Reader)
			if !ok {
				return
			}
			p.in <- packet
		}
	}()
	for {
		select {
		case packet := <-p.out:
			serverFrame(conn, packet)
		case how := <-p.end:
			for len(p.out) > 0 {
				serverFrame(conn, <-p.out)
			}
			var code int
			if _, err := fmt.Sscan(how, &code); err == nil {
				conn.Write(binary.BigEndian.AppendUint16([]byte{0x88, 2}, uint16(code)))
				<-finished // the client's answer
			}
			return
		case <-finished:
			return
		}
	}
}

// serverFrame writes one unmasked frame.
func serverFrame(conn net.Conn, packet string) {
	op, data := byte(0x81), []byte(packet)
	if strings.HasPrefix(packet, "b") {
		op = 0x82
		data, _ = base64.StdEncoding.DecodeString(packet[1:])
	}
	head := []byte{op, byte(len(data))}
	if len(data) > 125 {
		head = binary.BigEndian.AppendUint16([]byte{op, 126}, uint16(len(data)))
	}
	conn.Write(append(head, data...))
}

// clientFrame reads one masked frame. It reports false for a close frame, and
// for the end.
func clientFrame(br *bufio.Reader) (string, bool) {
	var head [2]byte
	if _, err := io.ReadFull(br, head[:]); err != nil || head[0] == 0x88 {
		return "", false
	}
	n := int(head[1] & 0x7F)
	if n == 126 {
		var long [2]byte
		io.ReadFull(br, long[:])
		n = int(binary.BigEndian.Uint16(long[:]))
	}
	masked := make([]byte, 4+n)
	if _, err := io.ReadFull(br, masked); err != nil {
		return "", false
	}
	data := masked[4:]
	for i := range data {
		data[i] ^= masked[i%4]
	}
	if head[0] == 0x82 {
		return "b" + base64.StdEncoding.EncodeToString(data), true
	}
	return string(data), true
}

// eachTransport runs test once for each of the three ways to connect.
func eachTransport(t *testing.T, test func(t *testing.T, opts Options)) {
	for _, transport := range []string{"websocket", "polling", "upgrade"} {
		t.Run(transport, func(t *testing.T) {
			test(t, Options{Transport: transport})
		})
	}
}

// silent takes requests and never answers.
type silent struct{}

func (silent) ServeHTTP(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
