package transport

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestEverythingAtOnce has clients come, upgrade, talk, break off and be closed, all
// at the same time, and counts: every session ends once, and nothing is left.
func TestEverythingAtOnce(t *testing.T) {
	const clients, lives = 16, 12
	m := NewMessage([]byte("all"), []byte("\x01"))
	var peers sync.Map // *peer to nothing
	h := newHarness(t, Options{}, onTCP, withAccept(func(p *peer) {
		peers.Store(p, nil)
		_ = p.session.Send(m)
	}))
	stop := make(chan struct{})
	var broadcaster sync.WaitGroup
	broadcaster.Go(func() {
		tick := time.NewTicker(time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
			}
			peers.Range(func(p, _ any) bool {
				if p.(*peer).session.Send(m) != nil {
					peers.Delete(p)
				}
				return true
			})
		}
	})

	var wg sync.WaitGroup
	for range clients {
		wg.Go(func() {
			for range lives {
				h.live()
			}
		})
	}
	wg.Wait()
	close(stop)
	broadcaster.Wait()

	for range len(h.sessions) {
		p := <-h.sessions
		p.session.Abort(ReasonForcedClose, nil)
		receive(t, p.closed)
		if len(p.closed) > 0 {
			t.Error("Closed was called twice")
		}
	}
	eventually(t, "end of the workers", func() bool { return !h.busy() && h.engine.Len() == 0 })
}

// live is a random life of a client. What it sees is checked elsewhere.
func (h *harness) live() {
	var c *wsClient
	if rand.N(2) == 0 {
		c = h.dialWS(wsQuery)
	} else {
		res := h.get(pollQuery)
		_, id, _ := strings.Cut(res.body, `"sid":"`)
		id, _, _ = strings.Cut(id, `"`)
		q := pollQuery + "&sid=" + id
		for range rand.N(3) {
			h.post(q, "4hello")
			h.get(q)
		}
		switch rand.N(4) {
		case 0:
			h.post(q, "1")
			return
		case 1:
			return // gone without a word
		}
		c = h.dialWS(wsQuery + "&sid=" + id)
		if c.res.StatusCode != 101 || c.tryWrite(opText, []byte("2probe")) != nil {
			return
		}
		if rand.N(3) > 0 {
			_ = c.tryWrite(opText, []byte("5"))
		}
	}
	for i := range rand.N(20) {
		if c.tryWrite(opText, fmt.Appendf(nil, "4%d", i)) != nil {
			break
		}
		if rand.N(2) == 0 {
			if f, err := c.next(); err != nil || f.opcode == opClose {
				break
			}
		}
	}
	switch rand.N(3) {
	case 0:
		_ = c.tryWrite(opClose, nil)
	case 1:
		_ = c.tryWrite(opText, []byte("rubbish"))
	}
	_ = c.conn.Close()
}
