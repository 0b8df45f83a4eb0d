// SPDX-License-Identifier: Apache-2.0

package signal

import "loam/abi"

// onAltStack reports whether sp is on the alternate stack.
func (t *Thread) onAltStack(sp uint64) bool {
	if t.altFlags&abi.SS_AUTODISARM != 0 {
		return false
	}
	base := uint64(t.altBase)
	return sp > base && sp-base <= t.altSize
}

// AltStack gives the alternate stack, for sigaltstack(2) and for the frame, as
// seen by a thread whose stack pointer is sp.
func (t *Thread) AltStack(sp uint64) abi.SigStack {
	flags := t.altFlags
	switch {
	case t.altSize == 0:
		flags |= abi.SS_DISABLE
	case t.onAltStack(sp):
		flags |= abi.SS_ONSTACK
	}
	return abi.SigStack{Base: t.altBase, Flags: flags, Size: t.altSize}
}

// SetAltStack sets the alternate stack, for sigaltstack(2). EPERM: the thread,
// whose stack pointer is sp, is on the present one. EINVAL: unknown flags.
// ENOMEM: smaller than MINSIGSTKSZ.
func (t *Thread) SetAltStack(s abi.SigStack, sp uint64) abi.Errno {
	if t.onAltStack(sp) {
		return abi.EPERM
	}
	switch s.Flags &^ abi.SS_AUTODISARM {
	case abi.SS_DISABLE:
		t.altFlags, t.altBase, t.altSize = s.Flags&abi.SS_AUTODISARM, 0, 0
		return 0
	case 0, abi.SS_ONSTACK:
	default:
		return abi.EINVAL
	}
	if s.Size < abi.MINSIGSTKSZ {
		return abi.ENOMEM
	}
	t.altFlags, t.altBase, t.altSize = s.Flags&abi.SS_AUTODISARM, s.Base, s.Size
	return 0
}

// HandlerStack gives the stack pointer below which a handler's frame goes, for
// a thread whose stack pointer is sp: on the alternate stack if the action asks
// for it and there is one, else below the red zone of redZone bytes.
// low is the least address that the frame may reach, 0 when only the mappings
// decide.
func (t *Thread) HandlerStack(a *abi.Sigaction, sp, redZone uint64) (top, low uint64) {
	if t.onAltStack(sp) {
		return sp - redZone, uint64(t.altBase)
	}
	if a.Flags&abi.SA_ONSTACK != 0 && t.altSize != 0 {
		return uint64(t.altBase) + t.altSize, uint64(t.altBase)
	}
	return sp - redZone, 0
}
