package load

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"
)

// target is the server under load, and the requests to it that are made once.
type target struct {
	addr    string // host:port
	secure  bool
	path    string // of the Engine.IO endpoint
	upgrade []byte // the WebSocket handshake
	dialer  net.Dialer
}

// The handshake's key is the example of RFC 6455, and so is what must answer it.
const (
	wsKey    = "dGhlIHNhbXBsZSBub25jZQ=="
	wsAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

// browserHeaders are what Chrome sends with a WebSocket handshake: servers that
// keep the request pay for them.
const browserHeaders = "Pragma: no-cache\r\n" +
	"Cache-Control: no-cache\r\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36\r\n" +
	"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
	"Accept-Language: en-GB,en-US;q=0.9,en;q=0.8,de;q=0.7\r\n" +
	"Cookie: session=eyJ1c2VyIjoiYW5uIiwiaWF0IjoxNzYzODc2ODAwfQ.3mY0kq8ZC2wQpWq1Q4x9yVnG7fT5sJdL; theme=dark; consent=1\r\n" +
	"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"

func newTarget(rawURL, path string, browser bool) (*target, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("-url: %w", err)
	}
	t := &target{path: path, dialer: net.Dialer{Timeout: 10 * time.Second}}
	port := ""
	switch u.Scheme {
	case "http", "ws":
		port = "80"
	case "https", "wss":
		port, t.secure = "443", true
	default:
		return nil, fmt.Errorf("-url %s: want http:// or https://", rawURL)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	if u.Hostname() == "" {
		return nil, fmt.Errorf("-url %s: names no host", rawURL)
	}
	t.addr = net.JoinHostPort(u.Hostname(), port)
	headers := ""
	if browser {
		scheme := strings.Replace(u.Scheme, "ws", "http", 1)
		headers = "Origin: " + scheme + "://" + u.Host + "\r\n" + browserHeaders
	}
	t.upgrade = fmt.Appendf(nil, "GET %s?EIO=4&transport=websocket HTTP/1.1\r\nHost: %s\r\n"+
		"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %s\r\n%s\r\n",
		path, u.Host, wsKey, headers)
	return t, nil
}

// dial opens a connection on which everything has to happen before deadline.
func (t *target) dial(deadline time.Time) (net.Conn, error) {
	conn, err := t.dialer.Dial("tcp", t.addr)
	if err != nil {
		return nil, err
	}
	if t.secure {
		// The servers of a comparison make their certificates for one run.
		conn = tls.Client(conn, &tls.Config{InsecureSkipVerify: true})
	}
	if err := conn.SetDeadline(deadline); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}
