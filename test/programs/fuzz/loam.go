// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import "loam/abi"

// Kinds of arguments of Loam's calls: handles, and what goes with them.
const (
	handle kind = 100 + iota // of any kind
	process
	space
	thread
	notification
	memory
	endpoint
	interrupt
	ports
	timer
	machine
	registers
	signalled // an endpoint or a notification
	harmless  // whatever is not the machine
	noteOrNot // a notification or 0

	rights
	badge
	noteBits // of a notification
	deadline
	period
	options // address of a message's
	token   // of a call that was received
	none    // 0
	pages   // whole pages, in bytes
	offset  // the same, that begins with 0
	mapProt // of a mapping
	mapAddr // where one may be
	nice
	quota
	request // address of a ProcessCreate

	// What the machine has: only what does no harm, and what can't be.
	line
	firstPort
	portCount
	port
	width
	deviceAddr
	deviceSize
	registersAddr
	registersSize
	register
	maskAddr
	dmaFlags
)

// loamForms has every call of package abi: see TestForms.
//
// Some are held back, for they would rightly end or break the machine. machine_end is
// never called by a handle of the machine. Of devices' registers and ports, objects
// are made where no device is (safePorts, holeAddr), and where there can't be any. Nothing of
// that is ever among the wild calls of randomCall (withheld).
var loamForms = []form{
	{abi.CallHandleDuplicate, 8, []kind{handle, rights}},
	{abi.CallHandleReplace, 2, []kind{handle, rights}},
	{abi.CallHandleClose, 5, []kind{handle}},
	{abi.CallHandleInfo, 3, []kind{handle, addr}},
	{abi.CallHandleRevoke, 3, []kind{handle}},
	{abi.CallHandleMint, 5, []kind{signalled, rights, badge}},
	{abi.CallNotificationCreate, 3, nil},
	{abi.CallNotificationSignal, 16, []kind{notification, noteBits}},
	{abi.CallNotificationWait, 6, []kind{notification, noteBits, deadline}},
	{abi.CallThreadCreate, 5, []kind{process}},
	{abi.CallThreadStart, 5, []kind{thread, any64, any64, any64, any64, any64}},
	{abi.CallThreadStop, 5, []kind{thread}},
	{abi.CallThreadResume, 12, []kind{thread}},
	{abi.CallThreadEnd, 1, []kind{thread}},
	{abi.CallThreadWait, 2, []kind{thread, deadline}},
	{abi.CallThreadInfo, 4, []kind{thread, addr}},
	{abi.CallThreadSchedule, 10, []kind{thread, small, nice}},
	{abi.CallThreadBind, 6, []kind{noteOrNot}},
	{abi.CallProcessCreate, 2, []kind{request, none, addr}},
	{abi.CallProcessKill, 1, []kind{process}},
	{abi.CallProcessWait, 2, []kind{process, deadline}},
	{abi.CallProcessInfo, 3, []kind{process, addr}},
	{abi.CallProcessUse, 3, []kind{process, addr}},
	{abi.CallProcessQuota, 3, []kind{process, quota, quota}},
	{abi.CallProcessForward, 1, []kind{process, endpoint}},
	{abi.CallProcessSignal, 1, []kind{process, small}},
	{abi.CallMemoryCreate, 5, []kind{pages, addr, small, small}},
	{abi.CallProcessClone, 6, []kind{token, addr}},
	{abi.CallProcessCopy, 3, []kind{endpoint, any64, any64, any64}},
	{abi.CallProcessReplace, 3, []kind{token, addr, addr}},
	{abi.CallProcessContinue, 3, []kind{endpoint, any64}},
	{abi.CallProcessOpen, 3, []kind{endpoint, any64, small}},
	{abi.CallProcessPost, 2, []kind{endpoint, any64, any64, addr}},
	{abi.CallProcessWatch, 3, []kind{endpoint, noteOrNot, noteBits}},
	{abi.CallProcessNews, 3, []kind{endpoint, addr}},
	{abi.CallProcessWrite, 3, []kind{endpoint, any64, addr, addr, size}},
	{abi.CallProcessArea, 3, []kind{endpoint, any64, any64, addr}},
	{abi.CallProcessThread, 3, []kind{endpoint, any64, any64, addr}},
	{abi.CallProcessSignals, 3, []kind{endpoint, any64, any64, addr}},
	{abi.CallMemoryCreatePaged, 5, []kind{pages, endpoint, any64, addr, small}},
	{abi.CallMemoryResize, 4, []kind{memory, pages}},
	{abi.CallMemoryDecommit, 4, []kind{memory, offset, pages}},
	{abi.CallMemoryInfo, 2, []kind{memory, addr}},
	{abi.CallMemoryMap, 16, []kind{space, memory, mapAddr, offset, pages, mapProt}},
	{abi.CallMemoryUnmap, 8, []kind{space, mapAddr, pages}},
	{abi.CallMemoryClone, 5, []kind{memory, offset, pages, addr, small}},
	{abi.CallMemorySupply, 12, []kind{memory, offset, addr, pages}},
	{abi.CallMemoryAddress, 2, []kind{memory, offset}},
	{abi.CallMemoryCreateDMA, 3, []kind{machine, pages, dmaFlags}},
	{abi.CallDeviceMemory, 2, []kind{machine, deviceAddr, deviceSize}},
	{abi.CallEndpointCreate, 4, nil},
	{abi.CallEndpointCall, 40, []kind{endpoint, options}},
	{abi.CallEndpointReceive, 20, []kind{endpoint, options}},
	{abi.CallEndpointReply, 20, []kind{none, options, token}},
	{abi.CallEndpointReplyReceive, 30, []kind{endpoint, options, token}},
	{abi.CallEndpointWatch, 5, []kind{endpoint, noteOrNot, noteBits}},
	{abi.CallMessageRead, 8, []kind{token, size, addr, size}},
	{abi.CallMessageWrite, 8, []kind{token, size, addr, size}},
	{abi.CallMessageMap, 4, []kind{token, memory, mapAddr, offset, pages, mapProt}},
	{abi.CallMessageSignal, 2, []kind{token, small}},
	{abi.CallTimerCreate, 3, nil},
	{abi.CallTimerSet, 8, []kind{timer, notification, noteBits, deadline, period}},
	{abi.CallInterruptCreate, 3, []kind{machine, line, small}},
	{abi.CallInterruptCreateMessage, 3, []kind{machine, maskAddr}},
	{abi.CallInterruptMessage, 2, []kind{interrupt, small}},
	{abi.CallInterruptBind, 4, []kind{interrupt, notification, noteBits}},
	{abi.CallInterruptAck, 4, []kind{interrupt}},
	{abi.CallPortsCreate, 3, []kind{machine, firstPort, portCount}},
	{abi.CallPortRead, 3, []kind{ports, port, width}},
	{abi.CallPortWrite, 3, []kind{ports, port, width, any64}},
	{abi.CallRegistersCreate, 4, []kind{machine, registersAddr, registersSize}},
	{abi.CallRegistersRead, 4, []kind{registers, register, width}},
	{abi.CallRegistersWrite, 4, []kind{registers, register, width, any64}},
	{abi.CallHostReceive, 2, []kind{machine, addr, size, noteOrNot, noteBits}},
	{abi.CallHostSend, 1, []kind{machine, addr, size}},
	{abi.CallMachineLog, 2, []kind{machine, addr, size, noteOrNot, noteBits}},
	{abi.CallMachineInfo, 2, []kind{machine, small, size, addr, size}},
	{abi.CallMachineEnd, 1, []kind{harmless, small, any64, addr, small}},
	{abi.CallBootFile, 2, []kind{file, small, addr}},
	{abi.CallSpawn, 1, []kind{file, small, file, small, page, size}},
}

