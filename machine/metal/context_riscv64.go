//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "loam/machine/riscv64"

// Context is the state of one thread, user's or kernel's, while it does not
// run: exactly one frame in the direct map.
type Context struct {
	EPC    uint64     // where it goes on
	X      [32]uint64 // by register number; X[0] means nothing
	OrigA0 uint64     // the first argument of the last call
	Call   uint64     // its number; noCall after another trap
	Status uint64     // sstatus to run with
	Addr   uint64     // of the last trap: stval
	Vector uint64     // of the last trap: a Trap

	_ [512 - 38*8]byte

	// Floating-point registers: F, fcsr, as a signal's frame has them.
	F    [32]uint64
	FCSR uint64

	_ [512 - 34*8]byte

	// Vector registers.
	VStart, VL, VType, VCSR uint64
	V                       [vectorRoom]byte
	_                       [pageSize - 1024 - 4*8 - vectorRoom]byte
}

// vectorRoom is how much a Context has for vector registers, in bytes: 32 of 64. A
// hart with longer ones runs programs without.
const vectorRoom = 32 * 64

// Registers by their use in calls: RISC-V ELF psABI, "Integer Register Convention".
const (
	regSP  = 2
	regTP  = 4
	regGo  = 27 // the runtime's g
	regA0  = 10
	regA1  = 11
	regA2  = 12
	regA3  = 13
	regA4  = 14
	regA5  = 15
	regA7  = 17
	noCall = ^uint64(0)
)

// size is how much of a Context is in use, in bytes.
func (c *Context) size() uint64 {
	if vectorLength != 0 {
		return pageSize
	}
	return addr(&c.FCSR) + 8 - addr(c)
}

// setInitial makes a Context whose memory is zero one of a user thread, with
// floating-point registers that are 0.
func (c *Context) setInitial() {
	c.Call = noCall
	c.Status = riscv64.UserStatus | riscv64.Initial.FS()
	if vectorLength != 0 {
		c.Status |= riscv64.Initial.VS()
		c.VType = 1 << 63 // vill: no type was set yet
	}
}

// Number is the number of the call that the thread makes.
func (c *Context) Number() uint64 { return c.Call }

// Arg0 to Arg5 are its arguments.
func (c *Context) Arg0() uint64 { return c.OrigA0 }

// Arg1 is the second.
func (c *Context) Arg1() uint64 { return c.X[regA1] }

// Arg2 is the third.
func (c *Context) Arg2() uint64 { return c.X[regA2] }

// Arg3 is the fourth.
func (c *Context) Arg3() uint64 { return c.X[regA3] }

// Arg4 is the fifth.
func (c *Context) Arg4() uint64 { return c.X[regA4] }

// Arg5 is the sixth.
func (c *Context) Arg5() uint64 { return c.X[regA5] }

// SetResult sets what its call returns.
func (c *Context) SetResult(v uint64) { c.X[regA0] = v }

// Result is what its call returns.
func (c *Context) Result() uint64 { return c.X[regA0] }

// PC is where it goes on.
func (c *Context) PC() uint64 { return c.EPC }

// SP is its stack pointer.
func (c *Context) SP() uint64 { return c.X[regSP] }

// SetStart has it go on at pc with a stack pointer, as after no call.
func (c *Context) SetStart(pc, sp uint64) { c.EPC, c.X[regSP], c.Call = pc, sp, noCall }

// SetSP sets its stack pointer.
func (c *Context) SetSP(v uint64) { c.X[regSP] = v }

// SetArgs sets the first two arguments of the function that it begins with.
func (c *Context) SetArgs(a, b uint64) { c.X[regA0], c.X[regA1] = a, b }

// SetTLS sets its thread-local storage.
func (c *Context) SetTLS(v uint64) { c.X[regTP] = v }

// Rewind puts the thread back before the call that it made, and returns what the
// register of the result has to hold for that.
func (c *Context) Rewind() uint64 {
	c.EPC -= syscallSize
	c.X[regA0] = c.OrigA0
	return c.OrigA0
}

const syscallSize = 4 // bytes of the instruction

// again has the kernel thread make its call again, with other first arguments.
func (c *Context) again(arg0, arg1 uint64) int64 {
	c.OrigA0, c.X[regA1] = arg0, arg1
	c.EPC -= syscallSize
	return int64(arg0)
}

// start makes c the Context of a kernel thread that begins at pc.
func (c *Context) start(pc, sp uint64) {
	c.EPC, c.X[regSP], c.Status = pc, sp, kernelStatus
}

// kernelStatus is sstatus for SRET to a kernel thread with interrupts on.
const kernelStatus = riscv64.StatusSPP | riscv64.StatusSPIE

// fork makes child the Context of the thread that the call of c, clone, starts.
func (c *Context) fork(child *Context) {
	child.EPC, child.X = c.EPC, c.X
	child.X[regSP] = c.Arg1()
	child.Status = kernelStatus // the runner's clone has interrupts off
}

// goroutine is the address of the g that the kernel thread of c runs.
func (c *Context) goroutine() uint64 { return c.X[regGo] }

// callNumber is Number of a kernel thread.
func (c *Context) callNumber() uint64 { return c.X[regA7] }

// archCall answers the calls that this architecture's runtime alone makes.
func (c *Context) archCall() int64 { return -enosys }

// TakeWords copies the words of a message (abi/message.go) from another Context.
func (c *Context) TakeWords(from *Context) {
	c.X[13], c.X[14], c.X[15], c.X[16] = from.X[13], from.X[14], from.X[15], from.X[16]
	c.X[18], c.X[19], c.X[20], c.X[21] = from.X[18], from.X[19], from.X[20], from.X[21]
}

// TakeCall sets the words of a message to the system call that another Context makes, and one more.
func (c *Context) TakeCall(from *Context, more uint64) {
	c.X[13], c.X[14], c.X[15], c.X[16] = from.Call, from.OrigA0, from.X[regA1], from.X[regA2]
	c.X[18], c.X[19], c.X[20], c.X[21] = from.X[regA3], from.X[regA4], from.X[regA5], more
}

// Word0 is the first word of a message.
func (c *Context) Word0() uint64 { return c.X[13] }

// SetWords sets the first three words of a message.
func (c *Context) SetWords(a, b, d uint64) { c.X[13], c.X[14], c.X[15] = a, b, d }

// SetReceived sets what a receiver is told of a message beside its words.
func (c *Context) SetReceived(badge, came, token uint64) {
	c.X[5], c.X[regA1], c.X[regA2] = badge, came, token
}

// SetCame sets what has come with the words of an answer.
func (c *Context) SetCame(came uint64) { c.X[regA1] = came }
