// Command chat is a chat with rooms: who is there, who is typing, what is said.
package main

import (
	"cmp"
	"context"
	"embed"
	"flag"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/signal"
	"syscall"

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
	fmt.Println("open http://" + *addr)
	// Run serves Socket.IO beside the page, and drains both when ctx ends.
	if err := newServer(log).Run(ctx, *addr, newPage()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func newServer(log zerolog.Logger) *framework.Server {
	srv := framework.New(framework.Options{Logger: log})
	// What somebody says goes to a whole room, and who moves is told to everybody.
	srv.Use(middleware.RateLimit(middleware.RateLimitOptions{Rate: 10, Burst: 20, DisconnectAfter: 1000}))
	srv.Use(middleware.Logger, middleware.Recoverer)
	srv.Register("/chat", &Chat{})
	return srv
}

// newPage serves what the browser loads.
func newPage() http.Handler {
	files, err := fs.Sub(page, "page")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	r := chi.NewRouter()
	r.Use(chimw.Recoverer, clientjs.Secure)
	r.Handle("/socket.io.js", clientjs.Handler())
	r.Handle("/*", http.FileServerFS(files))
	return r
}
