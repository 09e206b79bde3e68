package framework_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/parser/msgpack"
)

// boundAttacks go beyond bounds of Socket.IO, in the option that each names.
var boundAttacks = []attack{
	{name: "namespaces more than one client may be in", setup: arenaSetup{options: framework.Options{MaxNamespaces: 3}}, do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		for _, path := range []string{"/side", "/job/1"} {
			client.write(text("40" + path + ","))
			equal(t, "namespace", client.read(), "40"+path+",{sid}")
		}
		client.write(text("40/job/2,"))
		equal(t, "one more", client.read(), `44/job/2,{"message":"Too many namespaces"}`)
		equal(t, "counted", a.exceeded("MaxNamespaces"), 1)
		client.write(text("41/side,"), text(alivePacket))
		equal(t, "alive", client.read(), aliveAnswer)
	}},
	{name: "rooms more than one socket may be in", setup: arenaSetup{options: framework.Options{MaxRooms: 3}}, do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		for i := range 3 {
			client.write(text(fmt.Sprintf(`42%d["join","room-%d"]`, i, i)))
			equal(t, "joined", client.read(), fmt.Sprintf("43%d[]", i))
		}
		client.write(text(`423["join","room-3"]`), text(alivePacket))
		equal(t, "one more is not answered", client.read(), aliveAnswer)
		equal(t, "counted", a.exceeded("MaxRooms"), 1)
	}},
	{name: "an event with a name of a kilobyte", do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		client.write(text(`42["` + strings.Repeat("x", 1000) + `"]`))
		equal(t, "close", client.read(), "close 1005")
		a.wantEnd(t, closedByPacket, true)
		equal(t, "counted", a.exceeded("MaxNameLength"), 1)
	}},
	{name: "an event with a name of a kilobyte of escapes", do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		client.write(text(`42["` + strings.Repeat(`\u0061`, 1000) + `"]`))
		equal(t, "close", client.read(), "close 1005")
		a.wantEnd(t, closedByPacket, true)
		equal(t, "counted", a.exceeded("MaxNameLength"), 1)
	}},
	{name: "an event whose name is a number of a kilobyte", do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		client.write(text(`42[` + strings.Repeat("1", 1000) + `]`))
		equal(t, "close", client.read(), "close 1005")
		a.wantEnd(t, closedByPacket, true)
		equal(t, "counted", a.exceeded("MaxNameLength"), 1)
	}},
	{name: "a namespace with a name of a kilobyte", do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		path := "/" + strings.Repeat("x", 1000)
		client.write(text("40" + path + ","))
		equal(t, "answer", client.read(), "44"+path+invalidNamespace)
		client.write(text(alivePacket))
		equal(t, "alive", client.read(), aliveAnswer)
	}},
	{name: "a room with a name of a kilobyte", do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		client.write(text(`421["join","`+strings.Repeat("x", 1000)+`"]`), text(alivePacket))
		equal(t, "it is not joined", client.read(), aliveAnswer)
		equal(t, "counted", a.exceeded("MaxNameLength"), 1)
	}},
	{name: "questions more than one socket may owe the answers of", setup: arenaSetup{options: framework.Options{MaxPendingAcks: 3}}, do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		client.write(text(`421["quiz",5]`))
		for i := range 3 {
			equal(t, "question", client.read(), fmt.Sprintf(`42%d["question"]`, i+1))
		}
		equal(t, "asked", client.read(), `431[3]`)
		equal(t, "counted", a.exceeded("MaxPendingAcks"), 2)
	}},
	{name: "depth less than JSON has by default", setup: arenaSetup{options: framework.Options{MaxDepth: 3}}, do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		client.write(text(`421["echo",[[1]]]`))
		equal(t, "answer", client.read(), `431[[[1]]]`)
		client.write(text(`421["echo",[[[1]]]]`))
		equal(t, "close", client.read(), "close 1005")
		a.wantEnd(t, closedByPacket, true)
		equal(t, "counted", a.exceeded("MaxDepth"), 1)
	}},
	{name: "attachments fewer than a packet may have by default", setup: arenaSetup{options: framework.Options{MaxAttachments: 1}}, do: func(t *testing.T, a *arena) {
		client := a.joined(t, "EIO=4")
		client.write(text(`452-["file"]`))
		equal(t, "close", client.read(), "close 1005")
		a.wantEnd(t, closedByPacket, true)
		equal(t, "counted", a.exceeded("MaxAttachments"), 1)
	}},
}

