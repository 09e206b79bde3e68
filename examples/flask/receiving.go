package main

import (
	"encoding/json"
	"fmt"

	"github.com/parlor-go/parlor/framework"
)

// Receiving Messages: an unnamed event.
func message(srv *framework.Server) {
	// region message
	srv.On("message", func(data string) {
		fmt.Println("received message: " + data)
	})
	// endregion
}

// Receiving Messages: an unnamed event with JSON data.
func jsonMessage(srv *framework.Server) {
	// region json
	srv.On("json", func(data json.RawMessage) {
		fmt.Println("received json: " + string(data))
	})
	// endregion
}

// Payload is what the page sends as "my_event".
type Payload struct{ Data string }

// Receiving Messages: a named event. Its data is what the parameter's type says.
func event(srv *framework.Server) {
	// region event
	srv.On("my_event", func(in Payload) {
		fmt.Printf("received: %+v\n", in)
	})
	// endregion
}

// Receiving Messages: a named event with several arguments.
func arguments(srv *framework.Server) {
	// region arguments
	srv.On("my_event", func(arg1, arg2, arg3 string) {
		fmt.Println("received args: " + arg1 + arg2 + arg3)
	})
	// endregion
}

// Receiving Messages: the name of the event from the name of the handler.
//
// region method
type Custom struct{ framework.Namespace }

func (c *Custom) OnMyCustomEvent(arg1, arg2, arg3 string) { // serves "my_custom_event"
	fmt.Println("received args: " + arg1 + arg2 + arg3)
}

// endregion

func method(srv *framework.Server) { srv.Register("/", &Custom{}) }

// Receiving Messages: a namespace.
func namespace(srv *framework.Server) {
	// region namespace
	srv.Route("/test", func(r *framework.Router) {
		r.On("my_event", func(data json.RawMessage) {
			fmt.Println("received json: " + string(data))
		})
	})
	// endregion
}

// Receiving Messages: a function that has a name already.
func onEvent(srv *framework.Server) {
	// region on-event
	srv.Route("/test", func(r *framework.Router) {
		r.On("my_event", myFunctionHandler)
	})
	// endregion
}

func myFunctionHandler(data any) {}

// Receiving Messages: what a handler returns is the acknowledgement.
func ack(srv *framework.Server) {
	// region ack
	srv.On("my_event", func(data json.RawMessage) (string, int) {
		return "one", 2
	})
	// endregion
}
