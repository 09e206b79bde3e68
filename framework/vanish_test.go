package framework_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
)

// TestNothingIsLeftOfClientsThatVanish has clients go without a word, half of them
// with a FIN and half in silence, a fifth of them polling, and looks for what they
// leave. They come in waves: both ends of a connection are files of this process. Those
// of the first leave what is kept for the next: pools, and the runtime's own goroutines.
func TestNothingIsLeftOfClientsThatVanish(t *testing.T) {
	const waves = 4
	tests := []struct {
		name    string
		wave    int
		options framework.Options
	}{
		{"10,000", 2_500, framework.Options{}},
		{"2,000 whose sessions are kept", 500, framework.Options{Recovery: framework.Recovery{MaxDisconnection: 300 * time.Millisecond}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if raceDetector {
				tt.wave /= 10 // it makes each ten times as expensive
			}
			tt.options.Logger = zerolog.Nop()
			tt.options.Transport = transport.Options{
				PingInterval: 500 * time.Millisecond, PingTimeout: 300 * time.Millisecond,
				HandshakeRate: -1, MaxDelay: -1, // however slow the machine is
			}
			v := newVanishing(t, unhurried(tt.options))
			v.look(0)
			for wave := 1; wave <= waves; wave++ {
				v.wave(tt.wave)
				v.look(wave)
			}
			if got, want := v.goroutines[waves], v.goroutines[0]; got > want {
				t.Errorf("goroutines: got %d after all, %d before", got, want)
			}
			if left := (v.heap[waves] - v.heap[1]) / int64((waves-1)*tt.wave); left > 100 {
				t.Errorf("got %d bytes left of each client, heap %v", left, v.heap)
			}
		})
	}
}

// vanishing is a server, and what is seen of it before and after each wave.
type vanishing struct {
	*testing.T
	srv        *framework.Server
	addr       string
	came       atomic.Int64
	gone       chan framework.Reason
	goroutines []int
	heap       []int64
}

func newVanishing(t *testing.T, srv *framework.Server) *vanishing {
	v := &vanishing{T: t, srv: srv, gone: make(chan framework.Reason, 10_000)}
	srv.On("connect", func() { v.came.Add(1) })
	srv.On("disconnect", func(reason framework.Reason) { v.gone <- reason })
	web := httptest.NewServer(srv)
	t.Cleanup(web.Close)
	v.addr = web.Listener.Addr().String()
	return v
}

// wave has clients come, and returns when the server knows that all have gone.
func (v *vanishing) wave(clients int) {
	v.Helper()
	before := v.came.Load()
	conns := v.join(clients)
	for _, c := range conns[:clients/2] {
		_ = c.Close()
	}
	defer func() {
		for _, c := range conns {
			_ = c.Close()
		}
	}()
	// On a slow machine silence may be over before a client has joined, who tries again
	// then, or before the FIN has been sent.
	reasons, all := map[framework.Reason]int{}, int(v.came.Load()-before)
	for range all {
		reasons[receive(v.T, v.gone)]++
	}
	if reasons[framework.PingTimeout] < clients/2 ||
		reasons[framework.PingTimeout]+reasons[framework.TransportClose]+reasons[framework.TransportError] != all {
		v.Errorf("reasons of %d: got %v", all, reasons)
	}
}

// join returns so many connections, on each of which a client has joined.
func (v *vanishing) join(clients int) []net.Conn {
	v.Helper()
	conns := make([]net.Conn, clients)
	failed := make(chan error, clients)
	var next atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < clients; i = int(next.Add(1)) - 1 {
				var err error
				if conns[i], err = joinSilently(v.addr, i%5 == 0); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	group.Wait()
	if len(failed) > 0 {
		v.Fatal(<-failed)
	}
	return conns
}

// look notes what there is. A goroutine that has said its last may still be on its way
// out, and a session is kept a little longer.
func (v *vanishing) look(wave int) {
	deadline := time.Now().Add(20 * time.Second)
	for wave > 0 && (runtime.NumGoroutine() > v.goroutines[0] || v.srv.RecoveryStats().Kept > 0) && time.Now().Before(deadline) {
		<-time.After(time.Millisecond)
	}
	v.goroutines = append(v.goroutines, runtime.NumGoroutine())
	runtime.GC()
	runtime.GC() // the second empties the pools
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	v.Logf("after wave %d: %d goroutines, %d bytes of heap", wave, v.goroutines[wave], m.HeapAlloc)
	v.heap = append(v.heap, int64(m.HeapAlloc))
	if kept := v.srv.RecoveryStats().Kept; kept > 0 {
		v.Errorf("after wave %d: %d sessions are kept", wave, kept)
	}
}

// joinSilently joins "/" on a WebSocket or by polling, and answers no ping: a poll is
// pending then, but what comes is not read.
func joinSilently(addr string, polls bool) (c net.Conn, err error) {
	for range 20 {
		if c, err = net.Dial("tcp", addr); err != nil {
			return nil, err
		}
		if polls {
			err = joinByPolling(c)
		} else {
			err = joinOnWebSocket(c)
		}
		if err == nil {
			return c, nil
		}
		_ = c.Close()
	}
	return nil, err
}

func joinOnWebSocket(c net.Conn) error {
	_, err := fmt.Fprint(c, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"+
		"\x81\x82\x00\x00\x00\x0040")
	if err != nil {
		return err
	}
	in := bufio.NewReaderSize(c, 512)
	for text := ""; !strings.Contains(text, `40{"sid":`); {
		b, err := in.ReadByte()
		if err != nil {
			return err
		}
		text += string(b)
		if strings.HasSuffix(text, "\r\n\r\n") && !strings.HasPrefix(text, "HTTP/1.1 101") {
			return fmt.Errorf("the handshake was refused: %q", text)
		}
	}
	return nil
}

func joinByPolling(c net.Conn) error {
	in := bufio.NewReaderSize(c, 512)
	request := func(method, sid, body string) (string, error) {
		_, err := fmt.Fprintf(c, "%s /socket.io/?EIO=4&transport=polling%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s",
			method, sid, len(body), body)
		if err != nil {
			return "", err
		}
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			return "", err
		}
		answer, err := io.ReadAll(res.Body)
		if err == nil && res.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s: %s", res.Status, answer) // it has been closed already
		}
		return string(answer), err
	}
	open, err := request("GET", "", "")
	if err != nil {
		return err
	}
	_, sid, _ := strings.Cut(open, `"sid":"`)
	sid, _, _ = strings.Cut(sid, `"`)
	sid = "&sid=" + sid
	if _, err := request("POST", sid, "40"); err != nil {
		return err
	}
	for joined := ""; !strings.Contains(joined, `40{"sid":`); {
		if joined, err = request("GET", sid, ""); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(c, "GET /socket.io/?EIO=4&transport=polling%s HTTP/1.1\r\nHost: x\r\n\r\n", sid)
	return err
}
