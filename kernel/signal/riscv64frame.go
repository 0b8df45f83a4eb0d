// SPDX-License-Identifier: Apache-2.0

package signal

import (
	"encoding/binary"

	"loam/abi"
)

// Layout of struct rt_sigframe of riscv64: a siginfo, a ucontext. Behind the
// mask is room for a longer one, then the sigcontext at a multiple of 16. The
// floating-point part is as long as one of quad precision would be; its last
// words are a reserved one, which is zero, and the first header of the records
// of further state (riscv64vector.go).
//
//	   0 siginfo
//	 128 ucontext: flags 128, link 136, stack 144..167, mask 168, room 176..303
//	 304 pc, x1 to x31
//	 560 f0 to f31, fcsr; zeros
//	1076 reserved
//	1080 header: magic, size
//	1088 end, or the vector state
const (
	FrameSizeRISCV64 = 1088 // bytes, without the vector state

	rvInfo      = 0
	rvContext   = abi.SiginfoSize
	rvFlags     = rvContext
	rvLink      = rvContext + 8
	rvStack     = rvContext + 16
	rvMask      = rvContext + 40
	rvRegisters = rvContext + 176
	rvFloat     = rvRegisters + 32*8
	rvReserved  = rvFloat + 516
	rvHeader    = rvFloat + 520
)

// FloatSizeRISCV64 is the size in bytes of a thread's floating-point state:
// f0 to f31 of 8 bytes each, fcsr of 4, and 4 of padding.
const FloatSizeRISCV64 = 264

const (
	rvFCSR     = 256  // offset of fcsr in the floating-point state
	fcsrUser   = 0xff // what of it is there: flags and rounding mode
	rvAlign    = 16   // of the stack pointer, at every function's entry
	rvArgument = 10   // register of the first argument and of the result
)

// RedZoneRISCV64 is the number of bytes below the stack pointer that belong to
// the interrupted function: none (RISC-V ELF psABI, "Integer Calling Convention").
const RedZoneRISCV64 = 0

// FaultRISCV64 is what the trap that caused a signal left behind: nothing, for
// the sigcontext has no room for it.
type FaultRISCV64 struct{}

// PlaceRISCV64 is where a frame goes.
type PlaceRISCV64 struct {
	SP    uint64 // address of the frame, and the handler's stack pointer
	Bytes int    // length from SP to the end of it all
}

// PlaceFrameRISCV64 places a frame below top (see HandlerStack) with vector
// registers of n bytes in all, 0 for a thread without vector state. ok is false
// when there is no room above low or the frame would leave the user's addresses.
func PlaceFrameRISCV64(top, low uint64, n int) (p PlaceRISCV64, ok bool) {
	p.Bytes = MaxFrameRISCV64(n)
	if top > abi.UserLimitRISCV64 || top < uint64(p.Bytes) {
		return PlaceRISCV64{}, false
	}
	p.SP = (top - uint64(p.Bytes)) &^ (rvAlign - 1)
	return p, p.SP >= low
}

// MaxFrameRISCV64 gives the size of a buffer that holds every frame with vector
// registers of n bytes in all. It is what a program finds as AT_MINSIGSTKSZ.
func MaxFrameRISCV64(n int) int {
	if n == 0 {
		return FrameSizeRISCV64
	}
	return (FrameSizeRISCV64 + vectorHead + n + HeaderSizeRISCV64 + rvAlign - 1) &^ (rvAlign - 1)
}

// BuildRISCV64 writes the frame of delivery d to buf[:place.Bytes], every byte
// of it. regs is the interrupted state; stack the alternate stack as AltStack
// gives it; float the thread's floating-point state, of FloatSizeRISCV64 bytes;
// vector and registers its vector state, of the length that place was made for,
// registers nil for none.
func BuildRISCV64(buf []byte, place PlaceRISCV64, regs *abi.RegistersRISCV64, d *Delivery, stack abi.SigStack, float []byte, vector *VectorRISCV64, registers []byte) {
	buf = buf[:place.Bytes]
	le := binary.LittleEndian
	f := buf[:FrameSizeRISCV64]
	d.Info.Put(f[rvInfo:])
	le.PutUint64(f[rvFlags:], 0)
	le.PutUint64(f[rvLink:], 0)
	stack.Put(f[rvStack:])
	le.PutUint64(f[rvMask:], uint64(d.OldMask))
	clear(f[rvMask+abi.SigsetSize : rvRegisters])
	le.PutUint64(f[rvRegisters:], regs.PC)
	for i, x := range &regs.X {
		le.PutUint64(f[rvRegisters+8+8*i:], x)
	}
	copy(f[rvFloat:], float[:rvFCSR+4])
	clear(f[rvFloat+rvFCSR+4:])
	if len(registers) != 0 {
		putVector(buf[rvHeader:], place.SP+rvHeader, vector, registers)
	}
}

