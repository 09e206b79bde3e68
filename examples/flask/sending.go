package main

import (
	"context"
	"fmt"
	"time"

	"github.com/parlor-go/parlor/framework"
)

// Sending Messages: events are bounced back to the client that sent them.
func reply(srv *framework.Server) {
	// region reply
	srv.On("message", func(s *framework.Socket, message string) error {
		return s.Send(message)
	})
	srv.On("json", func(s *framework.Socket, data any) error {
		return s.SendJSON(data)
	})
	srv.On("my event", func(s *framework.Socket, data any) error {
		return s.Emit("my response", data)
	})
	// endregion
}

// Sending Messages: a reply into another namespace.
func replyElsewhere(srv *framework.Server) {
	srv.On("message", func(s *framework.Socket, message string) error {
		chat, ok := s.Of("/chat")
		if !ok {
			return nil
		}
		return chat.Send(message)
	})
	// region reply-elsewhere
	srv.On("my event", func(s *framework.Socket, data any) error {
		chat, ok := s.Of("/chat")
		if !ok {
			return nil
		}
		return chat.Emit("my response", data)
	})
	// endregion
	srv.Route("/chat", func(r *framework.Router) {})
}

// Sending Messages: several arguments.
func replyArguments(srv *framework.Server) {
	// region reply-arguments
	srv.On("my event", func(s *framework.Socket, data any) error {
		return s.Emit("my response", "foo", "bar", data)
	})
	// endregion
}

// Sending Messages: a callback that confirms that the client has the message.
func callback(srv *framework.Server) {
	// region callback
	srv.On("my event", func(s *framework.Socket, data any) error {
		return s.Emit("my response", data, func() {
			fmt.Println("message was received!")
		})
	})
	// endregion
}

// Sending Messages: the same, waiting for it.
func call(srv *framework.Server) {
	// region call
	srv.On("my event", func(ctx context.Context, s *framework.Socket) error {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		name, err := framework.Call[string](ctx, s, "your name?")
		if err != nil {
			return err
		}
		return s.Send("hello " + name)
	})
	// endregion
}
