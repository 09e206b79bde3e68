package framework_test

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
)

// timingAttacks take their time. They run in synctest bubbles.
var timingAttacks = []attack{
	// Before a request is there.
	{name: "a connection on which nothing comes", do: func(t *testing.T, a *arena) {
		c, start := a.http(t), time.Now()
		text, _, _ := c.answer()
		equal(t, "answer", text, "eof")
		within(t, "closed after", time.Since(start), 10*time.Second, 11*time.Second)
	}},
	{name: "headers that end in the middle", do: func(t *testing.T, a *arena) {
		c, start := a.http(t), time.Now()
		c.send("GET " + openTarget + " HTTP/1.1\r\nHost: par")
		text, _, _ := c.answer()
		equal(t, "answer", text, "eof")
		within(t, "closed after", time.Since(start), 10*time.Second, 11*time.Second)
	}},
	{name: "headers that come a byte a second", do: func(t *testing.T, a *arena) {
		c, start := a.http(t), time.Now()
		a.beside.Go(func() { drip(c.conn, lines("GET "+openTarget+" HTTP/1.1", host, "X: "+strings.Repeat("x", 100))) })
		text, _, _ := c.answer()
		equal(t, "answer", text, httpBad)
		within(t, "closed after", time.Since(start), 10*time.Second, 11*time.Second)
	}},
	{name: "a connection that is kept for a next request that never comes", do: func(t *testing.T, a *arena) {
		c, start := a.http(t), time.Now()
		c.send(lines("GET /socket.io/ HTTP/1.1", host))
		text, _, _ := c.answer()
		equal(t, "answer", text, unknownTransport)
		text, _, _ = c.answer()
		equal(t, "behind it", text, "eof")
		within(t, "closed after", time.Since(start), 120*time.Second, 121*time.Second)
	}},

	// Before a session is joined.
	{name: "a WebSocket that joins nothing", setup: patient(5 * time.Second), do: func(t *testing.T, a *arena) {
		client, start := a.open(t, "EIO=4"), time.Now()
		equal(t, "close", client.read(), "close 1005")
		within(t, "closed after", time.Since(start), 4*time.Second, 6*time.Second)
		a.wantEnd(t, closedByPacket, false)
		equal(t, "counted", a.exceeded("ConnectTimeout"), 1)
	}},
	{name: "a client that polls and joins nothing", setup: patient(5 * time.Second), do: func(t *testing.T, a *arena) {
		c := a.http(t)
		c.send(lines("GET "+openTarget+" HTTP/1.1", host))
		_, sid, _ := c.answer()
		client, start := &pollClient{a: a, t: t, query: "EIO=4", sid: sid}, time.Now()
		equal(t, "poll", client.get(), "200 1")
		within(t, "closed after", time.Since(start), 4*time.Second, 6*time.Second)
		a.wantEnd(t, closedByPacket, false)
		equal(t, "counted", a.exceeded("ConnectTimeout"), 1)
	}},
	{name: "a client that only asks for namespaces that there are not", setup: patient(5 * time.Second), do: func(t *testing.T, a *arena) {
		client, start := a.open(t, "EIO=4"), time.Now()
		for i := range 4 {
			client.write(text(fmt.Sprintf("40/nowhere-%d,", i)))
			equal(t, "answer", client.read(), fmt.Sprintf(`44/nowhere-%d,{"message":"Invalid namespace"}`, i))
			time.Sleep(time.Second)
		}
		equal(t, "close", client.read(), "close 1005")
		within(t, "closed after", time.Since(start), 4*time.Second, 6*time.Second)
		a.wantEnd(t, closedByPacket, false)
		equal(t, "counted", a.exceeded("ConnectTimeout"), 1)
	}},
	{name: "a client that is refused again and again", setup: patient(5 * time.Second), do: func(t *testing.T, a *arena) {
		client, start := a.open(t, "EIO=4"), time.Now()
		client.write(text("40/closed,"))
		equal(t, "answer", client.read(), `44/closed,{"message":"Internal server error"}`)
		equal(t, "close", client.read(), "close 1005")
		within(t, "closed after", time.Since(start), 4*time.Second, 6*time.Second)
		a.wantEnd(t, closedByPacket, false)
		equal(t, "counted", a.exceeded("ConnectTimeout"), 1)
	}},

	// Heartbeats.
	{name: "a WebSocket that answers no ping", do: func(t *testing.T, a *arena) {
		client, start := a.joined(t, "EIO=4"), time.Now()
		got := client.readAll("")
		equal(t, "first", got[0], "2")
		within(t, "closed after", time.Since(start), 40*time.Second, 46*time.Second)
		a.wantEnd(t, framework.PingTimeout, true)
	}},
	{name: "a client that never polls again", do: func(t *testing.T, a *arena) {
		client, start := a.poll(t, "EIO=4"), time.Now()
		a.wantEnd(t, framework.PingTimeout, true)
		within(t, "closed after", time.Since(start), 40*time.Second, 46*time.Second)
		equal(t, "poll", client.get(), unknownSession)
	}},
	{name: "a client of protocol 3 that never pings", setup: allowingEIO3(), do: func(t *testing.T, a *arena) {
		client, start := a.joined(t, "EIO=3"), time.Now()
		equal(t, "end", client.readAll("")[0], "eof")
		within(t, "closed after", time.Since(start), 40*time.Second, 46*time.Second)
		a.wantEnd(t, framework.PingTimeout, true)
	}},
	{name: "events are no answer to a ping", do: func(t *testing.T, a *arena) {
		client, start := a.joined(t, "EIO=4"), time.Now()
		a.beside.Go(func() {
			for range 60 {
				client.write(text(alivePacket))
				time.Sleep(time.Second)
			}
		})
		client.readAll("")
		within(t, "closed after", time.Since(start), 40*time.Second, 46*time.Second)
		a.wantEnd(t, framework.PingTimeout, true)
	}},
	{name: "pings of WebSocket are no answer to a ping", do: func(t *testing.T, a *arena) {
		client, start := a.joined(t, "EIO=4"), time.Now()
		a.beside.Go(func() {
			for range 60 {
				client.write(rawFrame(0x8a, true, ""))
				time.Sleep(time.Second)
			}
		})
		client.readAll("")
		within(t, "closed after", time.Since(start), 40*time.Second, 46*time.Second)
		a.wantEnd(t, framework.PingTimeout, true)
	}},

	// Messages that never end.
	{name: "a frame that comes a byte a second", do: func(t *testing.T, a *arena) {
		client, start := a.joined(t, "EIO=4"), time.Now()
		a.beside.Go(func() { drip(client.conn, text("6"+strings.Repeat("x", 60))) })
		client.readAll("")
		within(t, "closed after", time.Since(start), 40*time.Second, 46*time.Second)
		a.wantEnd(t, framework.PingTimeout, true)
	}},
	{name: "a message whose last fragment never comes", do: func(t *testing.T, a *arena) {
		client, start := a.joined(t, "EIO=4"), time.Now()
		client.write(rawFrame(0x01, true, "6"))
		a.beside.Go(func() {
			for range 60 {
				client.write(rawFrame(0x00, true, "x"))
				time.Sleep(time.Second)
			}
		})
		client.readAll("")
		within(t, "closed after", time.Since(start), 40*time.Second, 46*time.Second)
		a.wantEnd(t, framework.PingTimeout, true)
	}},

	// Upgrades.
	{name: "an upgrade that sends no probe", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		probe, start := a.webSocket(t, "EIO=4&sid="+client.sid), time.Now()
		equal(t, "close", probe.read(), "close 1005")
		within(t, "closed after", time.Since(start), 10*time.Second, 11*time.Second)
		client.unharmed(t)
	}},
	{name: "an upgrade that ends with its probe", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		probe, start := a.webSocket(t, "EIO=4&sid="+client.sid), time.Now()
		probe.write(text("2probe"))
		equal(t, "probe", probe.read(), "3probe")
		equal(t, "close", probe.read(), "close 1005")
		within(t, "closed after", time.Since(start), 10*time.Second, 11*time.Second)
		client.unharmed(t)
	}},
	{name: "a probe that comes a byte in two seconds", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		probe, start := a.webSocket(t, "EIO=4&sid="+client.sid), time.Now()
		a.beside.Go(func() {
			for _, b := range []byte(text("2probe")) {
				_, _ = probe.conn.Write([]byte{b})
				time.Sleep(2 * time.Second)
			}
		})
		equal(t, "close", probe.read(), "close 1005")
		within(t, "closed after", time.Since(start), 10*time.Second, 11*time.Second)
		client.unharmed(t)
	}},
	{name: "a probe that is another packet", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		probe := a.webSocket(t, "EIO=4&sid="+client.sid)
		probe.write(text(alivePacket))
		equal(t, "close", probe.read(), "close 1005")
		client.unharmed(t)
	}},
	{name: "a probe in a binary message", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		probe := a.webSocket(t, "EIO=4&sid="+client.sid)
		probe.write(bin("2probe"))
		equal(t, "close", probe.read(), "close 1005")
		client.unharmed(t)
	}},
	{name: "an upgrade before its probe", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		probe := a.webSocket(t, "EIO=4&sid="+client.sid)
		probe.write(text("5"))
		equal(t, "close", probe.read(), "close 1005")
		client.unharmed(t)
	}},
	{name: "a second probe beside the first", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		first := a.webSocket(t, "EIO=4&sid="+client.sid)
		second := a.webSocket(t, "EIO=4&sid="+client.sid)
		equal(t, "second", second.read(), "close 1005")
		first.write(text("2probe"))
		equal(t, "first", first.read(), "3probe")
		first.write(texts("5", alivePacket))
		equal(t, "upgraded", first.read(), aliveAnswer)
	}},
	{name: "a probe for a session that has a WebSocket", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		first := a.webSocket(t, "EIO=4&sid="+client.sid)
		first.write(text("2probe"))
		first.read()
		first.write(texts("5", alivePacket))
		equal(t, "upgraded", first.read(), aliveAnswer)
		equal(t, "probe", a.webSocket(t, "EIO=4&sid="+client.sid).read(), "close 1005")
		equal(t, "poll", client.get(), badRequest)
		equal(t, "POST", client.post(alivePacket), badRequest)
		first.write(text(alivePacket))
		equal(t, "still", first.read(), aliveAnswer)
	}},

	// Polls.
	{name: "two polls at a time", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		first := a.http(t)
		first.send(lines("GET "+client.target()+" HTTP/1.1", host))
		synctest.Wait()
		equal(t, "second", client.get(), "400")
		got, _, _ := first.answer()
		equal(t, "first", got, "200 1")
		a.wantEnd(t, closedByError, true)
	}},
	{name: "two POSTs at a time", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		first := a.http(t)
		first.send(lines("POST "+client.target()+" HTTP/1.1", host, "Content-Length: 5") + "6")
		synctest.Wait()
		equal(t, "second", client.post("6"), "400")
		got, _, _ := first.answer()
		equal(t, "first", got, "400")
		a.wantEnd(t, closedByError, true)
	}},
	{name: "a poll that is given up", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		c := a.http(t)
		c.send(lines("GET "+client.target()+" HTTP/1.1", host))
		synctest.Wait()
		_ = c.conn.Close()
		a.wantEnd(t, closedByError, true)
		equal(t, "poll", client.get(), unknownSession)
	}},
	{name: "a body that is given up", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		c := a.http(t)
		c.send(lines("POST "+client.target()+" HTTP/1.1", host, "Content-Length: 50") + alivePacket)
		synctest.Wait()
		_ = c.conn.Close()
		a.wantEnd(t, closedByError, true)
		equal(t, "poll", client.get(), unknownSession)
	}},
	{name: "an end that is not fetched is forgotten", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		equal(t, "POST", client.post("4x"), "200 ok")
		a.wantEnd(t, closedByPacket, true)
		time.Sleep(11 * time.Second)
		equal(t, "poll", client.get(), unknownSession)
	}},

	// Not reading.
	{name: "a WebSocket that takes nothing", do: func(t *testing.T, a *arena) {
		client, start := a.joined(t, "EIO=4"), time.Now()
		client.write(text(`42["join","stalled"]`), text(alivePacket))
		equal(t, "joined", client.read(), aliveAnswer)
		a.shout(t, "stalled", "anybody?")
		a.wantEnd(t, closedByError, true)
		within(t, "closed after", time.Since(start), 10*time.Second, 11*time.Second)
		equal(t, "counted", a.exceeded("WriteTimeout"), 1)
	}},
	{name: "an answer to a poll that is not taken", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		equal(t, "POST", client.post(`421["echo","`+strings.Repeat("x", 100_000)+`"]`), "200 ok")
		c, start := a.http(t), time.Now()
		c.send(lines("GET "+client.target()+" HTTP/1.1", host))
		a.wantEnd(t, closedByError, true)
		within(t, "closed after", time.Since(start), 10*time.Second, 11*time.Second)
	}},
	{name: "a close that is not answered", do: func(t *testing.T, a *arena) {
		client, start := a.joined(t, "EIO=4"), time.Now()
		client.write(text("4x"))
		equal(t, "close", client.read(), "close 1005")
		equal(t, "end", client.read(), "eof")
		within(t, "hung up after", time.Since(start), 0, 3*time.Second)
		a.wantEnd(t, closedByPacket, true)
	}},
	{name: "a handler that is asked for more than it does", setup: backlog(64 << 10), do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		client.write(strings.Repeat(text(`42["wait"]`), 1000), text("3"), text(alivePacket))
		var got []string
		a.beside.Go(func() { got = client.readAll(aliveAnswer) })
		synctest.Wait()
		a.healthy(t) // while that one is not read from
		time.Sleep(time.Minute)
		equal(t, "clients", a.srv.ClientsCount(), 3) // its pong is behind what was not read
		a.release()
		a.beside.Wait()
		sameAnswers(t, got, []string{"2", aliveAnswer})
	}},
}

func init() { hostileTables["timing"] = names(timingAttacks, attackName) }

// patient is a server that waits for a CONNECT for d.
func patient(d time.Duration) arenaSetup {
	return arenaSetup{options: framework.Options{ConnectTimeout: d}}
}

func backlog(n int) arenaSetup {
	return arenaSetup{options: framework.Options{Transport: transport.Options{MaxBacklog: n}}}
}

// drip writes a byte a second.
func drip(w io.Writer, raw string) {
	for _, b := range []byte(raw) {
		if _, err := w.Write([]byte{b}); err != nil {
			return
		}
		time.Sleep(time.Second)
	}
}

func TestHostileTiming(t *testing.T) { runInBubbles(t, timingAttacks) }
