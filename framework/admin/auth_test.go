package admin_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/admin"
	"github.com/parlor-go/parlor/framework/sockettest"
)

func TestOnlyTheUserIsLetIn(t *testing.T) {
	tests := []struct {
		name string
		auth any
	}{
		{"nothing", nil},
		{"a number", 5},
		{"a list", []string{"admin", "changeit"}},
		{"an empty object", map[string]string{}},
		{"what the UI comes back with if it never was there", map[string]any{"sessionId": nil}},
		{"wrong password", map[string]string{"username": "admin", "password": "guess"}},
		{"no password", map[string]string{"username": "admin"}},
		{"other user", map[string]string{"username": "Admin", "password": "changeit"}},
		{"the hash itself", map[string]string{"username": "admin", "password": "$2a$04$"}},
		{"a password that is no text", map[string]any{"username": "admin", "password": map[string]int{"$ne": 1}}},
		{"an invented session", map[string]string{"sessionId": "0123456789abcdef"}},
		{"a session that is no text", map[string]any{"sessionId": []int{1}}},
	}
	srv, log := logged(admin.Options{Auth: basic(t)})
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			refusal := sockettest.Dial(t, srv, sockettest.Options{}).Refused("/admin", tt.auth)
			equal(t, "message", refusal.Message, "invalid credentials")
			equal(t, "data", string(refusal.Data), "")
		})
	}
	if got, want := log.String(), `"level":"warn"`; !strings.Contains(got, want) || !strings.Contains(got, `"remote":`) {
		t.Errorf("the log has no warning with the address: %s", got)
	}
	if strings.Contains(log.String(), "guess") {
		t.Error("the log has a password")
	}
	sockettest.Connect(t, srv, "/admin", login).Expect("config")
}

func TestWhoHasLoggedInComesBackWithoutPassword(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := watched(admin.Options{Auth: basic(t)})
		first := sockettest.Connect(t, srv, "/admin", login)
		id := first.Expect("session").Args.String(0)
		if len(id) < 20 {
			t.Errorf("got the session %q, want one that nobody guesses", id)
		}
		first.Conn().Close()

		time.Sleep(23 * time.Hour)
		again := sockettest.Connect(t, srv, "/admin", map[string]string{"sessionId": id})
		equal(t, "first", again.Next().Name, "config") // no session of its own
		again.Conn().Close()

		time.Sleep(2 * time.Hour)
		refusal := sockettest.Dial(t, srv, sockettest.Options{}).Refused("/admin", map[string]string{"sessionId": id})
		equal(t, "after a day", refusal.Message, "invalid credentials")
	})
}

// brokenStore is a store that is down.
type brokenStore struct{}

func (brokenStore) Save(context.Context, string, time.Duration) error { return errDown }
func (brokenStore) Has(context.Context, string) (bool, error)         { return false, errDown }

func TestAPasswordIsEnoughWhileTheStoreIsDown(t *testing.T) {
	srv, log := logged(admin.Options{Auth: basic(t), Sessions: brokenStore{}})
	s := sockettest.Connect(t, srv, "/admin", login)
	equal(t, "first", s.Next().Name, "config")
	refusal := sockettest.Dial(t, srv, sockettest.Options{}).Refused("/admin", map[string]string{"sessionId": "x"})
	equal(t, "message", refusal.Message, "invalid credentials")
	equal(t, "lines of the store", strings.Count(log.String(), errDown.Error()), 2)
}

func TestAFunctionDecides(t *testing.T) {
	check := func(ctx context.Context, username, password string) error {
		remote := framework.EventFrom(ctx).Socket.Handshake().RemoteAddr
		if remote == "" {
			return fmt.Errorf("no address")
		}
		if username+password != "anncherry" {
			return errDown
		}
		return nil
	}
	srv, log := logged(admin.Options{Auth: admin.AuthFunc(check)})
	refusal := sockettest.Dial(t, srv, sockettest.Options{}).Refused("/admin", login)
	equal(t, "message", refusal.Message, "invalid credentials")
	if !strings.Contains(log.String(), errDown.Error()) {
		t.Error("the log does not say why")
	}
	sockettest.Connect(t, srv, "/admin", map[string]string{"username": "ann", "password": "cherry"}).Expect("session")
}

func TestNoAuthLetsInEverybodyAndKeepsNoSessions(t *testing.T) {
	srv := watched(admin.Options{Auth: admin.NoAuth(), Sessions: brokenStore{}})
	for _, auth := range []any{nil, login, map[string]any{"sessionId": "old"}} {
		equal(t, "first", sockettest.Connect(t, srv, "/admin", auth).Next().Name, "config")
	}
}

func TestMistakesPanic(t *testing.T) {
	srv := func() *framework.Server { return framework.New(framework.Options{Logger: zerolog.Nop()}) }
	tests := []struct {
		name string
		f    func()
		want string
	}{
		{"no server", func() { admin.Instrument(nil, open(admin.Production)) }, "want the server"},
		{"no auth", func() { admin.Instrument(srv(), admin.Options{}) }, "Options.Auth is missing: want admin.Basic"},
		{"a mode that is none", func() { admin.Instrument(srv(), open(2)) }, "want admin.Production or admin.Development"},
		{"an interval", func() {
			admin.Instrument(srv(), admin.Options{Auth: admin.NoAuth(), StatsInterval: -time.Second})
		}, "StatsInterval is -1s"},
		{"sockets", func() { admin.Instrument(srv(), admin.Options{Auth: admin.NoAuth(), MaxSockets: -1}) }, "MaxSockets -1"},
		{"a path without slash", func() { admin.Instrument(srv(), admin.Options{Auth: admin.NoAuth(), Path: "admin"}) }, `want "/admin"`},
		{"a password that is no hash", func() { admin.Basic("admin", "changeit") }, "is none of bcrypt's"},
		{"no function", func() { admin.AuthFunc(nil) }, "want a function"},
		{"twice", func() {
			srv := srv()
			admin.Instrument(srv, open(admin.Production))
			admin.Instrument(srv, open(admin.Production))
		}, "both serve"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				got := fmt.Sprint(recover())
				if !strings.Contains(got, tt.want) {
					t.Errorf("got %q, want %q in it", got, tt.want)
				}
				if strings.Contains(got, "changeit") {
					t.Error("the message has the password")
				}
			}()
			tt.f()
		})
	}
}

// TestHashesOfOthersAreUnderstood has the password "changeit" as other programs hash it.
func TestHashesOfOthersAreUnderstood(t *testing.T) {
	for _, hash := range []string{
		"$2b$10$heqvAkYMez.Va6Et2uXInOnkCT6/uQj1brkrbyG3LpopDklcq7ZOS", // npm's bcrypt, of the UI's own README
		"$2y$10$heqvAkYMez.Va6Et2uXInOnkCT6/uQj1brkrbyG3LpopDklcq7ZOS", // as htpasswd and PHP mark it
	} {
		srv := watched(admin.Options{Auth: admin.Basic("admin", hash)})
		sockettest.Connect(t, srv, "/admin", login).Expect("session")
	}
}
