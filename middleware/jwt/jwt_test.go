package jwt_test

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/middleware/jwt"
	"github.com/parlor-go/parlor/transport"
)

func TestMain(m *testing.M) { sockettest.Main(m) }

type claims struct {
	gojwt.RegisteredClaims
	Admin bool `json:"admin"`
}

var secret = []byte("a secret of thirty-two characters")

// claim makes claims that expire after d, or never if that is 0.
func claim(subject string, d time.Duration, admin bool) claims {
	c := claims{Admin: admin, RegisteredClaims: gojwt.RegisteredClaims{Subject: subject}}
	if d != 0 {
		c.ExpiresAt = gojwt.NewNumericDate(time.Now().Add(d))
	}
	return c
}

// sign makes a token with the secret.
func sign(t testing.TB, c gojwt.Claims) string {
	t.Helper()
	return signWith(t, gojwt.SigningMethodHS256, secret, c)
}

func signWith(t testing.TB, method gojwt.SigningMethod, key any, c gojwt.Claims) string {
	t.Helper()
	text, err := gojwt.NewWithClaims(method, c).SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func options() jwt.Options[claims] {
	return jwt.Options[claims]{
		Methods: []string{"HS256"},
		Keyfunc: func(*gojwt.Token) (any, error) { return secret, nil },
	}
}

// unhurried has a server take clients however late a busy machine makes it.
var unhurried = transport.Options{MaxDelay: -1}

func newServer(opts jwt.Options[claims]) *framework.Server {
	srv := framework.New(framework.Options{Logger: zerolog.Nop(), Transport: unhurried})
	srv.Use(jwt.Auth(opts))
	srv.On("whoami", whoami)
	return srv
}

func whoami(ctx context.Context) string {
	c, ok := jwt.Claims[claims](ctx)
	return fmt.Sprint(c.Subject, " ", c.Admin, " ", ok)
}

type payload struct {
	Token string `json:"token"`
}

func refused(t *testing.T, srv *framework.Server, token string) string {
	t.Helper()
	return sockettest.Dial(t, srv, sockettest.Options{}).Refused("/", payload{token}).String()
}

func TestAValidTokenGivesItsClaims(t *testing.T) {
	srv := newServer(options())
	left := make(chan string, 1)
	srv.On("connect", func(ctx context.Context, s *framework.Socket) error { return s.Emit("hello", whoami(ctx)) })
	srv.On("disconnect", func(ctx context.Context) { left <- whoami(ctx) })
	token := sign(t, claim("ann", time.Hour, true))

	s := sockettest.Connect(t, srv, "/", payload{token})
	const want = "ann true true"
	if got := s.Expect("hello").Args.String(0); got != want {
		t.Errorf("OnConnect: got %q, want %q", got, want)
	}
	if got := s.Call("whoami").String(0); got != want {
		t.Errorf("an event: got %q, want %q", got, want)
	}
	if got := whoami(srv.Of("/").Sockets()[0].Context()); got != want {
		t.Errorf("Socket.Context: got %q, want %q", got, want)
	}
	s.Leave()
	if got := <-left; got != want {
		t.Errorf("OnDisconnect: got %q, want %q", got, want)
	}

	byHeader := sockettest.Options{Header: http.Header{"Authorization": {"Bearer " + token}}}
	if got := sockettest.Dial(t, srv, byHeader).Join("/").Call("whoami").String(0); got != want {
		t.Errorf("by header: got %q, want %q", got, want)
	}
}

func TestClaimsOfAMap(t *testing.T) {
	srv := framework.New(framework.Options{Logger: zerolog.Nop(), Transport: unhurried})
	srv.Use(jwt.Auth(jwt.Options[gojwt.MapClaims]{Methods: options().Methods, Keyfunc: options().Keyfunc}))
	srv.On("whoami", func(ctx context.Context) (any, bool) {
		c, _ := jwt.Claims[gojwt.MapClaims](ctx)
		_, other := jwt.Claims[claims](ctx)
		return c["sub"], other
	})
	s := sockettest.Connect(t, srv, "/", payload{sign(t, claim("ann", time.Hour, true))})
	if got, want := s.Call("whoami").JSON(), `["ann",false]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTokensThatAreNoGoodAreRefused(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	public := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	none := func(c gojwt.Claims) string {
		return signWith(t, gojwt.SigningMethodNone, gojwt.UnsafeAllowNoneSignatureType, c)
	}
	good := claim("ann", time.Hour, true)
	withRSA := func(o *jwt.Options[claims]) {
		o.Methods = []string{"RS256"}
		o.Keyfunc = func(*gojwt.Token) (any, error) { return &key.PublicKey, nil }
	}
	tests := []struct {
		name  string
		token string
		set   func(o *jwt.Options[claims])
		want  string // "" if it is let in
	}{
		{"none at all", "", nil, `"unauthorized"`},
		{"no token", "garbage", nil, `"unauthorized"`},
		{"dots", strings.Repeat(".", 1000), nil, `"unauthorized"`},
		{"another's signature", signWith(t, gojwt.SigningMethodHS256, []byte("guessed"), good), nil, `"unauthorized"`},
		{"no signature", strings.TrimRight(sign(t, good), "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"), nil, `"unauthorized"`},
		{"expired", sign(t, claim("ann", -time.Minute, false)), nil, `"token expired"`},
		{"expired within the leeway", sign(t, claim("ann", -time.Minute, false)),
			func(o *jwt.Options[claims]) { o.Leeway = time.Hour }, ""},
		{"alg none", none(good), nil, `"unauthorized"`},
		{"alg none, and a key that allows it", none(good),
			func(o *jwt.Options[claims]) {
				o.Keyfunc = func(*gojwt.Token) (any, error) { return gojwt.UnsafeAllowNoneSignatureType, nil }
			}, `"unauthorized"`},
		{"alg none, allowed behind our back", none(good),
			func(o *jwt.Options[claims]) {
				o.Keyfunc = func(*gojwt.Token) (any, error) { return gojwt.UnsafeAllowNoneSignatureType, nil }
				o.Parser = []gojwt.ParserOption{gojwt.WithValidMethods([]string{"none"})}
			}, `"unauthorized"`},
		{"another algorithm of the same family", signWith(t, gojwt.SigningMethodHS512, secret, good), nil, `"unauthorized"`},
		{"asymmetric", signWith(t, gojwt.SigningMethodRS256, key, good), withRSA, ""},
		{"the public key as a secret", signWith(t, gojwt.SigningMethodHS256, public, good), withRSA, `"unauthorized"`},
		{"the public key as a secret, by a careless Keyfunc", signWith(t, gojwt.SigningMethodHS256, public, good),
			func(o *jwt.Options[claims]) {
				o.Methods = []string{"RS256"}
				o.Keyfunc = func(*gojwt.Token) (any, error) { return public, nil }
			}, `"unauthorized"`},
		{"a key of another kind", sign(t, good),
			func(o *jwt.Options[claims]) {
				o.Keyfunc = func(*gojwt.Token) (any, error) { return &key.PublicKey, nil }
			}, `"unauthorized"`},
		{"no key", sign(t, good),
			func(o *jwt.Options[claims]) {
				o.Keyfunc = func(*gojwt.Token) (any, error) {
					return nil, fmt.Errorf("key store: %w", framework.Refuse("which nobody is to know"))
				}
			}, `"unauthorized"`},
		{"another issuer", sign(t, good),
			func(o *jwt.Options[claims]) { o.Parser = []gojwt.ParserOption{gojwt.WithIssuer("us")} }, `"unauthorized"`},
		{"without an end, where one is required", sign(t, claim("ann", 0, false)),
			func(o *jwt.Options[claims]) { o.Parser = []gojwt.ParserOption{gojwt.WithExpirationRequired()} }, `"unauthorized"`},
		{"without an end", sign(t, claim("ann", 0, false)), nil, ""},
		{"claims of another shape", sign(t, gojwt.MapClaims{"admin": "yes"}), nil, `"unauthorized"`},
		{"an end that is none", sign(t, gojwt.MapClaims{"exp": "tomorrow"}), nil, `"unauthorized"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opts := options()
			if tt.set != nil {
				tt.set(&opts)
			}
			srv := newServer(opts)
			srv.OnError(func(_ context.Context, _ *framework.Event, err error) ([]any, bool) {
				t.Errorf("OnError saw %v: a refusal is no failure", err)
				return nil, false
			})
			if tt.want == "" {
				sockettest.Connect(t, srv, "/", payload{tt.token})
				return
			}
			if got := refused(t, srv, tt.token); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestAKeyfuncThatPanicsRefuses(t *testing.T) {
	opts := options()
	opts.Keyfunc = func(*gojwt.Token) (any, error) { panic("key store") }
	if got, want := refused(t, newServer(opts), sign(t, claim("ann", time.Hour, false))), `"Internal server error"`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAuthAroundSingleEventsRefusesThem(t *testing.T) {
	srv := framework.New(framework.Options{Logger: zerolog.Nop(), Transport: unhurried})
	srv.Route("/", func(r *framework.Router) {
		r.With(jwt.Auth(options())).On("whoami", whoami)
	})
	s := sockettest.Connect(t, srv, "/", payload{sign(t, claim("ann", time.Hour, false))})
	if got, want := s.Call("whoami").JSON(), `[{"error":{"message":"unauthorized"}}]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTwoAuthsDoNotMeet(t *testing.T) {
	other := options()
	other.Token = func(e *framework.Event) string { return e.Socket.Handshake().Query().Get("other") }
	other.RenewEvent = "renew_other"
	srv := framework.New(framework.Options{Logger: zerolog.Nop(), Transport: unhurried})
	srv.Use(jwt.Auth(options()), jwt.Auth(other))
	srv.On("whoami", whoami)

	c := sockettest.Dial(t, srv, sockettest.Options{Query: map[string][]string{"other": {sign(t, claim("bob", time.Hour, false))}}})
	s := c.Join("/", payload{sign(t, claim("ann", time.Hour, false))})
	if got, want := s.Call("whoami").String(0), "bob false true"; got != want {
		t.Errorf("got the claims of %q, want those of the inner Auth, %q", got, want)
	}
	if got, want := s.Call("renew_token", sign(t, claim("bob", time.Hour, true))).JSON(), `[{"error":{"message":"unauthorized"}}]`; got != want {
		t.Errorf("the outer Auth: got %s for the inner one's token, want %s", got, want)
	}
	s.Call("renew_other", sign(t, claim("bob", time.Hour, true)))
	if got, want := s.Call("whoami").String(0), "bob true true"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestClaimsIsFalseWithoutAuth(t *testing.T) {
	if c, ok := jwt.Claims[claims](t.Context()); ok {
		t.Errorf("got the claims %v in a context without any", c)
	}
}

func TestAuthPanicsOnWrongOptions(t *testing.T) {
	tests := []struct {
		name string
		set  func(o *jwt.Options[claims])
		want string
	}{
		{"no Keyfunc", func(o *jwt.Options[claims]) { o.Keyfunc = nil }, "Keyfunc is nil"},
		{"no Methods", func(o *jwt.Options[claims]) { o.Methods = nil }, `Methods is empty: name the algorithms that your tokens are signed with, such as "HS256"`},
		{"none", func(o *jwt.Options[claims]) { o.Methods = []string{"HS256", "none"} }, `Methods has "none": everybody could make such a token`},
		{"None", func(o *jwt.Options[claims]) { o.Methods = []string{"None"} }, `Methods has "none"`},
		{"unknown", func(o *jwt.Options[claims]) { o.Methods = []string{"HS265"} }, `Methods has "HS265", which nobody knows: there are ES256`},
		{"negative leeway", func(o *jwt.Options[claims]) { o.Leeway = -time.Second }, "Leeway is -1s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.HasPrefix(got, "jwt: Auth: ") || !strings.Contains(got, tt.want) {
					t.Errorf("got the panic %q, want %q", got, tt.want)
				}
			}()
			opts := options()
			tt.set(&opts)
			jwt.Auth(opts)
		})
	}
}
