// SPDX-License-Identifier: Apache-2.0

package signal

import "loam/abi"

// Sets of signals that share a rule.
const (
	// unmaskable can't be blocked, caught or ignored.
	unmaskable = 1<<(abi.SIGKILL-1) | 1<<(abi.SIGSTOP-1)
	// stopping stop the process by default.
	stopping = 1<<(abi.SIGSTOP-1) | 1<<(abi.SIGTSTP-1) | 1<<(abi.SIGTTIN-1) | 1<<(abi.SIGTTOU-1)
	// quiet do nothing by default.
	quiet = 1<<(abi.SIGCHLD-1) | 1<<(abi.SIGCONT-1) | 1<<(abi.SIGURG-1) | 1<<(abi.SIGWINCH-1)
	// synchronous come from the thread's own instruction and go first.
	synchronous = 1<<(abi.SIGSEGV-1) | 1<<(abi.SIGBUS-1) | 1<<(abi.SIGILL-1) |
		1<<(abi.SIGTRAP-1) | 1<<(abi.SIGFPE-1) | 1<<(abi.SIGSYS-1)
	// dumping would write a core file on Linux. Loam just ends the process.
	dumping = 1<<(abi.SIGQUIT-1) | 1<<(abi.SIGILL-1) | 1<<(abi.SIGTRAP-1) | 1<<(abi.SIGABRT-1) |
		1<<(abi.SIGFPE-1) | 1<<(abi.SIGSEGV-1) | 1<<(abi.SIGBUS-1) | 1<<(abi.SIGSYS-1) |
		1<<(abi.SIGXCPU-1) | 1<<(abi.SIGXFSZ-1)
)

// pending is a set of signals with the information of each.
type pending struct {
	set  abi.Sigset
	info [abi.NumSignals]abi.Siginfo
}

// add makes a signal pending; false means it was already.
func (p *pending) add(info abi.Siginfo) bool {
	if p.set.Has(info.Signo) {
		return false
	}
	p.put(info)
	return true
}

func (p *pending) put(info abi.Siginfo) {
	p.set |= info.Signo.Set()
	p.info[info.Signo-1] = info
}

// take removes s, which is pending.
func (p *pending) take(s abi.Signal) abi.Siginfo {
	p.set &^= s.Set()
	return p.info[s-1]
}

// Process is the signal state that the threads of a process share. Its zero
// value is a new process's: every action the default, nothing pending.
type Process struct {
	actions [abi.NumSignals]abi.Sigaction
	pending pending
	watched abi.Sigset // somebody else wants to know when one is pending
}

// Thread is the signal state of one thread. Its zero value blocks nothing and
// has no alternate stack.
type Thread struct {
	mask     abi.Sigset
	saved    abi.Sigset // the mask to go back to, if restore
	awaited  abi.Sigset // what rt_sigtimedwait waits for
	restore  bool       // a call put mask in place for its own time only
	altFlags uint32     // SS_AUTODISARM or 0
	altBase  abi.UserAddr
	altSize  uint64 // bytes, 0 when there is no alternate stack
	pending  pending
}

// Clone makes t the signal state of a thread that parent creates: it inherits
// the mask and nothing else.
func (t *Thread) Clone(parent *Thread) {
	t.Reset()
	t.mask = parent.mask
}

// Reset makes t the state of a new thread.
func (t *Thread) Reset() {
	t.mask, t.saved, t.awaited, t.restore = 0, 0, 0, false
	t.altFlags, t.altBase, t.altSize = 0, 0, 0
	t.pending.set = 0
}

// Touch stores to the middle of the state of a new process, which changes nothing:
// with what lies before and behind it, all of it has memory then.
func (p *Process) Touch() { p.pending.set = 0 }

// Action gives the action of s, for rt_sigaction(2). EINVAL: no such signal.
func (p *Process) Action(s abi.Signal) (abi.Sigaction, abi.Errno) {
	if !s.Valid() {
		return abi.Sigaction{}, abi.EINVAL
	}
	return p.actions[s-1], 0
}

const knownFlags = abi.SA_NOCLDSTOP | abi.SA_NOCLDWAIT | abi.SA_SIGINFO |
	abi.SA_EXPOSE_TAGBITS | abi.SA_RESTORER | abi.SA_ONSTACK | abi.SA_RESTART |
	abi.SA_NODEFER | abi.SA_RESETHAND

// SetAction sets the action of s, for rt_sigaction(2). Flags nobody knows are
// cleared, so that programs can ask what is supported. EINVAL: no such signal,
// or one whose action is fixed. When discard is true the signal is ignored from
// now on and the caller drops it from each of the process's threads
// (Thread.Discard); the process itself has dropped it.
func (p *Process) SetAction(s abi.Signal, a abi.Sigaction) (discard bool, errno abi.Errno) {
	if !s.Valid() || unmaskable&s.Set() != 0 {
		return false, abi.EINVAL
	}
	a.Flags &= knownFlags
	a.Mask &^= unmaskable
	p.actions[s-1] = a
	if !p.ignores(s) {
		return false, 0
	}
	p.pending.set &^= s.Set()
	return true, 0
}

// Discard drops s if it is pending for t.
func (t *Thread) Discard(s abi.Signal) { t.pending.set &^= s.Set() }

// ignores reports whether delivering s would do nothing.
func (p *Process) ignores(s abi.Signal) bool {
	switch p.actions[s-1].Handler {
	case abi.SIG_IGN:
		return true
	case abi.SIG_DFL:
		return quiet&s.Set() != 0
	}
	return false
}

// Mask gives the blocked signals.
func (t *Thread) Mask() abi.Sigset { return t.mask }

// SetMask changes the blocked signals, for rt_sigprocmask(2). EINVAL: how is
// none of SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK. SIGKILL and SIGSTOP are never
// blocked. The caller looks for deliverable signals afterwards.
func (t *Thread) SetMask(how uint64, set abi.Sigset) abi.Errno {
	switch how {
	case abi.SIG_BLOCK:
		set = t.mask | set
	case abi.SIG_UNBLOCK:
		set = t.mask &^ set
	case abi.SIG_SETMASK:
	default:
		return abi.EINVAL
	}
	t.mask = set &^ unmaskable
	return 0
}

// Suspend puts mask in place until a handler has run or RestoreMask, for
// rt_sigsuspend(2), ppoll(2) and epoll_pwait(2).
func (t *Thread) Suspend(mask abi.Sigset) {
	if !t.restore {
		t.saved, t.restore = t.mask, true
	}
	t.mask = mask &^ unmaskable
}

// Masked reports whether there is a mask of Suspend's.
func (t *Thread) Masked() bool { return t.restore }

// RestoreMask ends Suspend when no handler ran; otherwise it does nothing.
func (t *Thread) RestoreMask() {
	if t.restore {
		t.mask, t.restore = t.saved, false
	}
}

// Pending gives the signals that are blocked and pending, for rt_sigpending(2).
func Pending(p *Process, t *Thread) abi.Sigset {
	return (p.pending.set | t.pending.set) & t.mask
}

// Deliverable reports whether Next has something to do for t.
func Deliverable(p *Process, t *Thread) bool {
	return (p.pending.set|t.pending.set)&^t.mask != 0
}

// Wants reports whether t is a thread that s, sent to the process, could be
// delivered to or that waits for it. The caller wakes one such thread.
func (t *Thread) Wants(s abi.Signal) bool { return !(t.mask &^ t.awaited).Has(s) }
