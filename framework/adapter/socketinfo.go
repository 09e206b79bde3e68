package adapter

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// SocketInfo is what a server tells others of a client. Its JSON is the reference
// server's, so that Node.js in the same cluster reads it (socket.io-adapter,
// FETCH_SOCKETS_RESPONSE).
type SocketInfo struct {
	ID        string          `json:"id"`
	Handshake Handshake       `json:"handshake"`
	Rooms     []string        `json:"rooms"` // the id among them
	Data      json.RawMessage `json:"data"`  // an object: the socket's values by their keys' names
}

// Handshake is what a client's first request said.
type Handshake struct {
	Header  http.Header // Host among them
	Time    time.Time   // when it came, to the millisecond
	Address string      // the client's IP address
	Secure  bool        // over TLS
	URL     string      // path and query: "/socket.io/?EIO=4&transport=websocket"
	Auth    json.RawMessage
}

// handshake is a Handshake as the reference server writes it.
type handshake struct {
	Headers map[string]texts `json:"headers"` // names in lower case
	Time    string           `json:"time"`
	Address string           `json:"address"`
	XDomain bool             `json:"xdomain"`
	Secure  bool             `json:"secure"`
	Issued  int64            `json:"issued"` // milliseconds
	URL     string           `json:"url"`
	Query   map[string]texts `json:"query"`
	Auth    json.RawMessage  `json:"auth"`
}

// jsDate is how JavaScript prints a Date.
const jsDate = "Mon Jan 02 2006 15:04:05 GMT-0700"

// MarshalJSON writes the reference server's form.
func (h Handshake) MarshalJSON() ([]byte, error) {
	w := handshake{
		Headers: make(map[string]texts, len(h.Header)),
		Time:    h.Time.Format(jsDate),
		Address: h.Address,
		XDomain: h.Header.Get("Origin") != "",
		Secure:  h.Secure,
		Issued:  h.Time.UnixMilli(),
		URL:     h.URL,
		Query:   make(map[string]texts),
		Auth:    h.Auth,
	}
	for name, values := range h.Header { // joined as Node.js does it
		separator := ", "
		if name == "Cookie" {
			separator = "; "
		}
		w.Headers[strings.ToLower(name)] = texts{strings.Join(values, separator)}
	}
	if u, err := url.Parse(h.URL); err == nil {
		for name, values := range u.Query() {
			w.Query[name] = values
		}
	}
	if len(w.Auth) == 0 {
		w.Auth = json.RawMessage("{}")
	}
	return json.Marshal(w)
}

// UnmarshalJSON reads the reference server's form.
func (h *Handshake) UnmarshalJSON(data []byte) error {
	var w handshake
	if err := json.Unmarshal(data, &w); err != nil {
		return fmt.Errorf("adapter: handshake: %w", err)
	}
	*h = Handshake{
		Header:  make(http.Header, len(w.Headers)),
		Time:    time.UnixMilli(w.Issued),
		Address: w.Address,
		Secure:  w.Secure,
		URL:     w.URL,
		Auth:    w.Auth,
	}
	for name, values := range w.Headers {
		for _, value := range values {
			h.Header.Add(name, value)
		}
	}
	return nil
}

// texts is a string, or an array of them where there is not exactly one.
type texts []string

var errTexts = errors.New("neither a string nor an array of strings")

func (t texts) MarshalJSON() ([]byte, error) {
	if len(t) == 1 {
		return json.Marshal(t[0])
	}
	return json.Marshal([]string(t))
}

func (t *texts) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = texts{one}
		return nil
	}
	var several []string
	if json.Unmarshal(data, &several) != nil {
		return errTexts
	}
	*t = several
	return nil
}
