package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/parlor-go/parlor/examples/internal/wsframe"
)

// faults are what a hostile client does. Each is to be closed by the server.
var faults = []struct {
	name   string
	commit func(*life, net.Conn) error
}{
	{"frames of garbage", (*life).garbageFrames},
	{"packets of garbage", (*life).garbagePackets},
	{"a message too large", (*life).oversized},
	{"joins nothing", (*life).joinsNothing},
	{"an attachment that never comes", (*life).halfPacket},
	{"half a request", (*life).halfRequest},
	{"half a body", (*life).halfBody},
	{"half an upgrade", (*life).halfUpgrade},
}

// hostile commits a fault on a connection of its own, and looks that the server ends it.
func (l *life) hostile(ctx context.Context) error {
	fault := faults[l.rand.IntN(len(faults))]
	conn, err := net.DialTimeout("tcp", l.addr, dialPatience)
	if err != nil {
		return err
	}
	defer conn.Close()
	err = fault.commit(l, conn)
	if _, refused := errors.AsType[*handshakeError](err); refused {
		return nil // there was no occasion
	}
	if err != nil && !closedByServer(err) {
		return fmt.Errorf("%s: %w", fault.name, err)
	}
	_ = conn.SetDeadline(time.Now().Add(ackPatience))
	if err := drain(conn); !closedByServer(err) {
		return fmt.Errorf("%s: the server keeps the connection: %w", fault.name, err)
	}
	l.hostileEnded.Add(1)
	return nil
}

// closedByServer tells the end of a connection, one that was reset included.
func closedByServer(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return err != nil && !(ok && e.Timeout())
}

// drain reads to the end, and answers pings: nobody is to be closed for silence here.
func drain(conn net.Conn) error {
	buf := make([]byte, 4<<10)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			return err
		}
		if bytes.Contains(buf[:n], []byte("\x81\x012")) {
			if _, err := conn.Write(wsframe.OfText("3")); err != nil {
				return err
			}
		}
	}
}

// upgraded makes conn a WebSocket.
func (l *life) upgraded(conn net.Conn) error {
	in, err := upgradeRequest(conn, l.addr, "")
	if err == nil {
		_, err = in.Peek(1) // the open packet
	}
	return err
}

func (l *life) garbage(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(l.rand.Uint32())
	}
	return p
}

func (l *life) garbageFrames(conn net.Conn) error {
	err := l.upgraded(conn)
	for i := 0; i < 50 && err == nil; i++ {
		_, err = conn.Write(append([]byte{0xf3}, l.garbage(200)...)) // reserved bits: never a frame
	}
	return err
}

func (l *life) garbagePackets(conn net.Conn) error {
	err := l.upgraded(conn)
	for i := 0; i < 50 && err == nil; i++ {
		_, err = conn.Write(wsframe.Append(nil, wsframe.Text, append([]byte("4"), fmt.Sprintf("%x", l.garbage(20))...)))
	}
	return err
}

func (l *life) oversized(conn net.Conn) error {
	if err := l.upgraded(conn); err != nil {
		return err
	}
	frame := wsframe.Append(nil, wsframe.Text, make([]byte, 2_000_000))
	_, err := conn.Write(frame)
	return err
}

func (l *life) joinsNothing(conn net.Conn) error { return l.upgraded(conn) }

func (l *life) halfPacket(conn net.Conn) error {
	err := l.upgraded(conn)
	if err == nil {
		_, err = conn.Write(append(wsframe.OfText("40"), wsframe.OfText(`451-["blob",{"_placeholder":true,"num":0}]`)...))
	}
	return err
}

func (l *life) halfRequest(conn net.Conn) error {
	_, err := io.WriteString(conn, "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Up")
	return err
}

func (l *life) halfBody(conn net.Conn) error {
	s, err := openPolling(l.addr, l.http)
	if err != nil {
		return err
	}
	defer s.cut()
	_, err = fmt.Fprintf(conn, "POST /socket.io/?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n4", s.sid)
	return err
}

func (l *life) halfUpgrade(conn net.Conn) error {
	s, err := openPolling(l.addr, l.http)
	if err != nil {
		return err
	}
	defer s.cut()
	_, err = upgradeRequest(conn, l.addr, s.sid)
	return err
}