// makes says which calls answer a handle, and of what kind.
var makes = map[uint64]kind{
	abi.CallNotificationCreate: notification, abi.CallThreadCreate: thread, abi.CallMemoryCreate: memory,
	abi.CallMemoryCreatePaged: memory, abi.CallMemoryClone: memory, abi.CallMemoryCreateDMA: memory,
	abi.CallDeviceMemory: memory, abi.CallEndpointCreate: endpoint, abi.CallTimerCreate: timer,
	abi.CallInterruptCreate: interrupt, abi.CallInterruptCreateMessage: interrupt, abi.CallPortsCreate: ports, abi.CallRegistersCreate: registers,
	abi.CallProcessOpen: handle, abi.CallMemoryMap: mapAddr, abi.CallHandleDuplicate: handle, abi.CallHandleMint: handle, abi.CallHandleReplace: handle,
}

// kindOf gives the argument that an object of a kind is.
func kindOf(k abi.Kind) kind { return handle + kind(k) }

// Where no device is, and what is there does nothing.
const (
	holeAddr = 0x38_0000_0000
	holeSize = 1 << 30
	safePort = 0x300
	safeSize = 16
)

// withheld reports whether a call may only be made with arguments that loamForms says.
func withheld(nr uint64) bool {
	switch nr {
	case abi.CallMachineEnd, abi.CallDeviceMemory, abi.CallPortsCreate, abi.CallPortRead, abi.CallPortWrite,
		abi.CallRegistersCreate, abi.CallRegistersRead, abi.CallRegistersWrite, abi.CallInterruptCreateMessage:
		return true
	}
	return false
}

