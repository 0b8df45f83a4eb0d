// SPDX-License-Identifier: Apache-2.0

package fdt

import (
	"bytes"
	"strings"
	"testing"

	"loam/machine/riscv64"
)

func hart(id, intc uint32, content ...any) *tree {
	content = append(content, text("device_type", "cpu"), cells("reg", id), text("riscv,isa", "rv64imafdc_sstc_zba"),
		text("mmu-type", "riscv,sv48"), n("interrupt-controller", text("compatible", "riscv,cpu-intc"),
			cells("#interrupt-cells", 1), cells("phandle", intc)))
	return n("cpu@"+string(rune('0'+id)), content...)
}

// virt is a machine like QEMU's virt.
func virt(extra ...any) *tree {
	return n("", append([]any{
		cells("#address-cells", 2), cells("#size-cells", 2), text("compatible", "riscv-virtio"),
		n("chosen", text("bootargs", "mode=run v=1"), text("stdout-path", "/soc/serial@10000000:115200"),
			cells("linux,initrd-start", 0x88000000), cells("linux,initrd-end", 0, 0x88001000), cells("rng-seed", 1, 2, 3)),
		n("memory@80000000", text("device_type", "memory"), cells("reg", 0, 0x80000000, 0, 0x10000000, 1, 0, 0, 0x1000, 0, 9, 0, 0)),
		n("reserved-memory", cells("#address-cells", 2), cells("#size-cells", 2),
			n("mmode@80000000", cells("reg", 0, 0x80000000, 0, 0x40000)), n("later", cells("size", 0, 0x1000))),
		n("cpus", cells("#address-cells", 1), cells("#size-cells", 0), cells("timebase-frequency", 10_000_000),
			hart(0, 8), hart(3, 6, text("status", "disabled")), hart(1, 4, text("status", "okay"))),
		n("soc", cells("#address-cells", 2), cells("#size-cells", 2), text("compatible", "simple-bus"), prop{"ranges", nil},
			n("serial@9000", text("compatible", "ns16550"), cells("reg", 0, 0x9000, 0, 0x100)),
			n("serial@10000000", text("compatible", "x", "ns16550a"), cells("reg", 0, 0x10000000, 0, 0x100), cells("interrupts", 10),
				cells("interrupt-parent", 9), cells("clock-frequency", 3686400), cells("reg-shift", 2), cells("reg-io-width", 4)),
			n("serial@10010000", text("compatible", "sifive,fu540-c000-uart", "sifive,uart0"), cells("reg", 0, 0x10010000, 0, 0x1000)),
			n("serial@10011000", text("compatible", "sifive,uart0"), cells("reg", 0, 0x10011000, 0, 0x1000)),
			n("plic@c000000", text("compatible", "sifive,plic-1.0.0", "riscv,plic0"), cells("reg", 0, 0xc000000, 0, 0x600000),
				cells("phandle", 9), cells("riscv,ndev", 53), cells("#interrupt-cells", 1), cells("#address-cells", 0), cells("interrupts-extended", 8, 11, 8, 9, 6, 0xffffffff, 4, 11, 4, 9)),
			n("clint@2000000", text("compatible", "sifive,clint0", "riscv,clint0"), cells("reg", 0, 0x2000000, 0, 0x10000),
				cells("interrupts-extended", 8, 3, 8, 7, 6, 3, 6, 7, 4, 3, 4, 7)),
			n("virtio_mmio@10001000", text("compatible", "virtio,mmio"), cells("reg", 0, 0x10001000, 0, 0x1000), cells("interrupts", 1)),
			n("virtio_mmio@off", text("compatible", "virtio,mmio"), text("status", "disabled"), cells("reg", 0, 0x10002000, 0, 0x1000)),
			n("test@100000", text("compatible", "sifive,test1", "sifive,test0", "syscon"), cells("reg", 0, 0x100000, 0, 0x1000)),
			bridge(),
			n("rtc@101000", text("compatible", "google,goldfish-rtc"), cells("reg", 0, 0x101000, 0, 0x1000))),
		n("bus", prop{"ranges", []byte{0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 1, 0}},
			n("virtio", text("compatible", "virtio,mmio"), cells("reg", 0, 5))),
	}, extra...)...)
}

