// region hello

// Command hello has a room, an acknowledgement and a middleware.
package main

import (
	"log"
	"net/http"
	"os"

	"github.com/go-chi/chi/v5"
	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/middleware"
	"github.com/rs/zerolog"
)

type Chat struct{ framework.Namespace }

func (c *Chat) OnJoin(s *framework.Socket, room string) (string, error) { // serves "join"
	if err := s.Join(room); err != nil { // too long a name, too many rooms
		return "", err
	}
	return "welcome", c.To(room).Send(s.ID() + " has entered " + room) // acked; to all in the room
}

func main() {
	srv := framework.New(framework.Options{Logger: zerolog.New(os.Stderr)})
	srv.Register("/chat", &Chat{}, middleware.Logger)
	r := chi.NewRouter()
	r.Mount("/socket.io", srv)
	log.Fatal(http.ListenAndServe("127.0.0.1:8080", r))
}

// endregion
