package main

import (
	"crypto/tls"
	"net/http/httptest"
	"testing"

	"github.com/parlor-go/parlor/examples/loadtest/internal/load"
	"github.com/parlor-go/parlor/examples/loadtest/internal/loadcheck"
	"github.com/parlor-go/parlor/examples/loadtest/internal/selfsigned"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestMain(m *testing.M) { sockettest.Main(m) }

func start(t *testing.T, config *tls.Config) (url string) {
	t.Helper()
	srv := newServer(loadcheck.PingInterval, loadcheck.PingTimeout)
	s := httptest.NewUnstartedServer(newHandler(srv))
	if s.TLS = config; config == nil {
		s.Start()
	} else {
		s.StartTLS()
	}
	t.Cleanup(func() {
		if err := srv.Shutdown(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
		s.Close()
	})
	return s.URL
}

func TestServesAllScenarios(t *testing.T) { loadcheck.Scenarios(t, start(t, nil)) }

func TestServesTLS(t *testing.T) {
	config, err := selfsigned.Config()
	if err != nil {
		t.Fatal(err)
	}
	url := start(t, config)
	for _, scenario := range []string{"echo", "polling", "broadcast", "life"} {
		got, err := load.Run(t.Context(), scenario, load.Options{URL: url, Clients: 4, Window: 4, Events: 20})
		if err != nil {
			t.Fatal(err)
		}
		if got.Events < 20 {
			t.Errorf("%s: got %d events, want at least 20", scenario, got.Events)
		}
	}
}
