//go:build linux && !386 && !race && !msan && !asan

package transport

import (
	"net"
	"net/http"
	"testing"
)

// (*os.File).Fd puts a descriptor into blocking mode, also for everybody else. Reading
// must not hold up the process then.
func TestADescriptorInBlockingModeHoldsUpNobody(t *testing.T) {
	h := newHarness(t, Options{}, onTCP, withServer(func(s *http.Server) {
		s.ConnState = func(c net.Conn, state http.ConnState) {
			if state != http.StateHijacked {
				return
			}
			if f, err := c.(*net.TCPConn).File(); err == nil {
				_ = f.Fd()
				_ = f.Close()
			}
		}
	}))
	for range 8 {
		c, p := h.openWS()
		_ = p.session.Send(NewMessage([]byte("here")))
		c.want("4here")
	}
}
