package main

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"github.com/go-playground/validator/v10"
	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/middleware"
	"github.com/parlor-go/parlor/middleware/playground"
)

// User is who the site's session cookie belongs to.
type User struct{ ID string }

func userOf(_ context.Context, session string) (User, error) {
	if session != "ann's session" {
		return User{}, errors.New("no such session")
	}
	return User{"ann"}, nil
}

// region order
type Order struct {
	Count int `json:"count"`
}

func (o Order) Validate() error {
	if o.Count < 1 {
		return middleware.Invalid("count", "nothing ordered")
	}
	return nil
}

type Payment struct {
	Amount int    `json:"amount" validate:"min=1"`
	Once   string `json:"once"`
}

// endregion

// Shop counts what it has been paid.
type Shop struct{ payments atomic.Int64 }

func (s *Shop) order(o Order) int { return o.Count }

func (s *Shop) pay(ctx context.Context, p Payment) (string, int64) {
	user, _ := middleware.User[User](ctx)
	return user.ID + " has paid", s.payments.Add(1)
}

func (s *Shop) report() string { return "all is well" }

func newShop(shop *Shop) *framework.Server {
	srv := framework.New(framework.Options{Logger: zerolog.New(os.Stderr)})
	// region limit
	srv.Use(middleware.RateLimit(middleware.RateLimitOptions{Rate: 10, Burst: 20, DisconnectAfter: 1000}))
	// endregion
	// region check
	srv.Check(middleware.Validate)                                                    // Validate() error, Validate(ctx) error
	srv.Check(playground.Check(validator.New(validator.WithRequiredStructEnabled()))) // `validate:"min=1"`
	// endregion
	srv.Route("/shop", func(r *framework.Router) {
		r.Use(middleware.Cookie("session", userOf))
		r.On("order", shop.order)
		// region once
		r.With(middleware.Once(middleware.OnceOptions{
			Client: func(ctx context.Context, e *framework.Event) string { // without it, a new connection is another client
				user, _ := middleware.User[User](ctx)
				return user.ID
			},
		})).On("pay", shop.pay)
		// endregion
		// region concurrency
		r.With(middleware.Concurrency(4, 10*time.Second)).On("report", shop.report)
		// endregion
	})
	return srv
}
