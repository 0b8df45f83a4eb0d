// SPDX-License-Identifier: Apache-2.0

package object

import (
	"syscall"
	"time"

	"loam/abi"
	"loam/user/sys"
)

// Handle names an object of any kind.
type Handle = abi.Handle

// Forever is the deadline that does not come, Now one that has passed: it asks
// without waiting.
const (
	Forever int64 = abi.WaitForever
	Now     int64 = 0
)

// After gives the deadline that comes d from now.
func After(d time.Duration) int64 {
	now := sys.Monotonic()
	if int64(d) > Forever-now {
		return Forever
	}
	return max(now+int64(d), Now)
}

// Duplicate makes another handle to h's object, with these rights.
func Duplicate(h Handle, rights abi.Rights) (Handle, error) {
	v, err := sys.ObjectCall(abi.CallHandleDuplicate, uint64(h), uint64(rights))
	return Handle(v), err
}

// Replace gives up h for a handle with these rights.
func Replace(h Handle, rights abi.Rights) (Handle, error) {
	v, err := sys.ObjectCall(abi.CallHandleReplace, uint64(h), uint64(rights))
	return Handle(v), err
}

// Mint is Duplicate for an endpoint or a notification, and gives the new handle a
// badge: what a server is told of whoever calls by it, or the bits of the
// notification that may be signalled by it. h must have none.
func Mint(h Handle, rights abi.Rights, badge uint64) (Handle, error) {
	v, err := sys.ObjectCall(abi.CallHandleMint, uint64(h), uint64(rights), badge)
	return Handle(v), err
}

// Revoke closes all handles that were derived from h, in all processes: what
// Duplicate and Mint made of it, what was handed on of it by copying, and what was
// made of these. h stays.
func Revoke(h Handle) error {
	_, err := sys.ObjectCall(abi.CallHandleRevoke, uint64(h))
	return err
}

// Close gives h back.
func Close(h Handle) error {
	_, err := sys.ObjectCall(abi.CallHandleClose, uint64(h))
	return err
}

// Info tells what h is.
func Info(h Handle) (abi.HandleInfo, error) {
	var b [abi.HandleInfoSize]byte
	if err := sys.ObjectInfo(abi.CallHandleInfo, h, b[:]); err != nil {
		return abi.HandleInfo{}, err
	}
	return abi.GetHandleInfo(b[:]), nil
}

// wait makes a call that waits, and makes it again after a signal.
func wait(nr uint64, h Handle, a, b uint64) (uint64, error) {
	for {
		v, err := sys.ObjectWait(nr, h, a, b)
		if err != syscall.EINTR {
			return v, err
		}
	}
}

// Notification is a handle to a word of bits.
type Notification Handle

// NewNotification makes one whose bits are 0.
func NewNotification() (Notification, error) {
	v, err := sys.ObjectCall(abi.CallNotificationCreate)
	return Notification(v), err
}

// Signal sets bits.
func (n Notification) Signal(bits uint64) error {
	_, err := sys.ObjectCall(abi.CallNotificationSignal, uint64(n), bits)
	return err
}

// Wait waits until one of the bits of mask is set, or a deadline, and takes
// those that are.
func (n Notification) Wait(mask uint64, until int64) (bits uint64, err error) {
	return wait(abi.CallNotificationWait, Handle(n), mask, uint64(until))
}

// Close gives the handle back.
func (n Notification) Close() error { return Close(Handle(n)) }

// Thread is a handle to a thread.
type Thread Handle

// Registers are what a thread begins with.
type Registers struct {
	Entry uint64    // address of the first instruction
	Stack uint64    // stack pointer
	Args  [2]uint64 // where a function has its first arguments
	TLS   uint64    // base of its thread-local storage
}

// Start lets a thread that NewThread made begin. The code at r.Entry is not Go's:
// the runtime doesn't know the thread.
func (t Thread) Start(r Registers) error {
	_, err := sys.ObjectCall(abi.CallThreadStart, uint64(t), r.Entry, r.Stack, r.Args[0], r.Args[1], r.TLS)
	return err
}

// Stop takes the thread off its CPU.
func (t Thread) Stop() error { return t.call(abi.CallThreadStop) }

// Resume lets it go on.
func (t Thread) Resume() error { return t.call(abi.CallThreadResume) }

// End ends it.
func (t Thread) End() error { return t.call(abi.CallThreadEnd) }

func (t Thread) call(nr uint64) error {
	_, err := sys.ObjectCall(nr, uint64(t))
	return err
}

// Wait waits for its end, or a deadline.
func (t Thread) Wait(until int64) error {
	_, err := wait(abi.CallThreadWait, Handle(t), uint64(until), 0)
	return err
}

// Close gives the handle back.
func (t Thread) Close() error { return Close(Handle(t)) }

// Schedule sets the thread's fixed priority, from 1 to abi.MaxPriority, 0 for the
// class of programs, and its nice value there.
func (t Thread) Schedule(priority, nice int) error { return t.ScheduleLax(priority, nice, 0) }

// ScheduleLax is Schedule for a thread whose waits with a deadline may end so much later, up to
// abi.MaxTimerSlack, and those of the threads that it makes: 0 is abi.TimerSlack.
func (t Thread) ScheduleLax(priority, nice int, slack time.Duration) error {
	_, err := sys.ObjectCall(abi.CallThreadSchedule, uint64(t), uint64(priority), uint64(int64(nice)), uint64(slack))
	return err
}

// Info tells how the thread is.
func (t Thread) Info() (abi.ThreadInfo, error) {
	var b [abi.ThreadInfoSize]byte
	if err := sys.ObjectInfo(abi.CallThreadInfo, Handle(t), b[:]); err != nil {
		return abi.ThreadInfo{}, err
	}
	return abi.GetThreadInfo(b[:]), nil
}
