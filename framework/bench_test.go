package framework_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/lxzan/gws"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
)

// contest is a kind of work that parlor does beside bare gws: framing by hand, one
// write a message, no JSON. Clients and servers share the process, so only the ratio
// means anything, and it is milder than that of the servers alone, which
// examples/loadtest measures.
type contest struct {
	name   string
	target float64 // of parlor's cost, with bare gws's as 1
	events int     // in a round

	// They start a server and its clients, and return what does a round.
	gws, parlor func(tb testing.TB) (round func())
}

var contests = []contest{
	echoContest("echo/W=1/struct", 1.20, 32, 1, func(v echoed) echoed { return v }),
	echoContest("echo/W=1/raw", 1.08, 32, 1, func(v json.RawMessage) json.RawMessage { return v }),
	echoContest("echo/W=16/struct", 0.40, 32, 16, func(v echoed) echoed { return v }),
	echoContest("echo/W=16/raw", 0.20, 32, 16, func(v json.RawMessage) json.RawMessage { return v }),
	binaryContest("binary/4KiB", 0.75),
	lifeContest("life", 1.2),
	fanOutContest("broadcast/1000/W=4", 0.35, 1, 1000, 4),
	fanOutContest("broadcast/1000/W=1", 1.0, 1, 1000, 1),
	fanOutContest("rooms/20x50", 1.0, 20, 50, 1),
}

func BenchmarkBesideGWS(b *testing.B) {
	for _, c := range contests {
		for _, s := range []struct {
			name  string
			start func(testing.TB) func()
		}{{"gws", c.gws}, {"parlor", c.parlor}} {
			b.Run(c.name+"/"+s.name, func(b *testing.B) {
				round := s.start(b)
				b.ReportAllocs()
				for b.Loop() {
					round()
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(c.events), "ns/event")
			})
		}
	}
}

// echoContest has each of some clients send window events and wait for their acks.
func echoContest(name string, target float64, clients, window int, handler any) contest {
	event := bytes.Repeat(frame(`421["echo",`+payload+`]`), window)
	want := `431[` + payload + `]`
	rounds := func(tb testing.TB, dial func() *wire) func() {
		all := make([]*wire, clients)
		for i := range all {
			all[i] = dial()
		}
		return func() {
			for _, w := range all {
				w.write(tb, event)
			}
			for _, w := range all {
				for range window {
					if got := w.read(tb); string(got) != want {
						tb.Fatalf("got %s, want %s", got, want)
					}
				}
			}
		}
	}
	return contest{
		name: name, target: target, events: clients * window,
		gws: func(tb testing.TB) func() {
			prefix := []byte(`421["echo",`)
			url := serveBare(tb, &bare{onMessage: func(c *gws.Conn, m []byte) {
				arg := bytes.TrimSuffix(bytes.TrimPrefix(m, prefix), []byte("]"))
				answer := append(append(make([]byte, 0, 128), "431["...), arg...)
				c.WriteMessage(gws.OpcodeText, append(answer, ']'))
			}})
			return rounds(tb, func() *wire { return dialWire(tb, url) })
		},
		parlor: func(tb testing.TB) func() {
			srv := quiet()
			srv.On("echo", handler)
			url := serve(tb, srv)
			return rounds(tb, func() *wire { return join(tb, url) })
		},
	}
}

// binaryContest echoes an attachment of 4 KiB.
func binaryContest(name string, target float64) contest {
	const clients, size = 32, 4 << 10
	const placeholder = `{"_placeholder":true,"num":0}`
	attachment := strings.Repeat("x", size)
	binary := frame(attachment)
	binary[0] = 0x82
	event := append(frame(`451-1["echo",`+placeholder+`]`), binary...)
	want := `461-1[` + placeholder + `]`
	rounds := func(tb testing.TB, dial func() *wire) func() {
		all := make([]*wire, clients)
		for i := range all {
			all[i] = dial()
		}
		return func() {
			for _, w := range all {
				w.write(tb, event)
			}
			for _, w := range all {
				if got := w.read(tb); string(got) != want {
					tb.Fatalf("got %s, want %s", got, want)
				}
				if got := w.read(tb); string(got) != attachment {
					tb.Fatalf("got %d bytes that are not the attachment", len(got))
				}
			}
		}
	}
	return contest{
		name: name, target: target, events: clients,
		gws: func(tb testing.TB) func() {
			answer := []byte(want)
			url := serveBare(tb, &bare{onMessage: func(c *gws.Conn, m []byte) {
				if len(m) == size {
					c.WriteMessage(gws.OpcodeText, answer)
					c.WriteMessage(gws.OpcodeBinary, m)
				}
			}})
			return rounds(tb, func() *wire { return dialWire(tb, url) })
		},
		parlor: func(tb testing.TB) func() {
			srv := quiet()
			srv.On("echo", func(b []byte) []byte { return b })
			url := serve(tb, srv)
			return rounds(tb, func() *wire { return join(tb, url) })
		},
	}
}

