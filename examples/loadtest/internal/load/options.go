package load

import (
	"errors"
	"fmt"
	"time"

	"github.com/parlor-go/parlor/examples/internal/wsframe"
)

// Options say what to drive, how hard, and for how long.
type Options struct {
	URL  string // http://, https://, ws:// or wss://
	Path string // of the Engine.IO endpoint; "" means /socket.io/

	Clients int // 0 means 100
	Window  int // events under way: for each client, or in all for broadcast and rooms; 0 means 1
	Rooms   int // 0 means 100
	Size    int // of binary's attachment, in bytes; 0 means 4096
	Threads int // of the generator; 0 means 1

	Duration time.Duration // what is measured; 0 means 3s
	Warmup   time.Duration // what goes before it; 0 means 1s
	Events   int64         // if not 0, so many events are measured in place of a duration
	Timeout  time.Duration // for connecting, and without any answer; 0 means 10s

	PID int // the server's process, if it runs on this machine
}

func (o Options) withDefaults() Options {
	for _, f := range []struct {
		v    *int
		want int
	}{{&o.Clients, 100}, {&o.Window, 1}, {&o.Rooms, 100}, {&o.Size, 4096}, {&o.Threads, 1}} {
		if *f.v == 0 {
			*f.v = f.want
		}
	}
	for _, f := range []struct {
		v    *time.Duration
		want time.Duration
	}{{&o.Duration, 3 * time.Second}, {&o.Warmup, time.Second}, {&o.Timeout, 10 * time.Second}} {
		if *f.v == 0 {
			*f.v = f.want
		}
	}
	if o.Path == "" {
		o.Path = "/socket.io/"
	}
	return o
}

func (o Options) check() error {
	switch {
	case o.Clients < 1 || o.Window < 1 || o.Rooms < 1 || o.Threads < 1:
		return errors.New("-clients, -window, -rooms and -threads have to be positive")
	case o.Window > 10_000:
		return fmt.Errorf("-window %d: at most 10000, since an ack id has %d digits", o.Window, idWidth)
	case o.Size < idWidth || o.Size > wsframe.MaxMessage:
		return fmt.Errorf("-size %d: want %d to %d bytes, since an attachment begins with its ack id", o.Size, idWidth, wsframe.MaxMessage)
	case o.Duration < 0 || o.Warmup < 0 || o.Timeout < 0 || o.Events < 0:
		return errors.New("-duration, -warmup, -timeout and -events cannot be negative")
	}
	return checkFiles(o.Clients)
}
