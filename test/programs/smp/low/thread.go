// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package low

import (
	"runtime"
	"sync/atomic"
	"syscall"
)

// Request is a call to be made, and its result.
type Request struct {
	Nr     uintptr
	Args   [6]uintptr
	Result uintptr
}

// Thread is a thread that Go's runtime doesn't know: it makes one call and
// ends.
type Thread struct {
	ID   int
	word uint32 // its id, 0 when it has ended
	_    [60]byte
	_    [1024]byte // its stack
	top  [16]byte
}

// cloneCall (thread_GOARCH.s) makes a thread that makes a call and ends.
//
//go:noescape
func cloneCall(flags, stack, word uintptr, request *Request) (tid uintptr)

// Start starts a thread that makes the call q. Both must be globals, or lie in
// memory that Map gave: the kernel has their addresses.
func (t *Thread) Start(q *Request) syscall.Errno {
	const flags = syscall.CLONE_VM | syscall.CLONE_FS | syscall.CLONE_FILES | syscall.CLONE_SIGHAND | syscall.CLONE_THREAD |
		syscall.CLONE_SYSVSEM | syscall.CLONE_PARENT_SETTID | syscall.CLONE_CHILD_CLEARTID
	// It has no stack for a signal's frame, and this thread's idea of where
	// its g is: it must never see a signal.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	old := SetMask(^uint64(0))
	tid := cloneCall(flags, Address(&t.top)&^15, Address(&t.word), q)
	SetMask(old)
	if int(tid) < 0 {
		return syscall.Errno(-tid)
	}
	t.ID = int(tid)
	return 0
}

// Ended reports whether the thread is gone.
func (t *Thread) Ended() bool { return atomic.LoadUint32(&t.word) == 0 }

// Join waits for the thread's end.
func (t *Thread) Join() {
	for {
		tid := atomic.LoadUint32(&t.word)
		if tid == 0 {
			return
		}
		const wait = 0 // the kernel's wake-up at the end isn't private
		_, _ = Wait(syscall.SYS_FUTEX, Address(&t.word), wait, uintptr(tid), 0, 0, 0)
	}
}
