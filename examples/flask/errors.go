package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/parlor-go/parlor/framework"
)

// Error Handling: for one namespace, for another, for all others.
func errorHandlers(srv *framework.Server) {
	// region errors
	srv.Route("/", func(r *framework.Router) {
		r.OnError(errorHandler)
	})
	srv.Route("/chat", func(r *framework.Router) {
		r.OnError(errorHandlerChat)
	})
	srv.OnError(defaultErrorHandler)
	// endregion

	for _, path := range []string{"/", "/chat", "/other"} {
		srv.Route(path, func(r *framework.Router) {
			r.On("my_event", func() error { return errors.New("a failure") })
		})
	}
}

func errorHandler(_ context.Context, e *framework.Event, err error) (reply []any, ok bool) {
	fmt.Printf("error_handler: %s: %v\n", e.Name, err)
	return nil, false
}

func errorHandlerChat(_ context.Context, e *framework.Event, err error) (reply []any, ok bool) {
	fmt.Printf("error_handler_chat: %s: %v\n", e.Name, err)
	return nil, false
}

func defaultErrorHandler(_ context.Context, e *framework.Event, err error) (reply []any, ok bool) {
	fmt.Printf("default_error_handler: %s: %v\n", e.Name, err)
	return nil, false
}

// Error Handling: what the event was.
func requestEvent(srv *framework.Server) {
	// region request-event
	srv.On("my error event", func(data string) error {
		return errors.New("a failure")
	})
	srv.OnError(func(ctx context.Context, e *framework.Event, err error) (reply []any, ok bool) {
		fmt.Println(e.Name)                // my error event
		fmt.Println(string(e.Args.Raw(0))) // the first argument, as JSON
		return nil, false                  // nothing for the client
	})
	// endregion
}
