package load

import (
	"bytes"
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// poller is a client over HTTP long polling, on one connection that is kept
// alive. An event is two requests, one after the other: a POST with the event, a
// GET for the ack.
type poller struct {
	id     int
	flow   *flow
	wire   wire
	target *target
	step   func(p *poller, body []byte) error // what to do with the next answer

	response response
	now      time.Time
	began    time.Time
	ackID    int
	pong     bool   // is owed
	get      []byte // the request, with the session's id
	post     []byte // the request's head, up to the length
	out      []byte
	joined   func(error)
}

func (r *run) polling(ctx context.Context) (Result, error) {
	d, err := newDriver(r.Threads, r.target.secure, r.flow.fail)
	if err != nil {
		return Result{}, err
	}
	defer d.close()
	pollers := make([]*poller, r.Clients)
	err = r.each(ctx, func(id int) error {
		conn, err := r.target.dial(time.Now().Add(r.Timeout))
		if err != nil {
			return err
		}
		if err := conn.SetDeadline(time.Time{}); err != nil {
			conn.Close()
			return err
		}
		joined := make(chan error, 1)
		p := &poller{id: id, flow: r.flow, target: r.target, ackID: firstID, joined: func(err error) { joined <- err }}
		pollers[id] = p
		if err := d.add(conn, p, func(w wire) { p.wire = w }); err != nil {
			return err
		}
		if err := p.open(); err != nil {
			return err
		}
		select {
		case err := <-joined:
			return err
		case err := <-r.flow.failure:
			return err
		case <-time.After(r.Timeout):
			return fmt.Errorf("has not joined over polling within %v", r.Timeout)
		}
	})
	if err != nil {
		return Result{}, err
	}
	return r.measure(ctx, func() error {
		for _, p := range pollers {
			if err := p.echo(time.Now()); err != nil {
				return err
			}
		}
		return nil
	})
}

func (p *poller) receive(data []byte, now time.Time) error {
	p.now = now
	body, err := p.response.feed(data)
	if err == nil && body != nil {
		err = p.step(p, body)
	}
	if err != nil {
		return fmt.Errorf("client %d: %w", p.id, err)
	}
	return nil
}

func (p *poller) open() error {
	p.step = (*poller).opened
	return p.wire.write(fmt.Appendf(nil, "GET %s?EIO=4&transport=polling HTTP/1.1\r\nHost: %s\r\n\r\n", p.target.path, p.target.addr))
}

func (p *poller) opened(body []byte) error {
	open, err := parseOpen(body)
	if err != nil {
		return err
	}
	query := p.target.path + "?EIO=4&transport=polling&sid=" + url.QueryEscape(open.SID) + " HTTP/1.1\r\nHost: " + p.target.addr + "\r\n"
	p.get = []byte("GET " + query + "\r\n")
	p.post = []byte("POST " + query + "Content-Type: text/plain;charset=UTF-8\r\nContent-Length: ")
	p.step = (*poller).connectPosted
	return p.send([]byte("40"))
}

func (p *poller) send(packet []byte) error {
	body := packet
	if p.pong {
		p.pong = false
		body = append([]byte("3\x1e"), packet...)
	}
	p.out = strconv.AppendInt(append(p.out[:0], p.post...), int64(len(body)), 10)
	p.out = append(append(p.out, "\r\n\r\n"...), body...)
	return p.wire.write(p.out)
}

// posted takes "OK" as well, which is how Python servers spell it.
func posted(body []byte) bool { return strings.EqualFold(string(body), "ok") }

func (p *poller) connectPosted(body []byte) error {
	if !posted(body) {
		return wrong([]byte("40"), []byte("ok"), body)
	}
	p.step = (*poller).connected
	return p.wire.write(p.get)
}

func (p *poller) connected(body []byte) error {
	if err := checkConnected(body); err != nil {
		return err
	}
	p.joined(nil)
	return nil
}

func (p *poller) event() []byte { return fmt.Appendf(nil, `42%d["echo",%s]`, p.ackID, Payload) }

func (p *poller) echo(now time.Time) error {
	if !p.flow.begin() {
		return nil
	}
	if p.ackID++; p.ackID > lastID {
		p.ackID = firstID
	}
	p.began = now
	p.step = (*poller).echoPosted
	return p.send(p.event())
}

func (p *poller) echoPosted(body []byte) error {
	if !posted(body) {
		return wrong(p.event(), []byte("ok"), body)
	}
	p.step = (*poller).polled
	return p.wire.write(p.get)
}

// polled looks for the ack in an answer, which may bring a ping as well, or alone.
func (p *poller) polled(body []byte) error {
	acked := false
	for packet := range bytes.SplitSeq(body, []byte{0x1e}) {
		switch want := fmt.Appendf(nil, "43%d", p.ackID); {
		case string(packet) == "2":
			p.pong = true
		case string(packet) == "6":
		case !acked && bytes.HasPrefix(packet, want) && sameJSON(packet[len(want):], []byte("["+Payload+"]")):
			acked = true
		default:
			return wrong(p.event(), append(want, "["+Payload+"]"...), packet)
		}
	}
	if !acked {
		return p.wire.write(p.get)
	}
	p.flow.answered.Add(1)
	p.flow.latency.Add(p.now.Sub(p.began))
	err := p.echo(p.now)
	p.flow.end()
	return err
}
