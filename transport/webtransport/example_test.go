package webtransport_test

import (
	"crypto/tls"
	"log"
	"net/http"

	"github.com/go-chi/chi/v5"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/transport"
	"github.com/parlor-go/parlor/transport/webtransport"
)

// One port serves pages, polling and WebSocket over TCP, and WebTransport over UDP.
func Example() {
	cert, err := tls.LoadX509KeyPair("cert.pem", "key.pem")
	if err != nil {
		log.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{cert}}

	srv := framework.New(framework.Options{Transport: transport.Options{
		Transports: []string{transport.Polling, transport.WebSocket, transport.WebTransport},
	}})
	srv.On("greet", func(name string) string { return "hello, " + name })

	r := chi.NewRouter()
	r.Mount("/socket.io", srv)

	quic := webtransport.New(srv, webtransport.Options{Addr: ":443", TLSConfig: config})
	go func() { log.Fatal(quic.ListenAndServe()) }()
	app := &http.Server{Addr: ":443", Handler: r, TLSConfig: config}
	log.Fatal(app.ListenAndServeTLS("", ""))
}
