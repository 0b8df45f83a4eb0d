// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package sys

import (
	"syscall"
	"unsafe"

	"loam/abi"
)

// messageCall makes a call with m in registers (message_linux_GOARCH.s).
//
//go:noescape
func messageCall(nr uint64, m *Message) (result uint64)

// Ticks reads a counter that runs evenly and costs an instruction or two: the
// time stamp counter on amd64, the time on riscv64. TicksLong is some 50 us of it.
//
//go:noescape
func Ticks() uint64

// These are not in any package's interface, but the runtime promises to keep
// them for packages that name them so (go.dev/issue/67401): system calls of our
// own need what package syscall does around its.
//
//go:linkname entersyscall runtime.entersyscall
func entersyscall()

//go:linkname entersyscallblock runtime.entersyscallblock
func entersyscallblock()

//go:linkname exitsyscall runtime.exitsyscall
func exitsyscall()

// MessageCall makes a call and keeps the goroutine's place on its CPU: no other
// goroutine runs there meanwhile, and the collector waits until the call returns.
// It is for calls that are answered at once.
func MessageCall(nr uint64, m *Message) (result uint64) { return messageCall(nr, m) }

// MessageWait makes a call as package syscall does: if it takes long, Go's monitor
// thread gives the place to other goroutines, and the collector doesn't wait.
// Nothing that Go's scheduler does moves m meanwhile, even if it is on the stack.
//
//go:nosplit
//go:noinline
//go:norace
func MessageWait(nr uint64, m *Message) (result uint64) {
	// The frame that calls entersyscall must be that which calls exitsyscall, and
	// nothing between may need more stack.
	entersyscall()
	result = messageCall(nr, m)
	exitsyscall()
	return result
}

// MessageBlock is MessageWait that gives the place away before the call. It is for
// calls that are expected to take long.
//
//go:nosplit
//go:noinline
//go:norace
func MessageBlock(nr uint64, m *Message) (result uint64) {
	entersyscallblock()
	result = messageCall(nr, m)
	exitsyscall()
	return result
}

// MessageCopy is abi.CallMessageRead or CallMessageWrite: it copies between b and
// the bytes of a received call, from an offset there.
func MessageCopy(nr, token, offset uint64, b []byte) (uint64, error) {
	v := messageCopy(nr, token, offset, unsafe.SliceData(b), uint64(len(b)))
	if e, bad := abi.Failed(v); bad {
		return 0, syscall.Errno(e)
	}
	return v, nil
}

// messageCopy makes the call (message_linux_GOARCH.s): package syscall's way takes twice as long as little is
// copied in.
//
//go:noescape
func messageCopy(nr, token, offset uint64, p *byte, n uint64) (result uint64)

// ThreadID gives the id of the thread that the goroutine is on, which is its own
// only when it is locked to it.
func ThreadID() int {
	id, _, _ := syscall.RawSyscall(syscall.SYS_GETTID, 0, 0, 0)
	return int(id)
}

// interruptSignal is a real-time signal that nobody else uses. Go's handler for it
// does nothing.
const interruptSignal = 62

// saRestart is SA_RESTART, the same number on all architectures.
const saRestart = 0x10000000

// monitorSignal is SIGURG, which Go's monitor sends to a thread whose goroutine has had its
// place on the CPU for 10 ms (runtime, sigPreempt).
const monitorSignal = 23

// PrepareInterrupt has Interrupt end calls: Go's handlers begin them again else.
func PrepareInterrupt() error { return endsCalls(interruptSignal) }

// PrepareMonitor has the monitor's signal end calls, too.
func PrepareMonitor() error { return endsCalls(monitorSignal) }

// endsCalls has a signal end the calls that it comes in.
func endsCalls(signal uintptr) error {
	var a struct{ handler, flags, _, _ uint64 } // struct sigaction, whose end is not the same everywhere
	_, _, e := syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, signal, 0, uintptr(unsafe.Pointer(&a)), 8, 0, 0)
	if e == 0 {
		a.flags &^= saRestart
		_, _, e = syscall.RawSyscall6(syscall.SYS_RT_SIGACTION, signal, uintptr(unsafe.Pointer(&a)), 0, 8, 0, 0)
	}
	if e != 0 {
		return e
	}
	return nil
}

// Interrupt sends a thread of the process a signal that does nothing but interrupt
// the call that it is in.
func Interrupt(thread int) {
	_, _, _ = syscall.RawSyscall(syscall.SYS_TGKILL, uintptr(syscall.Getpid()), uintptr(thread), interruptSignal)
}

// A MessageOptions has the size that the kernel reads.
var _ = [1]struct{}{}[unsafe.Sizeof(MessageOptions{})-abi.MessageOptionsSize]
