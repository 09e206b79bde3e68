package framework_test

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
)

// payloadOf is n packets in one payload.
func payloadOf(packet string, n int) string {
	return strings.TrimSuffix(strings.Repeat(packet+"\x1e", n), "\x1e")
}

// volumeAttacks are more than anybody needs.
var volumeAttacks = []attack{
	{name: "half a million packets in a body", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		equal(t, "POST", client.post(payloadOf("6", 500_000)), "200 ok")
		client.unharmed(t)
	}},
	{name: "pongs by the hundred thousand", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		equal(t, "POST", client.post(payloadOf("3", 200_000)), "200 ok")
		client.unharmed(t)
	}},
	{name: "pings of protocol 3 whose answers nobody fetches", setup: allowingEIO3(), do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=3")
		equal(t, "POST", client.post(strings.Repeat("1:2", 300_000)), "200 ok")
		a.wantEnd(t, closedByError, true)
		equal(t, "counted", a.exceeded("MaxSendBuffer"), 1)
		equal(t, "poll", client.get(), unknownSession)
	}},
	{name: "namespaces that there are not, whose refusals nobody fetches", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		equal(t, "POST", client.post(payloadOf("40/x,", 150_000)), "200 ok")
		a.wantEnd(t, closedByError, true)
		equal(t, "counted", a.exceeded("MaxSendBuffer"), 1)
	}},
	{name: "events whose answers nobody fetches", setup: sendBuffer(64 << 10), do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		client.post(payloadOf(`421["echo","`+strings.Repeat("x", 1000)+`"]`, 500))
		a.wantEnd(t, closedByError, true)
		equal(t, "counted", a.exceeded("MaxSendBuffer"), 1)
	}},
	{name: "events that nobody handles, by the hundred thousand", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		equal(t, "POST", client.post(payloadOf(`42["x"]`, 100_000)), "200 ok")
		client.unharmed(t)
	}},
	{name: "answers to nothing by the hundred thousand", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		equal(t, "POST", client.post(payloadOf(`431[]`, 100_000)), "200 ok")
		client.unharmed(t)
	}},
	{name: "joins and leaves of a namespace by the ten thousand", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		equal(t, "POST", client.post(payloadOf("40/side,\x1e41/side,", 10_000)), "200 ok")
		equal(t, "POST", client.post(alivePacket), "200 ok")
		for {
			if got := client.get(); strings.Contains(got, aliveAnswer) {
				break
			} else if !strings.HasPrefix(got, "200 40/side,") {
				t.Fatalf("poll: got %.300s", got)
			}
		}
	}},
	{name: "more than a backlog while an answer is awaited", setup: backlog(64 << 10), do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		client.write(text(`42["ask"]`))
		equal(t, "question", client.read(), `421["question"]`)
		client.write(strings.Repeat(text(`42["echo"]`), 1000))
		client.readAll("")
		a.wantEndSoon(t, closedByError)
		equal(t, "counted", a.exceeded("MaxBacklog"), 1)
		a.release()
		equal(t, "asked in vain", errors.Is(receive(t, a.ask).err, framework.ErrClosed), true)
	}},
	{name: "a packet in pieces that is more than a backlog", setup: backlog(64 << 10), do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		client.write(text(`4510-["file"]`), strings.Repeat(bin(strings.Repeat("x", 10_000)), 9))
		client.readAll("")
		a.wantEnd(t, closedByError, true)
		equal(t, "counted", a.exceeded("MaxBacklog"), 1)
	}},
	{name: "arguments by the hundred thousand", do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		client.write(text(`421["echo"` + strings.Repeat(",0", 400_000) + `]`))
		equal(t, "answer", len(client.read()), 400_000*2+len("431[]")-1)
	}},
	{name: "small arguments count for what they take", do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		client.write(text(`42["ask"]`)) // reading does not pause
		equal(t, "question", client.read(), `421["question"]`)
		client.write(text(`42["echo"` + strings.Repeat(",0", 400_000) + `]`))
		client.readAll("")
		a.wantEndSoon(t, closedByError)
		equal(t, "counted", a.exceeded("MaxBacklog"), 1)
		a.release()
	}},
	{name: "control frames by the hundred thousand that nobody reads the answers of", setup: sendBuffer(64 << 10), do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		client.write(strings.Repeat(rawFrame(0x89, true, strings.Repeat("x", 125)), 100_000))
		a.wantEnd(t, closedByError, true)
	}},
	{name: "a broadcast to who does not poll", setup: sendBuffer(64 << 10), do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		equal(t, "POST", client.post(`421["join","stalled"]`), "200 ok")
		equal(t, "joined", client.get(), "200 431[]")
		for range 20 {
			a.shout(t, "stalled", strings.Repeat("x", 10_000))
		}
		a.wantEnd(t, closedByError, true)
		equal(t, "counted", a.exceeded("MaxSendBuffer"), 1)
		equal(t, "poll", client.get(), unknownSession)
	}},
	{name: "a broadcast to a WebSocket that takes nothing", setup: sendBuffer(64 << 10), do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		client.write(text(`42["join","stalled"]`), text(alivePacket))
		equal(t, "joined", client.read(), aliveAnswer)
		for range 2000 { // the kernel takes some megabytes
			a.shout(t, "stalled", strings.Repeat("x", 10_000))
			if len(a.gone) > 0 {
				break
			}
		}
		a.wantEnd(t, closedByError, true)
		equal(t, "counted", a.exceeded("MaxSendBuffer"), 1)
	}},
	{name: "children of a pattern more than there may be", setup: arenaSetup{options: framework.Options{MaxChildren: 3}}, do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		for i := range 3 {
			client.write(text(fmt.Sprintf("40/job/%d,", i)))
			equal(t, "child", client.read(), fmt.Sprintf("40/job/%d,{sid}", i))
		}
		client.write(text("40/job/3,"))
		equal(t, "one more", client.read(), `44/job/3,{"message":"Too many namespaces"}`)
		client.write(text(alivePacket))
		equal(t, "alive", client.read(), aliveAnswer)
	}},
	{name: "a child with a path of a megabyte", do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		path := "/job/" + strings.Repeat("x", 900_000)
		client.write(text("40" + path + ","))
		got := client.read()
		equal(t, "answer", got[max(0, len(got)-len(invalidNamespace)):], invalidNamespace)
	}},
	{name: "a message that is a megabyte when it is inflated", setup: arenaSetup{options: framework.Options{
		Transport: transport.Options{PerMessageDeflate: &transport.PerMessageDeflate{}},
	}}, do: func(t *testing.T, a *arena) {
		client := a.deflating(t)
		client.write(rawFrame(0xc1, true, deflated(`42["echo","`+strings.Repeat("x", 10_000_000)+`"]`)))
		equal(t, "close", client.readAll("")[0], "close 1009")
		a.wantEnd(t, closedByError, false)
	}},
	{name: "a compressed message that is none", setup: arenaSetup{options: framework.Options{
		Transport: transport.Options{PerMessageDeflate: &transport.PerMessageDeflate{}},
	}}, do: func(t *testing.T, a *arena) {
		client := a.deflating(t)
		client.write(rawFrame(0xc1, true, "\xff\xff\xff\xff"))
		equal(t, "close", client.readAll("")[0], "close 1007")
		a.wantEnd(t, closedByError, false)
	}},
	{name: "probes by the hundred", do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		a.webSocket(t, "EIO=4&sid="+client.sid)
		for range 100 {
			equal(t, "probe", a.webSocket(t, "EIO=4&sid="+client.sid).read(), "close 1005")
		}
		client.unharmed(t)
	}},
	{name: "polling sessions that are opened and forgotten at once", do: func(t *testing.T, a *arena) {
		for range 200 {
			a.poll(t, "EIO=4").leave()
		}
	}},
	{name: "WebSockets that are cut in the middle of everything", do: func(t *testing.T, a *arena) {
		var all sync.WaitGroup
		for i := range 200 {
			all.Go(func() {
				raw := wsLines("EIO=4") + texts("40", alivePacket) + bin("half a packet")
				c := a.dial(t)
				_, _ = c.Write([]byte(raw[:len(raw)*i/200+1]))
				_ = c.Close()
			})
		}
		all.Wait()
	}},
	{name: "a thousand guesses at a session id", do: func(t *testing.T, a *arena) {
		c := a.http(t)
		for i := range 1000 {
			c.send(lines(fmt.Sprintf("GET %s&sid=%020d HTTP/1.1", openTarget, i), host))
			text, _, _ := c.answer()
			equal(t, "answer", text, unknownSession)
		}
		if lines := strings.Count(a.log.String(), "\n"); lines > 20 {
			t.Errorf("the log has %d lines of it", lines)
		}
	}},
}

const invalidNamespace = `,{"message":"Invalid namespace"}`

func init() { hostileTables["volume"] = names(volumeAttacks, attackName) }

func TestHostileVolume(t *testing.T) { runAttacks(t, volumeAttacks) }

func sendBuffer(n int) arenaSetup {
	return arenaSetup{options: framework.Options{Transport: transport.Options{MaxSendBuffer: n}}}
}

// wantEndSoon is wantEnd while a handler runs, behind which OnDisconnect stands.
func (a *arena) wantEndSoon(t *testing.T, reason framework.Reason) {
	t.Helper()
	a.wantEnd(t, reason, false)
}

// deflated compresses a message, RFC 7692 section 7.2.1.
func deflated(message string) string {
	var b bytes.Buffer
	z, _ := flate.NewWriter(&b, flate.BestCompression)
	_, _ = z.Write([]byte(message))
	_ = z.Flush()
	return strings.TrimSuffix(b.String(), "\x00\x00\xff\xff")
}
