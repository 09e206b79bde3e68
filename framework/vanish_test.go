package framework_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
)

// TestNothingIsLeftOfClientsThatVanish has clients go without a word, half of them
// with a FIN and half in silence, and looks for what they leave. Those of the first
// round leave what is kept for the next: pools, and the runtime's own goroutines.
func TestNothingIsLeftOfClientsThatVanish(t *testing.T) {
	const clients = 300
	srv := framework.New(framework.Options{Transport: transport.Options{
		PingInterval: 300 * time.Millisecond, PingTimeout: 200 * time.Millisecond,
	}})
	gone := make(chan framework.Reason, clients)
	srv.On("disconnect", func(reason framework.Reason) { gone <- reason })
	web := httptest.NewServer(srv)
	defer web.Close()

	var goroutines [3]int
	var heap [3]int64
	look := func(round int) {
		// A goroutine that has said its last may still be on its way out.
		deadline := time.Now().Add(10 * time.Second)
		for goroutines[round] = runtime.NumGoroutine(); goroutines[round] > goroutines[0] && round > 0 && time.Now().Before(deadline); {
			runtime.Gosched()
			goroutines[round] = runtime.NumGoroutine()
		}
		runtime.GC()
		runtime.GC() // the second empties the pools
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		heap[round] = int64(m.HeapAlloc)
	}
	look(0)
	for round := 1; round <= 2; round++ {
		conns := make([]net.Conn, clients)
		for i := range conns {
			conns[i] = joinSilently(t, web.Listener.Addr().String())
		}
		for _, c := range conns[:clients/2] {
			_ = c.Close()
		}
		reasons := map[framework.Reason]int{}
		for range clients {
			reasons[receive(t, gone)]++
		}
		// On a slow machine silence may be over before the FIN has been sent.
		if reasons[framework.PingTimeout] < clients/2 || reasons[framework.PingTimeout]+reasons[framework.TransportClose] != clients {
			t.Errorf("reasons: got %v", reasons)
		}
		for _, c := range conns {
			_ = c.Close()
		}
		look(round)
	}
	if goroutines[2] > goroutines[0] {
		t.Errorf("goroutines: got %v before and after each round", goroutines)
	}
	if left := (heap[2] - heap[1]) / clients; left > 200 {
		t.Errorf("got %d bytes left of each client, heap %v", left, heap)
	}
}

// joinSilently joins "/" on a WebSocket and answers no ping.
func joinSilently(t *testing.T, addr string) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = fmt.Fprint(c, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"+
		"\x81\x82\x00\x00\x00\x0040")
	in := bufio.NewReaderSize(c, 512)
	for text := ""; !strings.Contains(text, `40{"sid":`); {
		b, err := in.ReadByte()
		if err == io.EOF || err != nil {
			t.Fatal(err)
		}
		text += string(b)
	}
	return c
}
