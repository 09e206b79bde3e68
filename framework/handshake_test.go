package framework

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"testing"
)

func TestAHandshakeSaysWhatItsRequestSaid(t *testing.T) {
	tests := []struct {
		name   string
		target string
		header http.Header
	}{
		{"nothing", "/socket.io/", http.Header{}},
		{"query", "/socket.io/?EIO=4&transport=websocket&tag=a&tag=b%26c", http.Header{}},
		{"escaped path", "/a%2Fb/socket.io/?x", http.Header{}},
		{"absolute", "http://proxy.test:81/socket.io/?x=y", http.Header{}},
		{"browser", "/", http.Header{
			"User-Agent": {"Mozilla/5.0"}, "Accept-Language": {"de", "en"}, "Cookie": {"a=b; c=d"}, "X-Empty": {""},
		}},
		{"what no client can send", "/", http.Header{"X-User": {"a\nb: c\x00", string(make([]byte, 3<<10))}, "": {"ü"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, tt.target, nil)
			r.Header = tt.header
			r.Host = "chat.test"
			h := newHandshake(r)
			if got := h.URL(); !reflect.DeepEqual(got, r.URL) {
				t.Errorf("URL: got %#v, want %#v", got, r.URL)
			}
			if got, want := h.Query(), r.URL.Query(); !reflect.DeepEqual(got, want) {
				t.Errorf("Query: got %v, want %v", got, want)
			}
			if got := h.Header(); !reflect.DeepEqual(got, tt.header) {
				t.Errorf("Header: got %q, want %q", got, tt.header)
			}
			if h.Host != "chat.test" || h.RemoteAddr != r.RemoteAddr {
				t.Errorf("got host %q, address %q", h.Host, h.RemoteAddr)
			}
		})
	}
}

func TestWhatAHandshakeReturnsIsTheCallers(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/?a=b", nil)
	r.Header.Set("User-Agent", "one")
	h := newHandshake(r)
	h.Header().Set("User-Agent", "two")
	h.URL().RawQuery = ""
	h.Query().Del("a")
	if got := h.Header().Get("User-Agent"); got != "one" {
		t.Errorf("header: got %q, want %q", got, "one")
	}
	if got, want := h.Query(), (url.Values{"a": {"b"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("query: got %v, want %v", got, want)
	}
}

func TestAlikeHeadersAreSorted(t *testing.T) { // they are looked up by halves
	if !slices.IsSorted(alikeHeaders) {
		t.Errorf("got %q", alikeHeaders)
	}
	for _, name := range alikeHeaders {
		if got := http.CanonicalHeaderKey(name); got != name {
			t.Errorf("got %q, want %q", name, got)
		}
	}
}

func TestAHandshakeThatATestMadeIsEmpty(t *testing.T) {
	h := &Handshake{RemoteAddr: "192.0.2.1:1"}
	if got := h.Header(); len(got) > 0 {
		t.Errorf("header: got %v", got)
	}
	if _, err := h.Cookie("x"); err != http.ErrNoCookie {
		t.Errorf("cookie: got %v, want %v", err, http.ErrNoCookie)
	}
}