func TestVirt(t *testing.T) {
	b := blob(virt(), 0x82200000, 0x4000, 0x1000, 0)
	var i Info
	if code := Read(b, &i); code != OK {
		t.Fatal(code)
	}
	if i.MemoryCount != 2 || i.Memory[0] != (Range{0x80000000, 0x10000000}) || i.Memory[1] != (Range{1 << 32, 0x1000}) {
		t.Errorf("memory: %x", i.Memory[:i.MemoryCount])
	}
	if i.ReservedCount != 2 || i.Reserved[0] != (Range{0x82200000, 0x4000}) || i.Reserved[1] != (Range{0x80000000, 0x40000}) {
		t.Errorf("reserved: %x", i.Reserved[:i.ReservedCount])
	}
	isa := riscv64.General | riscv64.Sstc | riscv64.Zba
	for k, want := range []Hart{
		{0, true, 48, isa, 0x2000000, 0x2004000, 0x200bff8, 0, 1, 8},
		{3, false, 48, isa, 0x2000004, 0x2004008, 0x200bff8, -1, -1, 6},
		{1, true, 48, isa, 0x2000008, 0x2004010, 0x200bff8, 3, 4, 4},
	} {
		if i.Harts[k] != want {
			t.Errorf("hart %d: %+v, want %+v", k, i.Harts[k], want)
		}
	}
	if i.HartCount != 3 || i.Ticks != 10_000_000 || i.LeftOut != 0 {
		t.Errorf("%d harts, %d ticks, %d left out", i.HartCount, i.Ticks, i.LeftOut)
	}
	if u := i.UART; u.Start != 0x10000000 || u.IRQ != 10 || u.Shift != 2 || u.Width != 4 || u.Clock != 3686400 || u.parent != 9 {
		t.Errorf("UART: %+v", u)
	}
	if p := i.PLIC; p.Start != 0xc000000 || p.Size != 0x600000 || p.Sources != 53 {
		t.Errorf("PLIC: %+v", p)
	}
	if i.VirtioCount != 1 || i.Virtio[0].Start != 0x10001000 || i.Virtio[0].IRQ != 1 {
		t.Errorf("virtio: %+v", i.Virtio[:i.VirtioCount])
	}
	if i.Other != (Range{0x10010000, 0x1000}) {
		t.Errorf("SiFive's UART: %x", i.Other)
	}
	if i.Test.Start != 0x100000 || i.RTC.Start != 0x101000 || i.Initrd != (Range{0x88000000, 0x1000}) {
		t.Errorf("%x, %x, %x", i.Test, i.RTC, i.Initrd)
	}
	if string(i.Bootargs.Of(b)) != "mode=run v=1" || len(i.Seed.Of(b)) != 12 {
		t.Errorf("%q, seed of %d bytes", i.Bootargs.Of(b), len(i.Seed.Of(b)))
	}
}

// TestACLINT: timers and software interrupts by devices of their own.
func TestACLINT(t *testing.T) {
	b := blob(n("", cells("#address-cells", 2), cells("#size-cells", 2),
		n("cpus", cells("#address-cells", 2), cells("#size-cells", 0), hartOf2(5, 1), hartOf2(6, 2)),
		n("mswi", text("compatible", "riscv,aclint-mswi"), cells("reg", 0, 0x2000000, 0, 0x4000), cells("interrupts-extended", 2, 3, 1, 3)),
		n("mtimer", text("compatible", "riscv,aclint-mtimer"), cells("reg", 0, 0x2007ff8, 0, 8, 0, 0x2008000, 0, 0x7ff8),
			cells("interrupts-extended", 1, 7, 2, 7, 77, 7))))
	var i Info
	if code := Read(b, &i); code != OK {
		t.Fatal(code)
	}
	if h := i.Harts[0]; h.ID != 5 || h.Soft != 0x2000004 || h.Time != 0x2007ff8 || h.Compare != 0x2008000 {
		t.Errorf("%+v", h)
	}
	if h := i.Harts[1]; h.ID != 6 || h.Soft != 0x2000000 || h.Compare != 0x2008008 {
		t.Errorf("%+v", h)
	}
}

func hartOf2(id, intc uint32) *tree {
	t := hart(0, intc, text("riscv,isa-extensions", "m", "sstc"))
	t.props[2] = cells("reg", 0, id)
	return t
}

