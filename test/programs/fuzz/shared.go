// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"strconv"
	"syscall"
	"time"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
)

// What the children that CallProcessCreate makes have in common, and what the parent does
// to it and to them while they use it.

// pool is the parent's objects, of which it gives the children handles.
type pool struct {
	endpoints []abi.Handle
	others    []abi.Handle
}

// fill makes the objects.
func (o *pool) fill() {
	for range 3 {
		o.endpoints = append(o.endpoints, abi.Handle(must(abi.CallEndpointCreate)))
		o.others = append(o.others, abi.Handle(must(abi.CallNotificationCreate)))
	}
	for range 2 {
		o.others = append(o.others, abi.Handle(must(abi.CallMemoryCreate, objectPages*abi.PageSize, 0, 0)))
	}
	o.others = append(o.others, abi.Handle(must(abi.CallTimerCreate)),
		abi.Handle(must(abi.CallMemoryCreatePaged, objectPages*abi.PageSize, uint64(o.endpoints[0]), 3, 0, 0)))
	const anyLine = 21 // of no device, or refused
	if h, e := call(abi.CallInterruptCreate, uint64(abi.HandleMachine), anyLine, 0); e == 0 {
		o.others = append(o.others, abi.Handle(h))
	}
	if h, e := call(abi.CallPortsCreate, uint64(abi.HandleMachine), safePort, safeSize/2); e == 0 {
		o.others = append(o.others, abi.Handle(h))
	}
}

// drop gives back the parent's handles.
func (o *pool) drop() {
	for _, h := range append(o.endpoints, o.others...) {
		must(abi.CallHandleClose, uint64(h))
	}
	*o = pool{}
}

// create starts a child with handles.
func (p *parent) create(seed uint64) (*kid, error) {
	k := &kid{}
	var err error
	if k.records, err = object.NewNamedMemory(recordsSize, recordsName); err != nil {
		return nil, err
	}
	hands := []abi.HandOn{{Handle: abi.Handle(k.records), Rights: abi.RightRead | abi.RightWrite | abi.RightTransfer}}
	minted := []abi.Handle{}
	for _, h := range append(append([]abi.Handle{}, p.pool.endpoints...), p.pool.others...) {
		if p.random.IntN(4) > 0 {
			on := p.handOn(h)
			hands = append(hands, on)
			if on.Flags&abi.HandOnMove != 0 {
				minted = append(minted, on.Handle)
			}
		}
	}
	for _, sibling := range p.kids {
		if sibling.made.Process != 0 && p.random.IntN(2) == 0 {
			hands = append(hands, p.handOn(abi.Handle(sibling.made.Process)),
				p.handOn(abi.Handle(sibling.made.Space)), p.handOn(abi.Handle(sibling.made.Thread)))
		}
	}
	if p.random.IntN(3) == 0 {
		hands = append(hands, p.handOn(abi.HandleMachine))
	}
	q := object.Program{File: "program", Args: []string{"fuzz", "child", strconv.FormatUint(seed, 10)}, Handles: hands, Limits: p.limits()}
	if p.random.IntN(4) == 0 {
		q.Highest = p.random.IntN(6)
	}
	for p.slots[k.slot] {
		k.slot++
	}
	if _, err = object.Here.Map(k.records, k.at(), 0, recordsSize, syscall.PROT_READ); err == nil {
		if k.made, err = q.Start(); err != nil {
			must(abi.CallMemoryUnmap, uint64(abi.HandleSpace), k.at(), recordsSize)
		}
	}
	if err != nil {
		for _, h := range append(minted, abi.Handle(k.records)) {
			must(abi.CallHandleClose, uint64(h))
		}
		return nil, err
	}
	p.slots[k.slot] = true
	if i, err := k.made.Process.Info(); err == nil {
		k.pid = int(i.PID)
	}
	return k, nil
}

// crowded reports whether there are many processes. Those that a child has made and that
// never ran are still there when it has ended, and nobody can name them: then no child
// may make any.
func (p *parent) crowded() bool {
	i, err := object.Process(abi.HandleProcess).Info()
	if err != nil {
		fail("the parent's use: %v", err)
	}
	return i.Used.Of(abi.KindProcess) > i.Limits.Of(abi.KindProcess)/4+mostAtOnce
}

