package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
)

// childMode is how the test binary is told to be a server that ends on SIGTERM: "run"
// for Server.Run, "http" for a program's own http.Server; "recovery" with sessions kept;
// "short" with a deadline of a second. It writes down what happens, a line each.
const childMode = "PARLOR_SHUTDOWN_SERVER"

func child(mode string) int {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	context.AfterFunc(ctx, func() {
		stop() // a second signal ends the process
		fmt.Println("draining")
	})
	opts := framework.Options{Logger: zerolog.Nop()}
	if mode == "recovery" {
		opts.Recovery.MaxDisconnection = time.Minute
	}
	srv := framework.New(opts)
	srv.Use(noteReturns)
	srv.On("work", func(id string) string {
		<-time.After(time.Duration(len(id)%4) * time.Millisecond)
		return id
	})
	srv.On("slow", func(id string) string { <-time.After(time.Second); return id })
	srv.On("flood", func(s *framework.Socket) error { return s.Emit("flood", strings.Repeat("x", 3<<20)) })
	srv.On("stuck", func() {
		fmt.Println("stuck")
		select {}
	})
	if err := childServe(ctx, mode, srv); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// noteReturns writes down which handlers have returned, before their ack is sent.
func noteReturns(next framework.Handler) framework.Handler {
	return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
		reply, err := next.ServeEvent(ctx, e)
		var id string
		if e.Args.Len() > 0 && e.Args.Decode(0, &id) == nil {
			fmt.Println("returned", id)
		} else if e.Name == "flood" {
			fmt.Println("flooded")
		}
		return reply, err
	})
}

func childServe(ctx context.Context, mode string, srv *framework.Server) error {
	addr := os.Getenv("PARLOR_SHUTDOWN_ADDR")
	if mode == "run" || mode == "recovery" {
		return srv.Run(ctx, addr, nil)
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	web := &http.Server{Addr: addr, Handler: mux}
	go func() { _ = web.ListenAndServe() }()
	<-ctx.Done()
	patience := 10 * time.Second
	if mode == "short" {
		patience = time.Second
	}
	drain, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return errors.Join(srv.Shutdown(drain), web.Shutdown(drain))
}
