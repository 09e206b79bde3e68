package middleware_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/middleware"
)

// bySession knows ann.
func bySession(_ context.Context, value string) (user, error) {
	switch value {
	case "s1":
		return user{"ann"}, nil
	case "s2":
		return user{}, framework.Refuse("session ended")
	}
	return user{}, errors.New("no such session")
}

func TestCookieFindsTheUser(t *testing.T) {
	tests := []struct {
		name   string
		cookie string
		want   string // the user, or the refusal
	}{
		{"known", "sid=s1", "ann true"},
		{"among others", `a=b; sid=s1; sid="x"`, "ann true"},
		{"quoted", `sid="s1"`, "ann true"},
		{"for the client", "sid=s2", `"session ended"`},
		{"unknown", "sid=s3", `"unauthorized"`},
		{"empty", "sid=", `"unauthorized"`},
		{"another's name", "SID=s1", `"unauthorized"`},
		{"garbage", "sid", `"unauthorized"`},
		{"none", "", `"unauthorized"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			srv, _ := newServer(zerolog.Disabled)
			srv.Use(middleware.Cookie("sid", bySession))
			srv.On("whoami", func(ctx context.Context) string { return name(ctx) })
			opts := sockettest.Options{}
			if tt.cookie != "" {
				opts.Header = http.Header{"Cookie": {tt.cookie}}
			}
			c := sockettest.Dial(t, srv, opts)
			got := ""
			if tt.want[0] == '"' {
				got = c.Refused("/").String()
			} else {
				got = c.Join("/").Call("whoami").String(0)
			}
			if got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestCookieIsNotSentByPagesOfOtherSites(t *testing.T) {
	srv, _ := newServer(zerolog.Disabled)
	srv.Use(middleware.Cookie("sid", bySession))
	_, refusal := sockettest.TryDial(t, srv, sockettest.Options{
		Header: http.Header{"Cookie": {"sid=s1"}, "Origin": {"https://evil.example"}},
	})
	if refusal == nil || refusal.Status != http.StatusForbidden {
		t.Errorf("got %v, want the handshake refused with 403", refusal)
	}
}

func TestCookiePanicsOnWrongArguments(t *testing.T) {
	for name, do := range map[string]func(){
		"no name":     func() { middleware.Cookie("", bySession) },
		"no function": func() { middleware.Cookie[user]("sid", nil) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				want := "middleware: Cookie: want the cookie's name and a function that finds the user behind its value"
				if got := recover(); got != want {
					t.Errorf("got the panic %v, want %q", got, want)
				}
			}()
			do()
		})
	}
}
