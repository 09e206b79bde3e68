package transport

import (
	"errors"
	"fmt"
	"time"
)

var errProbePacket = errors.New("transport: the probe sent what does not belong there")

func tooSlow(timeout time.Duration) *LimitError {
	return &LimitError{"UpgradeTimeout", fmt.Sprintf("an upgrade, or the opening of a stream, took longer than %v", timeout)}
}

// failProbe notes why the probe c is about to be closed, and reports whether it still
// was one.
func (s *Session) failProbe(c *conn, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poll == nil || s.poll.probe != c {
		return false
	}
	if s.poll.probeErr == nil {
		s.poll.probeErr = err
	}
	return true
}

// UpgradeHandler is a Handler that is told of upgrades as Options.OnUpgrade and
// OnUpgradeFailed are, and before them, on a goroutine that reads from the client: it
// must not block. A panic is logged.
type UpgradeHandler interface {
	Handler
	Upgraded()
	UpgradeFailed(err error)
}

// upgradeHandler returns nil for a Handler that is not told.
func (s *Session) upgradeHandler() UpgradeHandler {
	s.mu.Lock()
	defer s.mu.Unlock()
	h, _ := s.handler.(UpgradeHandler)
	return h
}

// tellUpgrade tells the handler, and calls Options.OnUpgrade.
func (s *Session) tellUpgrade() {
	if h := s.upgradeHandler(); h != nil {
		s.contain("Handler.Upgraded", h.Upgraded)
	}
	if f := s.engine.opts.OnUpgrade; f != nil {
		s.callHook("Options.OnUpgrade", func() { f(s) })
	}
}

// tellUpgradeFailed tells the handler, and calls Options.OnUpgradeFailed. why is what
// closed the probe, nil if that was the client or the network, and err how its reading
// ended. A session that is over has no upgrade that failed.
func (s *Session) tellUpgradeFailed(why, err error) {
	f, h := s.engine.opts.OnUpgradeFailed, s.upgradeHandler()
	if f == nil && h == nil || s.ended.Load() {
		return
	}
	if why == nil {
		why = errors.New("transport: the probe was closed")
		if err != nil {
			why = fmt.Errorf("%w: %w", why, err)
		}
	}
	if h != nil {
		s.contain("Handler.UpgradeFailed", func() { h.UpgradeFailed(why) })
	}
	if f != nil {
		s.callHook("Options.OnUpgradeFailed", func() { f(s, why) })
	}
}

// callHook calls f on a goroutine of its own, for which Shutdown waits.
func (s *Session) callHook(name string, f func()) {
	s.engine.hold()
	go func() {
		defer s.engine.release()
		s.contain(name, f)
	}()
}
