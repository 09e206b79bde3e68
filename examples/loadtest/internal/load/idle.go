package load

import (
	"context"
	"fmt"
	"time"
)

// idle connects as a browser would, and then only answers pings.
func (r *run) idle(ctx context.Context) (Result, error) {
	before, err := r.read()
	if err != nil {
		return Result{}, err
	}
	d, err := newDriver(r.Threads, r.target.secure, r.flow.fail)
	if err != nil {
		return Result{}, err
	}
	defer d.close()
	err = r.each(ctx, func(id int) error {
		s, err := r.target.connect(time.Now().Add(r.Timeout))
		if err != nil {
			return err
		}
		return s.handOver(d, &client{id: id, pings: &r.pings, handler: silence{}})
	})
	if err != nil {
		return Result{}, err
	}
	connected, err := r.read()
	if err != nil {
		return Result{}, err
	}
	pings := r.pings.Load()
	if err := r.wait(ctx, r.Duration, nil); err != nil {
		return Result{}, err
	}
	held, err := r.read()
	if err != nil {
		return Result{}, err
	}
	pings = r.pings.Load() - pings
	result := Result{Events: pings, Seconds: held.at.Sub(connected.at).Seconds()}
	result.Rate = float64(pings) / result.Seconds
	result.Generator = micros(held.own-connected.own, pings)
	result.figure("connect", connected.at.Sub(before.at).Seconds(), "s")
	result.figure("heartbeats", float64(pings), "")
	if r.PID == 0 {
		return result, nil
	}
	clients := int64(r.Clients)
	result.Server = &Cost{RSS: float64(held.server.rss) / mib}
	result.figure("rss_per_client", float64(held.server.rss-before.server.rss)/1024/float64(clients), "KiB")
	result.figure("cpu_per_accept", micros(connected.server.cpu()-before.server.cpu(), clients), "µs")
	if pings < clients {
		result.Notes = append(result.Notes, fmt.Sprintf("%d heartbeats are too few to say what one costs: hold for longer than the server's ping interval", pings))
		return result, nil
	}
	result.Server.User = micros(held.server.user-connected.server.user, pings)
	result.Server.System = micros(held.server.system-connected.server.system, pings)
	result.Server.CPU = micros(held.server.cpu()-connected.server.cpu(), pings)
	result.figure("cpu_per_heartbeat", result.Server.CPU, "µs")
	return result, nil
}

// silence is the handler of clients that nobody should tell anything.
type silence struct{}

func (silence) packet(_ *client, p []byte) error {
	return fmt.Errorf("wanted nothing but pings, got %s", clip(p))
}

func (silence) attach(_ *client, p []byte) error { return silence{}.packet(nil, p) }
