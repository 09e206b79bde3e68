// Command auth lets in who has logged in: a session cookie, set by a form and
// read by chi middleware, or a token in the client's auth payload.
package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/go-chi/chi/v5"
	chimw "github.com/go-chi/chi/v5/middleware"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/examples/internal/clientjs"
	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/middleware"
)

//go:embed page
var page embed.FS

func main() {
	addr := flag.String("addr", "127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "8080"), "address to listen on")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once

	log := zerolog.New(zerolog.ConsoleWriter{Out: os.Stderr}).
		Level(zerolog.InfoLevel).With().Timestamp().Logger()
	token := rand.Text()
	fmt.Printf("open http://%s and log in as ann (password: apple) or bob (password: banana)\n", *addr)
	fmt.Printf("programs connect with {auth: {token: %q}}\n", token)
	srv, router := newApp(log, token)
	if err := serve(ctx, *addr, router, srv); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// newApp wires it up. The Socket.IO server is mounted behind the same session
// middleware as the pages, so that both know who is asking.
func newApp(log zerolog.Logger, token string) (*framework.Server, http.Handler) {
	files, err := fs.Sub(page, "page")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	srv := framework.New(framework.Options{Logger: log})
	srv.Use(middleware.Logger, middleware.Recoverer)
	srv.Register("/", &Lobby{}, middleware.Auth(verify(token)))
	sessions := &Sessions{ended: func(id string) { disconnect(srv, id) }}

	r := chi.NewRouter()
	r.Use(chimw.Recoverer, clientjs.Secure, sessions.Middleware)
	r.Post("/login", sessions.Login)
	r.Post("/logout", sessions.Logout)
	r.Get("/me", sessions.Me)
	r.Handle("/socket.io.js", clientjs.Handler())
	r.Mount("/socket.io", srv)
	r.Handle("/*", http.FileServerFS(files))
	return srv, r
}

// serve serves until ctx ends. Socket.IO is drained first: http.Server.Shutdown
// waits for polls, and knows nothing of WebSockets.
func serve(ctx context.Context, addr string, h http.Handler, srv *framework.Server) error {
	server := &http.Server{Addr: addr, Handler: h, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- server.ListenAndServe() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return errors.Join(srv.Shutdown(drain), server.Shutdown(drain))
}
