package jwt

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
)

var secret = []byte("a secret of thirty-two characters")

func options() Options[gojwt.RegisteredClaims] {
	return Options[gojwt.RegisteredClaims]{
		Methods: []string{"HS256"},
		Keyfunc: func(*gojwt.Token) (any, error) { return secret, nil },
	}
}

func sign(tb testing.TB, method gojwt.SigningMethod, key any, c gojwt.RegisteredClaims) string {
	tb.Helper()
	text, err := gojwt.NewWithClaims(method, c).SignedString(key)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

func TestTheTimerGoesWithTheSocket(t *testing.T) {
	ends := map[string]func(s *sockettest.Socket){
		"left":       func(s *sockettest.Socket) { s.Leave() },
		"closed":     func(s *sockettest.Socket) { s.Conn().Close() },
		"cut":        func(s *sockettest.Socket) { s.Conn().Cut() },
		"sent away":  func(s *sockettest.Socket) { s.Emit("go"); s.Disconnected() },
		"time is up": func(*sockettest.Socket) { time.Sleep(2 * time.Hour) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := framework.New(framework.Options{Logger: zerolog.Nop()})
				a := newAuth[gojwt.RegisteredClaims](options())
				srv.Use(func(next framework.Handler) framework.Handler {
					return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
						if e.Kind() == framework.KindConnect {
							return a.connect(ctx, e, next)
						}
						return a.event(ctx, e, next)
					})
				})
				srv.On("go", func(s *framework.Socket) { s.Disconnect() })
				token := sign(t, gojwt.SigningMethodHS256, secret,
					gojwt.RegisteredClaims{ExpiresAt: gojwt.NewNumericDate(time.Now().Add(time.Hour))})
				s := sockettest.Connect(t, srv, "/", map[string]string{"token": token})
				own := srv.Of("/").Sockets()[0].Context().Value(a).(*session[gojwt.RegisteredClaims])

				end(s)
				synctest.Wait()
				own.mu.Lock()
				defer own.mu.Unlock()
				if !own.ended || own.timer.Stop() {
					t.Errorf("ended is %v, and the timer may run on", own.ended)
				}
			})
		})
	}
}

func TestASocketWhoseTokenHasNoEndHasNoTimer(t *testing.T) {
	s := new(session[gojwt.RegisteredClaims])
	s.watch(time.Time{})
	if s.timer != nil {
		t.Error("there is a timer")
	}
}

func TestATimerThatIsEarlyRunsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(session[gojwt.RegisteredClaims])
		fired := make(chan time.Time, 1)
		s.timer = time.AfterFunc(time.Hour, func() { fired <- time.Now() })
		end := time.Now().Add(time.Minute)
		s.current.Store(&token[gojwt.RegisteredClaims]{expires: end})
		if _, over := s.over(); over {
			t.Error("it is over before its time")
		}
		if got := <-fired; !got.Equal(end) {
			t.Errorf("the timer fired at %v, want %v", got, end)
		}
		_, once := s.over()
		_, twice := s.over()
		if !once || twice {
			t.Error("want it over once")
		}
	})
}

// However a token looks, only one that was signed with the secret is let in.
func FuzzToken(f *testing.F) {
	good := sign(f, gojwt.SigningMethodHS256, secret, gojwt.RegisteredClaims{Subject: "ann"})
	none := sign(f, gojwt.SigningMethodNone, gojwt.UnsafeAllowNoneSignatureType, gojwt.RegisteredClaims{Subject: "ann"})
	for _, seed := range []string{good, none, "", ".", "..", good + ".", "." + good, strings.ToUpper(good)} {
		f.Add(seed)
	}
	a := newAuth[gojwt.RegisteredClaims](options())
	f.Fuzz(func(t *testing.T, text string) {
		if _, err := a.verify(text); err != nil {
			return
		}
		signed, signature, _ := strings.Cut(text[strings.IndexByte(text, '.')+1:], ".")
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(text[:strings.IndexByte(text, '.')+1] + signed))
		if got, err := base64.RawURLEncoding.DecodeString(signature); err != nil || !hmac.Equal(got, mac.Sum(nil)) {
			t.Errorf("%q was let in", text)
		}
	})
}
