package main

import (
	"sync"
	"time"

	"github.com/parlor-go/parlor/framework"
)

// Chat has the snippets of two sections, Broadcasting and Rooms.
type Chat struct{ framework.Namespace }

func registerChat(srv *framework.Server) { srv.Register("/", &Chat{}) }

// Broadcasting: to all clients in the namespace, the sender included.
//
// region broadcast
func (c *Chat) OnMyEvent(data any) error {
	return c.Emit("my_response", data)
}

// endregion

// Broadcasting: the server begins, from any goroutine.
//
// region some-function
func someFunction(srv *framework.Server) error {
	return srv.Emit("some event", map[string]int{"data": 42})
}

// endregion

// everySecond is a background thread for someFunction. It begins with the first
// client, and ends with the program.
func everySecond(srv *framework.Server) {
	var once sync.Once
	srv.On("connect", func() {
		once.Do(func() {
			go func() {
				for range time.Tick(time.Second) {
					_ = someFunction(srv) // nothing to encode that could fail
				}
			}()
		})
	})
}
