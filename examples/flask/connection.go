package main

import (
	"fmt"
	"net/url"

	"github.com/parlor-go/parlor/framework"
)

// Credentials is what the page gives as auth.
type Credentials struct{ Token string }

// Connection Events: handlers for both. auth is nil when the client sent none.
func connectAndDisconnect(srv *framework.Server) {
	// region connect
	srv.On("connect", func(s *framework.Socket, auth *Credentials) error {
		return s.Emit("my response", map[string]string{"data": "Connected"})
	})
	srv.On("disconnect", func() {
		fmt.Println("Client disconnected")
	})
	// endregion
}

// Connection Events: a client is refused.
func refuse(srv *framework.Server) {
	// region refuse
	srv.On("connect", func(s *framework.Socket) error {
		if !authenticate(s.Handshake().Query()) {
			return framework.Refuse("unauthorized!")
		}
		return nil
	})
	// endregion
}

func authenticate(args url.Values) bool { return args.Get("password") == "secret" }
