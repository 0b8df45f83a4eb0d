// SPDX-License-Identifier: Apache-2.0

package fdt

import (
	"math/rand/v2"
	"testing"
)

// started is how a kernel is started on virt.
var started = Start{Image: Range{0x80200000, 0x400000}, Tree: Range{0x8fe00000, 0x2000}, Hart: 1}

// lie is the machine virt, changed: what is given replaces properties of the same
// name in the node.
func lie(node string, instead ...any) Blob {
	root := virt()
	var at func(t *tree) bool
	at = func(t *tree) bool {
		if t.name == node {
			for _, p := range instead {
				switch p := p.(type) {
				case prop:
					for k := range t.props {
						if t.props[k].name == p.name {
							t.props[k] = p
						}
					}
				case *tree:
					t.nodes = append(t.nodes, p)
				}
			}
			return true
		}
		for _, c := range t.nodes {
			if at(c) {
				return true
			}
		}
		return false
	}
	if !at(root) {
		panic("no node " + node)
	}
	return blob(root)
}

// without is the machine virt without a node or property.
func without(name string) Blob {
	var cut func(t *tree) *tree
	cut = func(t *tree) *tree {
		c := &tree{name: t.name}
		for _, p := range t.props {
			if p.name != name {
				c.props = append(c.props, p)
			}
		}
		for _, k := range t.nodes {
			if k.name != name {
				c.nodes = append(c.nodes, cut(k))
			}
		}
		return c
	}
	return blob(cut(virt()))
}

