package transport

import (
	"container/list"
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/time/rate"
)

// addresses bound what one client address may have. The lobby's lock guards them. What
// is known of an address is forgotten with its last session, and once enough time has
// passed since its last handshake for that to make no difference.
type addresses struct {
	most   int     // sessions of each; math.MaxInt if there is no bound
	rate   float64 // handshakes a second of each; negative if there is no bound
	refill time.Duration

	// Whether bounds are also for addresses that are those of proxies as a rule.
	localMost, localRate bool

	known  map[netip.Addr]*address
	lately *list.List // of *address: those that have asked for a session, the latest last
}

// The defaults, from which local addresses are exempt.
const (
	defaultPerAddress  = 1_000
	defaultAddressRate = 100.0
)

// longestRefill bounds how long an address is remembered that has no session.
const longestRefill = 24 * time.Hour

// mostLately bounds for how many addresses without a session it is known how often they
// asked. Beyond it those go that asked first.
const mostLately = 1 << 16

// address is what is known of one address, or of all of an IPv6 network of 64 bits,
// which as a rule is one customer's.
type address struct {
	key      netip.Addr
	sessions int
	rate     *rate.Limiter // nil if its burst is all there
	asked    time.Time     // last
	lately   *list.Element // nil if that is long ago
	direct   client        // that of sessions of which no proxy has told
}

// client is what a session has of its client.
type client struct {
	remote string   // as a proxy told; "" else
	at     *address // nil if it is not counted
}

// asking is the address of a request for a session.
type asking struct {
	key         netip.Addr // not valid if it is not bounded
	most        int
	rated       bool
	remote      string // as a proxy told; "" else
	description string
}

func newAddresses(opts *Options) addresses {
	a := addresses{
		most: opts.MaxPerAddress, localMost: opts.MaxPerAddress != 0,
		rate: opts.AddressRate, localRate: opts.AddressRate != 0,
		lately: list.New(),
	}
	switch {
	case a.most < 0:
		a.most = math.MaxInt
	case a.most == 0:
		a.most = defaultPerAddress
	}
	if a.rate == 0 {
		a.rate = defaultAddressRate
	}
	if a.rate > 0 {
		seconds := float64(burst(a.rate, addressBurst)) / a.rate
		a.refill = time.Duration(min(seconds, longestRefill.Seconds()) * float64(time.Second))
	}
	return a
}

// addressOf returns by what the client that sent r is bounded. told is whether a proxy
// has told its address.
func (e *Engine) addressOf(r *http.Request, told bool) asking {
	a := &e.lobby.addresses
	ask := asking{most: math.MaxInt}
	if told {
		ask.remote = r.RemoteAddr
	}
	addrPort, ok := parsePeer(r.RemoteAddr)
	if !ok {
		return ask
	}
	addr := addrPort.Addr()
	proxy := e.trusts(addr) || !told && isLocal(addr)
	if !proxy || a.localMost {
		ask.most = a.most
	}
	ask.rated = a.rate > 0 && (!proxy || a.localRate)
	if ask.most == math.MaxInt && !ask.rated {
		return ask
	}
	ask.key, ask.description = addr, addr.String()
	if addr.Is6() {
		network, _ := addr.Prefix(64) // fails for other families
		ask.key, ask.description = network.Addr(), network.String()
	}
	return ask
}

// carrierNAT is where cloud networks put their load balancers, RFC 6598.
var carrierNAT = netip.MustParsePrefix("100.64.0.0/10")

// isLocal tells the addresses that do not come over the internet: behind them is a
// proxy, a tunnel, or a test.
func isLocal(a netip.Addr) bool {
	return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || carrierNAT.Contains(a)
}

// full tells that an address has all the sessions that it may.
func (a *addresses) full(ask asking) error {
	if !ask.key.IsValid() {
		return nil
	}
	if x := a.known[ask.key]; x != nil && x.sessions >= ask.most {
		return &LimitError{"MaxPerAddress", fmt.Sprintf("%d sessions are open from %s, which is as many as there may be", x.sessions, ask.description)}
	}
	return nil
}

// tooFast counts a request for a session, and tells if those come too often.
func (a *addresses) tooFast(ask asking, now time.Time) error {
	if !ask.rated {
		return nil
	}
	x := a.get(ask.key)
	if x.rate == nil {
		x.rate = newLimiter(a.rate, addressBurst)
	}
	x.asked = now
	if x.lately == nil {
		x.lately = a.lately.PushBack(x)
	} else {
		a.lately.MoveToBack(x.lately)
	}
	a.sweep(now)
	if !x.rate.AllowN(now, 1) {
		return &LimitError{"AddressRate", fmt.Sprintf("more than %v new sessions a second from %s", a.rate, ask.description)}
	}
	return nil
}

// enter counts a session.
func (a *addresses) enter(ask asking) *client {
	if !ask.key.IsValid() {
		if ask.remote == "" {
			return nil
		}
		return &client{remote: ask.remote}
	}
	x := a.get(ask.key)
	x.sessions++
	if ask.remote == "" {
		return &x.direct
	}
	return &client{ask.remote, x}
}

// leave counts a session no more.
func (a *addresses) leave(c *client) {
	if c == nil || c.at == nil {
		return
	}
	c.at.sessions--
	a.mayForget(c.at)
}

// get returns what is known of an address, which may be new.
func (a *addresses) get(key netip.Addr) *address {
	if x := a.known[key]; x != nil {
		return x
	}
	if a.known == nil {
		a.known = make(map[netip.Addr]*address)
	}
	x := &address{key: key}
	x.direct.at = x
	a.known[key] = x
	return x
}

// mayForget forgets an address of which there is nothing to know.
func (a *addresses) mayForget(x *address) {
	if x.sessions > 0 || x.lately != nil {
		return
	}
	if delete(a.known, x.key); len(a.known) == 0 {
		a.known = nil // what a crowd left behind: a map never shrinks
	}
}

// sweep forgets when the addresses last asked whose burst is all there again.
func (a *addresses) sweep(now time.Time) {
	for first := a.lately.Front(); first != nil; first = a.lately.Front() {
		x := first.Value.(*address)
		if now.Sub(x.asked) < a.refill && a.lately.Len() <= mostLately {
			return
		}
		a.lately.Remove(first)
		x.rate, x.lately = nil, nil
		a.mayForget(x)
	}
}
