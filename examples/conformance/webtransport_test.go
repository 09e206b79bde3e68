package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/examples/internal/clientjs"
	"github.com/parlor-go/parlor/examples/internal/testclients"
	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
	"github.com/parlor-go/parlor/transport/webtransport"
)

func TestChromiumConnectsOverWebTransport(t *testing.T) {
	srv := framework.New(framework.Options{
		Transport: transport.Options{Transports: []string{transport.Polling, transport.WebSocket, transport.WebTransport}},
		Logger:    zerolog.Nop(),
	})
	srv.Register("/", &Main{})
	srv.On("leave-me", func(s *framework.Socket) { s.Disconnect() })

	r := chi.NewRouter()
	r.Mount("/socket.io", srv)
	r.Get("/client.js", clientjs.Handler().ServeHTTP)
	r.Get("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(`<!doctype html><link rel="icon" href="data:,"><script src="/client.js"></script>`))
	})

	cert, hash := certificate(t)
	config := &tls.Config{Certificates: []tls.Certificate{cert}}
	listener := newListener(t, "127.0.0.1:0")
	addr := listener.Addr().(*net.TCPAddr)
	packets, err := net.ListenUDP("udp", &net.UDPAddr{IP: addr.IP, Port: addr.Port})
	if err != nil {
		t.Fatal(err)
	}
	app := &http.Server{Handler: r, ErrorLog: log.New(io.Discard, "", 0)} // Chromium tries once without trust
	quic := webtransport.New(srv, webtransport.Options{TLSConfig: config})
	served := make(chan error, 2)
	go func() { served <- app.Serve(tls.NewListener(listener, config)) }()
	go func() { served <- quic.Serve(packets) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err := errors.Join(srv.Shutdown(ctx), app.Close(), quic.Close(), packets.Close())
		if err != nil {
			t.Errorf("shutdown: %v", err)
		}
		for range 2 {
			if err := <-served; !errors.Is(err, http.ErrServerClosed) {
				t.Errorf("serve: %v", err)
			}
		}
	})
	testclients.RunBrowser(t, "browser-webtransport.mjs", "https://"+listener.Addr().String()+"/", hash)
}

// certificate makes one of the sort that browsers take by its hash, which it returns
// in hex: of ECDSA, and valid for less than 14 days.
func certificate(t *testing.T) (tls.Certificate, string) {
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
	hash := sha256.Sum256(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, hex.EncodeToString(hash[:])
}
