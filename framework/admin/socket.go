package admin

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/parlor-go/parlor/framework"
)

// socketInfo is a socket as the UI takes it.
type socketInfo struct {
	ID        string                     `json:"id"`
	ClientID  string                     `json:"clientId"`
	Transport string                     `json:"transport"`
	Namespace string                     `json:"nsp"`
	Data      map[string]json.RawMessage `json:"data"`
	Handshake handshakeInfo              `json:"handshake"`
	Rooms     []string                   `json:"rooms"`
}

type handshakeInfo struct {
	Address     string            `json:"address"`
	Headers     map[string]string `json:"headers"`
	Query       map[string]string `json:"query"`
	Issued      int64             `json:"issued"` // milliseconds of the epoch
	Secure      bool              `json:"secure"`
	Time        string            `json:"time"` // the same, to be read
	URL         string            `json:"url"`
	CrossDomain bool              `json:"xdomain"`
}

func describe(s *framework.Socket, known *seen) socketInfo {
	info := socketInfo{
		ID:        s.ID(),
		ClientID:  s.Client().ID(),
		Transport: s.Transport(),
		Namespace: s.Namespace().Path(),
		Data:      known.data,
		Handshake: describeHandshake(s.Handshake()),
		Rooms:     known.rooms,
	}
	if info.Data == nil {
		info.Data = map[string]json.RawMessage{}
	}
	if info.Rooms == nil {
		info.Rooms = []string{}
	}
	return info
}

func describeHandshake(h *framework.Handshake) handshakeInfo {
	header := h.Header()
	u := h.URL()
	info := handshakeInfo{
		Address:     brief(address(header, h.RemoteAddr), maxText),
		Headers:     describeHeader(header, h.Host),
		Query:       describeQuery(u.Query()),
		Issued:      h.Time.UnixMilli(),
		Secure:      h.Secure,
		Time:        h.Time.Format("Mon Jan 02 2006 15:04:05 GMT-0700 (MST)"), // as JavaScript's Date has it
		URL:         brief(u.RequestURI(), maxURL),
		CrossDomain: h.CrossDomain(),
	}
	return info
}

// address is the client's, as a proxy in front of the server gives it if there is one.
// Nobody has checked that there is: it is to be read, not to be trusted.
func address(header http.Header, remote string) string {
	for _, name := range []string{"Cf-Connecting-Ip", "X-Forwarded-For"} {
		if a := strings.Join(header[name], ", "); a != "" {
			return a
		}
	}
	if host, _, err := net.SplitHostPort(remote); err == nil {
		return host
	}
	return remote
}

// What of a handshake is told, for a client may put a megabyte into it, and each new
// admin hears of all clients at once.
const (
	maxFields = 40  // headers, and parameters of the query
	maxText   = 256 // bytes of a name, of a value
	maxURL    = 1024
)

// describeHeader has the names as Node.js has them. What lets somebody act as the user
// is no business of an admin's.
func describeHeader(header http.Header, host string) map[string]string {
	told := map[string]string{"host": brief(host, maxText)}
	for _, name := range slices.Sorted(maps.Keys(header)) {
		if len(told) == maxFields {
			told["..."] = fmt.Sprintf("(%d headers in all)", len(header))
			break
		}
		text := strings.Join(header[name], ", ")
		switch name {
		case "Authorization", "Proxy-Authorization", "Cookie":
			text = "(not shown)"
		}
		told[brief(strings.ToLower(name), maxText)] = brief(text, maxText)
	}
	return told
}

// describeQuery takes the last of what is repeated, as the reference does.
func describeQuery(query url.Values) map[string]string {
	told := make(map[string]string, min(len(query), maxFields))
	for _, name := range slices.Sorted(maps.Keys(query)) {
		if len(told) == maxFields {
			told["..."] = fmt.Sprintf("(%d parameters in all)", len(query))
			break
		}
		values := query[name]
		told[brief(name, maxText)] = brief(values[len(values)-1], maxText)
	}
	return told
}

// brief is the beginning of a text that is longer than most bytes.
func brief(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}

// maxShown bounds the text of an event's arguments.
const maxShown = 16 << 10

// printable is an event as a list for the UI to print, its name first: binary values
// and arguments that are too long only by their size.
func printable(event string, args framework.Args) []any {
	list := []any{brief(event, maxText)}
	size := 0
	for i := range args.Len() {
		raw := args.Raw(i)
		size += len(raw)
		if size > maxShown {
			return append(list, fmt.Sprintf("(%d more arguments, of which this one has %d bytes)", args.Len()-i-1, len(raw)))
		}
		list = append(list, textual(args, i))
	}
	return list
}

// textual is argument i, with words for what is binary.
func textual(args framework.Args, i int) any {
	raw := args.Raw(i)
	if !strings.Contains(string(raw), "_placeholder") {
		return raw
	}
	var v any
	if err := args.Decode(i, &v); err != nil {
		return "(not shown: " + err.Error() + ")"
	}
	return worded(v)
}

func worded(v any) any {
	switch v := v.(type) {
	case []byte:
		return fmt.Sprintf("(%d bytes)", len(v))
	case []any:
		for i := range v {
			v[i] = worded(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = worded(v[key])
		}
	}
	return v
}
