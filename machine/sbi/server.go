// SPDX-License-Identifier: Apache-2.0

package sbi

import (
	"math/bits"
	"sync/atomic"
)

// MaxHarts is how many harts a Server knows.
const MaxHarts = 64

// maxAreas is how many ranges of memory it can have.
const maxAreas = 32

// Do is what an Action does.
type Do uint8

// What there is to do. All but Nothing concern the calling hart, unless said.
const (
	Nothing     Do = iota
	Timer          // program mtimecmp to Value and clear the pending timer interrupt
	Interrupt      // raise the software interrupt of the harts in Harts
	Wake           // raise the software interrupt of the harts in Harts: one is to start
	FenceCode      // have the harts in Harts fence their instructions, and wait for it
	FenceTables    // the same for all their translations
	Stop           // leave supervisor mode, for good, and tell by HasStopped
	Wait           // until an interrupt is pending, then answer
	End            // the machine: Value is a type of reset, Reason why
	Write          // Length bytes at physical address Value to the console
	Read           // up to Length bytes from the console to Value; how many is the answer
)

// Action is what machine mode is to do before it returns from a call.
type Action struct {
	Do     Do
	Reason uint32
	Harts  uint64 // a set, by index
	Value  uint64
	Length uint64
	Byte   byte // what to write, if Value is 0
}

// Answer is what the call returns: a0 and a1.
type Answer struct {
	Error Error
	Value uint64
}

// Server answers calls. What isn't said to be shared is set before there are any.
type Server struct {
	count   int
	ids     [MaxHarts]uint64
	states  [MaxHarts]uint32 // State; shared
	entries [MaxHarts]uint64 // where a hart is to start; its starter's until it is started
	opaques [MaxHarts]uint64
	areas   [maxAreas]area
	areaNum int
	ID      [3]uint64 // mvendorid, marchid, mimpid

	// What the machine lacks: such an extension isn't there.
	NoReset, NoConsole bool
}

// area is memory that the supervisor may name: start to end, exclusive.
type area struct{ start, end uint64 }

// AddHart makes a hart known, as stopped or, for the one that boots, started, and
// gives its index; -1: there are too many, or it is known already.
func (s *Server) AddHart(id uint64, state State) int {
	if s.count >= MaxHarts || s.index(id) >= 0 {
		return -1
	}
	i := s.count
	s.ids[i], s.states[i] = id, uint32(state)
	s.count++
	return i
}

// Boot has a hart that is known, and stopped, begin at entry: the first.
func (s *Server) Boot(i int, entry, opaque uint64) {
	i &= MaxHarts - 1
	s.entries[i], s.opaques[i] = entry, opaque
	s.change(i, Stopped, StartPending)
}

// AddMemory makes memory known in which harts may start, and from which the
// console may be written. False: no room, or no range.
func (s *Server) AddMemory(start, size uint64) bool {
	if s.areaNum >= maxAreas || size == 0 || start+size < start {
		return false
	}
	s.areas[s.areaNum] = area{start, start + size}
	s.areaNum++
	return true
}

// index gives the index of a hart, -1 if it isn't known.
func (s *Server) index(id uint64) int {
	// Mostly harts are numbered from 0 on.
	if id < uint64(s.count) && s.ids[id&(MaxHarts-1)] == id {
		return int(id)
	}
	for i := range s.ids[:min(s.count, MaxHarts)] {
		if s.ids[i] == id {
			return i
		}
	}
	return -1
}

// inMemory reports whether a range lies in memory.
func (s *Server) inMemory(start, size uint64) bool {
	for _, a := range s.areas[:min(s.areaNum, maxAreas)] {
		if start >= a.start && start <= a.end && size <= a.end-start {
			return true
		}
	}
	return false
}

// StateOf tells the state of the hart with an index.
func (s *Server) StateOf(i int) State { return s.state(i) &^ claim }

func (s *Server) state(i int) State { return State(atomic.LoadUint32(&s.states[i&(MaxHarts-1)])) }

func (s *Server) change(i int, from, to State) bool {
	return atomic.CompareAndSwapUint32(&s.states[i&(MaxHarts-1)], uint32(from), uint32(to))
}

