// SPDX-License-Identifier: Apache-2.0

package ipc

import (
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"loam/abi"
	"loam/user/sys"
)

// Model is a kernel for tests: endpoints of one process, whose threads are told
// apart by their ids. One lock, and everybody looks again when anything changes.
type Model struct {
	mu      sync.Mutex
	changed *sync.Cond

	handles map[abi.Handle]*modelHandle
	next    abi.Handle
	calls   map[uint64]*modelCall
	tokens  uint64
	waits   map[int]*modelWait // by thread
	Dead    bool               // the server's process has ended
	Peak    int                // most handles at once
}

type modelHandle struct {
	endpoint *modelEndpoint
	rights   abi.Rights
	badge    uint64
	bits     *uint64 // of a notification
}

type modelEndpoint struct {
	queue   []*modelCall
	cancels []uint64
}

type modelCall struct {
	m       *Message
	handle  *modelHandle
	token   uint64
	flags   uint32
	done    bool
	told    bool
	result  uint64
	message Message // of the answer
}

// modelWait is a thread that waits.
type modelWait struct{ interrupted bool }

// UseModel has the package use a new model during a test.
func UseModel(t testing.TB) *Model {
	k := &Model{handles: map[abi.Handle]*modelHandle{}, next: 100, calls: map[uint64]*modelCall{}, waits: map[int]*modelWait{}}
	k.changed = sync.NewCond(&k.mu)
	fake = k
	t.Cleanup(func() { fake = nil })
	return k
}

// Left is how many handles there are.
func (k *Model) Left() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.handles)
}

// NewHandle makes a handle to something, to be sent.
func (k *Model) NewHandle() abi.Handle {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.add(&modelHandle{rights: 1<<16 - 1})
}

// NewNotification makes a notification and what sets its bits.
func (k *Model) NewNotification() (abi.Handle, func(bits uint64)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	word := new(uint64)
	return k.add(&modelHandle{bits: word, rights: 1<<16 - 1}), func(bits uint64) {
		k.mu.Lock()
		*word |= bits
		k.changed.Broadcast()
		k.mu.Unlock()
	}
}

// Kill ends the server's process.
func (k *Model) Kill() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.Dead = true
	for _, c := range k.calls {
		if !c.done {
			c.done, c.result = true, abi.ECONNRESET.Result()
		}
	}
	k.changed.Broadcast()
}

func (k *Model) add(h *modelHandle) abi.Handle {
	k.next++
	k.handles[k.next] = h
	k.Peak = max(k.Peak, len(k.handles))
	return k.next
}

func (k *Model) object(nr uint64, args ...uint64) (uint64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if nr == abi.CallEndpointCreate {
		return uint64(k.add(&modelHandle{endpoint: new(modelEndpoint), rights: abi.RightsOf(abi.KindEndpoint)})), nil
	}
	h := k.handles[abi.Handle(args[0])]
	if h == nil {
		return 0, syscall.EBADF
	}
	switch nr {
	case abi.CallHandleMint:
		return uint64(k.add(&modelHandle{h.endpoint, abi.Rights(args[1]), args[2], h.bits})), nil
	case abi.CallHandleClose:
		delete(k.handles, abi.Handle(args[0]))
		k.changed.Broadcast()
		return 0, nil
	case abi.CallThreadBind:
		k.waits[-sys.ThreadID()] = &modelWait{} // bound threads have a second entry
		k.handles[0] = h
		return 0, nil
	}
	return 0, syscall.ENOSYS
}

func (k *Model) thread() int { return sys.ThreadID() }

func (k *Model) interrupt(thread int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if w := k.waits[thread]; w != nil {
		w.interrupted = true
		k.changed.Broadcast()
	}
}

func (k *Model) copy(nr, token, offset uint64, b []byte) (uint64, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	c := k.calls[token]
	if c == nil || c.done {
		return 0, syscall.ESRCH
	}
	if nr != abi.CallMessageRead {
		return 0, syscall.ENOSYS
	}
	if c.m.Options == nil || offset > uint64(c.m.Options.SendBytes) {
		return 0, syscall.EINVAL
	}
	return uint64(copy(b, c.m.Options.Sent()[offset:])), nil
}

// wait waits until f says what came, a deadline, or an interruption.
func (k *Model) wait(deadline int64, f func() (uint64, bool), interrupted func() (uint64, bool)) uint64 {
	w := &modelWait{}
	id := sys.ThreadID()
	k.waits[id] = w
	defer func() {
		if k.waits[id] == w { // a goroutine that isn't locked to its thread shares the id
			delete(k.waits, id)
		}
	}()
	if deadline != abi.WaitForever {
		t := time.AfterFunc(time.Duration(deadline-sys.Monotonic()), func() {
			k.mu.Lock()
			k.changed.Broadcast()
			k.mu.Unlock()
		})
		defer t.Stop()
	}
	for {
		if v, ok := f(); ok {
			return v
		}
		if w.interrupted {
			w.interrupted = false
			if v, ok := interrupted(); ok {
				return v
			}
			continue
		}
		if deadline != abi.WaitForever && sys.Monotonic() >= deadline {
			return abi.ETIMEDOUT.Result()
		}
		k.changed.Wait()
	}
}

