package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/go-chi/chi/v5"

	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestMain(m *testing.M) {
	if mode := os.Getenv(childMode); mode != "" {
		os.Exit(child(mode))
	}
	sockettest.Main(m)
}

func TestEngineSendsMessagesBack(t *testing.T) {
	engine, _ := newServers()
	server := httptest.NewServer(app(engine))
	defer server.Close()
	url := server.URL + "/engine.io/?EIO=4&transport=polling"

	_, rest, _ := strings.Cut(get(t, url), `"sid":"`)
	sid, _, _ := strings.Cut(rest, `"`)
	url += "&sid=" + sid
	res, err := http.Post(url, "text/plain", strings.NewReader("4hello\x1ebAQID"))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	got := ""
	for len(got) < len("4hello\x1ebAQID") { // in one answer or in two
		if got != "" {
			got += "\x1e"
		}
		got += get(t, url)
	}
	if want := "4hello\x1ebAQID"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if err := engine.Shutdown(t.Context()); err != nil {
		t.Errorf("shutdown: %v", err)
	}
}

func get(t *testing.T, url string) string {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: status %d, %v", url, res.StatusCode, err)
	}
	return string(body)
}

func TestServerAnswersAsTheSuiteWants(t *testing.T) {
	_, server := newServers()
	h := chi.NewRouter()
	h.Mount("/socket.io", server)

	for _, path := range []string{"/", "/custom"} {
		plain := sockettest.Connect(t, h, path)
		if got, want := plain.Expect("auth").Args.JSON(), `[{}]`; got != want {
			t.Errorf("%s without auth: got %s, want %s", path, got, want)
		}
		known := sockettest.Connect(t, h, path, map[string]string{"token": "123"})
		if got, want := known.Expect("auth").Args.JSON(), `[{"token":"123"}]`; got != want {
			t.Errorf("%s with auth: got %s, want %s", path, got, want)
		}
	}

	s := sockettest.Connect(t, h, "/")
	s.Expect("auth")
	s.Emit("message", 1, "2", map[string]any{"3": []byte{4}})
	args := s.Expect("message-back").Args
	var third struct {
		Data []byte `json:"3"`
	}
	args.Decode(2, &third)
	if args.Len() != 3 || string(third.Data) != "\x04" {
		t.Errorf("message-back: got %s, want the same arguments", args)
	}
	if got, want := s.Call("message-with-ack", 1, "2", nil).JSON(), `[1,"2",null]`; got != want {
		t.Errorf("the ack: got %s, want %s", got, want)
	}
}
