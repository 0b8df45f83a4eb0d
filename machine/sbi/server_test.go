// SPDX-License-Identifier: Apache-2.0

package sbi

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
)

const (
	ram  = 0x80000000
	size = 1 << 20
)

// newServer makes one with harts 0 (running), 1, 5 (stopped).
func newServer(t testing.TB) *Server {
	s := &Server{ID: [3]uint64{7, 8, 9}}
	for i, id := range []uint64{0, 1, 5} {
		state := Stopped
		if i == 0 {
			state = Started
		}
		if s.AddHart(id, state) != i {
			t.Fatal("a hart can't be added")
		}
	}
	if !s.AddMemory(ram, size) {
		t.Fatal("no memory")
	}
	return s
}

// TestErrors: each function answers what the specification says (chapters 4 to 12).
func TestErrors(t *testing.T) {
	for _, c := range []struct {
		name            string
		eid, fid        uint64
		a               [6]uint64
		want            Error
		value           uint64
		do              Do
		harts, argument uint64
	}{
		{name: "version", eid: Base, value: SpecVersion},
		{name: "implementation", eid: Base, fid: BaseImplID, value: ImplID},
		{name: "its version", eid: Base, fid: BaseImplVersion, value: ImplVersion},
		{name: "vendor", eid: Base, fid: BaseVendor, value: 7},
		{name: "architecture", eid: Base, fid: BaseArch, value: 8},
		{name: "machine", eid: Base, fid: BaseMachine, value: 9},
		{name: "base of no such function", eid: Base, fid: 7, want: NotSupported},
		{name: "probe time", eid: Base, fid: BaseProbe, a: [6]uint64{Time}, value: 1},
		{name: "probe interrupts", eid: Base, fid: BaseProbe, a: [6]uint64{IPI}, value: 1},
		{name: "probe harts", eid: Base, fid: BaseProbe, a: [6]uint64{HSM}, value: 1},
		{name: "probe reset", eid: Base, fid: BaseProbe, a: [6]uint64{Reset}, value: 1},
		{name: "probe console", eid: Base, fid: BaseProbe, a: [6]uint64{Console}, value: 1},
		{name: "probe putchar", eid: Base, fid: BaseProbe, a: [6]uint64{LegacyPutchar}, value: 1},
		{name: "probe getchar", eid: Base, fid: BaseProbe, a: [6]uint64{LegacyGetchar}, value: 1},
		{name: "probe the timer of old", eid: Base, fid: BaseProbe, a: [6]uint64{0}},
		{name: "probe counters", eid: Base, fid: BaseProbe, a: [6]uint64{0x504d55}},
		{name: "probe above 32 bits", eid: Base, fid: BaseProbe, a: [6]uint64{1<<32 | Time}},
		{name: "probe itself", eid: Base, fid: BaseProbe, a: [6]uint64{Base}, value: 1},
		{name: "probe fences", eid: Base, fid: BaseProbe, a: [6]uint64{Fence}, value: 1},
		{name: "no such extension", eid: 0x504d55, want: NotSupported},

		{name: "timer", eid: Time, a: [6]uint64{99}, do: Timer, argument: 99},
		{name: "no timer", eid: Time, a: [6]uint64{^uint64(0)}, do: Timer, argument: ^uint64(0)},
		{name: "time of no such function", eid: Time, fid: 1, want: NotSupported},

		{name: "interrupt itself", eid: IPI, a: [6]uint64{1, 0}, do: Interrupt, harts: 1},
		{name: "interrupt all", eid: IPI, a: [6]uint64{0, AllHarts}, do: Interrupt, harts: 1},
		{name: "interrupt who doesn't run", eid: IPI, a: [6]uint64{2, 0}},
		{name: "interrupt nobody", eid: IPI, a: [6]uint64{0, 0}},
		{name: "interrupt from a base on", eid: IPI, a: [6]uint64{1<<4 | 1, 1}},
		{name: "interrupt a hart that isn't", eid: IPI, a: [6]uint64{1<<2 | 1, 0}, want: InvalidParam},
		{name: "interrupt beyond all harts", eid: IPI, a: [6]uint64{1, 100}, want: InvalidParam},
		{name: "interrupt with a mask that wraps", eid: IPI, a: [6]uint64{1 << 63, ^uint64(0) - 3}, want: InvalidParam},
		{name: "interrupt of no such function", eid: IPI, fid: 1, want: NotSupported},

		{name: "fence code", eid: Fence, a: [6]uint64{1, 0}, do: FenceCode, harts: 1},
		{name: "fence code of all", eid: Fence, a: [6]uint64{0, AllHarts}, do: FenceCode, harts: 1},
		{name: "fence code of nobody", eid: Fence, a: [6]uint64{0, 0}},
		{name: "fence code of who doesn't run", eid: Fence, a: [6]uint64{2, 0}},
		{name: "fence code of a hart that isn't", eid: Fence, a: [6]uint64{1 << 2, 0}, want: InvalidParam},
		{name: "fence code, whatever the range", eid: Fence, a: [6]uint64{1, 0, ^uint64(0), 2}, do: FenceCode, harts: 1},
		{name: "fence all translations", eid: Fence, fid: FenceVMA, a: [6]uint64{1, 0, 0, 0}, do: FenceTables, harts: 1},
		{name: "fence all translations, by size", eid: Fence, fid: FenceVMA, a: [6]uint64{1, 0, 0x1000, ^uint64(0)}, do: FenceTables, harts: 1},
		{name: "fence a page", eid: Fence, fid: FenceVMA, a: [6]uint64{1, 0, 0x1000, 0x1000}, do: FenceTables, harts: 1},
		{name: "fence what wraps", eid: Fence, fid: FenceVMA, a: [6]uint64{1, 0, ^uint64(0xfff), 0x2000}, want: InvalidAddress},
		{name: "fence translations of a hart that isn't", eid: Fence, fid: FenceVMA, a: [6]uint64{1, 3, 0, 0}, want: InvalidParam},
		{name: "fence an identifier", eid: Fence, fid: FenceVMAASID, a: [6]uint64{1, 0, 0, ^uint64(0), 7}, do: FenceTables, harts: 1},
		{name: "fence an identifier's, wrapping", eid: Fence, fid: FenceVMAASID, a: [6]uint64{1, 0, 8, ^uint64(0) - 1, 7}, want: InvalidAddress},
		{name: "fence guests", eid: Fence, fid: 3, a: [6]uint64{1, 0}, want: NotSupported},
		{name: "fence guests' identifiers", eid: Fence, fid: 6, a: [6]uint64{1, 0}, want: NotSupported},
		{name: "fences of no such function", eid: Fence, fid: 7, a: [6]uint64{1, 0}, want: NotSupported},

		{name: "the timer of old", eid: 0, a: [6]uint64{1}, want: NotSupported},
		{name: "the shutdown of old", eid: 8, want: NotSupported},

		{name: "start", eid: HSM, a: [6]uint64{5, ram + 4, 77}, do: Wake, harts: 4},
		{name: "start at the end of memory", eid: HSM, a: [6]uint64{5, ram + size - 4}, do: Wake, harts: 4},
		{name: "start itself", eid: HSM, a: [6]uint64{0, ram}, want: AlreadyAvailable},
		{name: "start a hart that isn't", eid: HSM, a: [6]uint64{2, ram}, want: InvalidParam},
		{name: "start at an odd address", eid: HSM, a: [6]uint64{1, ram + 1}, want: InvalidAddress},
		{name: "start outside of memory", eid: HSM, a: [6]uint64{1, ram - 4}, want: InvalidAddress},
		{name: "start where memory ends", eid: HSM, a: [6]uint64{1, ram + size - 2}, want: InvalidAddress},
		{name: "start at the top", eid: HSM, a: [6]uint64{1, ^uint64(1)}, want: InvalidAddress},
		{name: "stop", eid: HSM, fid: HSMStop, do: Stop},
		{name: "state of one that runs", eid: HSM, fid: HSMStatus, a: [6]uint64{0}},
		{name: "state of one that is stopped", eid: HSM, fid: HSMStatus, a: [6]uint64{5}, value: uint64(Stopped)},
		{name: "state of a hart that isn't", eid: HSM, fid: HSMStatus, a: [6]uint64{4}, want: InvalidParam},
		{name: "wait", eid: HSM, fid: HSMSuspend, do: Wait},
		{name: "wait, the upper half of the word aside", eid: HSM, fid: HSMSuspend, a: [6]uint64{1 << 32}, do: Wait},
		{name: "suspend deeply", eid: HSM, fid: HSMSuspend, a: [6]uint64{SuspendDeep}, want: NotSupported},
		{name: "suspend as a platform would", eid: HSM, fid: HSMSuspend, a: [6]uint64{0x10000000}, want: NotSupported},
		{name: "suspend, reserved", eid: HSM, fid: HSMSuspend, a: [6]uint64{1}, want: InvalidParam},
		{name: "suspend, deep and reserved", eid: HSM, fid: HSMSuspend, a: [6]uint64{SuspendDeep + 1}, want: InvalidParam},
		{name: "harts of no such function", eid: HSM, fid: 4, want: NotSupported},

		{name: "power off", eid: Reset, a: [6]uint64{ResetShutdown, ReasonNone}, do: End},
		{name: "power off after a failure", eid: Reset, a: [6]uint64{ResetShutdown, ReasonFailure}, do: End},
		{name: "reboot", eid: Reset, a: [6]uint64{ResetCold}, do: End, argument: ResetCold},
		{name: "warm reboot", eid: Reset, a: [6]uint64{ResetWarm}, want: NotSupported},
		{name: "reset, reserved", eid: Reset, a: [6]uint64{3}, want: InvalidParam},
		{name: "reset by a vendor's type", eid: Reset, a: [6]uint64{0xf0000000}, want: InvalidParam},
		{name: "reset for a reserved reason", eid: Reset, a: [6]uint64{0, 2}, want: InvalidParam},
		{name: "reset for a vendor's reason", eid: Reset, a: [6]uint64{0, 0xf0000000}, want: InvalidParam},
		{name: "reset of no such function", eid: Reset, fid: 1, want: NotSupported},

		{name: "write", eid: Console, a: [6]uint64{10, ram + 8}, value: 10, do: Write, argument: ram + 8},
		{name: "write nothing", eid: Console, a: [6]uint64{0, ram}},
		{name: "write all of memory", eid: Console, a: [6]uint64{size, ram}, value: size, do: Write, argument: ram},
		{name: "write beyond memory", eid: Console, a: [6]uint64{size, ram + 1}, want: InvalidParam},
		{name: "write what wraps", eid: Console, a: [6]uint64{^uint64(0), ram + 1}, want: InvalidParam},
		{name: "write from above 64 bits", eid: Console, a: [6]uint64{1, ram, 1}, want: InvalidParam},
		{name: "read", eid: Console, fid: ConsoleRead, a: [6]uint64{10, ram}, do: Read, argument: ram},
		{name: "read to above 64 bits", eid: Console, fid: ConsoleRead, a: [6]uint64{1, ram, 1}, want: InvalidParam},
		{name: "read nothing", eid: Console, fid: ConsoleRead, a: [6]uint64{0, ram}},
		{name: "read to nowhere", eid: Console, fid: ConsoleRead, a: [6]uint64{10, 0}, want: InvalidParam},
		{name: "write a byte", eid: Console, fid: ConsoleWriteByte, a: [6]uint64{0x141}, do: Write},
		{name: "console of no such function", eid: Console, fid: 3, want: NotSupported},
		{name: "putchar", eid: LegacyPutchar, a: [6]uint64{'x'}, do: Write},
		{name: "getchar", eid: LegacyGetchar, want: Failed, do: Read},
	} {
		s := newServer(t)
		answer, action := s.Call(0, c.eid, c.fid, c.a)
		if answer != (Answer{c.want, c.value}) || action.Do != c.do || action.Harts != c.harts || action.Value != c.argument {
			t.Errorf("%s: %v %d, %+v", c.name, answer.Error, answer.Value, action)
		}
		if answer.Error != Success && c.eid != LegacyGetchar && action != (Action{}) {
			t.Errorf("%s: refused, and yet %+v", c.name, action)
		}
	}
}

