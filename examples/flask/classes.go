package main

import "github.com/parlor-go/parlor/framework"

// Class-Based Namespaces: the handlers of a namespace are the methods of a class.
//
// region class
type MyCustomNamespace struct{ framework.Namespace }

func (c *MyCustomNamespace) OnConnect() {}

func (c *MyCustomNamespace) OnDisconnect() {}

func (c *MyCustomNamespace) OnMyEvent(s *framework.Socket, data any) error {
	return s.Emit("my_response", data)
}

func register(srv *framework.Server) {
	srv.Register("/test", &MyCustomNamespace{})
}

// endregion

// Class-Based Namespaces: a name that no method can have.
//
// region routes
func (c *MyCustomNamespace) Routes(r *framework.Router) {
	r.On("my event", c.OnMyEvent)
}

// endregion
