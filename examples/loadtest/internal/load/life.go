package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/parlor-go/parlor/examples/internal/wsframe"
)

// life measures whole lives, Clients of them side by side: connect, join, one
// echo, leave, and the server's end of the connection. It blocks, in a goroutine
// each: no life is long enough to be worth a poller.
func (r *run) life(ctx context.Context) (Result, error) {
	var group sync.WaitGroup
	result, err := r.measure(ctx, func() error {
		for id := range r.Clients {
			group.Go(func() {
				for n := 0; r.flow.begin(); n++ {
					began := time.Now()
					if err := r.liveOnce(began); err != nil {
						r.flow.fail(fmt.Errorf("client %d, life %d: %w", id, n+1, err))
						r.flow.stop() // the others end too
					} else {
						r.flow.answered.Add(1)
						r.flow.latency.Add(time.Since(began))
					}
					r.flow.end()
				}
			})
		}
		return nil
	})
	r.flow.stop()
	group.Wait()
	result.Window = 0
	return result, err
}

var leaving = append(wsframe.OfText("41"), wsframe.Append(nil, wsframe.Close, []byte{0x03, 0xe8})...)

func (r *run) liveOnce(began time.Time) error {
	s, err := r.target.connect(began.Add(r.Timeout))
	if err != nil {
		return err
	}
	defer s.conn.Close()
	if err := echoOnce(s); err != nil {
		return err
	}
	if _, err := s.conn.Write(leaving); err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	// The server answers the close frame and closes.
	for {
		if _, err := s.conn.Read(s.buf); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("wait for the server to close: %w", err)
		}
	}
}

func echoOnce(s *session) error {
	event := fmt.Sprintf(`42%d["echo",%s]`, firstID, Payload)
	p, err := s.call(event)
	if err != nil {
		return fmt.Errorf("echo: %w", err)
	}
	if len(p.data) < 2+idWidth || string(p.data[:2+idWidth]) != fmt.Sprintf("43%d", firstID) ||
		!sameJSON(p.data[2+idWidth:], []byte("["+Payload+"]")) {
		return wrong([]byte(event), fmt.Appendf(nil, "43%d[%s]", firstID, Payload), p.data)
	}
	return nil
}
