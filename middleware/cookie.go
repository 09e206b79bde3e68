package middleware

import (
	"context"
	"fmt"
	"net/http"

	"github.com/parlor-go/parlor/framework"
)

// Cookie is Auth by the session cookie that the site's HTTP part has given to the
// browser: lookup finds the user behind its value, at connect only, and User
// returns it from then on. An error refuses as with Auth, and so does a request
// without the cookie. A cookie that is signed or encrypted is for lookup to open.
//
// The cookie is the one of the client's first request. To end a session does not
// end its sockets: disconnect them, for instance from a room that OnConnect makes
// each user join.
//
// Browsers send cookies with a WebSocket's handshake whichever page opens it, so
// it is the check of the origin that keeps other sites from acting as their
// visitors. Pages of the server's own host and port pass; name others in
// transport.Options.Origins, never "*", and set AllowCredentials, without which
// their polling requests carry no cookie. The cookie itself has to be SameSite=None
// and Secure for pages of another site, and the client says withCredentials: true.
func Cookie[U any](name string, lookup func(ctx context.Context, value string) (U, error)) framework.Middleware {
	if name == "" || lookup == nil {
		panic("middleware: Cookie: want the cookie's name and a function that finds the user behind its value")
	}
	return Auth(func(ctx context.Context, e *framework.Event) (U, error) {
		cookie, err := e.Socket.Handshake().Cookie(name)
		if err == nil && cookie.Value == "" {
			err = http.ErrNoCookie
		}
		if err != nil {
			var none U
			return none, fmt.Errorf("middleware: session cookie %q: %w", name, err)
		}
		return lookup(ctx, cookie.Value)
	})
}