// attachmentAttacks let a packet wait for attachments; they are of TestHostileTiming.
var attachmentAttacks = []attack{
	{name: "attachments that never come", do: func(t *testing.T, a *arena) {
		client, start := a.joined(t, "EIO=4"), time.Now()
		client.write(text(`452-["file",{"_placeholder":true,"num":0}]`), bin("a"))
		equal(t, "close", client.read(), "close 1005")
		within(t, "closed after", time.Since(start), 10*time.Second, 20*time.Second)
		a.wantEnd(t, closedByPacket, true)
		equal(t, "counted", a.exceeded("AttachmentTimeout"), 1)
	}},
	{name: "attachments that come one in five seconds", do: func(t *testing.T, a *arena) {
		client, start := a.joined(t, "EIO=4"), time.Now()
		client.write(text(`4510-["file"]`))
		a.beside.Go(func() {
			for range 9 {
				client.write(bin("a"))
				time.Sleep(5 * time.Second)
			}
		})
		equal(t, "close", client.read(), "close 1005")
		within(t, "closed after", time.Since(start), 10*time.Second, 20*time.Second)
		a.wantEnd(t, closedByPacket, true)
	}},
	{name: "attachments by polling that never come", do: func(t *testing.T, a *arena) {
		client, start := a.poll(t, "EIO=4"), time.Now()
		equal(t, "POST", client.post(`451-["file",{"_placeholder":true,"num":0}]`), "200 ok")
		equal(t, "poll", client.get(), "200 1")
		within(t, "closed after", time.Since(start), 10*time.Second, 20*time.Second)
		a.wantEnd(t, closedByPacket, true)
	}},
}

// msgpackFaults are binary messages for a server whose packets are MessagePack.
var msgpackFaults = []wsFault{
	msgpackFault("text where packets are MessagePack", text(`42["echo"]`)),
	msgpackFault("a message of MessagePack without a byte", bin("")),
	msgpackFault("a packet that is no map", bin("\x93\x01\x02\x03")),
	msgpackFault("a packet that ends in the middle", bin("\x82\xa4type")),
	msgpackFault("a packet with something behind it", bin(msgpacked("\x02", "\x91\xa4echo")+"\xc0")),
	msgpackFault("a packet without a type", bin("\x81\xa3nsp\xa1/")),
	msgpackFault("a packet of type 5, which MessagePack has not", bin(msgpacked("\x05", "\x91\xa4echo"))),
	msgpackFault("a packet whose type is a text", bin(msgpacked("\xa12", "\x91\xa4echo"))),
	msgpackFault("a packet whose namespace is a number", bin("\x83\xa4type\x02\xa3nsp\x01\xa4data\x91\xa4echo")),
	msgpackFault("an event of MessagePack that is a map", bin(msgpacked("\x02", "\x81\xa4echo\x01"))),
	msgpackFault("an event of MessagePack without a name", bin(msgpacked("\x02", "\x90"))),
	msgpackFault("an event of MessagePack called connect", bin(msgpacked("\x02", "\x91\xa7connect"))),
	msgpackFault("an array of four billion", bin(msgpacked("\x02", "\xdd\xff\xff\xff\xff"))),
	msgpackFault("a map of four billion", bin(msgpacked("\x02", "\x92\xa4echo\xdf\xff\xff\xff\xff"))),
	msgpackFault("a text of four billion bytes", bin(msgpacked("\x02", "\x92\xa4echo\xdb\xff\xff\xff\xffx"))),
	msgpackFault("an attachment of four billion bytes", bin(msgpacked("\x02", "\x92\xa4echo\xc6\xff\xff\xff\xffx"))),
	msgpackFault("a byte that MessagePack never uses", bin(msgpacked("\x02", "\x92\xa4echo\xc1"))),
	msgpackFault("arrays of MessagePack that are nested too deep", bin(msgpacked("\x02", "\x92\xa4echo"+strings.Repeat("\x91", 100_000)+"\x01"))),
	msgpackFault("an ack of MessagePack without an id", bin(msgpacked("\x03", "\x90"))),
	msgpackFault("a leave of MessagePack with data", bin(msgpacked("\x01", "\x90"))),
	msgpackFault("a forged placeholder for an attachment of MessagePack", bin(msgpacked("\x02", "\x93\xa4echo\xc4\x01a\x82\xac_placeholder\xc3\xa3num\x00"))),
	msgpackFault("eleven attachments of MessagePack", bin(msgpacked("\x02", "\x9c\xa4echo"+strings.Repeat("\xc4\x01a", 11)))),
}

