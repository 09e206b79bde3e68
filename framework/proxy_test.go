package framework_test

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/parlor-go/parlor/framework"
	"github.com/parlor-go/parlor/framework/sockettest"
	"github.com/parlor-go/parlor/transport"
)

func TestHandlersSeeTheAddressThatATrustedProxyTells(t *testing.T) {
	srv := framework.New(framework.Options{Transport: transport.Options{
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.2/32")}, // sockettest's client
	}})
	srv.On("whoami", func(s *framework.Socket) (string, string, string) {
		return s.RemoteAddr(), s.Handshake().RemoteAddr, s.Handshake().Host
	})
	for _, kind := range []string{"polling", "websocket", "upgrade"} {
		t.Run(kind, func(t *testing.T) {
			c := sockettest.Dial(t, srv, sockettest.Options{Transport: kind, Header: http.Header{
				"X-Forwarded-For": {"6.6.6.6, 203.0.113.7"}, "X-Forwarded-Host": {"chat.example"}, "Origin": {"https://chat.example"},
			}})
			got := c.Join("/").Call("whoami").JSON()
			if want := `["203.0.113.7:0","203.0.113.7:0","chat.example"]`; got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}
