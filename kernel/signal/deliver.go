// SPDX-License-Identifier: Apache-2.0

package signal

import "loam/abi"

// Verdict says what a delivered signal does.
type Verdict uint8

const (
	Nothing   Verdict = iota // no signal to deliver
	Handle                   // run the handler of Delivery.Action
	Terminate                // end the process by Delivery.Info.Signo
	Stop                     // stop the process until SIGCONT
)

// Delivery is what Next decided.
type Delivery struct {
	Verdict Verdict
	Core    bool // Terminate: Linux would write a core file
	Info    abi.Siginfo
	Action  abi.Sigaction // Handle
	OldMask abi.Sigset    // Handle: the mask for the frame
}

// Next takes the next deliverable signal and gives what it does; signals that
// do nothing are dropped on the way. A handler of SA_RESETHAND is taken out of
// the table. The thread's mask stays until Entered.
func Next(p *Process, t *Thread) Delivery {
	for {
		info, ok := takeOf(p, t, ^t.mask)
		if !ok {
			return Delivery{}
		}
		s := info.Signo
		a := &p.actions[s-1]
		switch a.Handler {
		case abi.SIG_IGN:
		case abi.SIG_DFL:
			switch bit := s.Set(); {
			case quiet&bit != 0:
			case stopping&bit != 0:
				return Delivery{Verdict: Stop, Info: info}
			default:
				return Delivery{Verdict: Terminate, Core: dumping&bit != 0, Info: info}
			}
		default:
			d := Delivery{Verdict: Handle, Info: info, Action: *a, OldMask: t.mask}
			if t.restore {
				d.OldMask = t.saved
			}
			if a.Flags&abi.SA_RESETHAND != 0 {
				a.Handler = abi.SIG_DFL
			}
			return d
		}
	}
}

// PutBack undoes Next for a handler that can't run yet: the signal is pending for
// t, and Next gives it again.
func PutBack(p *Process, t *Thread, d *Delivery) {
	p.actions[d.Info.Signo-1] = d.Action // SA_RESETHAND has taken it out
	t.pending.put(d.Info)
}

// Entered finishes the delivery of a handler whose frame is in user memory:
// signals of the action's mask, and the signal itself unless SA_NODEFER, are
// blocked until rt_sigreturn. An SS_AUTODISARM stack is taken away.
func Entered(t *Thread, d *Delivery) {
	t.restore = false
	t.mask |= d.Action.Mask
	if d.Action.Flags&abi.SA_NODEFER == 0 {
		t.mask |= d.Info.Signo.Set()
	}
	t.mask &^= unmaskable
	if t.altFlags&abi.SS_AUTODISARM != 0 {
		t.altFlags, t.altBase, t.altSize = 0, 0, 0
	}
}

// FrameFailed is called instead of Entered when the frame can't be written: the
// thread gets SIGSEGV, by force, and when it was SIGSEGV that failed, the
// process ends by it.
func FrameFailed(p *Process, t *Thread, d *Delivery) {
	if d.Info.Signo == abi.SIGSEGV {
		p.actions[abi.SIGSEGV-1] = abi.Sigaction{}
	}
	Force(p, t, abi.Siginfo{Signo: abi.SIGSEGV, Code: abi.SI_KERNEL})
}

// Return puts back the mask and the alternate stack that rt_sigreturn(2) read
// from the frame. An alternate stack that can't be set is left as it is, as in
// Linux. sp is the stack pointer that is put back.
func Return(t *Thread, mask abi.Sigset, stack abi.SigStack, sp uint64) {
	t.mask = mask &^ unmaskable
	_ = t.SetAltStack(stack, sp)
}
