// SPDX-License-Identifier: Apache-2.0

package hwprobe

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"loam/abi"
	"loam/machine/riscv64"
)

// two is a machine of CPUs 0 and 2, of different makers, and 1, which isn't online.
func two() *Machine {
	return &Machine{Harts: []Hart{
		{Vendor: 0x489, Arch: 7, Implementation: 1, ISA: riscv64.General | riscv64.ExtV | riscv64.Zba | riscv64.Zbb | riscv64.Zicboz},
		{Vendor: 1, Arch: 1, Implementation: 2},
		{Vendor: 0x489, Arch: 8, Implementation: 1, ISA: riscv64.General | riscv64.ExtV | riscv64.Zbb | riscv64.Zbs | riscv64.Zicboz},
	}, Online: 0b101, ZeroBlock: 64, Ticks: 10_000_000, Misaligned: abi.RISCV_HWPROBE_MISALIGNED_FAST}
}

func pack(pairs ...abi.Hwprobe) []byte {
	b := make([]byte, len(pairs)*abi.HwprobeSize)
	for i, p := range pairs {
		p.Put(b[i*abi.HwprobeSize:])
	}
	return b
}

func TestDecode(t *testing.T) {
	for _, c := range []struct {
		pairs, size, set, flags uint64
		want                    Request
		errno                   abi.Errno
	}{
		{2, 0, 0, 0, Request{Pairs: 2, All: true}, 0},
		{2, 128, 0x1000, 0, Request{Pairs: 2, Set: 8}, 0},
		{2, 3, 0x1000, 0, Request{Pairs: 2, Set: 3}, 0},
		{0, 8, 0, 0, Request{Set: 8}, 0}, // reading the set is what fails
		{64, 0, 0x1000, 0, Request{Pairs: 64}, 0},
		{65, 0, 0, 0, Request{}, abi.EINVAL},
		{1 << 63, 0, 0, 0, Request{}, abi.EINVAL},
		{1, 1<<64 - 1, 0x1000, 1, Request{Pairs: 1, Set: 8, Which: true}, 0},
		{1, 8, 0, 1, Request{}, abi.EINVAL},
		{1, 0, 0x1000, 1, Request{}, abi.EINVAL},
		{1, 8, 0x1000, 2, Request{}, abi.EINVAL},
		{1, 8, 0x1000, 3, Request{}, abi.EINVAL},
		{1, 8, 0x1000, 1<<32 | 1, Request{Pairs: 1, Set: 8, Which: true}, 0}, // flags are an int
	} {
		if got, e := Decode(c.pairs, c.size, c.set, c.flags); got != c.want || e != c.errno {
			t.Errorf("Decode(%d, %d, %#x, %#x) = %+v %v", c.pairs, c.size, c.set, c.flags, got, e)
		}
	}
}

func TestCPUs(t *testing.T) {
	m := two()
	for _, c := range []struct {
		r     Request
		set   []byte
		want  uint64
		errno abi.Errno
	}{
		{Request{All: true}, nil, 0b101, 0},
		{Request{Set: 1}, []byte{0b110}, 0b100, 0},
		{Request{Set: 8}, []byte{1, 0, 0, 0, 0, 0, 0, 0x80}, 1, 0},
		{Request{Set: 1}, []byte{0b010}, 0, abi.EINVAL},
		{Request{Set: 8}, make([]byte, 8), 0, abi.EINVAL},
		{Request{}, nil, 0, abi.EINVAL},
		{Request{Set: 8, Which: true}, make([]byte, 8), 0b101, 0},
		{Request{Set: 1, Which: true}, []byte{0b010}, 0, 0},
		{Request{Set: 1, Which: true}, []byte{0b011}, 1, 0},
	} {
		if got, e := m.CPUs(c.r, c.set); got != c.want || e != c.errno {
			t.Errorf("CPUs(%+v, %v) = %#b %v", c.r, c.set, got, e)
		}
	}
}