// TestLacking: without a device its extension is not there.
func TestLacking(t *testing.T) {
	s := newServer(t)
	s.NoConsole, s.NoReset = true, true
	for _, eid := range []uint64{Reset, Console, LegacyPutchar, LegacyGetchar} {
		if a, _ := s.Call(0, Base, BaseProbe, [6]uint64{eid}); a != (Answer{}) {
			t.Errorf("%#x: probed as %+v", eid, a)
		}
		if a, do := s.Call(0, eid, 0, [6]uint64{}); a.Error != NotSupported || do != (Action{}) {
			t.Errorf("%#x: %+v, %+v", eid, a, do)
		}
	}
	if a, _ := s.Call(0, Base, BaseProbe, [6]uint64{Time}); a.Value != 1 {
		t.Error("the timer is gone as well")
	}
}

// TestMasks compares sets of harts with what a mask means, bit by bit.
func TestMasks(t *testing.T) {
	s := new(Server)
	running := map[uint64]int{} // index by number
	for i, id := range []uint64{3, 0, 64, 65, 7, ^uint64(0) - 1} {
		state := Started
		if i == 4 {
			state = Stopped
		} else {
			running[id] = i
		}
		s.AddHart(id, state)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for range 20000 {
		base := []uint64{0, 1, 2, 3, 8, 63, 64, ^uint64(0) - 64, ^uint64(0) - 2}[random.IntN(9)]
		mask := uint64(1) << random.IntN(64)
		mask |= 1 << random.IntN(64)
		want, bad := uint64(0), false
		for k := range uint64(64) {
			if mask>>k&1 == 0 {
				continue
			}
			i, ok := running[base+k]
			switch {
			case base+k < base, !ok && base+k != 7:
				bad = true
			case ok:
				want |= 1 << i
			}
		}
		for _, eid := range []uint64{IPI, Fence} {
			a, do := s.Call(0, eid, 0, [6]uint64{mask, base})
			if bad != (a.Error == InvalidParam) || !bad && (a.Error != Success || do.Harts != want) || bad && do != (Action{}) {
				t.Fatalf("%#x from %#x: %v, %#x, want %v, %#x", mask, base, a.Error, do.Harts, bad, want)
			}
		}
	}
}

// TestBoot: the first hart begins where it is told to, like one that is started.
func TestBoot(t *testing.T) {
	s := newServer(t)
	s.Boot(2, ram+8, 9)
	if a, _ := s.Call(0, HSM, HSMStart, [6]uint64{5, ram}); a.Error != AlreadyAvailable {
		t.Error(a.Error)
	}
	if entry, opaque, ok := s.Begin(2); !ok || entry != ram+8 || opaque != 9 || s.StateOf(2) != Started {
		t.Errorf("%#x, %d, %v", entry, opaque, ok)
	}
}

// TestLife is that of a hart.
func TestLife(t *testing.T) {
	s := newServer(t)
	start := func() Error {
		a, _ := s.Call(0, HSM, HSMStart, [6]uint64{1, ram + 0x100, 42})
		return a.Error
	}
	state := func(want State) {
		t.Helper()
		if a, _ := s.Call(0, HSM, HSMStatus, [6]uint64{1}); State(a.Value) != want {
			t.Errorf("state %d, want %d", a.Value, want)
		}
	}
	if _, _, ok := s.Begin(1); ok {
		t.Error("a hart that nobody started begins")
	}
	for range 3 {
		if e := start(); e != Success {
			t.Fatal(e)
		}
		state(StartPending)
		if e := start(); e != AlreadyAvailable {
			t.Error(e)
		}
		if entry, opaque, ok := s.Begin(1); !ok || entry != ram+0x100 || opaque != 42 {
			t.Errorf("begins at %#x with %d, %v", entry, opaque, ok)
		}
		state(Started)
		if e := start(); e != AlreadyAvailable {
			t.Error(e)
		}
		if _, do := s.Call(1, IPI, IPISend, [6]uint64{3, 0}); do.Harts != 3 {
			t.Errorf("interrupts %b", do.Harts)
		}
		if _, do := s.Call(1, HSM, HSMStop, [6]uint64{}); do.Do != Stop {
			t.Error("does not stop")
		}
		state(StopPending)
		if e := start(); e != Failed {
			t.Error(e)
		}
		if a, _ := s.Call(1, HSM, HSMStop, [6]uint64{}); a.Error != Failed {
			t.Error("stops twice")
		}
		s.HasStopped(1)
		state(Stopped)
	}
}

// TestRace: of many that start a hart at once one does, and the hart begins where
// that one said.
func TestRace(t *testing.T) {
	s := newServer(t)
	for range 2000 {
		var won atomic.Uint64
		var wins atomic.Int32
		var all sync.WaitGroup
		for k := range uint64(4) {
			all.Go(func() {
				entry := ram + 16*(k+1)
				if a, _ := s.Call(0, HSM, HSMStart, [6]uint64{1, entry, k}); a.Error == Success {
					wins.Add(1)
					won.Store(entry)
				}
			})
		}
		all.Wait()
		if entry, _, ok := s.Begin(1); !ok || wins.Load() != 1 || entry != won.Load() {
			t.Fatalf("%d have started it; begins at %#x, want %#x", wins.Load(), entry, won.Load())
		}
		s.Call(1, HSM, HSMStop, [6]uint64{})
		s.HasStopped(1)
	}
}

func TestTooMany(t *testing.T) {
	s := new(Server)
	for k := range uint64(MaxHarts) {
		if s.AddHart(k, Stopped) < 0 || s.AddHart(k, Stopped) >= 0 {
			t.Fatal(k)
		}
	}
	if s.AddHart(1000, Stopped) >= 0 || s.AddMemory(5, 0) || s.AddMemory(^uint64(0), 2) {
		t.Error("accepted")
	}
	for range maxAreas {
		s.AddMemory(ram, size)
	}
	if s.AddMemory(ram, size) {
		t.Error("too much memory is accepted")
	}
}

func FuzzCall(f *testing.F) {
	f.Add(uint64(HSM), uint64(0), uint64(5), uint64(ram), uint64(0))
	f.Add(uint64(IPI), uint64(0), uint64(5), AllHarts, uint64(0))
	f.Fuzz(func(t *testing.T, eid, fid, a0, a1, a2 uint64) {
		s := newServer(t)
		answer, do := s.Call(0, eid, fid, [6]uint64{a0, a1, a2})
		if a1 == AllHarts && (eid == IPI || eid == Fence) && fid == 0 && (answer.Error != Success || do.Harts != 1) {
			t.Errorf("all harts: %v, %+v", answer, do)
		}
		if answer.Error > 0 || answer.Error < NoShmem || do.Harts>>s.count != 0 {
			t.Errorf("%v, %+v", answer, do)
		}
		if (do.Do == Write || do.Do == Read) && do.Value != 0 && !s.inMemory(do.Value, do.Length) {
			t.Errorf("%+v", do)
		}
	})
}

func TestNames(t *testing.T) {
	if NoShmem.String() != "no shared memory" || Error(1).String() != Error(-10).String() {
		t.Error("names are out of step")
	}
}
