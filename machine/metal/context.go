//go:build loam && amd64

// SPDX-License-Identifier: Apache-2.0

package metal

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
	Root   uint64 // page-table root to run with
	Full   uint64 // leave by IRET (user); FPU state is in FPU (kernel thread)

	_   [512 - 28*8]byte
	fpu [pageSize - 512]byte // 64-byte aligned, standard XSAVE format
}

// FPU returns the XSAVE area, FPUSize bytes.
func (c *Context) FPU() []byte { return c.fpu[:fpuSize] }

// FPUSize is the size of the XSAVE area for the enabled state components.
func FPUSize() int { return int(fpuSize) }

var fpuSize uint32

// setInitial makes the XSAVE area one that loads the architectural initial
// state (SDM vol. 1, 13.6: a clear XSTATE_BV bit initialises its component;
// MXCSR is loaded from the area whenever SSE or AVX is asked for).
func (c *Context) setInitial() {
	const fcw, mxcsr = 0x37f, 0x1f80
	c.fpu[0], c.fpu[1] = fcw&0xff, fcw>>8
	c.fpu[24], c.fpu[25] = mxcsr&0xff, mxcsr>>8
}
