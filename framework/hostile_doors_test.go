package framework_test

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
)

// What a client gets for which there is no room.
const (
	serverFull         = `503 {"code":3,"message":"Server is full"}`
	serverOverloaded   = `503 {"code":3,"message":"Server is overloaded"}`
	tooManyConnections = `429 {"code":3,"message":"Too many connections"}`
	tooManyRequests    = `429 {"code":3,"message":"Too many requests"}`
)

func limited(opts transport.Options) arenaSetup {
	return arenaSetup{options: framework.Options{Transport: opts}}
}

// openFrom asks for a session from an address, and returns the answer.
func (a *arena) openFrom(t *testing.T, address string, headers ...string) string {
	t.Helper()
	a.from = &net.TCPAddr{IP: net.ParseIP(address), Port: 4711}
	c := a.http(t)
	c.send(lines(append([]string{"GET " + openTarget + " HTTP/1.1", host}, headers...)...))
	text, _, header := c.answer()
	if wait := header.Get("Retry-After"); (strings.HasPrefix(text, "503") || strings.HasPrefix(text, "429")) != (wait != "") {
		t.Errorf("Retry-After is %q with %s", wait, text)
	}
	return text
}

// doorAttacks ask for more sessions than there are to be had. Two are the clients that
// behave, of another address.
var doorAttacks = []attack{
	{name: "sessions more than there may be in all", setup: limited(transport.Options{MaxSessions: 3}), do: func(t *testing.T, a *arena) {
		equal(t, "the last", a.openFrom(t, "203.0.113.1"), "200 open")
		equal(t, "one more", a.openFrom(t, "203.0.113.2"), serverFull)
		equal(t, "counted", a.exceeded("MaxSessions"), 1)
		equal(t, "ready", a.srv.Ready() == nil, false)
		a.clear(t)
		time.Sleep(3 * time.Second) // a client that polls may have yet to fetch something
		equal(t, "when one has gone", a.openFrom(t, "203.0.113.2"), "200 open")
	}},
	{name: "a WebSocket more than there may be in all", setup: limited(transport.Options{MaxSessions: 3}), do: func(t *testing.T, a *arena) {
		a.joined(t, "EIO=4")
		c := a.http(t)
		c.send(wsLines("EIO=4"))
		got, _, _ := c.answer()
		equal(t, "before any 101", got, serverFull)
	}},
	{name: "sessions that end at once still take their time at the door", setup: limited(transport.Options{HandshakeRate: 0.5}), do: func(t *testing.T, a *arena) {
		for range 3 { // the clients that behave were the first two of five
			a.poll(t, "EIO=4").leave()
		}
		equal(t, "one more", a.openFrom(t, "203.0.113.1"), serverOverloaded)
		equal(t, "counted", a.exceeded("HandshakeRate"), 1)
	}},
	{name: "sessions of one address more than it may have", setup: limited(transport.Options{MaxPerAddress: 3}), do: func(t *testing.T, a *arena) {
		for range 3 {
			equal(t, "session", a.openFrom(t, "203.0.113.1"), "200 open")
		}
		equal(t, "one more", a.openFrom(t, "203.0.113.1"), tooManyConnections)
		equal(t, "of another address", a.openFrom(t, "203.0.113.2"), "200 open")
		equal(t, "counted", a.exceeded("MaxPerAddress"), 1)
	}},
	{name: "addresses of one IPv6 network are one", setup: limited(transport.Options{MaxPerAddress: 3}), do: func(t *testing.T, a *arena) {
		for i := range 3 {
			equal(t, "session", a.openFrom(t, fmt.Sprintf("2001:db8:1:1::%d", i)), "200 open")
		}
		equal(t, "one more", a.openFrom(t, "2001:db8:1:1:ffff:ffff:ffff:ffff"), tooManyConnections)
		equal(t, "of another network", a.openFrom(t, "2001:db8:1:2::1"), "200 open")
	}},
	{name: "handshakes of one address faster than it may", setup: limited(transport.Options{AddressRate: 0.5}), do: func(t *testing.T, a *arena) {
		for range 3 {
			equal(t, "session", a.openFrom(t, "203.0.113.1"), "200 open")
		}
		equal(t, "one more", a.openFrom(t, "203.0.113.1"), tooManyRequests)
		equal(t, "of another address", a.openFrom(t, "203.0.113.2"), "200 open")
		equal(t, "counted", a.exceeded("AddressRate"), 1)
	}},
	{name: "an address that is only claimed is not looked at", setup: limited(transport.Options{MaxPerAddress: 3}), do: func(t *testing.T, a *arena) {
		for i := range 4 {
			want := "200 open"
			if i == 3 {
				want = tooManyConnections
			}
			claims := []string{fmt.Sprintf("X-Forwarded-For: 198.51.100.%d", i), fmt.Sprintf("Forwarded: for=198.51.100.%d", i), fmt.Sprintf("X-Real-IP: 198.51.100.%d", i)}
			equal(t, "session", a.openFrom(t, "203.0.113.1", claims...), want)
		}
	}},
	{name: "an address in front of the one that the proxy saw is made up", setup: limited(transport.Options{MaxPerAddress: 3, TrustedProxies: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}}), do: func(t *testing.T, a *arena) {
		for i := range 4 {
			want := "200 open"
			if i == 3 {
				want = tooManyConnections
			}
			equal(t, "session", a.openFrom(t, "203.0.113.1", fmt.Sprintf("X-Forwarded-For: 192.0.2.%d, 198.51.100.7, 203.0.113.2", i)), want)
		}
		equal(t, "of another client", a.openFrom(t, "203.0.113.1", "X-Forwarded-For: 198.51.100.8"), "200 open")
	}},
	{name: "a forwarded host of who is no proxy is not the server's own", setup: limited(transport.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24")}}), do: func(t *testing.T, a *arena) {
		c := a.http(t)
		c.send(lines("GET "+openTarget+" HTTP/1.1", host, "Origin: https://evil.test", "X-Forwarded-Host: evil.test", "X-Forwarded-For: 203.0.113.1"))
		got, _, _ := c.answer()
		equal(t, "answer", got, forbidden)
	}},
	{name: "an upgrade needs no second place", setup: limited(transport.Options{MaxSessions: 3}), do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		probe := a.webSocket(t, "EIO=4&sid="+client.sid)
		probe.write(text("2probe"))
		equal(t, "probe", probe.read(), "3probe")
		probe.write(texts("5", alivePacket))
		equal(t, "alive", probe.read(), aliveAnswer)
		equal(t, "one more", a.openFrom(t, "203.0.113.1"), serverFull)
	}},
	{name: "a client that holds more than its share of what all may", setup: limited(transport.Options{MaxBuffered: 256 << 10}), do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		equal(t, "POST", client.post(`421["join","stalled"]`), "200 ok")
		equal(t, "joined", client.get(), "200 431[]")
		for range 25 {
			a.shout(t, "stalled", strings.Repeat("x", 10_000))
		}
		a.wantEnd(t, closedByError, true)
		equal(t, "counted", a.exceeded("MaxBuffered"), 1)
		equal(t, "poll", client.get(), unknownSession)
		equal(t, "a newcomer, then", a.openFrom(t, "203.0.113.1"), "200 open")
	}},
	{name: "headers of more than anybody needs are not kept", do: func(t *testing.T, a *arena) {
		equal(t, "in a header", a.openFrom(t, "203.0.113.1", "X: "+strings.Repeat("x", 40_000)), tooLargeHeader)
		equal(t, "in many", a.openFrom(t, "203.0.113.1", strings.Repeat("X: y\r\n", 5000)+"Z: z"), tooLargeHeader)
		c := a.http(t)
		c.send(lines("GET "+openTarget+"&x="+strings.Repeat("x", 40_000)+" HTTP/1.1", host))
		got, _, _ := c.answer()
		equal(t, "in the URL", got, tooLargeHeader)
		c = a.http(t)
		c.send(wsLines("EIO=4", "X: "+strings.Repeat("x", 40_000)))
		got, _, _ = c.answer()
		equal(t, "of a WebSocket, before the 101", got, tooLargeHeader)
		equal(t, "counted", a.exceeded("MaxHeader"), 4)
	}},
}