// TestCheck: each lie has its code, and the same machine without it none.
func TestCheck(t *testing.T) {
	memory := func(words ...uint32) Blob { return lie("memory@80000000", cells("reg", words...)) }
	initrd := func(start, end uint32) Blob {
		return lie("chosen", cells("linux,initrd-start", start), cells("linux,initrd-end", 0, end))
	}
	start := func(change func(s *Start)) Start {
		s := started
		change(&s)
		return s
	}
	good := blob(virt())
	for name, c := range map[string]struct {
		b    Blob
		s    Start
		want Code
	}{
		"all is well":           {good, started, OK},
		"one hart alone":        {lie("cpu@1", text("status", "disabled")), start(func(s *Start) { s.Hart = 0 }), OK},
		"image to the end":      {good, start(func(s *Start) { s.Image, s.Tree = Range{0x8ff00000, 0x100000}, Range{0, 0} }), OK},
		"memory in two pieces":  {memory(0, 0x80000000, 0, 0x300000, 0, 0x80300000, 0, 0xfd00000), started, OK},
		"memory out of order":   {memory(0, 0x80300000, 0, 0xfd00000, 0, 0x80000000, 0, 0x300000), started, OK},
		"tree in no memory":     {good, start(func(s *Start) { s.Tree.Start = 0x1000 }), OK},
		"no memory":             {without("memory@80000000"), started, NoMemory},
		"empty memory":          {memory(0, 0x80000000, 0, 0), started, NoMemory},
		"memory that overlaps":  {memory(0, 0x80000000, 0, 0x10000000, 0, 0x8ffff000, 0, 0x2000), started, BadMemory},
		"the same memory twice": {memory(0, 0x80000000, 0, 0x10000000, 0, 0x80000000, 0, 0x10000000), started, BadMemory},
		"memory far out":        {memory(0, 0x80000000, 0, 0x10000000, 0x1000000, 0, 0, 0x1000), started, BadMemory},
		"memory that reaches far": {memory(0, 0x80000000, 0, 0x10000000, 0x100000, 0, 0xf00000, 1), started,
			BadMemory},
		"memory as far as can be": {memory(0, 0x80000000, 0, 0x10000000, 0x100000, 0, 0xf00000, 0), started, OK},
		"memory that wraps":       {memory(^uint32(0), 0xfffff000, 0, 0x2000), started, BadProperty},
		"image below memory":      {memory(0, 0x80201000, 0, 0x10000000), started, ImageOutside},
		"image above memory":      {memory(0, 0x80000000, 0, 0x5ff000), started, ImageOutside},
		"a hole in the image":     {memory(0, 0x80000000, 0, 0x300000, 0, 0x80301000, 0, 0xfc00000), started, ImageOutside},
		"an image that wraps":     {good, start(func(s *Start) { s.Image.Size = ^uint64(0) }), ImageOutside},
		"image in the firmware":   {good, start(func(s *Start) { s.Image.Start = 0x8003f000 }), ImageTaken},
		"image in the tree":       {good, start(func(s *Start) { s.Tree.Start = 0x805ff000 }), ImageTaken},
		"image in a reservation":  {blob(virt(), 0x805fffff, 1), started, ImageTaken},
		"image before one":        {blob(virt(), 0x80600000, 1), started, OK},
		"no hart":                 {without("cpus"), started, NoHart},
		"no such hart":            {good, start(func(s *Start) { s.Hart = 2 }), NoHart},
		"a hart that may not run": {good, start(func(s *Start) { s.Hart = 3 }), NoHart},
		"two harts of one number": {lie("cpu@3", cells("reg", 0)), started, BadHarts},
		"two harts of one controller": {lie("cpus", hart(7, 4)), started,
			BadHarts},
		"UART in memory":          {lie("serial@10000000", cells("reg", 0, 0x8fffff00, 0, 0x100)), started, BadDevice},
		"UART behind memory":      {lie("serial@10000000", cells("reg", 0, 0x90000000, 0, 0x100)), started, OK},
		"UART of no room":         {lie("serial@10000000", cells("reg", 0, 0x10000000, 0, 31)), started, BadDevice},
		"UART of just room":       {lie("serial@10000000", cells("reg", 0, 0x10000000, 0, 32)), started, OK},
		"PLIC around memory":      {lie("plic@c000000", cells("reg", 0, 0x7f000000, 0, 0x2000000)), started, BadDevice},
		"finisher in memory":      {lie("test@100000", cells("reg", 0, 0x80000000, 0, 0x1000)), started, BadDevice},
		"clock in memory":         {lie("rtc@101000", cells("reg", 0, 0x80000000, 0, 0x1000)), started, BadDevice},
		"CLINT in memory":         {lie("clint@2000000", cells("reg", 0, 0x80000000, 0, 0x10000)), started, BadDevice},
		"PCI in memory":           {lie("pci@30000000", cells("reg", 0, 0x80000000, 0, 0x10000000)), started, BadDevice},
		"no ticks":                {without("timebase-frequency"), started, NoTicks},
		"no ticks at all":         {lie("cpus", cells("timebase-frequency", 0)), started, NoTicks},
		"no initrd":               {without("linux,initrd-start"), started, InitrdOutside},
		"half an initrd":          {without("linux,initrd-end"), started, BadInitrd},
		"none of an initrd":       {without("chosen"), started, NoInitrd},
		"an empty initrd":         {initrd(0x88000000, 0x88000000), started, NoInitrd},
		"initrd askew":            {initrd(0x88000800, 0x88001000), started, BadInitrd},
		"initrd after its end":    {initrd(0x88002000, 0x88001000), started, BadInitrd},
		"initrd out of memory":    {initrd(0x90000000, 0x90001000), started, InitrdOutside},
		"initrd that is cut":      {initrd(0x8ffff000, 0x90000001), started, InitrdOutside},
		"initrd in the image":     {initrd(0x805ff000, 0x80700000), started, InitrdTaken},
		"initrd around it":        {initrd(0x80100000, 0x80700000), started, InitrdTaken},
		"initrd in the tree":      {initrd(0x8fe01000, 0x8fe01001), started, InitrdTaken},
		"initrd behind the image": {initrd(0x80600000, 0x80700000), started, OK},
	} {
		var i Info
		code := Read(c.b, &i)
		if code == OK {
			code = i.Check(c.s)
		}
		if code != c.want {
			t.Errorf("%s: %v, want %v", name, code, c.want)
		}
	}
}

// TestCircles: references that form circles, and that nodes share.
func TestCircles(t *testing.T) {
	b := blob(virt(n("a", cells("phandle", 50), cells("interrupt-parent", 51)),
		n("b", cells("phandle", 51), cells("interrupt-parent", 50), n("c", cells("interrupt-parent", 51))),
		n("self", cells("phandle", 52), cells("interrupt-parent", 52), cells("interrupts", 3)),
		n("soft", text("compatible", "riscv,aclint-mswi"), cells("phandle", 53), cells("interrupts-extended", 53, 3, 52, 3, 50, 3))))
	var i Info
	if code := Read(b, &i); code != OK {
		t.Fatal(code)
	}
	if code := i.Check(started); code != OK {
		t.Error(code)
	}
	if h := i.Harts[0]; h.Soft != 0x2000000 || h.Compare != 0x2004000 {
		t.Errorf("%+v", h)
	}
}

// TestTruncated cuts a blob everywhere, and says so in the header or not: no cut is
// taken for the whole.
func TestTruncated(t *testing.T) {
	good := blob(virt())
	var i Info
	for k := range good {
		if code := Read(good[:k], &i); code == OK {
			t.Fatalf("%d bytes of %d are enough", k, len(good))
		}
		if k < HeaderSize {
			continue
		}
		cut := good[:k].put(atTotalSize, uint32(k))
		if code := Read(cut, &i); code == OK {
			t.Fatalf("cut to %d bytes of %d: fine", k, len(good))
		}
		structs := max(k-int(good.structs().start), 0)
		if structs < int(good.structs().end-good.structs().start) {
			if code := Read(good.put(atStructsSize, uint32(structs)), &i); code == OK {
				t.Fatalf("%d bytes of structure are enough", structs)
			}
		}
	}
}

