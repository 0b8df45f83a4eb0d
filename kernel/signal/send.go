// SPDX-License-Identifier: Apache-2.0

package signal

import "loam/abi"

// Sent says what sending a signal came to.
type Sent uint8

const (
	Dropped Sent = iota // ignored: nothing to do
	Merged              // the same signal was pending already: nothing to do
	Queued              // pending now: a thread that isn't blocking it is to look
	Resumed             // SIGCONT: the process goes on if stopped; it may be pending too
)

// SendThread makes a signal pending for one thread, for tgkill(2). The signal
// is valid; the caller has checked the sender's right. After Queued the caller
// has t, if it waits or runs, look at its signals, provided t.Wants it.
func SendThread(p *Process, t *Thread, info abi.Siginfo) Sent {
	return send(p, &t.pending, t.mask|t.awaited, info)
}

// SendProcess makes a signal pending for the process, for kill(2) and for
// signals of the kernel. blocked is the intersection of the masks of the
// process's threads: an ignored signal is kept if all block it, since its
// action may change before they don't. After Queued the caller has one thread
// look that Wants it.
func SendProcess(p *Process, blocked abi.Sigset, info abi.Siginfo) Sent {
	return send(p, &p.pending, blocked, info)
}

func send(p *Process, to *pending, blocked abi.Sigset, info abi.Siginfo) Sent {
	s := info.Signo
	result := Queued
	if s == abi.SIGCONT {
		p.pending.set &^= stopping
		to.set &^= stopping
		result = Resumed
	} else if stopping&s.Set() != 0 {
		p.pending.set &^= abi.SIGCONT.Set()
		to.set &^= abi.SIGCONT.Set()
	}
	switch {
	case p.ignores(s) && !blocked.Has(s):
		if result == Queued {
			result = Dropped
		}
	case !to.add(info) && result == Queued:
		result = Merged
	}
	return result
}

// Force makes a signal pending that the thread's own instruction caused, with
// the mask and the action out of its way: where it is blocked or ignored it
// ends the process, since the instruction can't go on.
func Force(p *Process, t *Thread, info abi.Siginfo) {
	s := info.Signo
	a := &p.actions[s-1]
	if t.mask.Has(s) || a.Handler == abi.SIG_IGN {
		*a = abi.Sigaction{}
		t.mask &^= s.Set()
	}
	t.pending.put(info)
}

// Await starts rt_sigtimedwait(2): if a signal of set is pending it is taken
// and given at once; otherwise the thread waits, and Wants signals of set until
// EndAwait.
func Await(p *Process, t *Thread, set abi.Sigset) (info abi.Siginfo, ok bool) {
	set &^= unmaskable
	if info, ok = takeOf(p, t, set); !ok {
		t.awaited = set
	}
	return info, ok
}

// EndAwait ends the wait: it takes and gives an awaited signal if one came; not
// ok means that the time was up (EAGAIN) or another signal came (EINTR).
func EndAwait(p *Process, t *Thread) (info abi.Siginfo, ok bool) {
	info, ok = takeOf(p, t, t.awaited)
	t.awaited = 0
	return info, ok
}

// takeOf takes the first pending signal of set, the thread's own before the
// process's.
func takeOf(p *Process, t *Thread, set abi.Sigset) (info abi.Siginfo, ok bool) {
	for _, from := range [...]*pending{&t.pending, &p.pending} {
		if s := first(from.set & set); s != 0 {
			return from.take(s), true
		}
	}
	return abi.Siginfo{}, false
}

// first gives the signal of set that goes first: SIGKILL, those that the
// thread's own instruction caused, then the least number. 0 for the empty set.
func first(set abi.Sigset) abi.Signal {
	if set.Has(abi.SIGKILL) {
		return abi.SIGKILL
	}
	if s := set & synchronous; s != 0 {
		return s.Lowest()
	}
	return set.Lowest()
}

// Any reports whether a signal is pending, blocked or not.
func (p *Process) Any() bool { return p.pending.set != 0 }

// Any reports whether a signal is pending, blocked or not.
func (t *Thread) Any() bool { return t.pending.set != 0 }
