package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

// longestTimeout is up to which interval and timeout together vanish waits for a
// server to notice clients that fell silent.
const longestTimeout = 10 * time.Second

// vanish connects, echoes once, and then goes without a word of Socket.IO: half
// of the clients end their connections, half stop answering.
func (r *run) vanish(ctx context.Context) (Result, error) {
	before, err := r.state()
	if err != nil {
		return Result{}, err
	}
	sessions := make([]*session, r.Clients)
	defer func() {
		for _, s := range sessions {
			if s != nil {
				s.conn.Close()
			}
		}
	}()
	began := time.Now()
	err = r.each(ctx, func(id int) error {
		s, err := r.target.connect(time.Now().Add(r.Timeout))
		if err != nil {
			return err
		}
		sessions[id] = s
		return echoOnce(s)
	})
	if err != nil {
		return Result{}, err
	}
	result := Result{Events: int64(r.Clients), Seconds: time.Since(began).Seconds()}
	result.Rate = float64(r.Clients) / result.Seconds
	with, err := r.state()
	if err != nil {
		return Result{}, err
	}
	open := sessions[0].open
	patience := time.Duration(open.PingInterval+open.PingTimeout) * time.Millisecond
	silent := patience <= longestTimeout
	if !silent {
		patience = time.Second
		result.Notes = append(result.Notes, fmt.Sprintf("all clients ended their connections: the server notices silent ones after %d ms only, which is more than %v (shorten its ping interval and timeout)",
			open.PingInterval+open.PingTimeout, longestTimeout))
	}
	for i, s := range sessions {
		if i%2 == 0 || !silent {
			s.conn.Close()
		}
	}
	if err := r.wait(ctx, patience+time.Second, nil); err != nil {
		return Result{}, err
	}
	after, err := r.state()
	if err != nil {
		return Result{}, err
	}
	for _, f := range []struct {
		when string
		state
	}{{"before", before}, {"with clients", with}, {"after", after}} {
		if r.PID != 0 {
			result.figure("rss "+f.when, float64(f.rss)/mib, "MiB")
		}
		if f.goroutines > 0 {
			result.figure("goroutines "+f.when, float64(f.goroutines), "")
		}
	}
	return result, nil
}

// state is what a server should have as little of after its clients as before.
type state struct {
	rss        int64
	goroutines int // 0 if the server does not tell
}

func (r *run) state() (state, error) {
	s := state{}
	if r.PID != 0 {
		u, err := readUsage(r.PID)
		if err != nil {
			return s, err
		}
		s.rss = u.rss
	}
	conn, err := r.target.dial(time.Now().Add(time.Second))
	if err != nil {
		return s, err
	}
	defer conn.Close()
	s.goroutines, err = askGoroutines(conn, r.target.addr)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil // a bare server of Node's does not answer what it does not know
	}
	return s, err
}

func askGoroutines(conn io.ReadWriter, host string) (int, error) {
	if _, err := fmt.Fprintf(conn, "GET /debug/goroutines HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host); err != nil {
		return 0, err
	}
	answer, err := io.ReadAll(io.LimitReader(conn, 64<<10))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, err
	}
	if !okStatus(answer) {
		return 0, nil
	}
	_, body, _ := strings.Cut(string(answer), "\r\n\r\n")
	n, err := strconv.Atoi(strings.TrimSpace(body))
	if err != nil {
		return 0, fmt.Errorf("GET /debug/goroutines: %w", err)
	}
	return n, nil
}
