// SPDX-License-Identifier: Apache-2.0

package initd

import (
	"math/rand/v2"
	"testing"
	"time"

	"loam/abi"
	"loam/internal/manifest"
)

const (
	ms  = int64(time.Millisecond)
	sec = int64(time.Second)
)

var (
	clean  = abi.ExitStatus{Kind: abi.Exited}
	failed = abi.ExitStatus{Kind: abi.Signalled, Value: 11}
)

// TestBackOff: a service that dies at once is started after twice the time each
// time, up to the most; one that ran long begins anew; too many are the end.
func TestBackOff(t *testing.T) {
	l := NewLife(manifest.Policy{Restart: manifest.Always, First: 100 * time.Millisecond, Most: time.Second, Count: 6, Window: time.Minute}, false)
	now := int64(0)
	if l.Boot() != Start {
		t.Fatal("not started at boot")
	}
	for i, want := range []int64{100, 200, 400, 800, 1000} {
		l.Started(now)
		now += ms
		if a := l.Ended(now, failed); a != Nothing || l.Phase != Delayed || l.Until != now+want*ms {
			t.Fatalf("%d: %v, %+v", i, a, l)
		}
		if l.Tick(l.Until-1) != Nothing || l.Called() != Nothing {
			t.Fatalf("%d: started early", i)
		}
		if now = l.Until; l.Tick(now) != Start {
			t.Fatalf("%d: not started in time", i)
		}
	}
	l.Started(now)
	now += sec // as long as the longest delay
	if a := l.Ended(now, clean); a != Nothing || l.Until != now+100*ms {
		t.Fatalf("%v, %+v", a, l)
	}
	now = l.Until
	l.Tick(now)
	l.Started(now)
	if a := l.Ended(now, failed); a != GiveUp || l.Phase != Ended || !l.TooMany || l.Restarts != 6 || l.Status != failed {
		t.Fatalf("%v, %+v", a, l)
	}
	if l.Tick(now+sec) != Nothing || l.Called() != Nothing {
		t.Fatal("started when it has ended for good")
	}
}

// TestPolicies: what follows an end.
func TestPolicies(t *testing.T) {
	for _, c := range []struct {
		r      manifest.Restart
		lazy   bool
		status abi.ExitStatus
		delay  time.Duration
		want   Action
		phase  Phase
	}{
		{manifest.Never, false, failed, 0, GiveUp, Ended},
		{manifest.Never, true, clean, 0, GiveUp, Ended},
		{manifest.OnFailure, false, clean, 0, GiveUp, Ended},
		{manifest.OnFailure, false, failed, 0, Start, Stopped},
		{manifest.OnFailure, false, abi.ExitStatus{Kind: abi.Exited, Value: 1}, 0, Start, Stopped},
		{manifest.OnFailure, false, abi.ExitStatus{Kind: abi.NotStarted, Value: 8}, time.Second, Nothing, Delayed},
		{manifest.OnFailure, true, clean, time.Second, Watch, Stopped},
		{manifest.OnFailure, true, failed, 0, Watch, Stopped},
		{manifest.OnFailure, true, failed, time.Second, Nothing, Delayed},
		{manifest.Always, false, clean, 0, Start, Stopped},
		{manifest.Always, false, clean, time.Second, Nothing, Delayed},
		{manifest.Always, true, clean, time.Second, Watch, Stopped},
	} {
		l := NewLife(manifest.Policy{Restart: c.r, First: c.delay, Most: 2 * c.delay}, c.lazy)
		if a := l.Boot(); c.lazy != (a == Watch) {
			t.Fatalf("%+v: %v at boot", c, a)
		}
		if a := l.Called(); c.lazy != (a == Start) {
			t.Fatalf("%+v: %v when called", c, a)
		}
		l.Started(0)
		if l.Called() != Nothing {
			t.Fatalf("%+v: started twice", c)
		}
		if a := l.Ended(ms, c.status); a != c.want || l.Phase != c.phase {
			t.Errorf("%+v: %v, %+v", c, a, l)
		}
	}
}

// TestLifeModel plays lives of chance and looks, with all that was, whether each
// start was allowed and in time.
func TestLifeModel(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		p := manifest.Policy{Restart: manifest.Restart(random.IntN(3)), First: time.Duration(random.IntN(50)) * time.Millisecond,
			Count: random.IntN(6), Window: time.Duration(1+random.IntN(2000)) * time.Millisecond}
		p.Most = p.First + time.Duration(random.IntN(500))*time.Millisecond
		playLife(t, random, p, random.IntN(2) == 0)
	}
}

// end is one end of a life, as the oracle remembers it.
type end struct {
	at, ran int64
	counts  bool // as a restart
}

// oracle says from all ends of a life how long the next start waits after the
// last, and whether there is one.
func oracle(p manifest.Policy, ends []end) (delay int64, over bool) {
	delay, counted := 0, 0
	last := ends[len(ends)-1].at
	for _, e := range ends {
		if !e.counts {
			continue
		}
		switch {
		case delay == 0, e.ran >= int64(p.Most):
			delay = int64(p.First)
		default:
			delay = min(2*delay, int64(p.Most))
		}
		if last-e.at < int64(p.Window) {
			counted++
		}
	}
	return delay, p.Count > 0 && counted > p.Count
}

func playLife(t *testing.T, random *rand.Rand, p manifest.Policy, lazy bool) {
	l := NewLife(p, lazy)
	now, a := int64(0), l.Boot()
	var ends []end
	for range 40 {
		if a == Watch {
			now += random.Int64N(sec)
			a = l.Called()
		}
		if a != Start || l.Phase != Stopped {
			t.Fatalf("%+v: %v, %+v", p, a, l)
		}
		l.Started(now)
		if l.Restarts != uint64(len(ends)) {
			t.Fatalf("%d restarts after %d ends", l.Restarts, len(ends))
		}
		e := end{ran: random.Int64N(sec) * random.Int64N(2)}
		now += e.ran
		status := failed
		if random.IntN(3) == 0 {
			status = clean
		}
		e.at, e.counts = now, status != clean || !lazy
		ends = append(ends, e)
		a = l.Ended(now, status)
		if p.Restart == manifest.Never || p.Restart == manifest.OnFailure && !lazy && status == clean {
			if a != GiveUp || l.TooMany {
				t.Fatalf("%+v: %v, %+v", p, a, l)
			}
			return
		}
		delay, over := oracle(p, ends)
		if e.counts && over {
			if a != GiveUp || !l.TooMany {
				t.Fatalf("%+v, %+v: %v, %+v", p, ends, a, l)
			}
			return
		}
		if !e.counts {
			delay = 0
		}
		if delay > 0 {
			if a != Nothing || l.Phase != Delayed || l.Until != now+delay || l.Tick(l.Until-1) != Nothing {
				t.Fatalf("%+v, %+v: %v, %+v, want a delay of %d", p, ends, a, l, delay)
			}
			now = l.Until + random.Int64N(ms)
			a = l.Tick(now)
		}
		if lazy != (a == Watch) {
			t.Fatalf("%+v: %v, %+v", p, a, l)
		}
	}
}
