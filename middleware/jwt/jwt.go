// Package jwt lets in clients that show a JSON Web Token, lets them replace it over
// the open connection, and sends them away when it has expired. It stands on
// github.com/golang-jwt/jwt/v5, called gojwt here:
//
//	type Claims struct {
//		gojwt.RegisteredClaims
//		Admin bool `json:"admin"`
//	}
//
//	srv.Use(jwt.Auth(jwt.Options[Claims]{
//		Methods: []string{"HS256"},
//		Keyfunc: func(*gojwt.Token) (any, error) { return secret, nil },
//	}))
//	srv.On("delete", func(ctx context.Context, id string) error {
//		claims, _ := jwt.Claims[Claims](ctx)
//		...
//	})
//
// The client shows its token at connect, renews it in time, and connects anew if it
// comes too late for that:
//
//	const socket = io({ auth: async (cb) => cb({ token: await fetchToken() }) });
//	setInterval(async () => socket.emit("renew_token", await fetchToken()), 60_000);
//	socket.on("token_expired", () => socket.once("disconnect", () => socket.connect()));
package jwt

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/middleware"
)

// Options configure Auth for tokens whose claims are a C: a struct, in most cases
// with gojwt.RegisteredClaims embedded, or gojwt.MapClaims. Keyfunc and Methods
// have to be set.
type Options[C any] struct {
	// Keyfunc finds the key that a token's signature is verified with. It must be
	// safe for concurrent use.
	Keyfunc gojwt.Keyfunc

	// Methods are the algorithms that tokens may be signed with: "HS256", "RS256",
	// "EdDSA", ... Any other is refused, whatever the token says; "none" cannot be
	// allowed. Symmetric and asymmetric ones together are safe only if Keyfunc looks
	// at Token.Method too.
	Methods []string

	// Leeway is how wrong clocks may be: a token is good for so much longer.
	Leeway time.Duration

	// Parser has more demands: gojwt.WithIssuer, WithAudience,
	// WithExpirationRequired, ...
	Parser []gojwt.ParserOption

	// Token finds the token of a connect. nil means middleware.BearerToken: the
	// auth payload {token: "..."}, else the Authorization header.
	Token func(e *framework.Event) string

	// RenewEvent is the event with which a client shows a fresh token. "" means
	// "renew_token".
	RenewEvent string

	// ExpiredEvent is sent to a client whose token has expired, before it is
	// disconnected. "" means "token_expired".
	ExpiredEvent string

	// Same tells whether a fresh token belongs to the one who showed the first. nil
	// means that both have the same subject, and have one.
	Same func(current, fresh C) bool
}

// claims is a pointer to a C, which gojwt fills in.
type claims[C any] interface {
	*C
	gojwt.Claims
}

// Auth lets in, at connect, who shows a valid token, and Claims returns its claims
// in whatever follows for the socket. A client that has none, or one that is not
// valid, is refused with "unauthorized", or "token expired"; why is logged at warn.
//
// When the token expires, the client is sent ExpiredEvent and disconnected from the
// namespace; its JavaScript client gives "io server disconnect" for a reason, after
// which it does not connect again by itself. Events that are served later are
// refused with the *framework.Error "token expired".
//
// Until then the client may send RenewEvent with a fresh token, a string, as its
// argument. If that is valid and belongs to the same one, its claims are those of
// the socket from the next event on, and its expiry is what counts; the ack is that
// time in milliseconds since 1970, or null if it has none. Else the ack is
// {"error":{"message":...}}, with one of the texts above, and the socket stays what
// it was. No handler sees RenewEvent.
//
// A client that recovers its session (framework.Recovery) shows a token as any other
// does. Where SkipMiddleware spares it that, the token of the lost connection counts on:
// once that has expired, the client is refused.
//
// Auth stands in Use or among the arguments of Register; each namespace of a client
// asks for itself. It panics if the options are wrong.
func Auth[C any, P claims[C]](opts Options[C]) framework.Middleware {
	a := newAuth[C, P](opts)
	return func(next framework.Handler) framework.Handler {
		return framework.HandlerFunc(func(ctx context.Context, e *framework.Event) ([]any, error) {
			if e.Kind() == framework.KindConnect {
				return a.connect(ctx, e, next)
			}
			return a.event(ctx, e, next)
		})
	}
}

// Claims returns the claims of the token that the socket which ctx belongs to has
// shown last. It is false where no Auth for that very type stands in front.
func Claims[C any](ctx context.Context) (C, bool) {
	s, ok := ctx.Value(claimsKey[C]{}).(*session[C])
	if !ok {
		var none C
		return none, false
	}
	return s.token().claims, true
}

type claimsKey[C any] struct{}

type auth[C any, P claims[C]] struct {
	opts   Options[C]
	parser *gojwt.Parser
}

