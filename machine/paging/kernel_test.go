// SPDX-License-Identifier: Apache-2.0

package paging_test

import (
	"math/rand/v2"
	"testing"

	"loam/machine/amd64"
	"loam/machine/frame"
	"loam/machine/paging"
)

func walkOf(f *paging.Format) processor {
	if f == &amd64.Format {
		return walkAMD64
	}
	return walkRISCV
}

// atlas is the slow oracle of MapKernel: what each page of an area is mapped to.
type atlas struct {
	base  uint64 // of the area
	pages []page
	set   []bool
}

// add notes a range, page by page. False: a page is mapped otherwise, and those
// before it are noted.
func (a *atlas) add(va, from, to uint64, prot paging.Prot) bool {
	for at := from &^ 4095; at < to; at += 4096 {
		k := ((va &^ 4095) + at - from&^4095 - a.base) / 4096
		p := page{at, prot}
		if a.set[k] && a.pages[k] != p {
			return false
		}
		a.set[k], a.pages[k] = true, p
	}
	return true
}

// compare looks at each page through the processor's eyes. After a refusal tables may
// map more of the last range than the oracle notes, or less; loose lets that pass.
func (a *atlas) compare(t *testing.T, env paging.Env, root uint64) {
	t.Helper()
	walk := walkOf(env.Format)
	for k, want := range a.pages {
		va := a.base + uint64(k)*4096
		pa, r, w, x, u, ok := walk(env, root, va|0x123)
		if ok != a.set[k] {
			t.Fatalf("%#x: mapped is %v, want %v", va, ok, a.set[k])
		}
		if ok && (pa != want.pa|0x123 || !r || w != (want.prot&paging.Write != 0) || x != (want.prot&paging.Exec != 0) || u) {
			t.Fatalf("%#x: %#x r%v w%v x%v u%v, want %+v", va, pa, r, w, x, u, want)
		}
	}
}

// TestMapKernel maps random ranges with random ends into an area and compares all
// of it with the oracle: in both halves, at the addresses themselves and elsewhere.
func TestMapKernel(t *testing.T) {
	each(t, func(t *testing.T, f *paging.Format) {
		for seed := range uint64(25) {
			r := rand.New(rand.NewPCG(seed, 7))
			env, tables := newEnv(t, f)
			const size = 12 * mib
			base := []uint64{0, 0x8000_0000, 0x3f_ff00_0000, ^uint64(0)<<(f.Bits-1) + 1<<30 - 6*mib, 1<<64 - size}[seed%5]
			shiftBy := []uint64{0, 1 << 30, 2 * mib, 4096, 12345 << 12}[r.IntN(5)] // of physical addresses
			a := &atlas{base: base, pages: make([]page, size/4096), set: make([]bool, size/4096)}
			physical := func(va uint64) uint64 {
				return (va + shiftBy) & (1<<38 - 1)
			}
			for range 12 {
				start := uint64(r.IntN(size))
				n := uint64(r.IntN(size))>>r.IntN(20) + 1
				switch r.IntN(3) {
				case 0:
					start &^= 2*mib - 1
				case 1:
					start &^= 4095
				}
				n = min(n, size-start)
				va := base + start
				prot := []paging.Prot{paging.ReadWrite, paging.ReadWrite, paging.ReadExec, paging.Read | paging.Global}[r.IntN(4)]
				from := physical(va)
				code := tables.MapKernel(env, va, from, from+n, prot, uint(r.IntN(4)))
				want := a.add(va, from, from+n, prot)
				if (code == paging.OK) != want || !want && code != paging.Mapped {
					t.Fatalf("%#x at %#x, %#x bytes, %b: %v; the oracle takes it: %v", from, va, n, prot, code, want)
				}
				if !want {
					break // how far it came isn't promised
				}
				a.compare(t, env, tables.Root)
			}
		}
	})
}

// TestIdentity: a range is where it is, whatever its ends, and takes large leafs.
func TestIdentity(t *testing.T) {
	each(t, func(t *testing.T, f *paging.Format) {
		env, tables := newEnv(t, f)
		const from, to = 0x8000_0000 - 5, 0xc000_0000 + 4*mib + 1
		if code := tables.Identity(env, from, to, paging.ReadExec, 2); code != paging.OK {
			t.Fatal(code)
		}
		for _, c := range []struct {
			at uint64
			ok bool
		}{{0x8000_0000 - 4097, false}, {0x8000_0000 - 4096, true}, {from, true}, {0x9234_5678, true}, {to - 1, true},
			{to + 4094, true}, {to + 4095, false}} {
			pa, r, w, x, u, ok := walkOf(f)(env, tables.Root, c.at)
			if ok != c.ok || ok && (pa != c.at || !r || w || !x || u) {
				t.Errorf("%#x: %#x r%v w%v x%v u%v %v", c.at, pa, r, w, x, u, ok)
			}
		}
		// A leaf of 1 GiB, two of 2 MiB, and a page at either end.
		if got, want := env.Frames.Stats().Owned[frame.Kernel], uint64(f.Levels-3+2+2); got != want {
			t.Errorf("%d tables, want %d", got, want)
		}
		if code := tables.Identity(env, from, to, paging.ReadExec, 2); code != paging.OK {
			t.Errorf("the same again: %v", code)
		}
		for _, part := range [][2]uint64{{to - 1, to}, {0x8000_1234, 0x8000_5678}, {0xc020_1000, 0xc020_1001}, {from, from + 2*mib}} {
			if code := tables.Identity(env, part[0], part[1], paging.ReadExec, 2); code != paging.OK {
				t.Errorf("%#x, a part of it: %v", part, code)
			}
			if code := tables.MapKernel(env, part[0], part[0]+4096, part[1]+4096, paging.ReadExec, 2); code != paging.Mapped {
				t.Errorf("%#x, to another page: %v", part, code)
			}
			if code := tables.Identity(env, part[0], part[1], paging.Read, 2); code != paging.Mapped {
				t.Errorf("%#x, with other rights: %v", part, code)
			}
		}
		// A leaf of 2 MiB fits with nothing to spare.
		before := env.Frames.Stats().Owned[frame.Kernel]
		if code := tables.Identity(env, 0xd000_0000, 0xd020_0000, paging.Read, 1); code != paging.OK {
			t.Error(code)
		}
		if got := env.Frames.Stats().Owned[frame.Kernel] - before; got != 0 {
			t.Errorf("%d tables for a leaf of 2 MiB beside others", got)
		}
	})
}

