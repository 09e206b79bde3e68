package main

import (
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/examples/internal/testclients"
	"github.com/parlor-go/parlor/framework/admin"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestMain(m *testing.M) { sockettest.Main(m) }

// serve serves the server and the pages, and returns their URL.
func serve(t *testing.T, opts admin.Options) string {
	t.Helper()
	opts.Auth, opts.StatsInterval = admin.Basic("admin", changeit), 200*time.Millisecond
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", newServer(zerolog.Nop(), opts))
	mux.Handle("/", newPages())
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return server.URL
}

// Screenshots go to the folder that PARLOR_SCREENSHOTS names, if it does.
func TestTheOfficialUIWatchesAndActs(t *testing.T) {
	testclients.RunBrowser(t, "browser-admin.mjs",
		serve(t, admin.Options{Mode: admin.Development}),
		serve(t, admin.Options{Mode: admin.Development, ReadOnly: true}),
		serve(t, admin.Options{Mode: admin.Production}),
		os.Getenv("PARLOR_SCREENSHOTS"))
}

func TestGuestsAreWatched(t *testing.T) {
	srv := newServer(zerolog.Nop(), admin.Options{Auth: admin.Basic("admin", changeit), Mode: admin.Development})
	boss := sockettest.Connect(t, srv, "/admin", map[string]string{"username": "admin", "password": "changeit"})
	boss.Expect("all_sockets")
	guest := sockettest.Connect(t, srv, "/")
	boss.Expect("socket_connected")
	guest.Emit("hello")
	if got, want := guest.Expect("hello").Args.String(0), "guest "+guest.ID()[:4]; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	boss.Expect("event_received")
	boss.Expect("event_sent")
}
