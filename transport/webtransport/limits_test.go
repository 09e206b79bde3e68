package webtransport

import (
	"context"
	"crypto/tls"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/parlor-go/parlor/transport"
)

// connect opens a QUIC connection, no more.
func connect(t *testing.T, addr string, config *tls.Config) (*quic.Conn, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c, err := quic.DialAddr(ctx, addr, config, &quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true})
	if err == nil {
		t.Cleanup(func() { _ = c.CloseWithError(0, "") })
	}
	return c, err
}

func TestMoreConnectionsThanTheMostAreRefusedUntilOneGoes(t *testing.T) {
	var engine *transport.Engine
	url, _, pool := start(t, func(o *Options, e http.Handler) { o.MaxConnections, engine = 2, e.(*transport.Engine) })
	addr := strings.TrimSuffix(strings.TrimPrefix(url, "https://"), "/socket.io/")
	config := &tls.Config{RootCAs: pool, NextProtos: []string{http3.NextProtoH3}}

	first, err := connect(t, addr, config)
	if err != nil {
		t.Fatal(err)
	}
	_, session := dial(t, url, pool, nil)
	stream := open(t, session)
	handshake(t, stream)
	if _, err := connect(t, addr, config); err == nil {
		t.Fatal("a third connection was accepted, want it refused")
	}
	exchange(t, stream, []byte("\x034hi"), []byte("\x034hi")) // who is there is served
	if got := engine.Exceeded()["MaxConnections"]; got == 0 { // QUIC may try again
		t.Error("the refusal was not counted")
	}

	_ = first.CloseWithError(0, "")
	for ctx := t.Context(); ; { // the server hears of it in its own time
		if _, err := connect(t, addr, config); err == nil {
			break
		} else if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

func TestNewConnectionsBeyondTheBelievedProveTheirAddress(t *testing.T) {
	url, _, pool := start(t)
	addr := strings.TrimSuffix(strings.TrimPrefix(url, "https://"), "/socket.io/")
	config := &tls.Config{RootCAs: pool, NextProtos: []string{http3.NextProtoH3}}
	for range believed + 20 { // more than there are tokens: the last ones go the longer way
		c, err := connect(t, addr, config)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.CloseWithError(0, "")
	}
}

func TestStreamsThatNobodyReadsTakeNoMoreThanTheWindow(t *testing.T) {
	url, _, pool := start(t)
	_, session := dial(t, url, pool, nil)
	stream := open(t, session)
	handshake(t, stream)

	// Streams beside the one that counts, each filled until the server takes no more.
	sent := 0
	for {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		more, err := session.OpenStreamSync(ctx)
		cancel()
		if err != nil {
			break
		}
		_ = more.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
		n, _ := more.Write(make([]byte, 2*maxStream))
		sent += n
	}
	if sent > maxWindow {
		t.Errorf("the server took %d bytes of streams that nobody reads, want at most %d", sent, maxWindow)
	}
}