func TestValues(t *testing.T) {
	const base = abi.RISCV_HWPROBE_IMA_FD | abi.RISCV_HWPROBE_IMA_C | abi.RISCV_HWPROBE_EXT_ZCA | abi.RISCV_HWPROBE_EXT_ZCD |
		abi.RISCV_HWPROBE_EXT_ZBB | abi.RISCV_HWPROBE_EXT_ZICBOZ
	none := ^uint64(0)
	for _, c := range []struct {
		cpus uint64
		want [12]uint64 // by key
	}{
		{0b001, [12]uint64{0x489, 7, 1, 1, base | abi.RISCV_HWPROBE_EXT_ZBA, 3, 64, 0x30_0000_0000, 10_000_000, 3}},
		{0b100, [12]uint64{0x489, 8, 1, 1, base | abi.RISCV_HWPROBE_EXT_ZBS, 3, 64, 0x30_0000_0000, 10_000_000, 3}},
		{0b101, [12]uint64{0x489, none, 1, 1, base, 3, 64, 0x30_0000_0000, 10_000_000, 3}},
	} {
		var pairs []abi.Hwprobe
		for key := range int64(12) {
			pairs = append(pairs, abi.Hwprobe{Key: key - 1, Value: 0xdead})
		}
		b := pack(append(pairs, abi.Hwprobe{Key: 10, Value: 1}, abi.Hwprobe{Key: 1 << 62, Value: 1}, abi.Hwprobe{Key: -1 << 63, Value: 1})...)
		two().Values(b, c.cpus)
		for i := 0; len(b) > 0; i, b = i+1, b[abi.HwprobeSize:] {
			got, want := abi.GetHwprobe(b), abi.Hwprobe{Key: -1}
			if key := i - 1; key >= 0 && key <= 9 {
				want = abi.Hwprobe{Key: int64(key), Value: c.want[key]}
			}
			if got != want {
				t.Errorf("CPUs %#b, pair %d: %+v, want %+v", c.cpus, i, got, want)
			}
		}
	}
}

// TestClaims: what a kernel doesn't support isn't there, whatever harts have.
func TestClaims(t *testing.T) {
	m := two()
	of := func(key int64) uint64 {
		b := pack(abi.Hwprobe{Key: key})
		m.Values(b, 1)
		return abi.GetHwprobe(b).Value
	}
	const vectors = abi.RISCV_HWPROBE_IMA_V | 0x1f<<37
	if of(abi.RISCV_HWPROBE_KEY_IMA_EXT_0)&vectors != 0 {
		t.Error("vectors without support")
	}
	if m.Vector = true; of(abi.RISCV_HWPROBE_KEY_IMA_EXT_0)&vectors != vectors {
		t.Error("no vectors")
	}
	if m.ZeroBlock = 0; of(abi.RISCV_HWPROBE_KEY_IMA_EXT_0)&abi.RISCV_HWPROBE_EXT_ZICBOZ != 0 || of(abi.RISCV_HWPROBE_KEY_ZICBOZ_BLOCK_SIZE) != 0 {
		t.Error("CBO.ZERO of nobody knows what size")
	}
	m.ZeroBlock, m.Harts[0].ISA = 64, riscv64.ExtM|riscv64.ExtA|riscv64.ExtF
	if of(abi.RISCV_HWPROBE_KEY_IMA_EXT_0) != 0 || of(abi.RISCV_HWPROBE_KEY_ZICBOZ_BLOCK_SIZE) != 0 {
		t.Errorf("a hart of rv64imaf has %#x", of(abi.RISCV_HWPROBE_KEY_IMA_EXT_0))
	}
}

