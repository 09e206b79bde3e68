package transport

import (
	"fmt"
	"math"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var testProxies = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:aaaa::/48")}

func TestTheClientsAddressIsTheLastThatNoProxyHas(t *testing.T) {
	tests := []struct {
		name   string
		remote string
		xff    []string
		want   string
		told   bool
	}{
		{"no header", "10.0.0.1:99", nil, "10.0.0.1:99", false},
		{"not trusted", "198.51.100.9:99", []string{"203.0.113.7"}, "198.51.100.9:99", false},
		{"not parsed", "pipe", []string{"203.0.113.7"}, "pipe", false},
		{"one", "10.0.0.1:99", []string{"203.0.113.7"}, "203.0.113.7:0", true},
		{"by IPv6", "[2001:db8:aaaa::1]:99", []string{"203.0.113.7"}, "203.0.113.7:0", true},
		{"IPv4 in IPv6", "[::ffff:10.0.0.1]:99", []string{"::ffff:203.0.113.7"}, "203.0.113.7:0", true},
		{"made up in front", "10.0.0.1:99", []string{"127.0.0.1, 1.1.1.1, 203.0.113.7"}, "203.0.113.7:0", true},
		{"made up as a proxy", "10.0.0.1:99", []string{"1.1.1.1, 10.0.0.9, 203.0.113.7, 10.0.0.2"}, "203.0.113.7:0", true},
		{"two proxies", "10.0.0.1:99", []string{"203.0.113.7, 10.0.0.2"}, "203.0.113.7:0", true},
		{"several lines", "10.0.0.1:99", []string{"1.1.1.1", "203.0.113.7", "10.0.0.2,10.0.0.3"}, "203.0.113.7:0", true},
		{"spaces", "10.0.0.1:99", []string{" \t203.0.113.7 \t,  10.0.0.2 "}, "203.0.113.7:0", true},
		{"empty ones", "10.0.0.1:99", []string{",203.0.113.7,, ", "", ","}, "203.0.113.7:0", true},
		{"port", "10.0.0.1:99", []string{"203.0.113.7:4711"}, "203.0.113.7:4711", true},
		{"IPv6", "10.0.0.1:99", []string{"2001:db8::7"}, "[2001:db8::7]:0", true},
		{"brackets", "10.0.0.1:99", []string{"[2001:db8::7]"}, "[2001:db8::7]:0", true},
		{"brackets and port", "10.0.0.1:99", []string{"[2001:db8::7]:4711"}, "[2001:db8::7]:4711", true},
		{"zone", "10.0.0.1:99", []string{"fe80::7%eth0"}, "[fe80::7]:0", true},
		{"zone of a proxy", "10.0.0.1:99", []string{"203.0.113.7, 2001:db8:aaaa::1%eth0"}, "203.0.113.7:0", true},
		{"only proxies", "10.0.0.1:99", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3:0", true},
		{"garbage last", "10.0.0.1:99", []string{"203.0.113.7, unknown"}, "10.0.0.1:99", false},
		{"garbage behind a proxy", "10.0.0.1:99", []string{"203.0.113.7, unknown, 10.0.0.2"}, "10.0.0.2:0", true},
		{"garbage in front", "10.0.0.1:99", []string{"<script>, 203.0.113.7"}, "203.0.113.7:0", true},
		{"half a bracket", "10.0.0.1:99", []string{"203.0.113.7, [2001:db8::7"}, "10.0.0.1:99", false},
		{"no port behind a colon", "10.0.0.1:99", []string{"203.0.113.7:"}, "10.0.0.1:99", false},
		{"a port too large", "10.0.0.1:99", []string{"203.0.113.7:65536"}, "10.0.0.1:99", false},
		{"leading zeros", "10.0.0.1:99", []string{"010.0.0.1"}, "10.0.0.1:99", false},
		{"a name", "10.0.0.1:99", []string{"localhost"}, "10.0.0.1:99", false},
	}
	e := New(Options{TrustedProxies: testProxies}, nil)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: tt.remote, Header: http.Header{"X-Forwarded-For": tt.xff}}
			sent, told := e.unproxied(r)
			if sent.RemoteAddr != tt.want || told != tt.told {
				t.Errorf("got %q, told %v, want %q, %v", sent.RemoteAddr, told, tt.want, tt.told)
			}
			if r.RemoteAddr != tt.remote {
				t.Error("the request itself was changed")
			}
		})
	}
}

func TestAProxyOnAUnixSocketIsOfThisMachine(t *testing.T) {
	e := New(Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}}, nil)
	r := &http.Request{RemoteAddr: "@", Header: http.Header{"X-Forwarded-For": {"203.0.113.7"}}}
	if sent, _ := e.unproxied(r); sent.RemoteAddr != "203.0.113.7:0" {
		t.Errorf("got %q, want the client's address", sent.RemoteAddr)
	}
}

func TestTheClientsAddressIsSeenEverywhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var allowed, refused []string
		h := newHarness(t, Options{
			TrustedProxies: testProxies,
			MaxPerAddress:  2,
			AllowRequest: func(r *http.Request) error {
				allowed = append(allowed, r.RemoteAddr+" "+r.Host)
				return nil
			},
			OnConnectionError: func(e ConnectionError) { refused = append(refused, e.Request.RemoteAddr) },
		}, fromHeader)
		headers := []string{"X-Test-Remote", "10.0.0.1:99", "X-Forwarded-For", "203.0.113.7", "X-Forwarded-Host", "chat.example"}
		wantIn(t, h.get(pollQuery, headers...))
		p := h.peer()
		if got := p.session.RemoteAddr() + " " + p.request.RemoteAddr; got != "203.0.113.7:0 203.0.113.7:0" {
			t.Errorf("got addresses %s of a client that polls, want the client's", got)
		}
		c := h.dialWS(wsQuery, headers...)
		c.read()
		if got := h.peer().session.RemoteAddr(); got != "203.0.113.7:0" {
			t.Errorf("got address %s of a WebSocket, want the client's", got)
		}
		wantRefused(t, h.get(pollQuery, headers...), 429, "Too many connections")
		if want := "203.0.113.7:0 chat.example"; len(allowed) != 2 || allowed[0] != want || allowed[1] != want {
			t.Errorf("AllowRequest saw %v, want %q twice", allowed, want)
		}
		if len(refused) != 1 || refused[0] != "203.0.113.7:0" {
			t.Errorf("OnConnectionError saw %v, want the client's address", refused)
		}
		if logs := h.logs.String(); !strings.Contains(logs, `"remote":"203.0.113.7:0"`) || strings.Contains(logs, "10.0.0.1") {
			t.Errorf("got log %s, want the client's address", logs)
		}
	})
}

func TestUpgradingKeepsTheAddressThatAProxyTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHarness(t, Options{TrustedProxies: testProxies}, fromHeader)
		headers := []string{"X-Test-Remote", "10.0.0.1:99", "X-Forwarded-For", "203.0.113.7"}
		wantIn(t, h.get(pollQuery, headers...))
		p := h.peer()
		c := h.dialWS(wsQuery+"&sid="+p.session.ID(), headers...)
		c.send("2probe")
		c.want("3probe")
		c.send("5")
		if err := receive(t, p.moves); err != nil {
			t.Fatal(err)
		}
		if got := p.session.RemoteAddr(); got != "203.0.113.7:0" {
			t.Errorf("got address %s, want the client's", got)
		}
	})
}

func TestTheHostThatAProxyTellsIsTheOwnOrigin(t *testing.T) {
	tests := []struct {
		name   string
		remote string
		host   string
		origin string
		want   int
	}{
		{"by a proxy", "10.0.0.1:99", "chat.example", "https://chat.example", 200},
		{"with a port", "10.0.0.1:99", "chat.example:8443", "https://chat.example:8443", 200},
		{"through two", "10.0.0.1:99", "chat.example, inner.example", "https://chat.example", 200},
		{"another", "10.0.0.1:99", "chat.example", "https://evil.example", 403},
		{"not told", "10.0.0.1:99", "", "https://parlor.test", 200},
		{"by anybody", "198.51.100.7:99", "evil.example", "https://evil.example", 403},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHarness(t, Options{TrustedProxies: testProxies}, fromHeader)
				headers := []string{"Origin", tt.origin, "X-Test-Remote", tt.remote}
				if tt.host != "" {
					headers = append(headers, "X-Forwarded-Host", tt.host)
				}
				if res := h.get(pollQuery, headers...); res.status != tt.want {
					t.Errorf("got status %d, want %d", res.status, tt.want)
				}
				r := h.request("GET", "/client.js", "", headers...)
				r.RemoteAddr = tt.remote
				if got := h.engine.SetCORS(http.Header{}, r); got != (tt.want == 200) {
					t.Errorf("SetCORS: got %v, want %v", got, tt.want == 200)
				}
			})
		})
	}
}

func TestOptionsOfAdmissionThatMakeNoSensePanic(t *testing.T) {
	proxies := func(p ...netip.Prefix) Options { return Options{TrustedProxies: p} }
	tests := []struct {
		name string
		opts Options
		want string
	}{
		{"no prefix", proxies(netip.Prefix{}), "which is no network"},
		{"IPv4 in IPv6", proxies(netip.MustParsePrefix("::ffff:10.0.0.0/104")), "which is no network"},
		{"everybody", proxies(netip.MustParsePrefix("0.0.0.0/0")), "which is everybody"},
		{"everybody by IPv6", proxies(netip.MustParsePrefix("::/0")), "which is everybody"},
		{"no number", Options{HandshakeRate: math.NaN()}, "Options.HandshakeRate is NaN"},
		{"infinite", Options{AddressRate: math.Inf(1)}, "Options.AddressRate is +Inf"},
		{"negative BodyTimeout", Options{BodyTimeout: -time.Second}, "Options.BodyTimeout is negative"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, tt.want) {
					t.Errorf("got panic %q, want one with %q", got, tt.want)
				}
			}()
			New(tt.opts, nil)
		})
	}
}
