package transport

import (
	"fmt"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// parseProxies panics with what is wrong with a prefix.
func parseProxies(list []netip.Prefix) []netip.Prefix {
	proxies := make([]netip.Prefix, 0, len(list))
	for _, p := range list {
		switch {
		case !p.IsValid() || p.Addr().Is4In6():
			panic(fmt.Sprintf("transport: Options.TrustedProxies has %v, which is no network: "+
				`want one such as netip.MustParsePrefix("10.0.0.0/8") or "2001:db8::/32"`, p))
		case p.Bits() == 0:
			panic(fmt.Sprintf("transport: Options.TrustedProxies has %v, which is everybody: each client could choose its address, "+
				"name the networks of the proxies", p))
		}
		proxies = append(proxies, p.Masked())
	}
	return proxies
}

// trusts tells whether an address is a trusted proxy's.
func (e *Engine) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(e.proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// unproxied returns r as the client sent it, if a trusted proxy tells: with the client's
// address and the host that it asked for. told is whether the address is from there.
func (e *Engine) unproxied(r *http.Request) (sent *http.Request, told bool) {
	if len(e.proxies) == 0 {
		return r, false
	}
	peer, ok := parsePeer(r.RemoteAddr)
	if !ok || !e.trusts(peer.Addr()) {
		return r, false
	}
	client := e.forwardedFor(r.Header["X-Forwarded-For"])
	host, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Host"), ",") // the first proxy's, which the client asked for
	host = strings.TrimSpace(host)
	if !client.IsValid() && host == "" {
		return r, false
	}
	sent = new(http.Request)
	*sent = *r
	if host != "" {
		sent.Host = host
	}
	if client.IsValid() {
		sent.RemoteAddr = client.String()
	}
	return sent, client.IsValid()
}

// forwardedFor returns the client's address by X-Forwarded-For headers: the last one
// that no trusted proxy has, since each proxy appends who spoke to it. What is in front
// of that, or of what is no address, anybody may have made up. It is not valid if the
// last entry is no address.
func (e *Engine) forwardedFor(headers []string) (client netip.AddrPort) {
	for _, header := range slices.Backward(headers) {
		for rest := header; rest != ""; {
			entry := rest
			if i := strings.LastIndexByte(rest, ','); i >= 0 {
				rest, entry = rest[:i], rest[i+1:]
			} else {
				rest = ""
			}
			if entry = strings.TrimSpace(entry); entry == "" {
				continue
			}
			addr, ok := parseAddress(entry)
			if !ok {
				return client
			}
			if client = addr; !e.trusts(addr.Addr()) {
				return client
			}
		}
	}
	return client
}

// parsePeer parses a request's RemoteAddr. Who comes over a Unix socket is on this machine.
func parsePeer(remote string) (netip.AddrPort, bool) {
	if remote == "@" || remote == "" {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), 0), true
	}
	return parseAddress(remote)
}

// parseAddress parses an address with or without a port, which is 0 then. IPv6 may have
// brackets and a zone, which means nothing to other machines.
func parseAddress(text string) (netip.AddrPort, bool) {
	addrPort, err := netip.ParseAddrPort(text)
	if err != nil {
		if inner, ok := strings.CutPrefix(text, "["); ok {
			text, ok = strings.CutSuffix(inner, "]")
			if !ok {
				return netip.AddrPort{}, false
			}
		}
		addr, err := netip.ParseAddr(text)
		if err != nil {
			return netip.AddrPort{}, false
		}
		addrPort = netip.AddrPortFrom(addr, 0)
	}
	return netip.AddrPortFrom(addrPort.Addr().Unmap().WithZone(""), addrPort.Port()), true
}
