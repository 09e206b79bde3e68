package transport

import (
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// fromHeader has requests come from the address in a header of the test's.
var fromHeader = withWrap(func(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if remote, ok := r.Header["X-Test-Remote"]; ok {
			r.RemoteAddr = remote[0]
		}
		next.ServeHTTP(w, r)
	})
})

// from sends a handshake from an address.
func (h *harness) from(remote string, headers ...string) response {
	h.t.Helper()
	return h.get(pollQuery, append(headers, "X-Test-Remote", remote)...)
}

// wantIn checks that a handshake was successful.
func wantIn(t *testing.T, res response) {
	t.Helper()
	if res.err != nil || res.status != 200 || !strings.HasPrefix(res.body, "0{") {
		t.Fatalf("got %d %q, %v, want a session", res.status, res.body, res.err)
	}
}

func TestBeyondMaxPerAddressHandshakesAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxPerAddress: 2}, fromHeader)
		wantIn(t, h.from("198.51.100.7:1"))
		p := h.peer()
		wantIn(t, h.from("[::ffff:198.51.100.7]:2")) // as a listener for both families has it
		wantRefused(t, h.from("198.51.100.7:3"), 429, "Too many connections")
		wantRefused(t, h.dialWS(wsQuery, "X-Test-Remote", "198.51.100.7:3").refusal(), 429, "Too many connections")
		wantIn(t, h.from("198.51.100.8:1"))
		if err := h.engine.Ready(); err != nil {
			t.Errorf("got %v, want to be ready for others", err)
		}
		if got := h.engine.Exceeded()["MaxPerAddress"]; got != 2 {
			t.Errorf("got MaxPerAddress exceeded %d times, want 2", got)
		}
		p.session.Abort(ReasonForcedClose, nil)
		wantIn(t, h.from("198.51.100.7:4"))
	})
}

func TestHandshakesOfOneAddressDoNotUseUpTheRateOfAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{AddressRate: 1, HandshakeRate: 2}, fromHeader)
		for i := range 5 {
			wantIn(t, h.from(fmt.Sprintf("198.51.100.7:%d", i)))
		}
		for range 100 {
			wantRefused(t, h.from("198.51.100.7:1"), 429, "Too many requests")
		}
		for i := range 15 { // the rest of ten seconds' worth
			wantIn(t, h.from(fmt.Sprintf("198.51.100.%d:1", 100+i)))
		}
		wantRefused(t, h.from("198.51.100.8:1"), 503, "Server is overloaded")
		time.Sleep(time.Second)
		wantIn(t, h.from("198.51.100.7:1"))
		wantRefused(t, h.from("198.51.100.7:1"), 429, "Too many requests")
	})
}

func TestIPv6AddressesCountByTheirNetwork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxPerAddress: 2}, fromHeader)
		wantIn(t, h.from("[2001:db8:1:2::1]:1"))
		wantIn(t, h.from("[2001:db8:1:2:ffff:ffff:ffff:ffff]:1"))
		wantRefused(t, h.from("[2001:db8:1:2:3::]:1"), 429, "Too many connections")
		wantIn(t, h.from("[2001:db8:1:3::1]:1"))
	})
}

func TestWhichAddressesAreBounded(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
	set := Options{MaxPerAddress: 7, AddressRate: 8, TrustedProxies: proxies}
	tests := []struct {
		remote string
		told   bool
		opts   Options
		most   bool
		rated  bool
	}{
		{"198.51.100.7:1", false, Options{}, true, true},
		{"198.51.100.7:1", false, Options{MaxPerAddress: -1}, false, true},
		{"198.51.100.7:1", false, Options{AddressRate: -1}, true, false},
		{"198.51.100.7:1", false, Options{MaxPerAddress: -1, AddressRate: -1}, false, false},
		{"[2001:db8::1]:1", false, Options{}, true, true},
		{"127.0.0.1:1", false, Options{}, false, false},
		{"[::1]:1", false, Options{}, false, false},
		{"10.1.2.3:1", false, Options{}, false, false},
		{"[fd00::1]:1", false, Options{}, false, false},
		{"[fe80::1%eth0]:1", false, Options{}, false, false},
		{"169.254.1.1:1", false, Options{}, false, false},
		{"100.64.1.1:1", false, Options{}, false, false},
		{"@", false, Options{}, false, false},
		{"", false, Options{}, false, false},
		{"127.0.0.1:1", false, set, true, true},
		{"@", false, set, true, true},
		{"10.1.2.3:1", false, Options{MaxPerAddress: 7}, true, false},
		{"10.1.2.3:1", true, Options{TrustedProxies: proxies}, true, true},     // a client of a private network
		{"192.0.2.1:1", false, Options{TrustedProxies: proxies}, false, false}, // the proxy itself
		{"192.0.2.1:1", true, Options{TrustedProxies: proxies}, false, false},
		{"pipe", false, set, false, false},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%s told %v", tt.remote, tt.told), func(t *testing.T) {
			e := New(tt.opts, nil)
			ask := e.addressOf(&http.Request{RemoteAddr: tt.remote}, tt.told)
			bounded := ask.most < 1<<31
			if bounded != tt.most || ask.rated != tt.rated || ask.key.IsValid() != (tt.most || tt.rated) {
				t.Errorf("got sessions bounded %v, rate %v, address %v, want %v, %v", bounded, ask.rated, ask.key, tt.most, tt.rated)
			}
		})
	}
}

func TestAddressesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{MaxSessions: 3}, fromHeader)
		for i := range 100 {
			_ = h.from(fmt.Sprintf("198.51.100.%d:1", i)) // most are refused
		}
		for range 3 {
			p := h.peer()
			defer p.session.Abort(ReasonForcedClose, nil)
		}
		time.Sleep(10 * time.Second) // nobody comes meanwhile
		a := &h.engine.lobby.addresses
		h.engine.lobby.mu.Lock()
		known, lately := len(a.known), a.lately.Len()
		for _, x := range a.known {
			if x.rate != nil || x.lately != nil || x.sessions != 1 {
				t.Errorf("got %+v, want what is idle to be small", x)
			}
		}
		h.engine.lobby.mu.Unlock()
		if known != 3 || lately != 0 {
			t.Errorf("got %d addresses known, %d of which asked lately, want 3 and none", known, lately)
		}
		for _, s := range h.engine.all() {
			s.Abort(ReasonForcedClose, nil)
		}
		synctest.Wait()
		wantNoAddresses(t, h.engine)
	})
}

func TestHowManyAddressesAreKnownIsBounded(t *testing.T) {
	a := newAddresses(&Options{AddressRate: 0.001})
	now := time.Now()
	for i := range mostLately + 1000 {
		key := netip.AddrFrom4([4]byte{198, byte(i >> 16), byte(i >> 8), byte(i)})
		if err := a.tooFast(asking{key: key, rated: true}, now); err != nil {
			t.Fatal(err)
		}
	}
	if len(a.known) != mostLately || a.lately.Len() != mostLately {
		t.Errorf("got %d addresses known, %d of which asked lately, want %d", len(a.known), a.lately.Len(), mostLately)
	}
}
