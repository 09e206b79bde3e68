package webtransport

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
	"github.com/quic-go/webtransport-go"

	"github.com/parlor-go/parlor/transport"
)

// echo sends everything back.
type echo struct {
	server  *Server
	session *transport.Session
	closed  chan transport.Reason
}

func (e *echo) Message(data []byte, binary bool) {
	if binary {
		_ = e.session.Send(transport.NewMessage(nil, data))
	} else {
		_ = e.session.Send(transport.NewMessage(data))
	}
}

func (e *echo) Closed(reason transport.Reason, _ error) { e.closed <- reason }

// certificate makes one for 127.0.0.1.
func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// start serves an echoing engine on loopback and returns the URL of its endpoint.
func start(t *testing.T, set ...func(o *Options, engine http.Handler)) (url string, sessions chan *echo, pool *x509.CertPool) {
	t.Helper()
	sessions = make(chan *echo, 10)
	var srv *Server
	both := transport.Options{Transports: []string{transport.Polling, transport.WebTransport}}
	engine := transport.New(both, func(s *transport.Session, _ *http.Request) transport.Handler {
		e := &echo{server: srv, session: s, closed: make(chan transport.Reason, 1)}
		sessions <- e
		return e
	})
	cert := certificate(t)
	leaf, err := x509.ParseCertificate(cert.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AddCert(leaf)
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	opts := Options{TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}}}
	for _, f := range set {
		f(&opts, engine)
	}
	srv = New(engine, opts)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(conn) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := engine.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		_ = srv.Close()
		_ = conn.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve returned %v, want http.ErrServerClosed", err)
		}
	})
	return "https://" + conn.LocalAddr().String() + "/socket.io/", sessions, pool
}

func dial(t *testing.T, url string, pool *x509.CertPool, header http.Header) (*http.Response, *webtransport.Session) {
	t.Helper()
	d := &webtransport.Transport{
		TLSClientConfig: &tls.Config{RootCAs: pool},
		QUICConfig:      &quic.Config{EnableDatagrams: true, EnableStreamResetPartialDelivery: true},
	}
	t.Cleanup(func() { _ = d.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	res, session, err := d.Dial(ctx, url, header)
	if res == nil && err != nil {
		t.Fatal(err)
	}
	return res, session
}

func open(t *testing.T, session *webtransport.Session) *webtransport.Stream {
	t.Helper()
	stream, err := session.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// handshake opens a session.
func handshake(t *testing.T, stream io.ReadWriter) {
	t.Helper()
	size := make([]byte, 1) // the open packet is shorter than 126 bytes
	if _, err := stream.Write([]byte("\x010")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stream, size); err != nil {
		t.Fatal(err)
	}
	opening := make([]byte, size[0])
	if _, err := io.ReadFull(stream, opening); err != nil || !strings.HasPrefix(string(opening), `0{"sid":"`) {
		t.Fatalf("got %q, %v, want an open packet", opening, err)
	}
}

func exchange(t *testing.T, stream io.ReadWriter, send, want []byte) {
	t.Helper()
	if _, err := stream.Write(send); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(want))
	if _, err := io.ReadFull(stream, got); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("got %q, %v, want %q", got, err, want)
	}
}

func TestAClientConnectsOverQUIC(t *testing.T) {
	url, sessions, pool := start(t)
	_, session := dial(t, url, pool, nil)
	stream := open(t, session)
	handshake(t, stream)
	exchange(t, stream, []byte("\x034hi"), []byte("\x034hi"))
	exchange(t, stream, []byte("\x82\x00\xff"), []byte("\x82\x00\xff"))

	e := <-sessions
	if got := e.session.Transport(); got != transport.WebTransport {
		t.Errorf("Transport() = %q, want %q", got, transport.WebTransport)
	}
	closing := make(chan func(), 1) // when the client has read, however long that takes
	e.server.later = func(_ time.Duration, f func()) *time.Timer {
		closing <- f
		return nil
	}
	_ = e.session.Send(transport.NewMessage([]byte("last")))
	e.session.Close(transport.ReasonForcedClose)
	exchange(t, stream, nil, []byte("\x054last"))
	(<-closing)()
	<-session.Context().Done()
	if got := <-e.closed; got != transport.ReasonForcedClose {
		t.Errorf("closed with %q, want %q", got, transport.ReasonForcedClose)
	}
}

func TestAClientThatClosesItsSessionIsGone(t *testing.T) {
	url, sessions, pool := start(t)
	_, session := dial(t, url, pool, nil)
	handshake(t, open(t, session))
	_ = session.CloseWithError(0, "")
	if got := <-(<-sessions).closed; got != transport.ReasonTransportClose {
		t.Errorf("closed with %q, want %q", got, transport.ReasonTransportClose)
	}
}

func TestPollingWorksOverHTTP3(t *testing.T) {
	url, sessions, pool := start(t, func(o *Options, engine http.Handler) { o.Handler = http.StripPrefix("/polling", engine) })
	h3 := &http3.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	t.Cleanup(func() { _ = h3.Close() })
	client := &http.Client{Transport: h3, Timeout: 10 * time.Second}
	url = strings.Replace(url, "/socket.io/", "/polling/?EIO=4&transport=polling", 1)
	want := func(want string, res *http.Response, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		got, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != http.StatusOK || !strings.HasPrefix(string(got), want) {
			t.Fatalf("got %s %q, %v, want %q", res.Status, got, err, want)
		}
	}
	res, err := client.Get(url)
	want(`0{"sid":"`, res, err)
	url += "&sid=" + (<-sessions).session.ID()
	res, err = client.Post(url, "text/plain", strings.NewReader("4hi"))
	want("ok", res, err)
	res, err = client.Get(url)
	want("4hi", res, err)
}

func TestAForeignPageIsRefused(t *testing.T) {
	url, _, pool := start(t)
	res, _ := dial(t, url, pool, http.Header{"Origin": {"https://evil.test"}})
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("got status %d, want %d", res.StatusCode, http.StatusForbidden)
	}
}

func TestASessionWithoutAStreamIsClosed(t *testing.T) {
	var engine *transport.Engine
	url, _, pool := start(t, func(o *Options, e http.Handler) {
		o.StreamTimeout, engine = 200*time.Millisecond, e.(*transport.Engine)
	})
	_, session := dial(t, url, pool, nil)
	<-session.Context().Done()
	if got := engine.Exceeded()["StreamTimeout"]; got != 1 {
		t.Errorf("counted %d times, want once", got)
	}
}

func TestOtherPathsAreNotServed(t *testing.T) {
	url, _, pool := start(t)
	res, _ := dial(t, strings.Replace(url, "/socket.io/", "/other/", 1), pool, nil)
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("got status %d, want %d", res.StatusCode, http.StatusNotFound)
	}
}

func TestNewSaysWhatIsMissing(t *testing.T) {
	tests := []struct {
		opts Options
		want string
	}{
		{Options{}, "no certificate"},
		{Options{TLSConfig: &tls.Config{Certificates: make([]tls.Certificate, 1)}, Path: "x"}, `want "/x"`},
		{Options{TLSConfig: &tls.Config{Certificates: make([]tls.Certificate, 1)}, MaxConnections: -1}, "MaxConnections is negative"},
	}
	for _, tt := range tests {
		func() {
			defer func() {
				if got, _ := recover().(string); !strings.Contains(got, tt.want) {
					t.Errorf("panics with %q, want %q in it", got, tt.want)
				}
			}()
			New(nil, tt.opts)
		}()
	}
}