func (k *Model) message(nr uint64, m *Message) uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	o := m.Options
	if o == nil {
		o = &sys.MessageOptions{Deadline: abi.WaitForever}
	}
	switch nr {
	case abi.CallEndpointCall:
		return k.call(m, o)
	case abi.CallEndpointReply:
		return k.reply(m, o).Result()
	case abi.CallEndpointReceive:
		return k.receive(m, o)
	case abi.CallEndpointReplyReceive:
		if m.Token != 0 {
			if e := k.reply(m, o); e != 0 && e != abi.ESRCH {
				return e.Result()
			}
		}
		return k.receive(m, o)
	}
	return abi.ENOSYS.Result()
}

func (k *Model) call(m *Message, o *sys.MessageOptions) uint64 {
	h := k.handles[abi.Handle(m.To)]
	if h == nil || h.endpoint == nil || !h.rights.Has(abi.RightWrite) {
		return abi.EBADF.Result()
	}
	if k.Dead || !slices.ContainsFunc(values(k.handles), func(o *modelHandle) bool {
		return o.endpoint == h.endpoint && o.rights.Has(abi.RightWait)
	}) {
		return abi.ECONNREFUSED.Result()
	}
	k.tokens++
	c := &modelCall{m: m, handle: h, token: k.tokens, flags: o.Flags}
	h.endpoint.queue = append(h.endpoint.queue, c)
	k.changed.Broadcast()
	queued := func() int { return slices.Index(h.endpoint.queue, c) }
	leave := func() {
		if i := queued(); i >= 0 {
			h.endpoint.queue = slices.Delete(h.endpoint.queue, i, i+1)
		}
		delete(k.calls, c.token)
	}
	result := k.wait(o.Deadline, func() (uint64, bool) { return c.result, c.done }, func() (uint64, bool) {
		if queued() >= 0 {
			return abi.EINTR.Result(), true
		}
		if c.flags&abi.MessageCancel != 0 && !c.told {
			c.told = true
			h.endpoint.cancels = append(h.endpoint.cancels, c.token)
			k.changed.Broadcast()
		}
		return 0, false
	})
	leave()
	if result == 0 {
		*m = c.message
	}
	return result
}

func (k *Model) receive(m *Message, o *sys.MessageOptions) uint64 {
	h := k.handles[abi.Handle(m.To)]
	if h == nil || h.endpoint == nil || !h.rights.Has(abi.RightWait) {
		return abi.EBADF.Result()
	}
	bound := k.waits[-sys.ThreadID()] != nil
	return k.wait(o.Deadline, func() (uint64, bool) {
		if n := k.handles[0]; bound && n != nil && *n.bits != 0 {
			m.Words[0], *n.bits = *n.bits, 0
			return abi.ReceivedBits, true
		}
		e := h.endpoint
		if len(e.cancels) > 0 {
			m.Token = e.cancels[0]
			e.cancels = e.cancels[1:]
			return abi.ReceivedCancel, true
		}
		for len(e.queue) > 0 {
			c := e.queue[0]
			e.queue = e.queue[1:]
			came, errno := k.deliver(c.m, o)
			if errno != 0 {
				c.done, c.result = true, errno.Result()
				k.changed.Broadcast()
				continue
			}
			k.calls[c.token] = c
			m.Words, m.Token, m.To, m.Came = c.m.Words, c.token, c.handle.badge, came
			return abi.ReceivedCall, true
		}
		if !slices.ContainsFunc(values(k.handles), func(o *modelHandle) bool { return o.endpoint == e && o.rights.Has(abi.RightWait) }) {
			return abi.ECANCELED.Result(), true
		}
		return 0, false
	}, func() (uint64, bool) { return abi.EINTR.Result(), true })
}

func (k *Model) reply(m *Message, o *sys.MessageOptions) abi.Errno {
	c := k.calls[m.Token]
	if c == nil || c.done {
		return abi.ESRCH
	}
	to := c.m.Options
	if to == nil {
		to = &sys.MessageOptions{}
	}
	came, e := k.deliver(m, to)
	if e != 0 {
		return e
	}
	c.message = *c.m
	c.message.Words, c.message.Came = m.Words, came
	c.done = true
	delete(k.calls, m.Token)
	k.changed.Broadcast()
	return 0
}

// deliver moves what a message has beside words.
func (k *Model) deliver(m *Message, to *sys.MessageOptions) (came uint64, e abi.Errno) {
	o := m.Options
	if o == nil || o.SendBytes == 0 && o.SendHandles == 0 {
		return 0, 0
	}
	if o.SendBytes > abi.MaxMessageBytes {
		return 0, abi.EMSGSIZE
	}
	if o.SendHandles > to.Accept {
		return 0, abi.ENOBUFS
	}
	for _, on := range o.Send[:o.SendHandles] {
		if h := k.handles[on.Handle]; h == nil {
			return 0, abi.EBADF
		}
	}
	if to.ReceiveBytes > 0 {
		copy(to.Room(), o.Sent())
	}
	for i, on := range o.Send[:o.SendHandles] {
		to.Given[i] = k.add(&modelHandle{endpoint: k.handles[on.Handle].endpoint, rights: on.Rights})
		if on.Flags&abi.HandOnMove != 0 {
			delete(k.handles, on.Handle)
		}
	}
	return abi.CameWith(uint64(o.SendBytes), int(o.SendHandles)), 0
}

func values(m map[abi.Handle]*modelHandle) []*modelHandle {
	var all []*modelHandle
	for _, h := range m {
		all = append(all, h)
	}
	return all
}