// TestMapKernelRefusals: what can't be mapped changes nothing.
func TestMapKernelRefusals(t *testing.T) {
	each(t, func(t *testing.T, f *paging.Format) {
		env, tables := newEnv(t, f)
		kernel := ^uint64(0) << (f.Bits - 1)
		low := uint64(1) << (f.Bits - 1) // behind the lower half
		const top = 1 << 51              // above what either format's entries hold but for Sv39's 56 bits
		for _, c := range []struct {
			va, from, to uint64
			prot         paging.Prot
			want         paging.Code
		}{
			{kernel, 0, 4096, paging.ReadWrite | paging.Exec, paging.WX},
			{kernel, 0, 4096, paging.Read | paging.User, paging.WrongHalf},
			{kernel + 1, 0, 4096, paging.Read, paging.Misaligned},
			{kernel, 4, 4096, paging.Read, paging.Misaligned},
			{kernel, 1 << 60, 1<<60 + 1, paging.Read, paging.Misaligned},
			{kernel, 0, 1 << 60, paging.Read, paging.Misaligned},
			{low - 4096, 0, 4097, paging.Read, paging.NonCanonical},
			{low, 0, 1, paging.Read, paging.NonCanonical},
			{kernel - 1, 4095, 4096, paging.Read, paging.NonCanonical},
			{low - 4096, top - 4096, top + 4096, paging.Read, paging.NonCanonical},
			{1<<64 - 4096, 0, 4097, paging.Read, paging.NonCanonical},
			{1 << 62, 0, 1, paging.Read, paging.NonCanonical},
			{1, 5, 5, paging.Read, paging.OK}, // nothing
			{1, 5, 4, paging.Read, paging.OK},
		} {
			if got := tables.MapKernel(env, c.va, c.from, c.to, c.prot, 2); got != c.want {
				t.Errorf("%#x to %#x at %#x, %b: %v, want %v", c.from, c.to, c.va, c.prot, got, c.want)
			}
		}
		if n := env.Frames.Stats().Owned[frame.Kernel]; n != 0 {
			t.Errorf("%d tables", n)
		}
		if code := tables.MapKernel(env, 1<<64-4096, 1<<38, 1<<38+4096, paging.Read, 2); code != paging.OK {
			t.Errorf("the last page: %v", code)
		}
	})
}

// TestMapKernelNoMemory: without frames for tables it says so, and goes on when
// there are some.
func TestMapKernelNoMemory(t *testing.T) {
	each(t, func(t *testing.T, f *paging.Format) {
		env, tables := newEnv(t, f)
		var all []uint64
		for {
			pa, code := env.Frames.Alloc(frame.Heap)
			if code != frame.OK {
				break
			}
			all = append(all, pa)
		}
		const from, to = 4 * mib, 6*mib + 4096 // a leaf of 2 MiB and a page
		needs := int(f.Levels) - 2 + 1
		for given := 0; ; given++ {
			code := tables.Identity(env, from, to, paging.ReadWrite, 2)
			if code == paging.OK {
				if given != needs {
					t.Errorf("done with %d tables, want %d", given, needs)
				}
				break
			}
			if code != paging.NoMemory || given >= needs {
				t.Fatalf("with %d tables: %v", given, code)
			}
			env.Frames.Free(all[given], frame.Heap)
		}
		for at := uint64(from); at < to; at += 4096 {
			if pa, _, w, _, _, ok := walkOf(f)(env, tables.Root, at); !ok || pa != at || !w {
				t.Fatalf("%#x: %#x", at, pa)
			}
		}
	})
}

// BenchmarkMapKernel maps 256 MiB as a direct map with a hole in it, as a boot does.
func BenchmarkMapKernel(b *testing.B) {
	env, tables := newEnv(b, &amd64.Format)
	base := uint64(amd64.KernelDevices)
	for b.Loop() {
		env.Mem.Zero(tables.Root)
		tables.MapKernel(env, base, 0, 100*mib+5*4096, paging.ReadWrite|paging.Global, 1)
		tables.MapKernel(env, base+103*mib+3*4096, 103*mib+3*4096, 256*mib, paging.ReadWrite|paging.Global, 1)
		b.StopTimer()
		env.Frames.Init(env.Mem)
		env.Frames.AddRegion(0, 8*mib)
		env.Frames.Alloc(frame.PageTable)
		b.StartTimer()
	}
}
