//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"loam/abi"
	"loam/machine/amd64"
)

// Context is the state of one thread, user's or kernel's, while it does not
// run: exactly one frame in the direct map. The registers come first, in the
// order of abi.Registers; the XSAVE area fills the rest.
type Context struct {
	R15, R14, R13, R12, RBP, RBX, R11, R10, R9, R8, RAX, RCX, RDX, RSI, RDI uint64

	OrigRAX uint64 // system call number
	RIP     uint64
	CS      uint64
	RFLAGS  uint64
	RSP     uint64
	SS      uint64
	FSBase  uint64
	GSBase  uint64

	CR2    uint64 // of the last trap: faulting address
	Err    uint64 // of the last trap: error code
	Vector uint64 // of the last trap; of a system call TrapSyscall
	Full   uint64 // leave by IRET (user); FPU state is in FPU (kernel thread)

	_   [512 - 27*8]byte
	fpu [pageSize - 512]byte // 64-byte aligned, standard XSAVE format
}

// FPU returns the XSAVE area, FPUSize bytes.
func (c *Context) FPU() []byte { return c.fpu[:fpuSize] }

// FPUSize is the size of the XSAVE area for the enabled state components.
func FPUSize() int { return int(fpuSize) }

var fpuSize uint32

// size is how much of a Context is in use, in bytes.
func (c *Context) size() uint64 { return pageSize - uint64(len(c.fpu)) + uint64(fpuSize) }

// setInitial makes a Context whose memory is zero one of a user thread, with an
// XSAVE area that loads the architectural initial state (SDM vol. 1, 13.6: a clear XSTATE_BV bit initialises its component;
// MXCSR is loaded from the area whenever SSE or AVX is asked for).
func (c *Context) setInitial() {
	const fcw, mxcsr = 0x37f, 0x1f80
	c.CS, c.SS, c.RFLAGS, c.Full = amd64.UserCode, amd64.UserData, amd64.UserFlags(0), 1
	c.fpu[0], c.fpu[1] = fcw&0xff, fcw>>8
	c.fpu[24], c.fpu[25] = mxcsr&0xff, mxcsr>>8
}

// Number is the number of the call that the thread makes.
func (c *Context) Number() uint64 { return c.OrigRAX }

// Arg0 to Arg5 are its arguments.
func (c *Context) Arg0() uint64 { return c.RDI }

// Arg1 is the second.
func (c *Context) Arg1() uint64 { return c.RSI }

// Arg2 is the third.
func (c *Context) Arg2() uint64 { return c.RDX }

// Arg3 is the fourth.
func (c *Context) Arg3() uint64 { return c.R10 }

// Arg4 is the fifth.
func (c *Context) Arg4() uint64 { return c.R8 }

// Arg5 is the sixth.
func (c *Context) Arg5() uint64 { return c.R9 }

// SetResult sets what its call returns.
func (c *Context) SetResult(v uint64) { c.RAX = v }

// Result is what its call returns.
func (c *Context) Result() uint64 { return c.RAX }

// PC is where it goes on.
func (c *Context) PC() uint64 { return c.RIP }

// SP is its stack pointer.
func (c *Context) SP() uint64 { return c.RSP }

// SetStart has it go on at pc with a stack pointer, as after no call.
func (c *Context) SetStart(pc, sp uint64) { c.RIP, c.RSP, c.OrigRAX = pc, sp, ^uint64(0) }

// SetSP sets its stack pointer.
func (c *Context) SetSP(v uint64) { c.RSP = v }

// SetArgs sets the first two arguments of the function that it begins with.
func (c *Context) SetArgs(a, b uint64) { c.RDI, c.RSI = a, b }

// SetTLS sets its thread-local storage.
func (c *Context) SetTLS(v uint64) { c.FSBase = v }

// Rewind puts the thread back before the call that it made, and returns what the
// register of the result has to hold for that.
func (c *Context) Rewind() uint64 {
	c.RIP -= syscallSize
	c.Full = 1
	c.RAX = c.OrigRAX
	return c.RAX
}

const syscallSize = 2 // bytes of the instruction

// again has the kernel thread make its call again, with other first arguments.
func (c *Context) again(arg0, arg1 uint64) int64 {
	c.RDI, c.RSI = arg0, arg1
	c.RIP -= syscallSize
	return int64(c.RAX)
}

// start makes c the Context of a kernel thread that begins at pc.
func (c *Context) start(pc, sp uint64) { c.RIP, c.RSP, c.RFLAGS = pc, sp, interruptsOn }

const interruptsOn = 0x202

// fork makes child the Context of the thread that the call of c, clone, starts.
func (c *Context) fork(child *Context) {
	fpu := child.fpu
	*child = *c
	child.fpu = fpu
	child.RSP = c.RSI
	child.FSBase = c.R8
	child.RFLAGS |= interruptsOn // the runner's clone has them off
}

// goroutine is the address of the g that the kernel thread of c runs.
func (c *Context) goroutine() uint64 { return load64(c.FSBase - 8) }

// callNumber is Number of a kernel thread, whose calls are never restarted.
func (c *Context) callNumber() uint64 { return c.RAX }

// archCall answers the calls that this architecture's runtime alone makes.
func (c *Context) archCall() int64 {
	if c.RAX != abi.SYS_ARCH_PRCTL {
		return -enosys
	}
	c.FSBase = c.RSI // ARCH_SET_FS is all that it uses
	return 0
}

// TakeWords copies the words of a message (abi/message.go) from another Context.
func (c *Context) TakeWords(from *Context) {
	c.R10, c.R8, c.R9, c.R12 = from.R10, from.R8, from.R9, from.R12
	c.R13, c.R14, c.R15, c.RBX = from.R13, from.R14, from.R15, from.RBX
}

// TakeCall sets the words of a message to the system call that another Context makes, and one more.
func (c *Context) TakeCall(from *Context, more uint64) {
	c.R10, c.R8, c.R9, c.R12 = from.OrigRAX, from.RDI, from.RSI, from.RDX
	c.R13, c.R14, c.R15, c.RBX = from.R10, from.R8, from.R9, more
}

// Word0 is the first word of a message.
func (c *Context) Word0() uint64 { return c.R10 }

// SetWords sets the first three words of a message.
func (c *Context) SetWords(a, b, d uint64) { c.R10, c.R8, c.R9 = a, b, d }

// SetReceived sets what a receiver is told of a message beside its words.
func (c *Context) SetReceived(badge, came, token uint64) { c.RDI, c.RSI, c.RDX = badge, came, token }

// SetCame sets what has come with the words of an answer.
func (c *Context) SetCame(came uint64) { c.RSI = came }
