package admin

import (
	"context"
	"net"
	"net/netip"
	"sync"

	"github.com/parlor-go/parlor/framework"
)

// queue is who waits for a password to be checked, by address.
type queue struct {
	mu   sync.Mutex
	from map[string]bool
}

// mostWaiting is how many do, of which each takes its time.
const mostWaiting = 16

func (q *queue) enter(from string) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.from[from] || len(q.from) >= mostWaiting {
		return false
	}
	q.from[from] = true
	return true
}

func (q *queue) leave(from string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.from, from)
}

// origin is where a login comes from: an IP address, of version 6 the network of 64 bits
// that one client has. Behind a proxy that transport.Options.TrustedProxies does not have
// it is the proxy's.
func origin(ctx context.Context) string {
	e := framework.EventFrom(ctx)
	if e == nil {
		return ""
	}
	remote := e.Socket.Handshake().RemoteAddr
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if ip = ip.Unmap(); ip.Is6() {
		network, _ := ip.WithZone("").Prefix(64) // of 128 bits there are 64
		return network.String()
	}
	return ip.String()
}