// Begin is for a stopped hart that was woken: where it is to start in supervisor
// mode, and what with; false: it was not meant.
func (s *Server) Begin(i int) (entry, opaque uint64, ok bool) {
	if s.state(i) != StartPending {
		return 0, 0, false
	}
	entry, opaque = s.entries[i&(MaxHarts-1)], s.opaques[i&(MaxHarts-1)]
	return entry, opaque, s.change(i, StartPending, Started)
}

// HasStopped is for a hart that was told to Stop, when it is out of supervisor
// mode: from then on it may be started again.
func (s *Server) HasStopped(i int) { s.change(i, StopPending, Stopped) }

// Call answers a call that the hart with index self makes with these registers.
func (s *Server) Call(self int, extension, function uint64, a [6]uint64) (Answer, Action) {
	switch extension {
	case IPI:
		if function == IPISend {
			return s.send(a[0], a[1])
		}
	case Time:
		if function == TimeSet {
			return Answer{}, Action{Do: Timer, Value: a[0]}
		}
	case Fence:
		return s.fence(function, a)
	case HSM:
		return s.hart(self, function, a)
	case Base:
		return s.base(function, a[0])
	default:
		if s.has(extension) {
			return s.device(extension, function, a)
		}
	}
	return Answer{Error: NotSupported}, Action{}
}

// device answers the extensions that need a device.
func (s *Server) device(extension, function uint64, a [6]uint64) (Answer, Action) {
	switch extension {
	case LegacyPutchar:
		return Answer{}, Action{Do: Write, Length: 1, Byte: byte(a[0])}
	case LegacyGetchar: // a0 is the character, or -1: Read gives how many there were
		return Answer{Error: Failed}, Action{Do: Read, Length: 1}
	case Console:
		return s.console(function, a)
	}
	if function != ResetSystem {
		return Answer{Error: NotSupported}, Action{}
	}
	return s.reset(a[0], a[1])
}

// has reports whether there is an extension.
func (s *Server) has(extension uint64) bool {
	switch extension {
	case LegacyPutchar, LegacyGetchar, Console:
		return !s.NoConsole
	case Reset:
		return !s.NoReset
	case Base, Time, IPI, Fence, HSM:
		return true
	}
	return false
}

func (s *Server) base(function, arg uint64) (Answer, Action) {
	v := uint64(0)
	switch function {
	case BaseSpecVersion:
		v = SpecVersion
	case BaseImplID:
		v = ImplID
	case BaseImplVersion:
		v = ImplVersion
	case BaseProbe:
		if s.has(arg) {
			v = 1
		}
	case BaseVendor, BaseArch, BaseMachine:
		v = s.ID[function-BaseVendor]
	default:
		return Answer{Error: NotSupported}, Action{}
	}
	return Answer{Value: v}, Action{}
}

func (s *Server) send(mask, base uint64) (Answer, Action) {
	harts, e := s.running(mask, base)
	if harts == 0 {
		return Answer{Error: e}, Action{}
	}
	return Answer{}, Action{Do: Interrupt, Harts: harts}
}

// running finds the harts of a mask that run: bit k is the hart with number base+k.
// One that there is not makes the call invalid (section 3.2); one that doesn't run
// neither is interrupted nor has anything to fence: it does when it starts.
func (s *Server) running(mask, base uint64) (harts uint64, e Error) {
	if base == AllHarts {
		harts = 1<<s.count - 1
	} else {
		for ; mask != 0; mask &= mask - 1 {
			id := base + uint64(bits.TrailingZeros64(mask))
			i := s.index(id)
			if i < 0 || id < base {
				return 0, InvalidParam
			}
			harts |= 1 << (i & (MaxHarts - 1))
		}
	}
	for left := harts; left != 0; left &= left - 1 {
		if i := bits.TrailingZeros64(left); s.StateOf(i) != Started {
			harts &^= 1 << i
		}
	}
	return harts, Success
}

