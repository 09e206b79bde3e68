package transport_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/parlor-go/parlor/transport"
)

// echo sends every message back.
type echo struct{ session *transport.Session }

func (e echo) Message(data []byte, binary bool) {
	if binary {
		_ = e.session.Send(transport.NewMessage(nil, data))
		return
	}
	_ = e.session.Send(transport.NewMessage(data))
}

func (e echo) Closed(reason transport.Reason, err error) { fmt.Println("closed:", reason) }

func ExampleNew() {
	engine := transport.New(transport.Options{}, func(s *transport.Session, r *http.Request) transport.Handler {
		return echo{s}
	})
	server := httptest.NewServer(engine)
	defer server.Close()

	url := server.URL + "/engine.io/?EIO=4&transport=polling"
	open := do("GET", url, "")
	url += "&sid=" + strings.Split(open, `"`)[3]
	fmt.Println("post:", do("POST", url, "4hello"))
	fmt.Println("poll:", do("GET", url, ""))
	fmt.Println("post:", do("POST", url, "1"))
	_ = engine.Shutdown(context.Background()) // waits for Closed
	// Unordered output:
	// post: ok
	// poll: 4hello
	// post: ok
	// closed: transport close
}

func ExampleOptions_allowRequest() {
	engine := transport.New(transport.Options{
		AllowRequest: func(r *http.Request) error {
			if r.URL.Query().Get("token") != "right" {
				return &transport.Refusal{Message: "wrong token"}
			}
			return nil
		},
		OnConnectionError: func(e transport.ConnectionError) { fmt.Println("refused:", e.Code, e.Message) },
	}, func(s *transport.Session, r *http.Request) transport.Handler { return echo{s} })
	server := httptest.NewServer(engine)
	defer server.Close()

	fmt.Println(do("GET", server.URL+"/engine.io/?EIO=4&transport=polling", ""))
	// Output:
	// refused: 4 wrong token
	// {"code":4,"message":"wrong token"}
}

// A file is sent no faster than the client takes it.
func ExampleSession_Drained() {
	send := func(ctx context.Context, s *transport.Session, file io.Reader) error {
		chunk := make([]byte, 64<<10)
		for {
			n, err := file.Read(chunk)
			if n > 0 {
				if err := s.Send(transport.NewMessage(nil, chunk[:n])); err != nil {
					return err
				}
				if err := s.Drained(ctx); err != nil {
					return err
				}
			}
			if err == io.EOF {
				return nil
			}
			if err != nil {
				return err
			}
		}
	}
	_ = send
}

func do(method, url, body string) string {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		return err.Error()
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err.Error()
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return string(b)
}

func ExampleSession_Protocol() {
	accept := func(s *transport.Session, r *http.Request) transport.Handler {
		fmt.Println("protocol:", s.Protocol())
		return echo{s}
	}
	engine := transport.New(transport.Options{AllowEIO3: true}, accept)
	server := httptest.NewServer(engine)
	defer server.Close()

	url := server.URL + "/engine.io/?EIO=3&transport=polling"
	open := do("GET", url, "")
	url += "&sid=" + strings.Split(open, `"`)[3]
	fmt.Println("post:", do("POST", url, "6:4hello")) // the length in front is of protocol 3
	fmt.Println("poll:", do("GET", url, ""))
	fmt.Println("post:", do("POST", url, "1:1"))
	_ = engine.Shutdown(context.Background()) // waits for Closed
	// Unordered output:
	// protocol: 3
	// post: ok
	// poll: 6:4hello
	// post: ok
	// closed: transport close
}
