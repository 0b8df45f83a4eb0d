// SPDX-License-Identifier: Apache-2.0

package ipc

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
)

// until makes a call whose context can be done. Its deadline is the call's, in the
// kernel. When it is done otherwise, or the deadline comes after the call was
// received, a signal goes to the thread that makes the call: the call ends, or its
// server is told.
func (c *Client) until(ctx context.Context, m *Message, o *sys.MessageOptions) (result uint64) {
	if ctx.Err() != nil {
		return abi.EINTR.Result()
	}
	o.Deadline = abi.WaitForever
	if at, ok := ctx.Deadline(); ok {
		o.Deadline = object.After(time.Until(at))
	}
	o.Flags |= abi.MessageCancel
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	w := &watch{}
	w.begin()
	stop := context.AfterFunc(ctx, w.interrupt)
	slow := Client{To: c.To} // the watch needs a place to run
	result = slow.trap(m)
	w.end()
	stop()
	return result
}

// prepare sets the signal up, once.
var prepare = sync.OnceValue(sys.PrepareInterrupt)

// watch interrupts a thread until its call has returned.
type watch struct {
	mu sync.Mutex

	// mu must be held when using these:
	thread int  // 0: none yet
	ended  bool // no signal goes to the thread any more

	// outside says that the thread is where a signal would disturb others.
	outside atomic.Bool
}

func (w *watch) begin() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.thread = threadID()
	w.ended = fake == nil && prepare() != nil
}

// moved reports whether the goroutine has another thread than before, which is the one to be interrupted from now on.
func (w *watch) moved() bool {
	thread := threadID()
	if thread == w.thread { // which only this goroutine changes
		return false
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.thread = thread
	return true
}

// threadID is the thread's id.
func threadID() int {
	if fake != nil {
		return fake.thread()
	}
	return sys.ThreadID()
}

// interrupt is called when the context is done. The thread may not have got to its
// call yet, and then a signal has no effect on it; so there are several.
func (w *watch) interrupt() {
	const first, most = 50 * time.Microsecond, 20 * time.Millisecond
	for pause := first; w.signal(); pause = min(2*pause, most) {
		time.Sleep(pause)
	}
}

// signal sends one, if the call hasn't ended.
func (w *watch) signal() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended {
		return false
	}
	switch {
	case w.thread == 0 || w.outside.Load():
	case fake != nil:
		fake.interrupt(w.thread)
	default:
		sys.Interrupt(w.thread)
	}
	return true
}

func (w *watch) end() {
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
}

// contextError gives the context's error for one that comes of its being done.
func contextError(ctx context.Context, err error) error {
	switch err {
	case syscall.EINTR:
		if e := ctx.Err(); e != nil {
			return e
		}
	case syscall.ETIMEDOUT:
		if _, ok := ctx.Deadline(); ok {
			return context.DeadlineExceeded
		}
	}
	return err
}
