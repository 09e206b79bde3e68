package jwt_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	gojwt "github.com/golang-jwt/jwt/v5"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/middleware/jwt"
)

func ExampleAuth() {
	type Claims struct {
		gojwt.RegisteredClaims
		Admin bool `json:"admin"`
	}
	key := []byte("a secret of thirty-two characters")

	srv := framework.New(framework.Options{})
	srv.Use(jwt.Auth(jwt.Options[Claims]{
		Methods: []string{"HS256"},
		Keyfunc: func(*gojwt.Token) (any, error) { return key, nil },
	}))
	srv.On("delete", func(ctx context.Context, id string) (string, error) {
		claims, _ := jwt.Claims[Claims](ctx)
		if !claims.Admin {
			return "", &framework.Error{Message: "admins only"}
		}
		return "deleted " + id, nil
	})

	tb := new(exampleTB)
	defer tb.end()
	token := func(admin bool) string {
		return sign(tb, Claims{Admin: admin, RegisteredClaims: gojwt.RegisteredClaims{
			Subject: "ann", ExpiresAt: gojwt.NewNumericDate(time.Now().Add(time.Hour)),
		}})
	}
	fmt.Println(sockettest.Dial(tb, srv, sockettest.Options{}).Refused("/"))
	client := sockettest.Connect(tb, srv, "/", map[string]string{"token": token(false)})
	fmt.Println(client.Call("delete", "post 1"))
	client.Call("renew_token", token(true))
	fmt.Println(client.Call("delete", "post 1"))
	// Output:
	// "unauthorized"
	// [{"error":{"message":"admins only"}}]
	// ["deleted post 1"]
}

// exampleTB stands in for the *testing.T that an example does not have.
type exampleTB struct {
	testing.TB
	cleanups []func()
}

func (tb *exampleTB) Helper()                           {}
func (tb *exampleTB) Logf(string, ...any)               {}
func (tb *exampleTB) Cleanup(f func())                  { tb.cleanups = append(tb.cleanups, f) }
func (tb *exampleTB) Errorf(format string, args ...any) { fmt.Printf(format+"\n", args...) }
func (tb *exampleTB) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (tb *exampleTB) Fatal(args ...any)                 { panic(fmt.Sprint(args...)) }

func (tb *exampleTB) end() {
	for i := len(tb.cleanups) - 1; i >= 0; i-- {
		tb.cleanups[i]()
	}
}