// TestBadBlobs: each has its code, and none more.
func TestBadBlobs(t *testing.T) {
	good := blob(virt())
	deep := n("bottom")
	for range MaxDepth {
		deep = n("", deep)
	}
	for name, c := range map[string]struct {
		b    Blob
		want Code
	}{
		"nothing":          {nil, BadMagic},
		"a short header":   {good[:HeaderSize-1], BadMagic},
		"another magic":    {good.put(0, 0xedfe0dd0), BadMagic},
		"longer than it":   {good[:len(good)-1], BadSize},
		"huge":             {good.put(atTotalSize, MaxSize+1), BadSize},
		"tiny":             {good.put(atTotalSize, HeaderSize-1), BadSize},
		"version 16":       {good.put(atVersion, 16), BadVersion},
		"only for 18":      {good.put(atLastVersion, 18), BadVersion},
		"structs beyond":   {good.put(atStructs, uint32(len(good))), BadOffset},
		"structs askew":    {good.put(atStructs, HeaderSize+18), BadOffset},
		"structs in front": {good.put(atStructs, 0), BadOffset},
		"structs wrap":     {good.put(atStructsSize, 0xffffffff), BadOffset},
		"strings beyond":   {good.put(atStringsSize, 0x7fffffff), BadOffset},
		"reserved beyond":  {good.put(atReserved, 0xfffffff8), BadOffset},
		"no token":         {good.put(int(good.structs().start), 7), BadToken},
		"end at once":      {good.put(int(good.structs().start), tokenEnd), BadToken},
		"ends too early":   {good.put(atStructsSize, 64), Truncated},
		"nothing in it":    {good.put(atStructsSize, 0), Truncated},
		"final too early":  {good.put(int(good.structs().start)+8, tokenFinal), Truncated},
		"too deep":         {blob(deep), TooDeep},
		"a long value":     {good.put(int(good.structs().start)+12, 1<<31), Truncated},
		"a name nowhere":   {good.put(int(good.structs().start)+16, 1<<31), BadName},
		"an endless name":  {blob(n(strings.Repeat("x", MaxName))), BadName},
		"odd phandle":      {blob(n("", cells("phandle", 1, 2))), BadProperty},
		"odd memory":       {blob(n("", n("memory", text("device_type", "memory"), cells("reg", 1)))), BadProperty},
		"memory that wraps": {blob(n("", cells("#size-cells", 2), n("m", text("device_type", "memory"),
			cells("reg", 0, 0x1000, ^uint32(0), ^uint32(0))))), BadProperty},
		"a hart without number": {blob(n("", n("cpus", n("cpu", text("device_type", "cpu"))))), BadProperty},
		"odd initrd":            {blob(n("", n("chosen", cells("linux,initrd-start", 1, 2, 3)))), BadProperty},
		"initrd that ends before": {blob(n("", n("chosen", cells("linux,initrd-start", 9),
			cells("linux,initrd-end", 8)))), BadInitrd},
		"reference to nothing": {blob(virt(n("x", cells("#address-cells", 2), n("clint", text("compatible", "riscv,clint0"),
			cells("reg", 0, 0x3000, 0x1000), cells("interrupts-extended", 0, 3))))), BadReference},
		"registers askew": {blob(n("", n("cpus", cells("#address-cells", 1), cells("#size-cells", 0), hart(0, 1)),
			n("c", text("compatible", "riscv,clint0"), cells("reg", 0, 3, 9), cells("interrupts-extended", 1, 7)))), BadProperty},
	} {
		var i Info
		if code := Read(c.b, &i); code != c.want {
			t.Errorf("%s: %v, want %v", name, code, c.want)
		}
	}
}

// TestTooMuch: what there is no room for is counted.
func TestTooMuch(t *testing.T) {
	memory := n("m", text("device_type", "memory"))
	var words []uint32
	for k := range uint32(MaxRanges + 5) {
		words = append(words, 0, 2*k<<12, 1<<12)
	}
	memory.props = append(memory.props, cells("reg", words...))
	cpus := n("cpus", cells("#address-cells", 1), cells("#size-cells", 0))
	for k := range uint32(MaxHarts + 3) {
		cpus.nodes = append(cpus.nodes, n("cpu", text("device_type", "cpu"), cells("reg", k)))
	}
	root := n("", memory, cpus)
	for range MaxDevices + 2 {
		root.nodes = append(root.nodes, n("v", text("compatible", "virtio,mmio"), cells("reg", 0, 4096, 4096)))
	}
	var i Info
	if code := Read(blob(root), &i); code != OK || i.LeftOut != 5+3+2 || i.HartCount != MaxHarts {
		t.Errorf("%v, %d left out, %d harts", code, i.LeftOut, i.HartCount)
	}
}

func TestNothingAllocates(t *testing.T) {
	b, i := blob(virt()), new(Info)
	if a := testing.AllocsPerRun(10, func() { Read(b, i) }); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

func TestCodesHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for c := OK; c <= InitrdTaken+1; c++ {
		if seen[c.String()] || c.String() == "" || strings.HasPrefix(c.String(), "unknown") != (c > InitrdTaken) {
			t.Errorf("code %d: %q", c, c)
		}
		seen[c.String()] = true
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(blob(virt(), 1, 2)), uint32(0), uint32(0))
	f.Add([]byte(blob(n("", n("x")))), uint32(8), uint32(77))
	f.Fuzz(func(t *testing.T, data []byte, at, v uint32) {
		b := Blob(bytes.Clone(data))
		if int64(at)+4 <= int64(len(b)) {
			b = b.put(int(at), v)
		}
		var i Info
		if Read(b, &i) != OK {
			return
		}
		for _, r := range append(i.Memory[:i.MemoryCount], i.Reserved[:i.ReservedCount]...) {
			if r.Size == 0 || r.Start+r.Size < r.Start {
				t.Errorf("range %x", r)
			}
		}
		_, _, _ = i.Bootargs.Of(b), i.Seed.Of(b), i.UART
	})
}