// TestCheckModel compares with an oracle that looks at each address of a small world.
func TestCheckModel(t *testing.T) {
	const world, page = 24, pageSize // pages
	r := rand.New(rand.NewPCG(1, 2))
	some := func() Range { return Range{uint64(r.IntN(world)) * page, uint64(r.IntN(8)) * page} }
	seen := map[Code]int{}
	for range 200_000 {
		i := Info{MemoryCount: r.IntN(4), ReservedCount: r.IntN(2), HartCount: 1 + r.IntN(2), Ticks: uint64(r.IntN(16)), Initrd: some()}
		for k := range i.MemoryCount {
			i.Memory[k] = some()
			i.Memory[k].Size += page * uint64(k%2+1)
		}
		for k := range i.ReservedCount {
			i.Reserved[k] = some()
		}
		for k := range i.HartCount {
			i.Harts[k] = Hart{ID: uint64(r.IntN(5)), Enabled: r.IntN(8) > 0}
		}
		s := Start{Image: some(), Tree: some(), Hart: i.Harts[0].ID}
		s.Image.Size += page
		code := i.Check(s)
		seen[code]++
		if want := oracle(&i, s, world+16); code != want {
			t.Fatalf("%v, want %v: %+v, %+v", code, want, s, i)
		}
	}
	for _, c := range []Code{OK, NoMemory, BadMemory, ImageOutside, ImageTaken, NoHart, BadHarts, NoTicks, NoInitrd, InitrdOutside, InitrdTaken} {
		if seen[c] == 0 {
			t.Errorf("%v never came", c)
		}
	}
}

func oracle(i *Info, s Start, pages uint64) Code {
	has := func(r Range, p uint64) bool { return p*pageSize >= r.Start && p*pageSize < r.Start+r.Size }
	count := func(list []Range, p uint64) (n int) {
		for _, r := range list {
			if has(r, p) {
				n++
			}
		}
		return n
	}
	memory, reserved := i.Memory[:i.MemoryCount], i.Reserved[:i.ReservedCount]
	worst := OK
	note := func(bad bool, c Code) {
		if bad && (worst == OK || c < worst) {
			worst = c
		}
	}
	note(len(memory) == 0, NoMemory)
	for p := range pages {
		note(count(memory, p) > 1, BadMemory)
		note(has(s.Image, p) && count(memory, p) == 0, ImageOutside)
		note(has(s.Image, p) && (has(s.Tree, p) || count(reserved, p) > 0), ImageTaken)
		note(has(i.Initrd, p) && count(memory, p) == 0, InitrdOutside)
		note(has(i.Initrd, p) && (has(s.Image, p) || has(s.Tree, p)), InitrdTaken)
	}
	same := i.HartCount == 2 && i.Harts[0].ID == i.Harts[1].ID
	if !same {
		note(!i.Harts[0].Enabled, NoHart)
	}
	note(same, BadHarts)
	note(i.Ticks == 0, NoTicks)
	note(i.Initrd.Size == 0, NoInitrd)
	return worst
}

// FuzzCheck reads and checks whatever there is: a fine tree has memory for the
// image and the archive.
func FuzzCheck(f *testing.F) {
	good := blob(virt(), 1, 2)
	f.Add([]byte(good), uint32(0), uint32(0), uint64(0x80200000), uint64(0x400000))
	f.Add([]byte(good), uint32(len(good)/2), uint32(0x80000000), uint64(0x80200000), uint64(1))
	f.Fuzz(func(t *testing.T, data []byte, at, v uint32, image, size uint64) {
		b := Blob(data)
		if int64(at)+4 <= int64(len(b)) {
			b = b.put(int(at), v)
		}
		var i Info
		if Read(b, &i) != OK {
			return
		}
		s := Start{Image: Range{image, size}, Hart: i.Harts[0].ID}
		if i.Check(s) != OK {
			return
		}
		for _, p := range []uint64{image, image + size - 1, i.Initrd.Start, i.Initrd.Start + i.Initrd.Size - 1} {
			n := 0
			for _, m := range i.Memory[:i.MemoryCount] {
				if p-m.Start < m.Size {
					n++
				}
			}
			if n != 1 && size > 0 {
				t.Errorf("%#x is in %d ranges of memory", p, n)
			}
		}
		if size > 0 && i.Initrd.Start-image < size {
			t.Errorf("the archive %x begins in the image", i.Initrd)
		}
	})
}