// bounded gives an argument that is never wild; false if k is another's.
func (g *gen) bounded(k kind) (uint64, bool) {
	good := g.IntN(2) == 0
	switch k {
	case harmless:
		return g.of(0, uint64(abi.HandleProcess), uint64(abi.HandleSpace), uint64(abi.HandleThread), 1<<62|g.Uint64()), true
	case firstPort:
		if good {
			return safePort + uint64(g.IntN(safeSize)), true
		}
		return g.of(safePort, safePort+uint64(g.IntN(safeSize)), 1<<16, 1<<16+uint64(g.Uint32()), ^uint64(0)-uint64(g.IntN(16))), true
	case portCount: // with a first port that may be, none beyond what is safe, or too many
		return g.of(1, 2, 0, 1<<16, ^uint64(0)), true
	case port:
		return safePort + uint64(g.IntN(safeSize+2)) + g.of(0, 0, 0, 1<<32), true
	case width:
		if good {
			return g.of(1, 2, 4), true
		}
		return g.of(1, 2, 4, 0, 3, 8, 1<<32), true
	case deviceAddr:
		if good {
			return holeAddr + uint64(g.IntN(holeSize>>12))<<12, true
		}
		return g.of(holeAddr+uint64(g.IntN(holeSize>>12))<<12, holeAddr+uint64(g.IntN(8))<<12, holeAddr+1, 0, ^uint64(0), ^uint64(4095), 1<<63), true
	case deviceSize:
		if good {
			return 4096, true
		}
		return g.of(4096, uint64(1+g.IntN(16))<<12, 0, 1, 1<<50, ^uint64(4095)), true
	case registersAddr: // of few pages, which others want, too
		at := holeAddr + uint64(g.IntN(8))<<12 + uint64(g.IntN(1024))<<2
		if good {
			return at, true
		}
		return g.of(at, at+1, holeAddr+uint64(g.IntN(holeSize>>12))<<12, ^uint64(0), ^uint64(3), 1<<63), true
	case maskAddr:
		at := holeAddr + uint64(g.IntN(8))<<12 + uint64(g.IntN(1024))<<2
		if good {
			return g.of(at, 0), true
		}
		return g.of(at, 0, at+1, 4096, 0xfee00000, 1<<20, ^uint64(3), 1<<63), true
	case registersSize:
		if good {
			return uint64(1+g.IntN(16)) << 2, true
		}
		return g.of(4, uint64(1+g.IntN(1024))<<2, 0, 3, 4100, 1<<32, ^uint64(3)), true
	case register:
		if good {
			return uint64(g.IntN(4)) << 2, true
		}
		return g.of(uint64(g.IntN(16))<<2, uint64(g.IntN(64)), uint64(g.IntN(4100)), 1<<32, ^uint64(3)), true
	}
	return 0, false
}

