// Command guide is the program of docs/guide.md, about in its order.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/go-chi/chi/v5"
	chimw "github.com/go-chi/chi/v5/middleware"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/middleware"
)

// region class
type Library struct {
	framework.Namespace
	Books map[string]Book // shared by all sockets: read-only here, else guard it
}

type Book struct {
	Title string `json:"title"`
	Pages int    `json:"pages"`
	Cover []byte `json:"cover,omitempty"` // travels as a binary attachment
}

func (l *Library) OnFind(isbn string) (Book, error) {
	book, ok := l.Books[isbn]
	if !ok {
		return Book{}, &framework.Error{Message: "no such book", Data: isbn}
	}
	return book, nil
}

// endregion

// region arguments
func (l *Library) OnSearch(words []string, limit *int, filters ...Filter) ([]string, int) {
	n := 10
	if limit != nil { // absent or null
		n = *limit
	}
	found := l.search(words, filters)
	return found[:min(n, len(found))], len(found) // two arguments for the client's callback
}

// endregion

type Filter struct{ MinPages int }

func (l *Library) search(words []string, filters []Filter) []string {
	var found []string
	for _, book := range l.Books {
		keep := true
		for _, f := range filters {
			keep = keep && book.Pages >= f.MinPages
		}
		for _, w := range words {
			keep = keep && strings.Contains(book.Title, w)
		}
		if keep {
			found = append(found, book.Title)
		}
	}
	return found
}

// region rooms
func (l *Library) OnFollow(s *framework.Socket, isbn string) error {
	if err := s.Join("book:" + isbn); err != nil { // too long a name, or in too many rooms
		return err
	}
	if err := s.Emit("following", isbn); err != nil { // this client
		return err
	}
	if err := s.To("book:"+isbn).Emit("follower", s.ID()); err != nil { // the others in the room
		return err
	}
	return l.To("book:"+isbn).Emit("followed", isbn) // everybody in the room
}

func (l *Library) OnUnfollow(s *framework.Socket, isbn string) { s.Leave("book:" + isbn) }

// endregion

// region connect
type Login struct{ Token string }

var readerKey = framework.NewKey[string]("reader")

func (l *Library) OnConnect(s *framework.Socket, auth *Login) error {
	if auth == nil || auth.Token != "secret" {
		return framework.Refuse("who are you?", map[string]string{"hint": "send a token"})
	}
	readerKey.Set(s, "ann")
	return s.Emit("hello", "ann") // held until the client is connected
}

func (l *Library) OnDisconnect(s *framework.Socket, reason framework.Reason) {
	name, _ := readerKey.Get(s)
	fmt.Println(name, "left:", reason, s.Rooms())
}

// endregion

// region ask
func (l *Library) OnReturnBook(ctx context.Context, s *framework.Socket, isbn string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second) // a client may never answer
	defer cancel()
	sure, err := framework.Call[bool](ctx, s, "sure?", isbn)
	if err != nil || !sure {
		return "kept", err
	}
	return "returned", nil
}

func (l *Library) OnRemind(s *framework.Socket, isbn string) error {
	return s.Emit("due", isbn, func(ctx context.Context, read bool, err error) {
		zerolog.Ctx(ctx).Info().Bool("read", read).Err(err).Msg("reminder")
	})
}

func (l *Library) OnPrint(ack *framework.Ack, isbn string) {
	go func() {
		// ... minutes later
		ack.Reply("printed", isbn)
	}()
}

// endregion

// region errors
var errStore = errors.New("store is down")

func (l *Library) OnBorrow(isbn string) error { return fmt.Errorf("borrow %s: %w", isbn, errStore) }

func (l *Library) OnError(ctx context.Context, e *framework.Event, err error) string {
	zerolog.Ctx(ctx).Error().Err(err).Int("args", e.Args.Len()).Msg("failed")
	var fit *framework.ArgError
	if errors.As(err, &fit) {
		return "argument " + fmt.Sprint(fit.Index) + " is wrong"
	}
	return "sorry" // the ack; leave the result out to send none
}

// endregion

// region middleware
func Audit(next framework.Handler) framework.Handler {
	return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
		reply, err := next.ServeEvent(ctx, e)
		zerolog.Ctx(ctx).Info().Str("client", e.Socket.Handshake().RemoteAddr).Err(err).Msg("audited")
		return reply, err
	})
}

// endregion

// region routes
func (l *Library) Routes(r *framework.Router) {
	r.On("chat message", l.chat)
	r.With(middleware.Timeout(time.Second)).On("slow search", l.OnSearch)
	r.On("*", func(e *framework.Event) { fmt.Println("nobody handles", e.Name) })
}

func (l *Library) chat(s *framework.Socket, text string) error { return s.Broadcast().Send(text) }

// endregion

// region serve
func newServer() *framework.Server {
	srv := framework.New(framework.Options{Logger: zerolog.New(os.Stderr)})
	srv.Use(middleware.Logger, middleware.Recoverer)
	srv.Register("/library", &Library{Books: books}, Audit)
	srv.RegisterFunc("/shelf/{number}", newShelf)
	return srv
}

func main() {
	srv := newServer()
	r := chi.NewRouter()
	r.Use(chimw.RequestID)
	r.Mount("/socket.io", srv)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	go tell(ctx, srv)
	if err := serve(ctx, "127.0.0.1:8080", r, srv); err != nil {
		log.Fatal(err)
	}
}

// serve serves until ctx ends, or returns at once why it cannot.
func serve(ctx context.Context, addr string, h http.Handler, srv *framework.Server) error {
	web := &http.Server{Addr: addr, Handler: h, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 1)
	go func() { ended <- web.ListenAndServe() }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	err := srv.Shutdown(drain) // first: web.Shutdown waits for polls that are pending
	return errors.Join(err, web.Shutdown(drain))
}

// endregion

// region outside
func tell(ctx context.Context, srv *framework.Server) {
	library := srv.Of("/library")
	for ctx.Err() == nil {
		select {
		case <-time.After(time.Minute):
			library.To("book:1").Emit("news", map[string]any{"readers": len(library.Sockets())})
		case <-ctx.Done():
		}
	}
}

// endregion

var books = map[string]Book{
	"1": {Title: "The Go Programming Language", Pages: 380},
	"2": {Title: "Concurrency in Go", Pages: 238},
}
