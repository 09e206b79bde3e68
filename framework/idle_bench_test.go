package framework_test

import (
	"runtime"
	"sync"
	"testing"
)

// BenchmarkIdle reports what the server and its goroutine keep of a client that has
// joined, spoken once, and is silent. The client's connection, of about 700 bytes, is
// in it, since both are in one process.
func BenchmarkIdle(b *testing.B) {
	const clients = 1000
	event := frame(`421["echo",` + payload + `]`)
	for _, s := range []struct {
		name  string
		start func(testing.TB) string
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
