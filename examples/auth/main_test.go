package main

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/examples/internal/testclients"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestMain(m *testing.M) { sockettest.Main(m) }

const token = "the robot's"

func app() http.Handler {
	_, h := newApp(zerolog.Nop(), token)
	return h
}

func post(t *testing.T, h http.Handler, path string, form url.Values, cookie string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

// login returns the session's cookie, as a browser sends it.
func login(t *testing.T, h http.Handler, name, password string) string {
	t.Helper()
	res := post(t, h, "/login", url.Values{"name": {name}, "password": {password}}, "")
	for _, c := range res.Cookies() {
		if c.Name == cookieName {
			return c.Name + "=" + c.Value
		}
	}
	return ""
}

func withCookie(cookie string) sockettest.Options {
	return sockettest.Options{Header: http.Header{"Cookie": {cookie}}}
}

func TestSessionLetsIn(t *testing.T) {
	h := app()
	ann := sockettest.Dial(t, h, withCookie(login(t, h, "ann", "apple"))).Join("/")
	if got, want := ann.Call("whoami").JSON(), `[{"name":"ann","login":true}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTokenLetsIn(t *testing.T) {
	robot := sockettest.Connect(t, app(), "/", map[string]string{"token": token})
	if got, want := robot.Call("whoami").JSON(), `[{"name":"robot","login":false}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got, want := robot.Call("announce", "hear me").JSON(), `[{"error":{"message":"log in to announce something"}}]`; got != want {
		t.Errorf("an announcement by a robot: got %s, want %s", got, want)
	}
}

func TestOthersAreRefused(t *testing.T) {
	h := app()
	tests := []struct {
		name    string
		opts    sockettest.Options
		auth    any
		message string
		data    string
	}{
		{"nobody", sockettest.Options{}, nil, "not logged in", `{"hint":"log in as ann or bob"}`},
		{"wrong password", withCookie(login(t, h, "ann", "banana")), nil, "not logged in", `{"hint":"log in as ann or bob"}`},
		{"unknown user", withCookie(login(t, h, "eve", "")), nil, "not logged in", `{"hint":"log in as ann or bob"}`},
		{"invented session", withCookie("session=x"), nil, "not logged in", `{"hint":"log in as ann or bob"}`},
		{"wrong token", sockettest.Options{}, map[string]string{"token": "x"}, "wrong token",
			`{"hint":"the server prints the right one when it starts"}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			refusal := sockettest.Dial(t, h, tt.opts).Refused("/", tt.auth)
			if refusal.Message != tt.message || string(refusal.Data) != tt.data {
				t.Errorf("got %q %s, want %q %s", refusal.Message, refusal.Data, tt.message, tt.data)
			}
		})
	}
}

func TestEventsCarryTheUsersName(t *testing.T) {
	h := app()
	ann := sockettest.Dial(t, h, withCookie(login(t, h, "ann", "apple"))).Join("/")
	bob := sockettest.Dial(t, h, withCookie(login(t, h, "bob", "banana"))).Join("/")
	if got, want := ann.Expect("joined").Args.JSON(), `[{"name":"bob","login":true}]`; got != want {
		t.Errorf("joined: got %s, want %s", got, want)
	}
	bob.Emit("say", " hello ")
	if got, want := ann.Expect("said").Args.JSON(), `[{"name":"bob","login":true},"hello"]`; got != want {
		t.Errorf("said: got %s, want %s", got, want)
	}
	bob.Emit("announce", " dinner ")
	if got, want := ann.Expect("announced").Args.JSON(), `[{"name":"bob","login":true},"dinner"]`; got != want {
		t.Errorf("announced: got %s, want %s", got, want)
	}
	for _, event := range []string{"say", "announce"} {
		for _, text := range []string{"  ", strings.Repeat("x", maxText+1)} {
			if got, want := bob.Call(event, text).JSON(), `[{"error":{"message":"a message has 1 to 500 characters"}}]`; got != want {
				t.Errorf("%s with %d characters: got %s, want %s", event, len(text), got, want)
			}
		}
	}
}

func TestLogoutEndsTheSocketsOfTheSession(t *testing.T) {
	h := app()
	cookie := login(t, h, "ann", "apple")
	ann := sockettest.Dial(t, h, withCookie(cookie)).Join("/")
	other := sockettest.Dial(t, h, withCookie(login(t, h, "ann", "apple"))).Join("/")
	post(t, h, "/logout", nil, cookie)
	if got, want := ann.Disconnected(), "io server disconnect"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	other.Call("whoami") // a session of its own
	if got := sockettest.Dial(t, h, withCookie(cookie)).Refused("/", nil).Message; got != "not logged in" {
		t.Errorf("the old cookie: got %q, want a refusal", got)
	}
}

// Screenshots go to the folder that PARLOR_SCREENSHOTS names, if it does.
func TestBrowserShowsRefusalAndLogsIn(t *testing.T) {
	server := httptest.NewServer(app())
	defer server.Close()
	testclients.RunBrowser(t, "browser-auth.mjs", server.URL, token, os.Getenv("PARLOR_SCREENSHOTS"))
}