func msgpackFault(name, send string) wsFault {
	return wsFault{name: name, send: send, want: []string{"close 1005"}, ends: closedByPacket}
}

// msgpacked is a packet of "/".
func msgpacked(typ, data string) string { return "\x83\xa4type" + typ + "\xa3nsp\xa1/\xa4data" + data }

func init() {
	hostileTables["bounds"] = names(boundAttacks, attackName)
	hostileTables["attachments in time"] = names(attachmentAttacks, attackName)
	hostileTables["MessagePack"] = names(msgpackFaults, wsName)
}

func TestHostileBounds(t *testing.T) { runAttacks(t, boundAttacks) }

func TestHostileAttachmentsInTime(t *testing.T) { runInBubbles(t, attachmentAttacks) }

func TestHostileMessagePack(t *testing.T) {
	a := newArena(t, arenaSetup{options: framework.Options{Parser: msgpack.Parser{}}})
	for _, c := range msgpackFaults {
		t.Run(c.name, func(t *testing.T) {
			client := a.joinedPacked(t)
			client.write(c.send)
			sameAnswers(t, client.readAll(""), c.want)
			a.wantEnd(t, c.ends, true)
			a.healthy(t)
			a.clear(t)
		})
	}
}

// joinedPacked is joined for MessagePack.
func (a *arena) joinedPacked(t *testing.T) *rawWS {
	t.Helper()
	w := a.open(t, "EIO=4")
	w.write(bin("\x82\xa4type\x00\xa3nsp\xa1/"))
	if got := w.read(); !strings.Contains(got, "\xa3sid\xb4") {
		t.Fatalf("joining: got %q", got)
	}
	return w
}

// packedClient is one that behaves.
type packedClient struct{ *rawWS }

func (c packedClient) echo(t *testing.T, n int) {
	t.Helper()
	data := fmt.Sprintf("\xa8case %03d", n)
	equal(t, "answer to a client that behaves", c.ask("\x92\xa4echo"+data), "binary \x84\xa4type\x03\xa3nsp\xa1/\xa2id\x07\xa4data\x91"+data)
}

func (c packedClient) beObserved(*testing.T) {
	c.ask("\x92\xa4join\xa8observed")
	c.ask("\x92\xa5leave\xa8observed")
}

func (c packedClient) ask(data string) string {
	c.write(bin("\x84\xa4type\x02\xa3nsp\xa1/\xa4data" + data + "\xa2id\x07"))
	return c.read()
}

func runInBubbles(t *testing.T, attacks []attack) {
	for _, c := range attacks {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.setup.pipes = true
				a := newArena(t, c.setup)
				c.do(t, a)
				a.healthy(t)
				a.clear(t)
			})
		})
	}
}
