// SPDX-License-Identifier: Apache-2.0

package signal

import "loam/abi"

// Fork makes p the signal state of a copy of another process: it has its actions, and no signals.
func (p *Process) Fork(of *Process) {
	p.actions = of.actions
	p.pending.set, p.watched = 0, 0
}

// Fork makes t the signal state of a copy of another thread, in a process of its own.
func (t *Thread) Fork(of *Thread) {
	t.Clone(of)
	if of.restore {
		t.mask = of.saved
	}
	t.altFlags, t.altBase, t.altSize = of.altFlags, of.altBase, of.altSize
}

// Exec makes p the state of a process that runs another program: what was caught has its default
// action, what is ignored stays so, and pending signals are still pending (execve(2)).
func (p *Process) Exec() {
	for i := range p.actions {
		if a := &p.actions[i]; a.Handler != abi.SIG_IGN {
			*a = abi.Sigaction{}
		} else {
			*a = abi.Sigaction{Handler: abi.SIG_IGN}
		}
	}
}

// Exec makes t the state of the only thread of such a process, of the one that called execve: with
// its mask and its pending signals, without an alternate stack.
func (t *Thread) Exec(of *Thread) {
	of.RestoreMask()
	if t != of {
		*t = *of
	}
	t.awaited = 0
	t.altFlags, t.altBase, t.altSize = 0, 0, 0
}

// Refuses reports whether s is ignored, or blocked by t.
func (p *Process) Refuses(t *Thread, s abi.Signal) bool {
	return p.actions[s-1].Handler == abi.SIG_IGN || t.mask.Has(s)
}

// OfChildren gives what the action of SIGCHLD says of children: that nobody waits for them (ignored: SIG_IGN;
// noWait: SA_NOCLDWAIT), and that nobody wants to know of their stops (SA_NOCLDSTOP).
func (p *Process) OfChildren() (ignored, noWait, noStop bool) {
	a := &p.actions[abi.SIGCHLD-1]
	return a.Handler == abi.SIG_IGN, a.Flags&abi.SA_NOCLDWAIT != 0, a.Flags&abi.SA_NOCLDSTOP != 0
}
