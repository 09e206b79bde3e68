package admin_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/rs/zerolog"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/admin"
	"github.com/parlor-go/parlor/transport"
)

func ExampleInstrument() {
	srv := framework.New(framework.Options{
		Logger: zerolog.Nop(),
		Transport: transport.Options{ // the page is of another origin, and asks with credentials
			Origins: []string{"https://admin.socket.io"}, AllowCredentials: true,
		},
	})
	admin.Instrument(srv, admin.Options{
		Auth: admin.Basic("admin", "$2b$10$heqvAkYMez.Va6Et2uXInOnkCT6/uQj1brkrbyG3LpopDklcq7ZOS"), // changeit
		Mode: admin.Development,
	})

	for _, row := range srv.Events() {
		fmt.Println(row.Namespace, row.Event)
	}
	// Output:
	// /admin _disconnect
	// /admin connect
	// /admin emit
	// /admin join
	// /admin leave
}

// An admin may be anybody whom the application knows as one.
func ExampleAuthFunc() {
	isAdmin := func(username, password string) bool { return username == "ann" && password == "cherry" }

	srv := framework.New(framework.Options{Logger: zerolog.Nop()})
	admin.Instrument(srv, admin.Options{
		ReadOnly: true,
		Auth: admin.AuthFunc(func(ctx context.Context, username, password string) error {
			if !isAdmin(username, password) {
				return errors.New("no admin") // for the log
			}
			return nil
		}),
	})

	for _, row := range srv.Events() {
		fmt.Println(row.Namespace, row.Event)
	}
	// Output:
	// /admin connect
}
