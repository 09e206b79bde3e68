// Command flask is Flask-SocketIO's "Getting Started" in Go: every snippet of
// it, in its order, each with the title of the section that it is from.
package main

import (
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

	"github.com/parlor-go/parlor/examples/internal/clientjs"
	"github.com/parlor-go/parlor/framework"
)

// snippet is one of the text's, which takes a server for itself: many of them
// handle the same events.
type snippet struct {
	name     string
	section  string
	register func(srv *framework.Server)
}

var snippets = []snippet{
	{"message", "Receiving Messages", message},
	{"json", "Receiving Messages", jsonMessage},
	{"event", "Receiving Messages", event},
	{"arguments", "Receiving Messages", arguments},
	{"method", "Receiving Messages", method},
	{"namespace", "Receiving Messages", namespace},
	{"on-event", "Receiving Messages", onEvent},
	{"ack", "Receiving Messages", ack},
	{"reply", "Sending Messages", reply},
	{"reply-elsewhere", "Sending Messages", replyElsewhere},
	{"reply-arguments", "Sending Messages", replyArguments},
	{"callback", "Sending Messages", callback},
	{"call", "Sending Messages", call},
	{"broadcast", "Broadcasting", registerChat},
	{"some-function", "Broadcasting", everySecond},
	{"rooms", "Rooms", registerChat},
	{"connect", "Connection Events", connectAndDisconnect},
	{"refuse", "Connection Events", refuse},
	{"class", "Class-Based Namespaces", register},
	{"errors", "Error Handling", errorHandlers},
	{"request-event", "Error Handling", requestEvent},
}

//go:embed page
var page embed.FS

// Initialization: app.run() becomes srv.Run, which serves until ctx ends.
func main() {
	addr := flag.String("addr", defaultAddr(), "address to listen on")
	flag.Parse()
	for _, s := range snippets {
		if s.name == flag.Arg(0) {
			if err := run(s, *addr); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		}
	}
	fmt.Println("usage: go run ./examples/flask [-addr host:port] snippet, where snippet is one of")
	for _, s := range snippets {
		fmt.Printf("  %-16s %s\n", s.name, s.section)
	}
}

func run(s snippet, addr string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	srv := newServer()
	s.register(srv)
	fmt.Println("open http://" + addr)
	return srv.Run(ctx, addr, newApp())
}

func defaultAddr() string {
	if port := os.Getenv("PORT"); port != "" {
		return "127.0.0.1:" + port
	}
	return "127.0.0.1:5000" // as in Flask
}

// newApp serves the page that loads the client and connects.
func newApp() http.Handler {
	files, err := fs.Sub(page, "page")
	if err != nil {
		panic(err) // the folder is part of the program
	}
	r := chi.NewRouter()
	r.Handle("/socket.io.js", clientjs.Handler())
	r.Handle("/*", http.FileServerFS(files))
	return r
}
