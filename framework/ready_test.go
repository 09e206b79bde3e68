package framework_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/transport"
)

func TestAServerIsReadyUnlessItIsFullOrShutDown(t *testing.T) {
	srv := framework.New(framework.Options{Transport: transport.Options{MaxSessions: 1}})
	if err := srv.Ready(); err != nil {
		t.Errorf("got %v, want to be ready", err)
	}
	sockettest.Connect(t, srv, "/")
	if limit, ok := errors.AsType[*transport.LimitError](srv.Ready()); !ok || limit.Option != "MaxSessions" {
		t.Errorf("got %v, want a *LimitError of MaxSessions", srv.Ready())
	}
	if err := srv.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := srv.Ready(); !errors.Is(err, framework.ErrShutdown) {
		t.Errorf("got %v, want ErrShutdown", err)
	}
}

func ExampleServer_Ready() {
	srv := framework.New(framework.Options{})
	ready := func(w http.ResponseWriter, _ *http.Request) {
		if err := srv.Ready(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		}
	}
	mux := http.NewServeMux()
	mux.Handle("/socket.io/", srv)
	mux.HandleFunc("/ready", ready)

	check := func() {
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/ready", nil))
		fmt.Println(w.Code)
	}
	check()
	_ = srv.Shutdown(context.Background())
	check()
	// Output:
	// 200
	// 503
}
