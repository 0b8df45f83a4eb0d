// SPDX-License-Identifier: Apache-2.0

package signal

import (
	"encoding/binary"

	"loam/abi"
)

// Layout of struct rt_sigframe of amd64: the return address (the restorer), a
// ucontext, a siginfo. The extended state lies above it, at a multiple of 64.
//
//	  0 pretcode
//	  8 ucontext: flags 8, link 16, stack 24..47, sigcontext 48..303, mask 304
//	312 siginfo
//	440 end; gap; XSAVE area; FP_XSTATE_MAGIC2
const (
	FrameSizeAMD64 = 440 // bytes, without the extended state

	offFlags   = 8
	offLink    = 16
	offStack   = 24
	offContext = 48
	offMask    = 304
	offInfo    = 312
)

// Offsets within the sigcontext that aren't plain registers.
const (
	offCS      = offContext + 144
	offErr     = offContext + 152
	offTrapno  = offContext + 160
	offOldMask = offContext + 168
	offCR2     = offContext + 176
	offFPState = offContext + 184
)

// Flags of the ucontext: an XSAVE area is there; SS is in the sigcontext and is
// to be restored.
const (
	ucFPXState        = 1
	ucSigcontextSS    = 2
	ucStrictRestoreSS = 4
)

// RedZoneAMD64 is the number of bytes below the stack pointer that belong to
// the interrupted function (System V ABI, AMD64 supplement, 3.2.2).
const RedZoneAMD64 = 128

// Bits of RFLAGS.
const (
	flagTF = 1 << 8
	flagIF = 1 << 9
	flagDF = 1 << 10
	flagRF = 1 << 16

	// flagsUser are the bits that rt_sigreturn may set: CF PF AF ZF SF TF DF OF
	// RF AC.
	flagsUser = 0x1 | 0x4 | 0x10 | 0x40 | 0x80 | flagTF | flagDF | 0x800 | flagRF | 0x40000
	// flagsFixed are the others in user mode: the bit that is always set, and
	// interrupts on. IOPL is 0.
	flagsFixed = 0x2 | flagIF
)

// FaultAMD64 is what the trap that caused a signal left behind, for the
// sigcontext; zero when no trap did.
type FaultAMD64 struct {
	Trapno uint64
	Err    uint64
	CR2    uint64
}

// PlaceAMD64 is where a frame goes.
type PlaceAMD64 struct {
	SP    uint64 // address of the frame, and the handler's stack pointer
	FP    uint64 // address of the XSAVE area, 0 when there is none
	Bytes int    // length from SP to the end of it all
}

// PlaceFrameAMD64 places a frame below top (see HandlerStack) with an XSAVE area
// of xsave bytes, 0 for none. SP is 8 below a multiple of 16, as at every
// function's entry. ok is false when there is no room above low or the frame
// would leave the user's half.
func PlaceFrameAMD64(top, low uint64, xsave int) (p PlaceAMD64, ok bool) {
	const room = FrameSizeAMD64 + 16 + 64
	need := uint64(room)
	if xsave != 0 {
		need += uint64(xsave) + magic2Size
	}
	if top > abi.UserLimitAMD64 || top < need {
		return p, false
	}
	end := top
	at := top
	if xsave != 0 {
		at = (top - uint64(xsave) - magic2Size) &^ 63
		p.FP = at
		end = at + uint64(xsave) + magic2Size
	}
	p.SP = (at-FrameSizeAMD64)&^15 - 8
	if xsave == 0 {
		end = p.SP + FrameSizeAMD64
	}
	p.Bytes = int(end - p.SP)
	return p, p.SP >= low
}

// MaxFrameAMD64 gives the size of a buffer that holds every frame with an XSAVE
// area of xsave bytes.
func MaxFrameAMD64(xsave int) int { return FrameSizeAMD64 + 16 + 64 + xsave + magic2Size }

// BuildAMD64 writes the frame of delivery d to buf[:place.Bytes], every byte of
// it. regs is the interrupted state; stack the alternate stack as AltStack
// gives it; xsave the thread's XSAVE area in the standard format (as XSAVE
// writes it), of the length that place was made for, nil for none; enabled the
// components set in XCR0.
func BuildAMD64(buf []byte, place PlaceAMD64, regs *abi.RegistersAMD64, d *Delivery, stack abi.SigStack, fault FaultAMD64, xsave []byte, enabled uint64) {
	buf = buf[:place.Bytes]
	le := binary.LittleEndian
	f := buf[:FrameSizeAMD64]
	le.PutUint64(f, uint64(d.Action.Restorer))
	flags := uint64(ucSigcontextSS | ucStrictRestoreSS)
	if len(xsave) >= legacySize {
		flags |= ucFPXState
	}
	le.PutUint64(f[offFlags:], flags)
	le.PutUint64(f[offLink:], 0)
	stack.Put(f[offStack:])
	putContext(f, regs)
	le.PutUint64(f[offErr:], fault.Err)
	le.PutUint64(f[offTrapno:], fault.Trapno)
	le.PutUint64(f[offOldMask:], uint64(d.OldMask))
	le.PutUint64(f[offCR2:], fault.CR2)
	le.PutUint64(f[offFPState:], place.FP)
	clear(f[offFPState+8 : offMask])
	le.PutUint64(f[offMask:], uint64(d.OldMask))
	d.Info.Put(f[offInfo:])
	if place.FP == 0 {
		return
	}
	at := int(place.FP - place.SP)
	clear(buf[FrameSizeAMD64:at])
	putXState(buf[at:], xsave, enabled)
}