// fence has other harts fence. Those of translations do all: what the kernel wants
// fenced by address or identifier it fences itself.
func (s *Server) fence(function uint64, a [6]uint64) (Answer, Action) {
	do := FenceTables
	switch {
	case function == FenceI:
		do = FenceCode
	case function == FenceVMA, function == FenceVMAASID:
		if start, size := a[2], a[3]; size != fenceWhole && start+size < start {
			return Answer{Error: InvalidAddress}, Action{}
		}
	default: // the hypervisor's, too: no guest is supported
		return Answer{Error: NotSupported}, Action{}
	}
	harts, e := s.running(a[0], a[1])
	if harts == 0 {
		return Answer{Error: e}, Action{}
	}
	return Answer{}, Action{Do: do, Harts: harts}
}

func (s *Server) hart(self int, function uint64, a [6]uint64) (Answer, Action) {
	switch function {
	case HSMStart:
		return s.start(a[0], a[1], a[2])
	case HSMStop:
		if !s.change(self, Started, StopPending) {
			return Answer{Error: Failed}, Action{}
		}
		return Answer{}, Action{Do: Stop}
	case HSMStatus:
		i := s.index(a[0])
		if i < 0 {
			return Answer{Error: InvalidParam}, Action{}
		}
		return Answer{Value: uint64(s.StateOf(i))}, Action{}
	case HSMSuspend:
		switch kind := uint32(a[0]); {
		case kind == SuspendRetentive:
			return Answer{}, Action{Do: Wait}
		case kind == SuspendDeep, kind >= 0x10000000 && kind < SuspendDeep, kind >= 0x90000000:
			return Answer{Error: NotSupported}, Action{} // no platform has them
		}
		return Answer{Error: InvalidParam}, Action{} // reserved
	}
	return Answer{Error: NotSupported}, Action{}
}

// start has a stopped hart start in supervisor mode.
func (s *Server) start(id, entry, opaque uint64) (Answer, Action) {
	i := s.index(id)
	switch {
	case i < 0:
		return Answer{Error: InvalidParam}, Action{}
	case entry%2 != 0 || !s.inMemory(entry, 4):
		return Answer{Error: InvalidAddress}, Action{}
	}
	switch s.StateOf(i) {
	case Started, StartPending:
		return Answer{Error: AlreadyAvailable}, Action{}
	case StopPending:
		return Answer{Error: Failed}, Action{}
	}
	// Of two that start the same hart at once one may write.
	if !s.change(i, Stopped, StartPending|claim) {
		return Answer{Error: AlreadyAvailable}, Action{}
	}
	s.entries[i], s.opaques[i] = entry, opaque
	s.change(i, StartPending|claim, StartPending)
	return Answer{}, Action{Do: Wake, Harts: 1 << i}
}

// claim marks a pending start whose entry is not there yet: Begin waits for it.
const claim State = 1 << 31

func (s *Server) reset(kind, reason uint64) (Answer, Action) {
	k, r := uint32(kind), uint32(reason)
	switch {
	case r > ReasonFailure && r < 0xe0000000, k > ResetWarm && k < 0xf0000000:
		return Answer{Error: InvalidParam}, Action{} // reserved
	case r >= 0xe0000000, k >= 0xf0000000:
		return Answer{Error: InvalidParam}, Action{} // some platform's or vendor's, not ours
	case k == ResetWarm:
		return Answer{Error: NotSupported}, Action{}
	}
	return Answer{}, Action{Do: End, Value: uint64(k), Reason: r}
}

func (s *Server) console(function uint64, a [6]uint64) (Answer, Action) {
	switch function {
	case ConsoleWrite, ConsoleRead:
		n, at, high := a[0], a[1], a[2]
		if high != 0 || !s.inMemory(at, n) {
			return Answer{Error: InvalidParam}, Action{}
		}
		if n == 0 {
			return Answer{}, Action{}
		}
		if function == ConsoleRead {
			return Answer{}, Action{Do: Read, Value: at, Length: n}
		}
		return Answer{Value: n}, Action{Do: Write, Value: at, Length: n}
	case ConsoleWriteByte:
		return Answer{}, Action{Do: Write, Length: 1, Byte: byte(a[0])}
	}
	return Answer{Error: NotSupported}, Action{}
}