// loamArg is an argument of a call of Loam's.
func (g *gen) loamArg(k kind) uint64 {
	switch k {
	case rights:
		return g.of(0, 3, 1<<g.IntN(8), 3|1<<g.IntN(8), 0x1b, uint64(g.Uint32()&g.Uint32()&0xff), uint64(g.Uint32()&0xff), 0x33, g.value())
	case badge, noteBits:
		return g.of(1, 2, 1<<g.IntN(63), g.Uint64()>>1, g.Uint64(), 0, 15)
	case deadline:
		return g.deadline()
	case period:
		return g.of(0, abi.MinTimerPeriod, uint64(g.IntN(10_000_000)), 1, g.Uint64())
	case none:
		return 0
	case pages:
		return g.of(4096, uint64(1+g.IntN(16))<<12, uint64(1+g.IntN(16))<<12, uint64(g.IntN(256))<<12, uint64(g.IntN(1<<16)))
	case offset:
		return g.of(0, 0, uint64(g.IntN(16))<<12, uint64(g.IntN(64))<<12, uint64(g.IntN(1<<16)))
	case mapProt:
		return g.of(1, 3, 3, 3, 5, 0, 1, 7, uint64(g.IntN(16))) | g.of(0, 0, abi.MapPrivate, 1<<g.IntN(12))
	case mapAddr:
		if g.IntN(2) == 0 {
			return g.of(0, arenaAddr+arenaSize+uint64(g.IntN(mapsSize>>12))<<12)
		}
		return g.pageAddress()
	case nice:
		return g.of(0, uint64(g.IntN(20)), -uint64(g.IntN(20)), g.value())
	case quota:
		return g.of(0, 1_000_000, 100_000+uint64(g.IntN(10_000_000)), g.Uint64()>>g.IntN(64))
	case line:
		return g.of(uint64(g.IntN(32)), uint64(g.IntN(128)), g.value())
	case dmaFlags:
		return g.of(0, 0, abi.DMA32, g.value())
	case options:
		return g.options()
	case request:
		return g.request()
	case any64, token:
		return g.value()
	}
	return g.liveHandle(k)
}

// deadline is a time, one that comes while the child lives most often.
func (g *gen) deadline() uint64 {
	switch g.IntN(16) {
	case 0, 1, 2:
		return 0
	case 3:
		if g.patient {
			return abi.WaitForever
		}
	case 4:
		return g.value()
	}
	return g.now + uint64(g.IntN(200_000_000))
}

// options puts those of a message somewhere; often there are none.
func (g *gen) options() uint64 {
	switch g.IntN(16) {
	case 0, 1, 2, 3:
		if g.patient {
			return 0
		}
	case 4, 5, 6, 7, 8:
		if len(g.messages) > 0 {
			return g.messages[g.IntN(len(g.messages))] | g.same()
		}
	case 9:
		return g.address() | g.same()
	}
	wild := g.IntN(10) == 0
	limit := func() uint64 {
		if wild && g.IntN(4) == 0 {
			return uint64(g.Uint32())
		}
		return g.of(0, 0, 8, uint64(g.IntN(4096)), uint64(g.IntN(abi.MaxMessageBytes)), 4096, abi.MaxMessageBytes)
	}
	few := func(most int) uint64 {
		if wild && g.IntN(4) == 0 {
			return uint64(g.Uint32()) >> g.IntN(32)
		}
		return uint64(g.IntN(most))
	}
	v := []uint64{
		g.of(abi.WaitForever, g.deadline(), g.deadline(), g.deadline()), g.address(), g.address(),
		limit() | limit()<<32, few(4) | few(2)*few(2)*few(2)*few(4)<<32, few(5),
	}
	for range abi.MaxMessageHandles {
		v = append(v, g.liveHandle(handle), g.of(0, 0, 3, g.loamArg(rights)&0xffffffff)|(few(2)*few(2))<<32)
	}
	v = append(v, 0, 0, 0, 0)
	at := g.words(v...)
	if g.IntN(12) == 0 { // its end in memory that a pager brings, or that is no more
		at = arenaAddr + pagedOffset - uint64(g.IntN(len(v)))*8
		copy(mem(at, int(arenaAddr+pagedOffset-at)), mem(g.words(v...), len(v)*8))
	}
	g.messages = append(g.messages, at)
	return at
}