// putContext writes the registers of the sigcontext.
func putContext(f []byte, r *abi.RegistersAMD64) {
	c := f[offContext:offErr]
	le := binary.LittleEndian
	le.PutUint64(c[0:], r.R8)
	le.PutUint64(c[8:], r.R9)
	le.PutUint64(c[16:], r.R10)
	le.PutUint64(c[24:], r.R11)
	le.PutUint64(c[32:], r.R12)
	le.PutUint64(c[40:], r.R13)
	le.PutUint64(c[48:], r.R14)
	le.PutUint64(c[56:], r.R15)
	le.PutUint64(c[64:], r.RDI)
	le.PutUint64(c[72:], r.RSI)
	le.PutUint64(c[80:], r.RBP)
	le.PutUint64(c[88:], r.RBX)
	le.PutUint64(c[96:], r.RDX)
	le.PutUint64(c[104:], r.RAX)
	le.PutUint64(c[112:], r.RCX)
	le.PutUint64(c[120:], r.RSP)
	le.PutUint64(c[128:], r.RIP)
	le.PutUint64(c[136:], r.EFlags)
	// The selectors cs, gs, fs, ss, of 16 bits each.
	le.PutUint64(c[144:], r.CS&0xffff|r.SS<<48)
}

// EnterAMD64 changes regs so that the thread goes on in the handler of d, whose
// frame is at place. It reports false, and changes nothing, when the action has
// no restorer or the handler isn't a user address: the caller does as when the
// frame can't be written.
func EnterAMD64(regs *abi.RegistersAMD64, place PlaceAMD64, d *Delivery) bool {
	a := &d.Action
	if a.Flags&abi.SA_RESTORER == 0 || a.Handler >= abi.UserLimitAMD64 {
		return false
	}
	regs.RDI = uint64(d.Info.Signo)
	regs.RSI = place.SP + offInfo
	regs.RDX = place.SP + offFlags
	regs.RAX = 0
	regs.OrigRAX = ^uint64(0)
	regs.RIP = uint64(a.Handler)
	regs.RSP = place.SP
	regs.EFlags = regs.EFlags&^(flagTF|flagDF|flagRF)&flagsUser | flagsFixed
	return true
}

// ReturnAMD64 is what a frame says on rt_sigreturn(2), checked.
type ReturnAMD64 struct {
	Regs    abi.RegistersAMD64
	Mask    abi.Sigset
	Stack   abi.SigStack
	FPState abi.UserAddr // the extended state, 0 for its initial value
}

// FrameAddressAMD64 gives the address of the frame of a thread that calls
// rt_sigreturn with stack pointer sp: the handler's RET has popped the return
// address.
func FrameAddressAMD64(sp uint64) abi.UserAddr { return abi.UserAddr(sp - 8) }

// ParseAMD64 reads the frame in f[:FrameSizeAMD64], which a user program may
// have written. cur is the thread's present state: what a frame doesn't hold,
// selectors and segment bases, stays. The flags are masked to those a program
// may set. EFAULT: the instruction pointer is no address, and IRET would fault on
// it; the thread gets SIGSEGV. It may be in the last page of the lower half, which is
// nobody's, or in the kernel's half: a program that has jumped there may be
// interrupted before the fetch faults, which it does again. The stack pointer may be anything, as it may be while a program
// runs.
func ParseAMD64(f []byte, cur *abi.RegistersAMD64) (r ReturnAMD64, errno abi.Errno) {
	f = f[:FrameSizeAMD64]
	le := binary.LittleEndian
	r.Regs = *cur
	getContext(f, &r.Regs)
	if r.Regs.RIP >= lowerHalf && r.Regs.RIP < upperHalf {
		return ReturnAMD64{}, abi.EFAULT
	}
	r.Regs.EFlags = r.Regs.EFlags&flagsUser | flagsFixed
	r.Regs.OrigRAX = ^uint64(0)
	r.Mask = abi.Sigset(le.Uint64(f[offMask:])) &^ unmaskable
	r.Stack = abi.GetSigStack(f[offStack:])
	r.FPState = abi.UserAddr(le.Uint64(f[offFPState:]))
	return r, 0
}

// Addresses are below the one or from the other on.
const (
	lowerHalf = 1 << 47               // the end of the programs'
	upperHalf = 0xffff_8000_0000_0000 // the start of the kernel's
)

// getContext reads the registers of the sigcontext.
func getContext(f []byte, r *abi.RegistersAMD64) {
	c := f[offContext:offErr]
	le := binary.LittleEndian
	r.R8 = le.Uint64(c[0:])
	r.R9 = le.Uint64(c[8:])
	r.R10 = le.Uint64(c[16:])
	r.R11 = le.Uint64(c[24:])
	r.R12 = le.Uint64(c[32:])
	r.R13 = le.Uint64(c[40:])
	r.R14 = le.Uint64(c[48:])
	r.R15 = le.Uint64(c[56:])
	r.RDI = le.Uint64(c[64:])
	r.RSI = le.Uint64(c[72:])
	r.RBP = le.Uint64(c[80:])
	r.RBX = le.Uint64(c[88:])
	r.RDX = le.Uint64(c[96:])
	r.RAX = le.Uint64(c[104:])
	r.RCX = le.Uint64(c[112:])
	r.RSP = le.Uint64(c[120:])
	r.RIP = le.Uint64(c[128:])
	r.EFlags = le.Uint64(c[136:])
}
