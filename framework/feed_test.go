package framework

import (
	"bytes"
	"context"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/rs/zerolog"
)

func TestObserversThatFallBehindMissEventsAndNothingElse(t *testing.T) {
	var log bytes.Buffer
	srv := New(Options{Logger: zerolog.New(&log)})
	const most = 100
	f := &srv.feed
	f.most = most
	blocked, told, events := make(chan bool), 0, 0
	f.note(func() { <-blocked })
	f.note(func() { told++ })
	for range most + 10 {
		f.noteEvent(func() { events++ }, 0)
	}
	f.note(func() { told++ })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting with a context that has ended: got %v, want %v", err, context.Canceled)
	}
	close(blocked)
	if err := f.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	equals(t, "things told", told, 2)
	if events < most-2 || events > most {
		t.Errorf("events told: got %d, want about %d", events, most)
	}
	if want := "observers fell behind"; !strings.Contains(log.String(), want) {
		t.Errorf("the log has no %q: %s", want, log.String())
	}
}

func TestAFeedOutlivesWhatEndsItsGoroutine(t *testing.T) {
	srv := New(Options{Logger: zerolog.Nop()})
	told := 0
	for range 3 {
		srv.feed.note(runtime.Goexit)
		srv.feed.note(func() { told++ })
	}
	if err := srv.feed.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	equals(t, "told", told, 3)
}

func TestShutdownInsideAnObserverIsAnError(t *testing.T) {
	srv := New(Options{Logger: zerolog.Nop()})
	var err error
	srv.feed.note(func() { err = srv.Shutdown(context.Background()) })
	if err := srv.feed.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, ErrShutdown) {
		t.Errorf("got %v, want %v", err, ErrShutdown)
	}
}

func TestObserversThatFallBehindKeepNoMoreThanSoManyBytes(t *testing.T) {
	srv := New(Options{Logger: zerolog.Nop()})
	f := &srv.feed
	f.mostBytes = 1000
	blocked, told := make(chan bool), 0
	f.note(func() { <-blocked })
	for range 20 {
		f.noteEvent(func() { told++ }, 100)
	}
	close(blocked)
	if err := f.wait(t.Context()); err != nil {
		t.Fatal(err)
	}
	equals(t, "told", told, 10)
	for range 20 { // what was told is no longer held
		f.noteEvent(func() { told++ }, 100)
		if err := f.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	equals(t, "told at leisure", told, 30)
}
