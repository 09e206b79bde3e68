package wheel

import (
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

const tick = 10 * time.Millisecond

// run runs a test on a turning wheel and the bubble's clock.
func run(t *testing.T, f func(w *Wheel)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := New(tick)
		stop := make(chan struct{})
		defer close(stop)
		go w.Run(stop)
		f(w)
	})
}

func TestTimersFireWithinATick(t *testing.T) {
	run(t, func(w *Wheel) {
		type firing struct{ want, got time.Duration }
		fired := make(chan firing, 1000)
		start := time.Now()
		for range 1000 {
			// Some take more than one turn of the wheel.
			d := rand.N(3 * slots * tick)
			w.Set(new(Timer), d, func() { fired <- firing{d, time.Since(start)} })
		}
		for range 1000 {
			f := <-fired
			if f.got < f.want || f.got > f.want+2*tick {
				t.Errorf("a timer of %v fired after %v", f.want, f.got)
			}
		}
	})
}

func TestStoppedTimersDoNotFire(t *testing.T) {
	run(t, func(w *Wheel) {
		fired := 0
		timers := make([]Timer, 100)
		for i := range timers {
			w.Set(&timers[i], time.Second, func() { fired++ })
		}
		for i := range timers {
			if i%3 != 0 {
				w.Stop(&timers[i])
				w.Stop(&timers[i])
			}
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if fired != 34 {
			t.Errorf("got %d timers fired, want 34", fired)
		}
	})
}

func TestSetReplacesTheDeadline(t *testing.T) {
	run(t, func(w *Wheel) {
		var timer Timer
		fired := make(chan time.Duration, 2)
		start := time.Now()
		w.Set(&timer, time.Second, func() { t.Error("the first deadline was met") })
		w.Set(&timer, 2*time.Second, func() {
			fired <- time.Since(start)
			w.Set(&timer, time.Second, func() { fired <- time.Since(start) })
		})
		if got := <-fired; got < 2*time.Second || got > 2*time.Second+2*tick {
			t.Errorf("got %v, want 2s", got)
		}
		if got := <-fired; got < 3*time.Second || got > 3*time.Second+4*tick {
			t.Errorf("got %v, want 3s", got)
		}
	})
}

func TestPassedDeadlinesFireAtTheNextTick(t *testing.T) {
	run(t, func(w *Wheel) {
		fired := make(chan struct{})
		w.Set(new(Timer), -time.Second, func() { close(fired) })
		<-fired
	})
}

func TestAStandstillLosesNoTimer(t *testing.T) {
	w := New(tick)
	fired := 0
	for i := range 5 * slots {
		w.Set(new(Timer), time.Duration(i)*tick, func() { fired++ })
	}
	for fire := w.due(6 * slots); fire != nil; fire = w.due(6 * slots) {
		fire()
	}
	if fired != 5*slots {
		t.Errorf("got %d timers fired, want %d", fired, 5*slots)
	}
}

func TestATimerStoppedWhileAnotherFiresDoesNotFire(t *testing.T) {
	w := New(tick)
	var first, second Timer
	fired := 0
	w.Set(&first, tick, func() { fired++; w.Stop(&second) })
	w.Set(&second, tick, func() { fired++; w.Stop(&first) })
	for fire := w.due(5); fire != nil; fire = w.due(5) {
		fire()
	}
	if fired != 1 {
		t.Errorf("got %d timers fired, want 1", fired)
	}
}

func TestATimerMayBeAsFarOffAsTheTypeGoes(t *testing.T) {
	w := New(tick)
	w.Set(new(Timer), math.MaxInt64, func() { t.Error("it fired") })
	if fire := w.due(1_000_000); fire != nil {
		fire()
	}
}

func BenchmarkSet(b *testing.B) {
	b.ReportAllocs()
	w := New(tick)
	timers := make([]Timer, 1000)
	fire := func() {}
	for i := range b.N {
		w.Set(&timers[i%len(timers)], 25*time.Second, fire)
	}
}

func TestResetFiresTheSameFunctionAgain(t *testing.T) {
	run(t, func(w *Wheel) {
		var timer Timer
		fired := make(chan time.Time, 1)
		w.Set(&timer, time.Second, func() { fired <- time.Now() })
		for range 3 {
			if !w.Waits(&timer) {
				t.Error("it does not wait")
			}
			start := time.Now()
			w.Reset(&timer, 2*time.Second)
			if took := (<-fired).Sub(start); took < 2*time.Second || took > 2*time.Second+2*tick {
				t.Errorf("it fired after %v, want 2s", took)
			}
			if w.Waits(&timer) {
				t.Error("it waits after it has fired")
			}
			w.Reset(&timer, time.Hour)
		}
		w.Stop(&timer)
		if w.Waits(&timer) {
			t.Error("it waits after Stop")
		}
	})
}
