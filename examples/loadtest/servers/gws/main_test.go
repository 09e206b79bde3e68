package main

import (
	"net/http/httptest"
	"testing"

	"github.com/parlor-go/parlor/examples/loadtest/internal/loadcheck"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestMain(m *testing.M) { sockettest.Main(m) }

func TestServesAllScenarios(t *testing.T) {
	srv := newServer(loadcheck.PingInterval, loadcheck.PingTimeout)
	go srv.heartbeat(t.Context())
	s := httptest.NewServer(srv.handler())
	defer s.Close()
	loadcheck.Scenarios(t, s.URL)
}
