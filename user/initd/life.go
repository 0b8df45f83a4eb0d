// SPDX-License-Identifier: Apache-2.0

package initd

import (
	"loam/abi"
	"loam/internal/manifest"
)

// Phase is where in its life a service is.
type Phase uint8

// The phases.
const (
	Stopped Phase = iota // it waits for a call, or for Boot
	Running              // it has a process
	Delayed              // it is started again, or waits for a call again, at Until
	Ended                // for good
)

// Action is what a Life wants done.
type Action uint8

// The actions.
const (
	Nothing Action = iota
	Start          // make a process, then tell Started or Ended
	Watch          // have a call to its endpoints be told to Called
	GiveUp         // nobody will receive from its endpoints any more
)

// Life is the life of a service. Times are in ns, on a clock that never goes back.
type Life struct {
	Phase    Phase
	Until    int64          // in Delayed
	Status   abi.ExitStatus // of the last end, if there was one
	Restarts uint64         // starts but for the first
	TooMany  bool           // it has ended because of Policy.Count

	policy manifest.Policy
	lazy   bool
	starts uint64
	since  int64   // the last start
	delay  int64   // before the last restart, 0: none yet
	recent []int64 // the last restarts, Policy.Count at most, the oldest first
}

// NewLife gives a service that has not been started.
func NewLife(p manifest.Policy, lazy bool) Life { return Life{policy: p, lazy: lazy} }

// Boot begins the life.
func (l *Life) Boot() Action { return l.begin() }

// begin starts the service, or has it wait for a call.
func (l *Life) begin() Action {
	l.Phase = Stopped
	if l.lazy {
		return Watch
	}
	return Start
}

// Called says that a call waits for the service.
func (l *Life) Called() Action {
	if l.Phase != Stopped || !l.lazy {
		return Nothing
	}
	return Start
}

// Started says that the service has a process.
func (l *Life) Started(now int64) {
	l.Phase, l.since = Running, now
	if l.starts++; l.starts > 1 {
		l.Restarts++
	}
}

// Ended says that the process has ended, or could not be made (abi.NotStarted).
func (l *Life) Ended(now int64, status abi.ExitStatus) Action {
	l.Status = status
	failure := status != abi.ExitStatus{Kind: abi.Exited}
	switch {
	case l.policy.Restart == manifest.Never, l.policy.Restart == manifest.OnFailure && !failure && !l.lazy:
		l.Phase = Ended
		return GiveUp
	case l.lazy && !failure:
		return l.begin()
	case l.tooMany(now):
		l.Phase, l.TooMany = Ended, true
		return GiveUp
	}
	l.delay = l.nextDelay(now, l.Phase == Running)
	if l.delay == 0 {
		return l.begin()
	}
	l.Phase, l.Until = Delayed, now+l.delay
	return Nothing
}

// nextDelay is how long the next restart waits.
func (l *Life) nextDelay(now int64, ran bool) int64 {
	first, most := int64(l.policy.First), int64(l.policy.Most)
	if l.delay == 0 || ran && now-l.since >= most {
		return first
	}
	return min(2*l.delay, most)
}

// tooMany notes a restart, and reports whether there were as many as there may be.
func (l *Life) tooMany(now int64) bool {
	n := l.policy.Count
	if n == 0 {
		return false
	}
	if len(l.recent) == n {
		if now-l.recent[0] < int64(l.policy.Window) {
			return true
		}
		copy(l.recent, l.recent[1:])
		l.recent = l.recent[:n-1]
	}
	l.recent = append(l.recent, now)
	return false
}

// Tick says what time it is.
func (l *Life) Tick(now int64) Action {
	if l.Phase != Delayed || now < l.Until {
		return Nothing
	}
	return l.begin()
}
