package framework_test

import (
	"bytes"
	"io"
	"runtime"
	"sync"
	"testing"

	"github.com/lxzan/gws"
)

// byHand answers what the benchmarks of whole clients send.
func byHand(c *gws.Conn, m []byte) {
	switch {
	case string(m) == "40":
		_ = c.WriteMessage(gws.OpcodeText, []byte(`40{"sid":"AAAAAAAAAAAAAAAAAAAA"}`))
	case bytes.HasPrefix(m, []byte("421")):
		_ = c.WriteMessage(gws.OpcodeText, append([]byte("431["), m[len(`421["echo",`):]...))
	}
}

func bareClients(b *testing.B) string {
	return serveBare(b, &bare{
		onOpen: func(c *gws.Conn) {
			_ = c.WriteMessage(gws.OpcodeText, []byte(`0{"sid":"AAAAAAAAAAAAAAAAAAAA","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`))
		},
		onMessage: byHand,
	})
}

func parlorClients(b *testing.B) string {
	srv := quiet()
	srv.On("echo", func(v echoed) echoed { return v })
	return serve(b, srv)
}

// BenchmarkLife is a whole one: connect, upgrade, CONNECT, an event with its ack,
// DISCONNECT, close.
func BenchmarkLife(b *testing.B) {
	event, end := frame(`421["echo",`+payload+`]`), append(frame("41"), 0x88, 0x80, 0, 0, 0, 0)
	want := `431[` + payload + `]`
	for _, s := range []struct {
		name  string
		start func(*testing.B) string
	}{{"gws", bareClients}, {"parlor", parlorClients}} {
		b.Run(s.name, func(b *testing.B) {
			url := s.start(b)
			b.ReportAllocs()
			for b.Loop() {
				w := join(b, url)
				w.write(b, event)
				if got := w.read(b); string(got) != want {
					b.Fatalf("got %s, want %s", got, want)
				}
				w.write(b, end)
				_, _ = io.Copy(io.Discard, w.in) // until the server closes
				_ = w.Close()
			}
		})
	}
}

// BenchmarkIdle reports what the server and its goroutine keep of a client that has
// joined, spoken once, and is silent. The client's connection, of about 700 bytes, is
// in it, since both are in one process.
func BenchmarkIdle(b *testing.B) {
	const clients = 1000
	event := frame(`421["echo",` + payload + `]`)
	for _, s := range []struct {
		name  string
		start func(*testing.B) string
	}{{"gws", bareClients}, {"parlor", parlorClients}} {
		b.Run(s.name, func(b *testing.B) {
			url := s.start(b)
			for b.Loop() {
				var before, after runtime.MemStats
				look(&before)
				conns := make([]*wire, clients)
				var wg sync.WaitGroup
				for k := range 4 {
					wg.Go(func() {
						for i := k; i < clients; i += 4 {
							conns[i] = join(b, url)
							conns[i].write(b, event)
							conns[i].read(b)
							conns[i].in, conns[i].buf = nil, nil // the client's own
						}
					})
				}
				wg.Wait()
				look(&after)
				b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/clients, "heap-B/client")
				b.ReportMetric(float64(after.StackInuse-before.StackInuse)/clients, "stack-B/client")
				b.ReportMetric(float64(after.HeapObjects-before.HeapObjects)/clients, "objects/client")
				for _, w := range conns {
					_ = w.Close()
				}
			}
		})
	}
}

func look(m *runtime.MemStats) {
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(m)
}