// EnterRISCV64 changes regs so that the thread goes on in the handler of d,
// whose frame is at place. The handler returns to d.Action.Restorer: no program
// gives one here, so the caller has put in the vDSO's rt_sigreturn. It reports
// false, and changes nothing, when there is none: the caller does as when the
// frame can't be written. The handler may be any address; where none of the
// program's code is, its fetch faults in user mode. The floating-point and
// vector registers stay as they are, the rounding mode with them.
func EnterRISCV64(regs *abi.RegistersRISCV64, place PlaceRISCV64, d *Delivery) bool {
	a := &d.Action
	if a.Restorer == 0 {
		return false
	}
	const ra, sp = 1, 2
	regs.X[rvArgument-1] = uint64(d.Info.Signo)
	regs.X[rvArgument] = place.SP + rvInfo
	regs.X[rvArgument+1] = place.SP + rvContext
	regs.X[ra-1] = uint64(a.Restorer)
	regs.X[sp-1] = place.SP
	regs.PC = uint64(a.Handler)
	return true
}

// ReturnRISCV64 is what a frame says on rt_sigreturn(2), checked.
type ReturnRISCV64 struct {
	Regs   abi.RegistersRISCV64
	Mask   abi.Sigset
	Stack  abi.SigStack
	Vector bool // a record of the vector state follows
}

// FrameAddressRISCV64 gives the address of the frame of a thread that calls
// rt_sigreturn with stack pointer sp.
func FrameAddressRISCV64(sp uint64) abi.UserAddr { return abi.UserAddr(sp) }

// ParseRISCV64 reads the frame in f[:FrameSizeRISCV64], which a user program may
// have written, of a thread whose vector registers are n bytes in all, 0 when it
// has no vector state. Every integer register is taken as it stands: whatever pc
// holds, SRET goes there, and it is the fetch, in user mode, that faults. EINVAL:
// the reserved word isn't zero, or the header is neither the end nor a record of
// n bytes of vector registers; the thread gets SIGSEGV.
func ParseRISCV64(f []byte, n int) (r ReturnRISCV64, errno abi.Errno) {
	f = f[:FrameSizeRISCV64]
	le := binary.LittleEndian
	if le.Uint32(f[rvReserved:]) != 0 {
		return ReturnRISCV64{}, abi.EINVAL
	}
	if r.Vector, errno = parseHeader(f[rvHeader:], n); errno != 0 {
		return ReturnRISCV64{}, errno
	}
	r.Regs.PC = le.Uint64(f[rvRegisters:])
	for i := range r.Regs.X {
		r.Regs.X[i] = le.Uint64(f[rvRegisters+8+8*i:])
	}
	r.Mask = abi.Sigset(le.Uint64(f[rvMask:])) &^ unmaskable
	r.Stack = abi.GetSigStack(f[rvStack:])
	return r, 0
}

// RestoreFloatRISCV64 fills float, a thread's floating-point state of
// FloatSizeRISCV64 bytes, from the frame in f[:FrameSizeRISCV64], whose header
// ParseRISCV64 has checked. Of fcsr only the bits that exist are taken; a rounding
// mode that is reserved makes the program's next instruction that uses it illegal.
func RestoreFloatRISCV64(float, f []byte) {
	float = float[:FloatSizeRISCV64]
	copy(float[:rvFCSR], f[rvFloat:])
	fcsr := binary.LittleEndian.Uint32(f[rvFloat+rvFCSR:])
	binary.LittleEndian.PutUint64(float[rvFCSR:], uint64(fcsr&fcsrUser))
}
