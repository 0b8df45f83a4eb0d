// SPDX-License-Identifier: Apache-2.0

package signal

import "loam/abi"

// What others see and take of a process's signals.

// Look tells what is pending for a process and one of its threads, and what they do with signals.
func Look(p *Process, t *Thread, s *abi.ProcessSignals) {
	s.Own, s.Shared, s.Blocked = t.pending.set, p.pending.set, t.mask
	s.Ignored, s.Caught = 0, 0
	for i := range p.actions {
		switch bit := abi.Signal(i + 1).Set(); p.actions[i].Handler {
		case abi.SIG_DFL:
		case abi.SIG_IGN:
			s.Ignored |= bit
		default:
			s.Caught |= bit
		}
	}
}

// Take takes a pending signal of set away, if there is one: SIGKILL and SIGSTOP can't be had.
func Take(p *Process, t *Thread, set abi.Sigset) (info abi.Siginfo, ok bool) {
	return takeOf(p, t, set&^unmaskable)
}

// Watch has Watches report signals of set, too.
func (p *Process) Watch(set abi.Sigset) { p.watched |= set }

// Watches reports whether somebody else wants to know of s.
func (p *Process) Watches(s abi.Signal) bool { return p.watched.Has(s) }