func newAuth[C any, P claims[C]](opts Options[C]) *auth[C, P] {
	switch {
	case opts.Keyfunc == nil:
		panic("jwt: Auth: Keyfunc is nil: want a function that finds the key of a token")
	case len(opts.Methods) == 0:
		panic(`jwt: Auth: Methods is empty: name the algorithms that your tokens are signed with, such as "HS256"`)
	case opts.Leeway < 0:
		panic(fmt.Sprintf("jwt: Auth: Leeway is %v: want 0, or how wrong clocks may be", opts.Leeway))
	}
	for _, method := range opts.Methods {
		switch {
		case strings.EqualFold(method, "none"):
			panic(`jwt: Auth: Methods has "none": everybody could make such a token`)
		case gojwt.GetSigningMethod(method) == nil:
			known := gojwt.GetAlgorithms()
			slices.Sort(known)
			panic(fmt.Sprintf("jwt: Auth: Methods has %q, which nobody knows: there are %s", method, strings.Join(known, ", ")))
		}
	}
	if opts.Token == nil {
		opts.Token = middleware.BearerToken
	}
	if opts.RenewEvent == "" {
		opts.RenewEvent = "renew_token"
	}
	if opts.ExpiredEvent == "" {
		opts.ExpiredEvent = "token_expired"
	}
	if opts.Same == nil {
		opts.Same = sameSubject[C, P]
	}
	parser := slices.Concat(opts.Parser, []gojwt.ParserOption{
		gojwt.WithValidMethods(slices.Clone(opts.Methods)), gojwt.WithLeeway(opts.Leeway),
	})
	return &auth[C, P]{opts, gojwt.NewParser(parser...)}
}

func sameSubject[C any, P claims[C]](current, fresh C) bool {
	subject, err := P(&current).GetSubject()
	if err != nil || subject == "" {
		return false
	}
	other, err := P(&fresh).GetSubject()
	return err == nil && other == subject
}

// What clients read of why a token is no good.
var (
	errUnauthorized = &framework.Error{Message: "unauthorized"}
	errExpired      = &framework.Error{Message: "token expired"}
)

// verify returns what a token says.
func (a *auth[C, P]) verify(text string) (*token[C], error) {
	if text == "" {
		return nil, errors.New("jwt: no token")
	}
	t := new(token[C])
	if _, err := a.parser.ParseWithClaims(text, P(&t.claims), a.opts.Keyfunc); err != nil {
		return nil, fmt.Errorf("jwt: %w", err)
	}
	expires, err := P(&t.claims).GetExpirationTime()
	if err != nil {
		return nil, fmt.Errorf("jwt: %w", err)
	}
	if expires != nil {
		t.expires = expires.Add(a.opts.Leeway)
	}
	return t, nil
}

// connect lets in or refuses.
func (a *auth[C, P]) connect(ctx context.Context, e *framework.Event, next framework.Handler) ([]any, error) {
	t, err := a.verify(a.opts.Token(e))
	if err != nil {
		return nil, refusal(ctx, err)
	}
	s := &session[C]{socket: e.Socket, event: a.opts.ExpiredEvent}
	s.current.Store(t)
	ctx = framework.AtRecovery(context.WithValue(ctx, claimsKey[C]{}, s), s.resume)
	reply, err := next.ServeEvent(context.WithValue(ctx, a, s), e)
	if err == nil {
		s.watch(t.expires)
	}
	return reply, err
}

// event lets events of good tokens pass, and serves the renewal.
func (a *auth[C, P]) event(ctx context.Context, e *framework.Event, next framework.Handler) ([]any, error) {
	s, ok := ctx.Value(a).(*session[C])
	if !ok { // it does not stand around connecting
		return nil, refusal(ctx, errors.New("jwt: nobody has asked for a token at connect: Auth belongs into Use or Register"))
	}
	if s.token().expired(time.Now()) {
		return nil, errExpired
	}
	if e.Kind() != framework.KindEvent || e.Name != a.opts.RenewEvent {
		return next.ServeEvent(ctx, e)
	}
	var text string
	if err := e.Args.Decode(0, &text); err != nil {
		return nil, refusal(ctx, fmt.Errorf("jwt: renewal: %w", err))
	}
	fresh, err := a.verify(text)
	if err != nil {
		return nil, refusal(ctx, err)
	}
	if !a.opts.Same(s.token().claims, fresh.claims) {
		return nil, refusal(ctx, errors.New("jwt: the fresh token is another's, or tells nobody's name"))
	}
	s.renew(fresh)
	if fresh.expires.IsZero() {
		return []any{nil}, nil
	}
	return []any{fresh.expires.Add(-a.opts.Leeway).UnixMilli()}, nil
}

// refusal keeps err for the middleware outside, and has the client read a fixed
// text.
func refusal(ctx context.Context, err error) error {
	zerolog.Ctx(ctx).Warn().Err(err).Msg("token refused")
	public := errUnauthorized
	if errors.Is(err, gojwt.ErrTokenExpired) {
		public = errExpired
	}
	return fmt.Errorf("%w: %w", public, err)
}
