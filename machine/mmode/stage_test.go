// SPDX-License-Identifier: Apache-2.0

package mmode

import (
	"strings"
	"testing"

	"loam/machine/fdt"
	"loam/machine/riscv64"
	"loam/machine/sbi"
)

const (
	ram     = 0x80000000
	ramSize = 32 << 20
	block   = ram + 4<<20
)

// good is a machine with harts 0, 1, 4 and 6, of which 1 is off and 6 can't translate.
func good() (place, *fdt.Info) {
	info := &fdt.Info{MemoryCount: 1, HartCount: 4, Ticks: 1000}
	info.Memory[0] = fdt.Range{Start: ram, Size: ramSize}
	info.UART = fdt.Device{Range: fdt.Range{Start: 0x1000, Size: 0x100}, Shift: 2, Width: 4}
	info.Test = fdt.Range{Start: 0x2000, Size: 0x100}
	for i, id := range []uint64{0, 1, 4, 6} {
		h := &info.Harts[i]
		h.ID, h.Enabled, h.Bits = id, id != 1, 39
		h.Soft, h.Compare, h.Time = 0x3000+4*id, 0x4000+8*id, 0x5000
		if id == 6 {
			h.Bits = 0
		}
	}
	return place{hart: 4, tree: ram + 30<<20, size: 5000, entry: ram + 0x300, stage: block}, info
}

func TestPrepare(t *testing.T) {
	p, info := good()
	info.Harts[2].ISA = riscv64.Sstc
	s := new(stage)
	if why := s.prepare(&p, info); why != (trouble{}) {
		t.Fatal(why)
	}
	if s.count != 2 || s.uart != (device{0x1000, 2, 4, uartPatience}) || s.test != 0x2000 || s.server.NoConsole || s.server.NoReset {
		t.Errorf("%d harts, %+v, %#x", s.count, s.uart, s.test)
	}
	if s.clock != 0x5000 || s.patience != 3000 {
		t.Errorf("another hart may come for %d at %#x", s.patience, s.clock)
	}
	for i, id := range []uint64{0, 4} {
		h := &s.harts[i]
		if h.id != id || int(h.index) != i || h.soft != 0x3000+4*id || h.compare != 0x4000+8*id || h.stage != block {
			t.Errorf("hart %d: %+v", id, h)
		}
		if h.stack%8 != 0 || h.stack < block+stackSize || h.stack > block+stageSize {
			t.Errorf("hart %d has its stack at %#x", id, h.stack)
		}
	}
	if s.harts[1].stack-s.harts[0].stack != stackSize || s.harts[1].env != riscv64.EnvTimer || s.harts[0].env != 0 {
		t.Errorf("%+v", s.harts[:2])
	}
	if entry, opaque, ok := s.server.Begin(1); !ok || entry != p.entry || opaque != p.tree {
		t.Errorf("hart 4 begins at %#x with %#x, %v", entry, opaque, ok)
	}
	if s.server.StateOf(0) != sbi.Stopped {
		t.Error("hart 0 isn't stopped")
	}
}

// TestOther: if the hart that reads the devicetree may not be used, another boots.
func TestOther(t *testing.T) {
	for _, hart := range []uint64{1, 6, 99} {
		p, info := good()
		p.hart = hart
		s := new(stage)
		if why := s.prepare(&p, info); why != (trouble{}) {
			t.Fatal(why)
		}
		if _, _, ok := s.server.Begin(0); !ok {
			t.Errorf("instead of %d hart 0 does not boot", hart)
		}
	}
}

// TestConsole: SiFive's UART stands in for a 16550.
func TestConsole(t *testing.T) {
	_, info := good()
	info.Other = fdt.Range{Start: 0x6000, Size: 0x100}
	if got := consoleOf(info); got != (device{0x1000, 2, 4, uartPatience}) {
		t.Errorf("%+v", got)
	}
	info.UART = fdt.Device{}
	if got := consoleOf(info); got != (device{0x6000, 0, 0, uartPatience}) {
		t.Errorf("%+v", got)
	}
}

// TestMany: there may be more harts than the stage has room for.
func TestMany(t *testing.T) {
	p, info := good()
	for i := range info.Harts {
		info.Harts[i] = fdt.Hart{ID: uint64(3 * i), Enabled: true, Bits: 48, Soft: 4, Compare: 8}
	}
	info.HartCount, info.LeftOut = fdt.MaxHarts, 7
	p.hart = 3 * (fdt.MaxHarts + 1) // one that was left out
	s := new(stage)
	if why := s.prepare(&p, info); why != (trouble{}) || s.count != maxHarts {
		t.Errorf("%v, %d harts", why, s.count)
	}
	if last := &s.harts[maxHarts-1]; last.stack != block+stackEnd(maxHarts-1) || last.stack > block+stageSize {
		t.Errorf("the last stack is at %#x", last.stack)
	}
}