// fanOutContest sends to each room window times, and reads that from all its members.
// With one room it is to everybody.
func fanOutContest(name string, target float64, rooms, members, window int) contest {
	news := `42["news",` + payload + `]`
	clients := rooms * members
	rounds := func(tb testing.TB, all []*wire, send func(room int)) func() {
		return func() {
			for range window {
				for room := range rooms {
					send(room)
				}
			}
			for _, w := range all {
				for range window {
					if got := w.read(tb); string(got) != news {
						tb.Fatalf("got %s, want %s", got, news)
					}
				}
			}
		}
	}
	return contest{
		name: name, target: target, events: clients * window,
		gws: func(tb testing.TB) func() {
			opened := make(chan *gws.Conn, clients)
			url := serveBare(tb, &bare{onOpen: func(c *gws.Conn) { opened <- c }})
			all, conns := make([]*wire, clients), make([]*gws.Conn, clients)
			for i := range all {
				all[i] = dialWire(tb, url)
				conns[i] = <-opened
			}
			return rounds(tb, all, func(room int) {
				m := gws.NewBroadcaster(gws.OpcodeText, []byte(news))
				for _, c := range conns[room*members : (room+1)*members] {
					m.Broadcast(c)
				}
				m.Close()
			})
		},
		parlor: func(tb testing.TB) func() {
			srv := quiet()
			srv.On("join", func(s *framework.Socket, room string) { s.Join(room) })
			url := serve(tb, srv)
			all := make([]*wire, clients)
			for i := range all {
				all[i] = join(tb, url)
				all[i].write(tb, frame(fmt.Sprintf(`421["join","%d"]`, i/members)))
				all[i].read(tb)
			}
			news := json.RawMessage(payload)
			return rounds(tb, all, func(room int) {
				if rooms == 1 {
					srv.Emit("news", news)
				} else {
					srv.To(fmt.Sprint(room)).Emit("news", news)
				}
			})
		},
	}
}

// lifeContest is a whole life: connect, upgrade, CONNECT, an event with its ack,
// DISCONNECT, close.
func lifeContest(name string, target float64) contest {
	const clients = 8
	event, end := frame(`421["echo",`+payload+`]`), append(frame("41"), 0x88, 0x80, 0, 0, 0, 0)
	want := `431[` + payload + `]`
	rounds := func(tb testing.TB, url string) func() {
		return func() {
			var all [clients]*wire
			for i := range all {
				all[i] = join(tb, url)
				all[i].write(tb, event)
			}
			for _, w := range all {
				if got := w.read(tb); string(got) != want {
					tb.Fatalf("got %s, want %s", got, want)
				}
				w.write(tb, end)
				_, _ = io.Copy(io.Discard, w.in) // until the server closes
				_ = w.Close()
			}
		}
	}
	return contest{
		name: name, target: target, events: clients,
		gws:    func(tb testing.TB) func() { return rounds(tb, bareClients(tb)) },
		parlor: func(tb testing.TB) func() { return rounds(tb, parlorClients(tb)) },
	}
}

// byHand answers what the benchmarks of whole clients send.
func byHand(c *gws.Conn, m []byte) {
	switch {
	case string(m) == "40":
		_ = c.WriteMessage(gws.OpcodeText, []byte(`40{"sid":"AAAAAAAAAAAAAAAAAAAA"}`))
	case bytes.HasPrefix(m, []byte("421")):
		_ = c.WriteMessage(gws.OpcodeText, append([]byte("431["), m[len(`421["echo",`):]...))
	}
}

func bareClients(tb testing.TB) string {
	return serveBare(tb, &bare{
		onOpen: func(c *gws.Conn) {
			_ = c.WriteMessage(gws.OpcodeText, []byte(`0{"sid":"AAAAAAAAAAAAAAAAAAAA","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}`))
		},
		onMessage: byHand,
	})
}

func parlorClients(tb testing.TB) string {
	srv := framework.New(framework.Options{
		Logger:    zerolog.Nop(),
		Transport: transport.Options{HandshakeRate: -1, MaxDelay: -1}, // they come in thousands
	})
	srv.On("echo", func(v echoed) echoed { return v })
	return serve(tb, srv)
}