// request puts the request for a process somewhere: this program without a part to
// play, or one with nothing in it. The length has the next argument.
func (g *gen) request() uint64 {
	head := abi.ProcessCreate{Limits: abi.DefaultLimits(), Priority: uint32(g.of(0, 0, 1, 40))}
	name, args := "program", "fuzz\x00x\x00"
	if g.IntN(3) > 0 {
		head.Flags, name, args = abi.ProcessEmpty, "", ""
	}
	head.Flags |= uint32(g.of(0, 0, 0, abi.ProcessHeld, 1<<g.IntN(32)))
	head.Handles = uint32(g.IntN(4))
	head.Name, head.Args = uint32(len(name)), uint32(len(args))
	if g.IntN(8) == 0 {
		head.Limits[g.IntN(abi.NumLimits)] = g.Uint32() >> g.IntN(32)
	}
	b := make([]byte, head.Size()+8)
	head.Put(b)
	at := abi.ProcessCreateSize
	for range head.Handles {
		abi.HandOn{Handle: abi.Handle(g.liveHandle(handle)), Rights: abi.Rights(g.loamArg(rights)), Flags: uint32(g.of(0, 0, 1))}.Put(b[at:])
		at += abi.HandOnSize
	}
	copy(b[at:], name+args)
	if g.IntN(8) == 0 {
		b[g.IntN(len(b))] ^= 1 << g.IntN(8)
	}
	g.size = head.Size()
	start := g.words(make([]uint64, len(b)/8)...)
	copy(mem(start, len(b)), b)
	return start
}

// loamCall adds one of loamForms.
func (g *gen) loamCall(f *form) {
	r := record{Nr: f.nr}
	for i := range r.Args {
		r.Args[i] = g.Uint64()
	}
	for i := range r.More {
		r.More[i] = g.Uint64()
	}
	g.size = 0
	for i, k := range f.args {
		if v, ok := g.bounded(k); ok {
			r.Args[i] = v
			continue
		}
		r.Args[i] = g.arg(k)
		if at := g.follow(k); at != 0 && (g.IntN(4) == 0 || k == token && g.IntN(8) > 0) {
			r.Args[i] = at
			r.Follow |= 1 << i
		}
	}
	if len(f.args) > 1 && f.args[1] == options {
		g.soon(r.Args[1])
	}
	switch f.nr {
	case abi.CallProcessCreate:
		if g.IntN(16) > 0 {
			r.Args[1] = g.size
		}
	case abi.CallThreadSchedule:
		r.Args[1] &= -g.of(0, 0, 1)
	case abi.CallBootFile, abi.CallSpawn:
		const program, args = "program\x00", "fuzz\x00x\x00\x00"
		if g.IntN(2) == 0 {
			r.Args[0], r.Args[1] = g.text(program), uint64(len(program)-1)
		}
		if f.nr == abi.CallSpawn && g.IntN(2) == 0 {
			r.Args[2], r.Args[3], r.Args[4], r.Args[5] = g.text(args), uint64(len(args)-1), 0, 0
		}
	case abi.CallThreadStart:
		if g.IntN(8) > 0 {
			r.Args[1], r.Args[2] = uint64(beginAddr), blocksAddr+uint64(g.IntN(g.workers))*blockSize+stackTop
		}
	}
	g.made(f.nr)
	g.add(r)
}

// made notes what the next record's result is, and its token.
func (g *gen) made(nr uint64) {
	at := g.at + uint64(len(g.records))*recordSize
	if k, ok := makes[nr]; ok {
		g.results[k] = append(g.results[k], at+recordResult)
	}
	if nr == abi.CallEndpointReceive || nr == abi.CallEndpointReplyReceive {
		g.tokens = append(g.tokens, at+recordToken)
	}
}

