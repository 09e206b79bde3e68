// Command admin is a server that the official Admin UI watches, and serves that UI.
package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/examples/internal/clientjs"
	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/admin"
	"github.com/parlor-go/parlor/middleware"
	"github.com/parlor-go/parlor/transport"
)

func main() {
	addr := flag.String("addr", "127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "8080"), "address to listen on")
	production := flag.Bool("production", false, "tell admins of counts only")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once

	log := zerolog.New(zerolog.ConsoleWriter{Out: os.Stderr}).
		Level(zerolog.InfoLevel).With().Timestamp().Logger()
	opts := admin.Options{Auth: admin.Basic("admin", changeit), Mode: admin.Development}
	if *production {
		opts.Mode = admin.Production
	}
	fmt.Printf("open http://%s/admin/ and log in to http://%[1]s as admin (password: changeit)\n", *addr)
	fmt.Printf("open http://%s in other windows to be watched\n", *addr)
	if err := newServer(log, opts).Run(ctx, *addr, newPages()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// changeit is the bcrypt hash of that, as "htpasswd -nbB admin changeit" makes it.
const changeit = "$2b$10$heqvAkYMez.Va6Et2uXInOnkCT6/uQj1brkrbyG3LpopDklcq7ZOS"

func newServer(log zerolog.Logger, opts admin.Options) *framework.Server {
	srv := framework.New(framework.Options{
		Logger: log,
		Transport: transport.Options{ // for the UI at https://admin.socket.io
			Origins: []string{"https://admin.socket.io"}, AllowCredentials: true,
		},
	})
	srv.Use(middleware.Logger, middleware.Recoverer)
	srv.Register("/", &Lobby{})
	admin.Instrument(srv, opts)
	return srv
}

// Lobby is something to watch.
type Lobby struct{ framework.Namespace }

// name shows in the UI as the socket's data.
var name = framework.NewKey[string]("name")

// OnConnect has everybody meet in one room.
func (l *Lobby) OnConnect(s *framework.Socket) {
	name.Set(s, "guest "+s.ID()[:4])
	s.Join("lobby")
}

// OnHello tells the room who said hello.
func (l *Lobby) OnHello(s *framework.Socket) error {
	from, _ := name.Get(s)
	return l.To("lobby").Emit("hello", from)
}

// newPages serves the UI below /admin/, if npm has installed it in testdata/interop, and
// a page to be watched.
func newPages() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/socket.io.js", clientjs.Handler())
	mux.Handle("/admin/", http.StripPrefix("/admin/", http.FileServer(http.Dir(findUI()))))
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, page)
	})
	return mux
}

const page = `<!doctype html><title>a guest</title><button>say hello</button><ol></ol><script src="/socket.io.js"></script><script>
const socket = io();
document.querySelector("button").onclick = () => socket.emit("hello");
socket.onAny((event, text) => document.querySelector("ol").append(Object.assign(document.createElement("li"), { textContent: event + ": " + text })));
</script>`

// findUI finds the files of npm's @socket.io/admin-ui from any folder of the module.
func findUI() string {
	const files = "testdata/interop/node_modules/@socket.io/admin-ui/ui/dist"
	for dir := "."; len(dir) < 20; dir = filepath.Join("..", dir) {
		if path := filepath.Join(dir, files); isDir(path) {
			return path
		}
	}
	return files
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
