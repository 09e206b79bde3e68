package main

import (
	"net/http"
	"testing"

	"github.com/parlor-go/parlor/framework/sockettest"
)

// ann connects with the cookie that the site has given her.
func ann(t *testing.T, h http.Handler) *sockettest.Socket {
	t.Helper()
	header := http.Header{"Cookie": {`session="ann's session"`}}
	return sockettest.Dial(t, h, sockettest.Options{Header: header}).Join("/shop")
}

func TestTheShopAnswersAsTheGuideSays(t *testing.T) {
	srv := newShop(&Shop{})
	client := ann(t, srv)
	tests := []struct {
		event string
		arg   map[string]any
		want  string
	}{
		{"order", map[string]any{"count": 2}, `[2]`},
		{"order", map[string]any{"count": 0}, `[{"error":{"message":"nothing ordered","data":{"field":"count"}}}]`},
		{"pay", map[string]any{"amount": 0}, `[{"error":{"message":"amount does not satisfy min","data":{"field":"amount","rule":"min"}}}]`},
		{"pay", map[string]any{"amount": 5, "once": "a"}, `["ann has paid",1]`},
		{"pay", map[string]any{"amount": 5, "once": "b"}, `["ann has paid",2]`},
		{"report", nil, `["all is well"]`},
	}
	for _, tt := range tests {
		if got := client.Call(tt.event, tt.arg).JSON(); got != tt.want {
			t.Errorf("%s %v: got %s, want %s", tt.event, tt.arg, got, tt.want)
		}
	}
	client.Conn().Cut()
	if got, want := ann(t, srv).Call("pay", tests[3].arg).JSON(), tests[3].want; got != want {
		t.Errorf("again, over a new connection: got %s, want %s", got, want)
	}
	if got, want := sockettest.Dial(t, srv, sockettest.Options{}).Refused("/shop").Message, "unauthorized"; got != want {
		t.Errorf("a stranger: got %q, want %q", got, want)
	}
}