// follow gives an address where there will be what an argument of that kind could be, 0
// if there is none.
func (g *gen) follow(k kind) uint64 {
	some := g.results[k]
	switch {
	case k == token:
		if n := len(g.tokens); n > 0 {
			return g.tokens[n-1-g.IntN(min(n, 2))]
		}
		return 0
	case k == mapAddr:
	case k < handle || k > noteOrNot:
		return 0
	case k == noteOrNot:
		some = g.results[notification]
	case len(some) == 0 || g.IntN(4) == 0:
		some = g.results[handle]
		if len(g.messages) > 0 && g.IntN(2) == 0 { // what came with a message
			return g.messages[g.IntN(len(g.messages))] + abi.GivenOffset + 8*uint64(g.IntN(abi.MaxMessageHandles))
		}
	}
	if len(some) == 0 {
		return 0
	}
	at := some[g.IntN(len(some))]
	if at < g.at && g.IntN(8) > 0 { // another worker's, which may not have come there
		return 0
	}
	return at
}

// liveHandle gives a handle that the child had when it began, of that kind most often.
func (g *gen) liveHandle(k kind) uint64 {
	switch k {
	case noteOrNot:
		if k = notification; g.IntN(4) == 0 {
			return 0
		}
	case signalled:
		k = kind(g.of(uint64(endpoint), uint64(notification)))
	}
	if g.IntN(16) == 0 {
		k = handle
	}
	some := g.handles[k]
	switch {
	case k == handle:
		if len(g.handles[handle]) > 0 && g.IntN(8) > 0 {
			break
		}
		return g.of(0, uint64(abi.HandleProcess)+uint64(g.IntN(32)), g.value())
	case len(some) == 0:
		return uint64(abi.HandleProcess) + uint64(g.IntN(32))
	}
	return some[g.IntN(len(some))] + g.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1<<abi.HandleIndexBits)
}

// serve adds what a server does, and talk what a client does, in a row.
func (g *gen) serve() {
	at := g.meeting()
	opts := g.options()
	g.soon(opts)
	for i := range 1 + g.IntN(12) {
		r := record{Nr: abi.CallEndpointReplyReceive, Args: [6]uint64{at, opts, 0, g.Uint64(), g.Uint64(), g.Uint64()}}
		if n := len(g.tokens); n > 0 && (i > 0 || g.IntN(8) > 0) {
			r.Args[2] = g.tokens[n-1]
			r.Follow = 1 << 2
		}
		if i > 0 && opts != 0 {
			r.Args[1] |= g.same()
		}
		g.made(r.Nr)
		g.add(r)
		g.soon(opts)
		for g.IntN(6) == 0 {
			g.loamCall(g.formOf(g.of(abi.CallMessageRead, abi.CallMessageWrite, abi.CallMemorySupply, abi.CallEndpointReply, abi.CallEndpointCall)))
		}
	}
}

func (g *gen) talk() {
	r := record{Nr: abi.CallEndpointCall, Args: [6]uint64{g.meeting(), g.options(), g.Uint64(), g.Uint64(), g.Uint64(), g.Uint64()}}
	for range 1 + g.IntN(12) {
		g.soon(r.Args[1])
		g.add(r)
	}
}

// same is MessageSame now and then, if it can be.
func (g *gen) same() uint64 {
	if g.patient || g.IntN(16) == 0 {
		return g.of(0, 0, abi.MessageSame)
	}
	return 0
}

// soon has the deadline of a message's options come soon, if the child isn't patient.
func (g *gen) soon(options uint64) {
	if options &^= abi.MessageSame; !g.patient && options != 0 {
		g.add(record{Op: opDeadline, Args: [6]uint64{1, g.clock, uint64(g.IntN(3_000_000)), options}})
	}
}

// meeting gives an endpoint, which other workers of this child choose most often, too.
func (g *gen) meeting() uint64 {
	if some := g.handles[endpoint]; len(some) > 0 && g.IntN(4) > 0 {
		return some[len(some)-1]
	}
	return g.liveHandle(endpoint)
}

// text puts a few words of text into the arena.
func (g *gen) text(s string) uint64 {
	at := g.words(make([]uint64, (len(s)+7)/8)...)
	copy(mem(at, len(s)), s)
	return at
}

// formOf gives the form of a call of Loam's.
func (g *gen) formOf(nr uint64) *form {
	for i := range loamForms {
		if loamForms[i].nr == nr {
			return &loamForms[i]
		}
	}
	panic("a call without a form")
}