const tooLargeHeader = `431 {"code":3,"message":"Request header is too large"}`

// bodyAttacks take their time with a body.
var bodyAttacks = []attack{
	{name: "a body that ends in the middle", setup: limited(transport.Options{BodyTimeout: 5 * time.Second}), do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		c, start := a.http(t), time.Now()
		c.send(lines("POST "+client.target()+" HTTP/1.1", host, "Content-Length: 10") + "6")
		got, _, _ := c.answer()
		equal(t, "answer", got, "408")
		within(t, "closed after", time.Since(start), 5*time.Second, 6*time.Second)
		a.wantEnd(t, closedByError, true)
		equal(t, "counted", a.exceeded("BodyTimeout"), 1)
		equal(t, "poll", client.get(), unknownSession)
	}},
	{name: "a body that comes a byte a second", setup: limited(transport.Options{BodyTimeout: 5 * time.Second}), do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		c, start := a.http(t), time.Now()
		a.beside.Go(func() {
			_, _ = io.WriteString(c.conn, lines("POST "+client.target()+" HTTP/1.1", host, "Content-Length: 100"))
			drip(c.conn, strings.Repeat("6", 100))
		})
		got, _, _ := c.answer()
		equal(t, "answer", got, "408")
		within(t, "closed after", time.Since(start), 5*time.Second, 6*time.Second)
		a.wantEnd(t, closedByError, true)
	}},
	{name: "chunks that come one a second", setup: limited(transport.Options{BodyTimeout: 5 * time.Second}), do: func(t *testing.T, a *arena) {
		client := a.poll(t, "EIO=4")
		c, start := a.http(t), time.Now()
		c.send(lines("POST "+client.target()+" HTTP/1.1", host, chunked))
		a.beside.Go(func() {
			for range 100 {
				time.Sleep(time.Second)
				if _, err := c.conn.Write([]byte("1\r\n6\r\n")); err != nil {
					return
				}
			}
		})
		got, _, _ := c.answer()
		equal(t, "answer", got, "408")
		within(t, "closed after", time.Since(start), 5*time.Second, 6*time.Second)
		a.wantEnd(t, closedByError, true)
	}},
}

func init() {
	hostileTables["doors"] = names(doorAttacks, attackName)
	hostileTables["slow bodies"] = names(bodyAttacks, attackName)
}

func TestHostileDoors(t *testing.T) { runInBubbles(t, doorAttacks) }

func TestHostileSlowBodies(t *testing.T) { runInBubbles(t, bodyAttacks) }
