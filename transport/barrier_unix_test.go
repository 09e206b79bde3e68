//go:build unix

package transport

import (
	"net"
	"runtime"
	"sync/atomic"
	"testing"
)

func TestABarrierLetsThoseGoFirstWhoCanRead(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // others would go anyhow
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	var b barrier
	defer b.close()
	missed := 0
	for range 50 {
		var read atomic.Bool
		client, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			_, _ = server.Read(make([]byte, 1))
			read.Store(true)
		}()
		b.wait() // it goes to wait for its byte
		if read.Load() {
			t.Fatal("read before anything was written")
		}
		_, _ = client.Write([]byte{1})
		if b.wait(); !read.Load() {
			missed++
		}
		_ = client.Close()
		<-done
		_ = server.Close()
	}
	if missed > 25 { // the scheduler has its own mind, and the machine other work
		t.Errorf("who could read has not gone first %d times in 50", missed)
	}
	if b.err != nil {
		t.Error(b.err)
	}
}
