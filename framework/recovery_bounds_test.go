package framework

import (
	"strconv"
	"testing"
	"time"

	"github.com/parlor-go/parlor/framework/adapter"
)

// What a client has handlers do must not grow with how often it does.
func TestWhatIsKnownOfRoomsThatWereLeftIsBounded(t *testing.T) {
	srv := New(Options{Recovery: Recovery{MaxDisconnection: time.Minute}})
	ns := srv.namespaces["/"]
	r := ns.recovery
	r.store.Attended(true)
	s := &Socket{ns: ns, id: "s", rec: new(recoverable)}
	ns.rooms.add(s)
	s.rec.stays = []adapter.Stay{{Room: s.id, From: r.store.Position()}}

	for i := range 10_000 {
		room := strconv.Itoa(i)
		ns.rooms.join(s, []string{room})
		ns.rooms.leave(s, []string{room})
	}
	if got := len(s.rec.stays); got != 1 {
		t.Errorf("nothing was sent meanwhile: got %d rooms, want its own", got)
	}
	for i := range 10_000 {
		room := strconv.Itoa(i)
		ns.rooms.join(s, []string{room})
		if _, err := r.store.Append(adapter.Packet{Data: []byte(`["x"]`)}, adapter.Selection{Rooms: []string{room}}); err != nil {
			t.Fatal(err)
		}
		ns.rooms.leave(s, []string{room})
	}
	if got := len(s.rec.stays); got != 1+mostLeft {
		t.Errorf("something was sent to each: got %d rooms, want its own and %d", got, mostLeft)
	}

	// Who has come so far that the rest is known recovers; who has not begins anew.
	for _, tt := range []struct {
		offset string
		want   error
		missed int
	}{{s.rec.blurred, nil, mostLeft}, {"", adapter.ErrOverrun, 0}} {
		err := r.store.Save(t.Context(), &adapter.Session{
			PID: "p", SID: s.id, Rooms: s.rec.stays, Last: r.store.Position(), Blurred: s.rec.blurred, LostAt: time.Now(),
		})
		if err != nil {
			t.Fatal(err)
		}
		back, err := r.store.Take(t.Context(), "p", tt.offset)
		if err != tt.want {
			t.Errorf("from %q: got %v, want %v", tt.offset, err, tt.want)
		} else if err == nil && len(back.Missed) != tt.missed {
			t.Errorf("from %q: got %d packets, want %d", tt.offset, len(back.Missed), tt.missed)
		}
	}
}