// limits are those of a child's account.
func (p *parent) limits() *abi.Limits {
	l := abi.DefaultLimits()
	l.Set(abi.KindProcess, 1)
	if p.random.IntN(4) > 0 || p.crowded() {
		l.Set(abi.KindProcess, 0)
	}
	return &l
}

// handOn gives a handle with some of the rights away, or one made of it with a badge.
func (p *parent) handOn(h abi.Handle) abi.HandOn {
	i, err := object.Info(h)
	if err != nil {
		fail("a handle of the parent's: %v", err)
	}
	some := i.Rights & abi.Rights(p.random.Uint32()|p.random.Uint32())
	if i.Kind == abi.KindMemory {
		some &^= abi.RightManage // or a child would make it larger, at the parent's expense
	}
	if i.Kind == abi.KindEndpoint || i.Kind == abi.KindNotification {
		if m, err := object.Mint(h, some|abi.RightTransfer, 1+p.random.Uint64N(1<<62)); err == nil && p.random.IntN(2) == 0 {
			return abi.HandOn{Handle: m, Rights: some, Flags: abi.HandOnMove}
		} else if err == nil {
			must(abi.CallHandleClose, uint64(m))
		}
	}
	return abi.HandOn{Handle: h, Rights: some}
}

// mischief is what happens to children at any time.
func (p *parent) mischief() {
	if len(p.kids) == 0 {
		return
	}
	k := p.kids[p.random.IntN(len(p.kids))]
	switch p.random.IntN(24) {
	case 0, 1:
		k.stop()
	case 2: // all that was made of a handle
		all := append(append([]abi.Handle{}, p.pool.endpoints...), p.pool.others...)
		must(abi.CallHandleRevoke, uint64(all[p.random.IntN(len(all))]))
	case 3:
		if k.made.Process != 0 {
			_ = k.made.Process.SetQuota(time.Duration(p.random.IntN(3))*time.Millisecond, 10*time.Millisecond)
		}
	case 4, 5, 6:
		p.ask()
	}
	for _, k := range p.kids {
		if k.stopped && p.random.IntN(4) == 0 {
			k.resume()
		}
	}
}

// stop stops a child, or its first thread.
func (k *kid) stop() {
	k.stopped = true
	if k.made.Process != 0 {
		_ = k.made.Thread.Stop()
	} else {
		_ = syscall.Kill(k.pid, syscall.SIGSTOP)
	}
}

// resume has a stopped child go on.
func (k *kid) resume() {
	k.stopped = false
	if k.made.Process != 0 {
		_ = k.made.Thread.Resume()
	} else {
		_ = syscall.Kill(k.pid, syscall.SIGCONT)
	}
}

// ask calls whoever receives, which may be nobody: the deadline ends it.
func (p *parent) ask() {
	var o sys.MessageOptions
	var buffer [64]byte
	start := time.Now()
	o.Deadline = sys.Monotonic() + p.random.Int64N(int64(2*time.Millisecond))
	o.SendAddr, o.SendBytes = &buffer[0], uint32(p.random.IntN(len(buffer)))
	o.ReceiveAddr, o.ReceiveBytes = &buffer[0], uint32(p.random.IntN(len(buffer)))
	m := sys.Message{To: uint64(p.pool.endpoints[p.random.IntN(len(p.pool.endpoints))]), Options: &o}
	_ = sys.MessageCall(abi.CallEndpointCall, &m)
	if took := time.Since(start); took > 10*time.Second {
		fail("a call with a deadline took %v", took)
	}
}

// close gives back what the parent has of a child that has ended.
func (p *parent) close(k *kid) {
	if k.made.Process == 0 {
		return
	}
	must(abi.CallMemoryUnmap, uint64(abi.HandleSpace), k.at(), recordsSize)
	p.slots[k.slot] = false
	if err := k.made.Close(); err != nil {
		fail("the handles of child %d: %v", k.pid, err)
	}
	must(abi.CallHandleClose, uint64(k.records))
}
