package load

import "time"

// Result is what one scenario measured.
type Result struct {
	Scenario string  `json:"scenario"`
	Clients  int     `json:"clients"`
	Window   int     `json:"window,omitempty"`
	Events   int64   `json:"events"` // answers; deliveries for broadcast and rooms
	Seconds  float64 `json:"seconds"`
	Rate     float64 `json:"events_per_second"`

	P50 float64 `json:"p50_ms"` // broadcast, rooms, beside: from sending to the last delivery
	P99 float64 `json:"p99_ms"`

	Server    *Cost    `json:"server,omitempty"`       // nil without -pid
	Generator float64  `json:"generator_us,omitempty"` // its own CPU per event
	Figures   []Figure `json:"figures,omitempty"`      // what only this scenario has
	Notes     []string `json:"notes,omitempty"`
}

// Cost is what the server's process used.
type Cost struct {
	CPU    float64 `json:"cpu_us"` // per event, user and system
	User   float64 `json:"user_us"`
	System float64 `json:"system_us"`
	RSS    float64 `json:"rss_mib"` // at the end
}

// Figure is a named number.
type Figure struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
}

// Figure finds a figure by its name.
func (r Result) Figure(name string) (float64, bool) {
	for _, f := range r.Figures {
		if f.Name == name {
			return f.Value, true
		}
	}
	return 0, false
}

func (r *Result) figure(name string, value float64, unit string) {
	r.Figures = append(r.Figures, Figure{name, value, unit})
}

// usage is what a process has used since its start.
type usage struct {
	user, system time.Duration
	rss          int64 // bytes, now
}

func (u usage) cpu() time.Duration { return u.user + u.system }

func micros(d time.Duration, events int64) float64 {
	return float64(d.Nanoseconds()) / 1e3 / float64(max(events, 1))
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

const mib = 1 << 20