func TestWhich(t *testing.T) {
	fast := abi.Hwprobe{Key: abi.RISCV_HWPROBE_KEY_MISALIGNED_SCALAR_PERF, Value: 3}
	ext := func(set uint64) abi.Hwprobe { return abi.Hwprobe{Key: abi.RISCV_HWPROBE_KEY_IMA_EXT_0, Value: set} }
	for _, c := range []struct {
		what  string
		pairs []abi.Hwprobe
		from  uint64
		want  uint64
	}{
		{"nothing", nil, 0b101, 0b101},
		{"both", []abi.Hwprobe{fast, ext(abi.RISCV_HWPROBE_EXT_ZBB)}, 0b101, 0b101},
		{"a value", []abi.Hwprobe{{Key: abi.RISCV_HWPROBE_KEY_MARCHID, Value: 8}}, 0b101, 0b100},
		{"a value that none has", []abi.Hwprobe{{Key: abi.RISCV_HWPROBE_KEY_MARCHID, Value: 9}}, 0b101, 0},
		{"a value in part", []abi.Hwprobe{{Key: abi.RISCV_HWPROBE_KEY_MISALIGNED_SCALAR_PERF, Value: 2}}, 0b101, 0},
		{"a set in part", []abi.Hwprobe{{Key: abi.RISCV_HWPROBE_KEY_CPUPERF_0, Value: 2}}, 0b101, 0b101},
		{"a set of which one lacks some", []abi.Hwprobe{ext(abi.RISCV_HWPROBE_EXT_ZBB | abi.RISCV_HWPROBE_EXT_ZBA)}, 0b101, 0b001},
		{"contradictory", []abi.Hwprobe{ext(abi.RISCV_HWPROBE_EXT_ZBA), ext(abi.RISCV_HWPROBE_EXT_ZBS)}, 0b101, 0},
		{"of one", []abi.Hwprobe{fast}, 0b100, 0b100},
		{"unknown", []abi.Hwprobe{fast, {Key: 10}, fast}, 0b101, 0},
	} {
		b := pack(c.pairs...)
		if got := two().Which(b, c.from); got != c.want {
			t.Errorf("%s: %#b, want %#b", c.what, got, c.want)
		}
		for i, p := range c.pairs {
			if p.Key == 10 {
				p = abi.Hwprobe{Key: -1}
			}
			if got := abi.GetHwprobe(b[i*abi.HwprobeSize:]); got != p {
				t.Errorf("%s: pair %d became %+v", c.what, i, got)
			}
		}
	}
	for _, n := range []int{0, 1, 3, 8} {
		b := bytes.Repeat([]byte{0xee}, n)
		if PutSet(b, 0x8000_0000_0002_0105); !bytes.Equal(b, []byte{5, 1, 2, 0, 0, 0, 0, 0x80}[:n]) {
			t.Errorf("a set of %d bytes: %x", n, b)
		}
	}
}

// TestWhichIsValuesBackwards: a CPU is in the set that Which gives exactly if
// Values says of it alone what is asked.
func TestWhichIsValuesBackwards(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 13))
	for range 3000 {
		m := Machine{Harts: make([]Hart, 1+r.IntN(64)), Vector: r.IntN(2) == 0, ZeroBlock: uint64(r.IntN(2) * 64), Ticks: uint64(r.IntN(3)), Misaligned: uint64(r.IntN(5))}
		for i := range m.Harts {
			m.Harts[i] = Hart{uint64(r.IntN(2)), uint64(r.IntN(2)), uint64(r.IntN(2)), riscv64.ISA(r.Uint64() | r.Uint64())}
		}
		m.Online = 1<<len(m.Harts) - 1
		p := abi.Hwprobe{Key: int64(r.IntN(10)), Value: uint64(r.IntN(4))}
		got := m.Which(pack(p), m.Online)
		for i := range m.Harts {
			b := pack(p)
			m.Values(b, 1<<i)
			have := abi.GetHwprobe(b).Value
			want := have == p.Value
			if p.Key >= 3 && p.Key <= 5 {
				want = have|p.Value == have
			}
			if (got>>i&1 != 0) != want {
				t.Fatalf("CPU %d has %#x, %+v asked, set %#x", i, have, p, got)
			}
		}
	}
}

func TestFlushICache(t *testing.T) {
	for _, c := range []struct {
		flags uint64
		local bool
		errno abi.Errno
	}{{0, false, 0}, {1, true, 0}, {2, false, abi.EINVAL}, {3, false, abi.EINVAL}, {1 << 63, false, abi.EINVAL}} {
		if local, e := FlushICache(c.flags); local != c.local || e != c.errno {
			t.Errorf("flags %#x: %v %v", c.flags, local, e)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	m := two()
	b := pack(abi.Hwprobe{Key: 4}, abi.Hwprobe{Key: 0}, abi.Hwprobe{Key: 99})
	set := []byte{5}
	if n := testing.AllocsPerRun(100, func() {
		r, _ := Decode(3, 1, 1, 0)
		cpus, _ := m.CPUs(r, set)
		m.Values(b, cpus)
		PutSet(set, m.Which(b, cpus))
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