func TestTrouble(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*place, *fdt.Info)
		want   string
		value  uint64
	}{
		"no memory":         {func(_ *place, i *fdt.Info) { i.MemoryCount = 0 }, "no memory for the stage", block},
		"ends in the block": {func(_ *place, i *fdt.Info) { i.Memory[0].Size = block - ram + stageSize - 1 }, "no memory for the stage", block},
		"tree inside":       {func(p *place, _ *fdt.Info) { p.tree = block + 8 }, "devicetree lies in the stage", block + 8},
		"tree's end inside": {func(p *place, _ *fdt.Info) { p.tree = block - 4999 }, "devicetree lies in the stage", block - 4999},
		"archive inside": {func(_ *place, i *fdt.Info) { i.Initrd = fdt.Range{Start: block + stageSize - 1, Size: 9} },
			"boot archive lies in the stage", block + stageSize - 1},
		"archive around": {func(_ *place, i *fdt.Info) { i.Initrd = fdt.Range{Start: ram, Size: ramSize} },
			"boot archive lies in the stage", ram},
		"no interrupt":  {func(_ *place, i *fdt.Info) { i.Harts[2].Soft = 0 }, "software interrupt for hart", 4},
		"no timer":      {func(_ *place, i *fdt.Info) { i.Harts[2].Compare = 0 }, "timer for hart", 4},
		"twice":         {func(_ *place, i *fdt.Info) { i.Harts[2].ID = 0 }, "has twice hart", 0},
		"nobody":        {func(_ *place, i *fdt.Info) { i.HartCount = 0 }, "no hart that is enabled", 0},
		"none enabled":  {func(_ *place, i *fdt.Info) { i.Harts[0].Enabled, i.Harts[2].Bits = false, 0 }, "no hart that is enabled", 4},
		"count is wild": {func(_ *place, i *fdt.Info) { i.HartCount, i.MemoryCount = 1<<40, 1<<40 }, "", 0},
		"no timer, but Sstc": {func(_ *place, i *fdt.Info) {
			for k := range i.Harts {
				i.Harts[k].Compare, i.Harts[k].ISA = 0, riscv64.Sstc
			}
		}, "", 0},
		"touching": {func(p *place, i *fdt.Info) {
			p.tree, i.Initrd = block-5000, fdt.Range{Start: block + stageSize, Size: 1}
		}, "", 0},
	} {
		p, info := good()
		c.change(&p, info)
		got := new(stage).prepare(&p, info)
		if c.want == "" && got.what != "" || !strings.Contains(got.what, c.want) || got.value != c.value {
			t.Errorf("%s: %q %#x, want %q %#x", name, got.what, got.value, c.want, c.value)
		}
	}
}

// TestMemory: the kernel may name all memory in its calls but the stage's, wherever
// that is, byte by byte.
func TestMemory(t *testing.T) {
	for _, m := range []fdt.Range{{Start: block - 1, Size: stageSize + 2}, {Start: block, Size: stageSize},
		{Start: ram, Size: ramSize}, {Start: block + 5, Size: 8}, {Start: block - 8, Size: 8}, {Start: block + stageSize, Size: 1},
		{Start: block + stageSize - 1, Size: 2}, {Start: block - 3, Size: 5}} {
		s := new(stage)
		s.addMemory(m, block)
		for _, at := range []uint64{m.Start - 1, m.Start, m.Start + m.Size - 1, m.Start + m.Size, block - 1, block, block + 7,
			block + stageSize - 1, block + stageSize} {
			inside := at >= m.Start && at-m.Start < m.Size && (at < block || at >= block+stageSize)
			a, _ := s.server.Call(0, sbi.Console, sbi.ConsoleWrite, [6]uint64{1, at})
			if got := a.Error == sbi.Success; got != inside {
				t.Errorf("memory %#x, %#x: %#x may be named: %v", m.Start, m.Size, at, got)
			}
		}
		if a, _ := s.server.Call(0, sbi.Console, sbi.ConsoleWrite, [6]uint64{2, block - 1}); a.Error == sbi.Success {
			t.Errorf("memory %#x, %#x: what goes into the stage may be named", m.Start, m.Size)
		}
	}
}

func TestOverlap(t *testing.T) {
	in := func(at, start, size uint64) bool { return at >= start && at-start < size }
	for other := range uint64(12) {
		for size := range uint64(12) {
			want := false
			for at := range uint64(32) {
				want = want || in(at, 4, 3) && in(at, other, size)
			}
			if got := overlap(4, 7, other, size); got != want {
				t.Errorf("4 to 7 and %d to %d: %v", other, other+size, got)
			}
		}
	}
	if !overlap(4, 7, 0, ^uint64(0)) || overlap(4, 7, 0, 0) {
		t.Error("all there is, or nothing")
	}
}
