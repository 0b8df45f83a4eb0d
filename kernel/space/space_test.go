// SPDX-License-Identifier: Apache-2.0

package space

import (
	"runtime"
	"testing"

	"loam/abi"
	"loam/kernel/memory"
	"loam/machine/frame"
	"loam/machine/paging"
	"loam/machine/phys"
)

const mib = 1 << 20

// bench is a machine for tests: memory, an allocator, a kernel's tables.
type bench struct {
	t      testing.TB
	env    paging.Env
	kernel paging.Tables
	pool   Pool
	objs   memory.Objects
	file   uint64 // physical address of filePages frames that stand for the archive
	free   uint64 // frames that are free when no space exists
}

const filePages = 24

func newBench(t testing.TB, format *paging.Format, memory int) *bench {
	t.Helper()
	arena := phys.Arena(memory)
	t.Cleanup(func() { runtime.KeepAlive(arena) })
	b := &bench{t: t}
	b.env = paging.Env{Mem: phys.FromBytes(arena), Frames: new(frame.Allocator), Format: format}
	b.env.Frames.Init(b.env.Mem)
	if code := b.env.Frames.AddRegion(0, uint64(memory)); code != frame.OK {
		t.Fatal(code)
	}
	root, _ := b.env.Frames.Alloc(frame.PageTable)
	b.env.Mem.Zero(root)
	b.kernel = paging.Tables{Root: root}
	b.file, _ = b.env.Frames.AllocN(filePages, 0, 0, frame.Archive)
	for i := range uint64(filePages * PageSize / 8) {
		*b.env.Mem.Word(b.file + 8*i) = fileWord(i)
	}
	b.pool.Init(make([]Node, 4096))
	b.objs.Init(b.env.Mem, b.env.Frames, 8)
	b.free = b.env.Frames.Stats().Free
	return b
}

// fileWord is the i-th word of the archive.
func fileWord(i uint64) uint64 { return 0x4c6f616d_00000000 + i }

func (b *bench) space(low, high, maxFrames uint64) *caller {
	b.t.Helper()
	s := &caller{Space: new(Space)}
	errno := s.Init(&Config{Env: b.env, Kernel: b.kernel, Pool: &b.pool, Objects: &b.objs, Low: low, High: high, MaxFrames: maxFrames})
	if errno != 0 {
		b.t.Fatal(errno)
	}
	return s
}

// destroy checks that a space leaves nothing behind.
func (b *bench) destroy(s *caller) {
	b.t.Helper()
	for range 100000 {
		if s.Destroy() {
			break
		}
	}
	if code := b.env.Frames.Check(); code != frame.OK {
		b.t.Fatal(code)
	}
	if free := b.env.Frames.Stats().Free; free != b.free || b.pool.Used() != 0 {
		b.t.Fatalf("%d frames and %d nodes left behind", b.free-free, b.pool.Used())
	}
}

// tables counts the tables of a space's user part, without the root.
func (b *bench) tables(s *caller) uint64 {
	f := b.env.Format
	var count func(table uint64, level uint) uint64
	count = func(table uint64, level uint) (n uint64) {
		for i, e := range b.env.Mem.Table(table) {
			if e&f.DirMask != f.Valid || level == f.Levels-1 && uint64(i)*paging.Span(level) >= f.UserEnd {
				continue
			}
			n++
			if level > 1 {
				n += count(e&f.AddrMask*f.AddrUnit, level-1)
			}
		}
		return n
	}
	return count(s.Root(), f.Levels-1)
}

func newSpace(t testing.TB) (*bench, *caller) {
	b := newBench(t, format, 8*mib)
	return b, b.space(0x10000, format.UserEnd, 0)
}

const (
	rw    = abi.PROT_READ | abi.PROT_WRITE
	rx    = abi.PROT_READ | abi.PROT_EXEC
	anon  = abi.MAP_PRIVATE | abi.MAP_ANONYMOUS
	fixed = anon | abi.MAP_FIXED
	page  = PageSize
	top   = ^uint64(0)
)

func TestMMapErrors(t *testing.T) {
	b, s := newSpace(t)
	if errno := s.Map(Area{Start: 16 * page * 16, End: 16 * page * 17}); errno != 0 {
		t.Fatal(errno)
	}
	for _, c := range []struct {
		name                        string
		addr                        abi.UserAddr
		length, prot, flags, offset uint64
		want                        abi.Errno
	}{
		{"zero length", 0, 0, rw, anon, 0, abi.EINVAL},
		{"file", 0, page, rw, abi.MAP_PRIVATE, 0, abi.EBADF},
		{"file of no length", 0, 0, rw, abi.MAP_PRIVATE, 0, abi.EBADF},
		{"odd offset", 0, page, rw, abi.MAP_PRIVATE, 1, abi.EINVAL},
		{"length wraps", 0, top, rw, anon, 0, abi.ENOMEM},
		{"whole half", 0, 1 << 47, rw, anon, 0, abi.ENOMEM},
		{"no type", 0, page, rw, abi.MAP_ANONYMOUS, 0, abi.EINVAL},
		{"validate", 0, page, rw, abi.MAP_ANONYMOUS | abi.MAP_SHARED_VALIDATE, 0, abi.EINVAL},
		{"fixed odd", 0x20001, page, rw, fixed, 0, abi.EINVAL},
		{"fixed low", 0xf000, page, rw, fixed, 0, abi.EPERM},
		{"fixed zero", 0, page, rw, fixed, 0, abi.EPERM},
		{"fixed at end", userEnd, page, rw, fixed, 0, abi.ENOMEM},
		{"fixed over end", userEnd - page, 2 * page, rw, fixed, 0, abi.ENOMEM},
		{"fixed kernel", 0xffff800000000000, page, rw, fixed, 0, abi.ENOMEM},
		{"fixed non-canonical", 1 << 50, page, rw, fixed, 0, abi.ENOMEM},
		{"fixed wraps", abi.UserAddr(top) &^ 0xfff, page, rw, fixed, 0, abi.ENOMEM},
		{"no replace", 16 * 16 * page, page, rw, anon | abi.MAP_FIXED_NOREPLACE, 0, abi.EEXIST},
		{"write and execute", 0, page, 7, anon, 0, abi.EACCES},
		{"grows down, shared", 0, page, rw, abi.MAP_SHARED | abi.MAP_ANONYMOUS | abi.MAP_GROWSDOWN, 0, abi.EINVAL},
		{"huge pages", 0, page, rw, anon | abi.MAP_HUGETLB, 0, abi.ENOMEM},
	} {
		before := s.Stats()
		if _, errno := s.MMap(c.addr, c.length, c.prot, c.flags, c.offset); errno != c.want {
			t.Errorf("%s: %v, want %v", c.name, errno.Name(), c.want.Name())
		}
		if s.Stats() != before {
			t.Errorf("%s: changed the space", c.name)
		}
	}
	b.destroy(s)
}

func TestMMapPlaces(t *testing.T) {
	b, s := newSpace(t)
	mmap := func(addr abi.UserAddr, length, flags uint64) abi.UserAddr {
		t.Helper()
		got, errno := s.MMap(addr, length, rw, flags, 0)
		if errno != 0 {
			t.Fatal(errno)
		}
		return got
	}
	hint := userEnd / 2 &^ (largeSize - 1)
	for _, c := range []struct {
		name          string
		addr          abi.UserAddr
		length, flags uint64
		want          abi.UserAddr
	}{
		{"top", 0, 1, anon, userEnd - page},
		{"below", 0, 3 * page, anon, userEnd - 4*page},
		{"hint", hint, 64 * mib, anon, hint},
		{"hint taken", hint, page, anon, userEnd - 5*page},
		{"hint rounded", hint + 1<<30 + 1, page, anon, hint + 1<<30 + page},
		{"hint too low", 0x1000, page, anon, userEnd - 6*page},
		{"hint too high", userEnd - 1, page, anon, userEnd - 7*page},
		{"kernel hint", 0xffff800000000000, page, anon, userEnd - 8*page},
		{"32 bits", 0, page, anon | abi.MAP_32BIT, 1<<31 - page},
		{"no replace", 0x20000, page, anon | abi.MAP_FIXED_NOREPLACE, 0x20000},
		{"shared", 0, page, abi.MAP_SHARED | abi.MAP_ANONYMOUS, userEnd - 9*page},
		{"a quarter of all", 0, uint64(hint / 2), anon | abi.MAP_NORESERVE, userEnd - 9*page - hint/2},
	} {
		if got := mmap(c.addr, c.length, c.flags); got != c.want {
			t.Errorf("%s: %#x, want %#x", c.name, got, c.want)
		}
	}
	if f := s.Stats().Frames; f != 0 {
		t.Errorf("%d frames in use by untouched memory", f)
	}
	b.destroy(s)
}

func TestCallErrors(t *testing.T) {
	b, s := newSpace(t)
	at, errno := s.MMap(0x100000, 4*page, rw, fixed, 0)
	if errno != 0 {
		t.Fatal(errno)
	}
	if errno := s.Map(Area{Start: 0x200000, End: 0x202000, Prot: Read, Kind: Archive, Phys: b.file, Bytes: 5000}); errno != 0 {
		t.Fatal(errno)
	}
	kernel := abi.UserAddr(0xffff800000000000)
	for _, c := range []struct {
		name      string
		got, want abi.Errno
	}{
		{"munmap odd", s.MUnmap(at+1, page), abi.EINVAL},
		{"munmap nothing", s.MUnmap(at, 0), abi.EINVAL},
		{"munmap wraps", s.MUnmap(at, top), abi.EINVAL},
		{"munmap kernel", s.MUnmap(kernel, page), abi.EINVAL},
		{"munmap over end", s.MUnmap(userEnd-page, 2*page), abi.EINVAL},
		{"munmap hole", s.MUnmap(0x700000, page), 0},
		{"munmap low", s.MUnmap(0, page), 0},

		{"mprotect odd", s.MProtect(at+1, page, rw), abi.EINVAL},
		{"mprotect nothing", s.MProtect(at, 0, rw), 0},
		{"mprotect wraps", s.MProtect(at, top, rw), abi.ENOMEM},
		{"mprotect wraps 2", s.MProtect(at, top&^0xfff, rw), abi.ENOMEM},
		{"mprotect hole", s.MProtect(at, 5*page, abi.PROT_READ), abi.ENOMEM},
		{"mprotect kernel", s.MProtect(kernel, page, rw), abi.ENOMEM},
		{"mprotect bits", s.MProtect(at, page, 0x100), abi.EINVAL},
		{"mprotect grows", s.MProtect(at, page, rw|abi.PROT_GROWSDOWN), abi.EINVAL},
		{"mprotect both grow", s.MProtect(at, 0, abi.PROT_GROWSUP|abi.PROT_GROWSDOWN), abi.EINVAL},
		{"mprotect write and execute", s.MProtect(at, page, 7), abi.EACCES},

		{"madvise unknown", s.MAdvise(at, page, 99), abi.EINVAL},
		{"madvise odd", s.MAdvise(at+8, page, abi.MADV_DONTNEED), abi.EINVAL},
		{"madvise nothing", s.MAdvise(at, 0, abi.MADV_DONTNEED), 0},
		{"madvise wraps", s.MAdvise(at, top, abi.MADV_DONTNEED), abi.EINVAL},
		{"madvise wraps 2", s.MAdvise(at, top&^0xfff, abi.MADV_DONTNEED), abi.EINVAL},
		{"madvise hole", s.MAdvise(at, 5*page, abi.MADV_DONTNEED), abi.ENOMEM},
		{"madvise kernel", s.MAdvise(kernel, page, abi.MADV_DONTNEED), abi.ENOMEM},
		{"madvise free", s.MAdvise(at, page, abi.MADV_FREE), 0},
		{"madvise free file", s.MAdvise(0x200000, page, abi.MADV_FREE), abi.EINVAL},
		{"madvise huge", s.MAdvise(at, page, abi.MADV_HUGEPAGE), 0},
		{"madvise collapse", s.MAdvise(at, page, abi.MADV_COLLAPSE), abi.EINVAL},

		{"mincore odd", s.MinCore(at+1, page, at), abi.EINVAL},
		{"mincore hole", s.MinCore(at, 5*page, at), abi.ENOMEM},
		{"mincore kernel", s.MinCore(kernel, page, at), abi.ENOMEM},
		{"mincore to kernel", s.MinCore(at, page, kernel), abi.EFAULT},
		{"mincore to hole", s.MinCore(at, page, 0x700000), abi.EFAULT},
		{"mincore", s.MinCore(at, 4*page, at), 0},

		{"map over", s.Map(Area{Start: 0x103000, End: 0x105000}), abi.EEXIST},
		{"map odd", s.Map(Area{Start: 0x300001, End: 0x301000}), abi.EINVAL},
		{"map empty", s.Map(Area{Start: 0x300000, End: 0x300000}), abi.EINVAL},
		{"map low", s.Map(Area{Start: 0, End: 0x1000}), abi.EINVAL},
		{"map high", s.Map(Area{Start: format.UserEnd, End: format.UserEnd + page}), abi.EINVAL},
		{"map write and execute", s.Map(Area{Start: 0x300000, End: 0x301000, Prot: 7}), abi.EACCES},
		{"map bytes", s.Map(Area{Start: 0x300000, End: 0x301000, Kind: Archive, Bytes: page + 1}), abi.EINVAL},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q, want %q", c.name, c.got.Name(), c.want.Name())
		}
	}
	for _, c := range []struct {
		name            string
		addr            abi.UserAddr
		old, new, flags uint64
		to              abi.UserAddr
		want            abi.Errno
	}{
		{"flags", at, page, page, 8, 0, abi.EINVAL},
		{"dont unmap", at, page, page, abi.MREMAP_MAYMOVE | abi.MREMAP_DONTUNMAP, 0, abi.EINVAL},
		{"fixed alone", at, page, page, abi.MREMAP_FIXED, 0x400000, abi.EINVAL},
		{"odd", at + 1, page, page, 0, 0, abi.EINVAL},
		{"to nothing", at, page, 0, 0, 0, abi.EINVAL},
		{"to wrap", at, page, top, 0, 0, abi.EINVAL},
		{"from nothing", at, 0, page, abi.MREMAP_MAYMOVE, 0, abi.EINVAL},
		{"hole", 0x700000, page, page, 0, 0, abi.EFAULT},
		{"kernel", kernel, page, 2 * page, abi.MREMAP_MAYMOVE, 0, abi.EFAULT},
		{"too long", at, 5 * page, 6 * page, abi.MREMAP_MAYMOVE, 0, abi.EFAULT},
		{"huge", at, page, 1 << 47, abi.MREMAP_MAYMOVE, 0, abi.ENOMEM},
		{"no room", at, page, 2 * page, 0, 0, abi.ENOMEM},
		{"to odd", at, page, page, 3, 0x400001, abi.EINVAL},
		{"to low", at, page, page, 3, 0x1000, abi.EPERM},
		{"to kernel", at, page, page, 3, kernel, abi.EINVAL},
		{"onto itself", at, 2 * page, 2 * page, 3, at + page, abi.EINVAL},
		{"shrink over end", at, format.UserEnd, page, 0, 0, abi.EINVAL},
		{"same", at, page, page, 0, 0, 0},
	} {
		if _, errno := s.MRemap(c.addr, c.old, c.new, c.flags, c.to); errno != c.want {
			t.Errorf("mremap %s: %q, want %q", c.name, errno.Name(), c.want.Name())
		}
	}
	b.destroy(s)
}

func TestUserAccessErrors(t *testing.T) {
	b, s := newSpace(t)
	s.MMap(0x100000, 2*page, rw, fixed, 0)
	s.MMap(0x103000, page, abi.PROT_READ, fixed, 0)
	s.MMap(0x104000, page, abi.PROT_NONE, fixed, 0)
	s.MMap(userEnd-page, page, rw, fixed, 0)
	// The kernel's own mapping, which must not be reachable.
	kernel := abi.UserAddr(kernelHalf())
	if code := (paging.Tables{Root: s.Root()}).Map(b.env, uint64(kernel), b.file, paging.Read|paging.Write); code != paging.OK {
		t.Fatal(code)
	}
	var buf [3 * page]byte
	for _, c := range []struct {
		name        string
		va          abi.UserAddr
		n           int
		read, write abi.Errno
	}{
		{"whole", 0x100000, 2 * page, 0, 0},
		{"nothing", 0x700000, 0, 0, 0},
		{"hole behind", 0x100000, 2*page + 1, abi.EFAULT, abi.EFAULT},
		{"hole", 0x102000, 1, abi.EFAULT, abi.EFAULT},
		{"read only", 0x103000, 1, 0, abi.EFAULT},
		{"into none", 0x103fff, 2, abi.EFAULT, abi.EFAULT},
		{"none", 0x104000, 1, abi.EFAULT, abi.EFAULT},
		{"zero page", 0, 1, abi.EFAULT, abi.EFAULT},
		{"last byte", userEnd - 1, 1, 0, 0},
		{"over end", userEnd - 1, 2, abi.EFAULT, abi.EFAULT},
		{"non-canonical", 1 << 50, 1, abi.EFAULT, abi.EFAULT},
		{"kernel", kernel, 1, abi.EFAULT, abi.EFAULT},
		{"top", abi.UserAddr(top), 1, abi.EFAULT, abi.EFAULT},
		{"wraps", abi.UserAddr(top) - 4, 8, abi.EFAULT, abi.EFAULT},
	} {
		if got := s.ReadUser(c.va, buf[:c.n]); got != c.read {
			t.Errorf("read %s: %q", c.name, got.Name())
		}
		if got := s.WriteUser(c.va, buf[:c.n]); got != c.write {
			t.Errorf("write %s: %q", c.name, got.Name())
		}
		words, want := make([]uint64, (c.n+7)/8), c.write
		if c.va%8 != 0 && c.n > 0 {
			want = abi.EFAULT
		}
		if got := s.WriteWords(c.va, words); got != want {
			t.Errorf("write words, %s: %q", c.name, got.Name())
		}
	}
	for _, va := range []abi.UserAddr{kernel, kernel + page - 1, abi.UserAddr(top), abi.UserAddr(top) - 3, userEnd, userEnd - 3, 0x102000, 0x101ffd} {
		_, r64 := s.ReadUint64(va)
		_, r32 := s.ReadUint32(va)
		_, load := s.LoadUint32(va &^ 3)
		_, str := s.ReadString(va, buf[:])
		w64, w32 := s.WriteUint64(va, 1), s.WriteUint32(va, 1)
		bad := abi.EFAULT
		if r64 != bad || r32 != bad || w64 != bad || w32 != bad || load != bad && va != 0x101ffd && va != userEnd-3 || str != bad && va != 0x101ffd && va != userEnd-3 {
			t.Errorf("%#x: %v %v %v %v %v %v", va, r64, r32, load, str, w64, w32)
		}
	}
	if _, errno := s.LoadUint32(0x100002); errno != abi.EINVAL {
		t.Error(errno)
	}
	if w := *b.env.Mem.Word(b.file); w != fileWord(0) {
		t.Errorf("kernel memory was written: %#x", w)
	}
	(paging.Tables{Root: s.Root()}).Unmap(b.env, uint64(kernel))
	b.free -= way() // the kernel part's tables stay, as always
	b.destroy(s)
}

func TestStrings(t *testing.T) {
	b, s := newSpace(t)
	s.MMap(0x100000, 2*page, rw, fixed, 0)
	const text = "over the edge"
	va := abi.UserAddr(0x101000 - 4)
	if errno := s.WriteUser(va, []byte(text+"\x00rest")); errno != 0 {
		t.Fatal(errno)
	}
	s.WriteWords(0x101000-16, []uint64{1, 2, 3})
	for i := range uint64(3) {
		if v, _ := s.ReadUint64(0x101000 - 16 + abi.UserAddr(i)*8); v != i+1 {
			t.Errorf("word %d: %d", i, v)
		}
	}
	s.WriteUser(va, []byte(text+"\x00rest"))
	buf := make([]byte, len(text)+1)
	if n, errno := s.ReadString(va, buf); errno != 0 || string(buf[:n]) != text {
		t.Errorf("%q, %v", buf[:n], errno)
	}
	if _, errno := s.ReadString(va, buf[:len(text)]); errno != abi.ENAMETOOLONG {
		t.Errorf("no room for the NUL: %q", errno.Name())
	}
	for i := range abi.UserAddr(12) {
		va := 0x101000 - 12 + i
		s.WriteUint64(va, 0x1122334455667788)
		v, _ := s.ReadUint64(va)
		lo, _ := s.ReadUint32(va)
		hi, _ := s.ReadUint32(va + 4)
		if v != 0x1122334455667788 || lo != 0x55667788 || hi != 0x11223344 {
			t.Errorf("%#x: %#x %#x %#x", va, v, lo, hi)
		}
		if va%4 == 0 {
			if w, _ := s.LoadUint32(va + 4); w != hi {
				t.Errorf("LoadUint32 at %#x: %#x", va, w)
			}
		}
		s.WriteUint32(va+2, 0xaabbccdd)
		if v, _ := s.ReadUint64(va); v != 0x1122aabbccdd7788 {
			t.Errorf("%#x: %#x", va, v)
		}
	}
	b.destroy(s)
}

func TestBrk(t *testing.T) {
	b, s := newSpace(t)
	if got := s.Brk(0); got != 0 {
		t.Errorf("without a heap: %#x", got)
	}
	const heap = 0x600000
	s.SetBrk(heap)
	s.MMap(heap+0x10000, page, rw, fixed, 0)
	for _, c := range []struct{ to, want abi.UserAddr }{
		{0, heap}, {heap + 100, heap + 100}, {heap + 3*page, heap + 3*page}, {heap - 1, heap + 3*page},
		{heap + 0x10001, heap + 3*page}, {heap + 0x10000, heap + 0x10000}, {abi.UserAddr(top), heap + 0x10000},
		{userEnd + 1, heap + 0x10000}, {heap + page + 1, heap + page + 1}, {heap, heap},
	} {
		if got := s.Brk(c.to); got != c.want {
			t.Errorf("brk(%#x) = %#x, want %#x", c.to, got, c.want)
		}
		if c.want > heap {
			if errno := s.WriteUint32((c.want-1)&^3, 1); errno != 0 {
				t.Errorf("last word below %#x: %v", c.want, errno)
			}
		}
	}
	if errno := s.WriteUint32(heap, 1); errno != abi.EFAULT {
		t.Errorf("heap after it was given back: %v", errno)
	}
	b.destroy(s)
}

func TestArchivePages(t *testing.T) {
	b, s := newSpace(t)
	const start, bytes = 0x400000, 20*page + 808
	area := Area{Start: start, End: start + 23*page, Prot: Read | Exec, Kind: Archive, Phys: b.file, Bytes: bytes}
	if errno := s.Map(area); errno != 0 {
		t.Fatal(errno)
	}
	if out := s.Fault(start+17*page+5, Exec); out != Resolved {
		t.Fatal(out)
	}
	if f := s.Stats().Frames; f != way() {
		t.Errorf("%d frames for borrowed pages, want %d for tables", f, way())
	}
	for i := range uint64(23 * page / 8) {
		want := fileWord(i)
		if i*8 >= bytes {
			want = 0
		}
		if v, errno := s.ReadUint64(start + abi.UserAddr(i)*8); errno != 0 || v != want {
			t.Fatalf("word %d: %#x, %v; want %#x", i, v, errno, want)
		}
	}
	if f := s.Stats().Frames; f != way()+3 {
		t.Errorf("%d frames, want the file's last page and two beyond", f-way())
	}
	// A write gets a copy, and the archive stays as it was.
	s.TakeFlush()
	if errno := s.MProtect(start+2*page, 2*page, rw); errno != 0 {
		t.Fatal(errno)
	}
	if f := s.TakeFlush(); f.Any() && (f.Start < start || f.End > start+23*page) {
		t.Errorf("flush %+v", f)
	}
	if out := s.Fault(start+2*page, Write); out != Resolved {
		t.Fatal(out)
	}
	if f := s.TakeFlush(); f != (Flush{Start: start + 2*page, End: start + 3*page}) {
		t.Errorf("flush after the copy: %+v", f)
	}
	s.WriteUint64(start+2*page, 42)
	v, _ := s.ReadUint64(start + 2*page)
	next, _ := s.ReadUint64(start + 2*page + 8)
	if v != 42 || next != fileWord(2*page/8+1) || *b.env.Mem.Word(b.file + 2*page) != fileWord(2*page/8) {
		t.Errorf("%#x %#x", v, next)
	}
	// Given back, it is the file again.
	s.MAdvise(start+2*page, page, abi.MADV_DONTNEED)
	if v, _ := s.ReadUint64(start + 2*page); v != fileWord(2*page/8) {
		t.Errorf("after MADV_DONTNEED: %#x", v)
	}
	b.destroy(s)
}

// Archive pages cost their reader nothing but page tables, which come from the
// kernel's reserve too: many of them, far apart, may not use it up.
func TestArchiveLeavesReserve(t *testing.T) {
	b := newBench(t, format, 2*mib)
	s := b.space(PageSize, 1<<37, 0)
	const areas, apart = 400, 2 * mib
	for i := uint64(1); i <= areas; i++ {
		if e := s.Map(Area{Start: i * apart, End: i*apart + PageSize, Prot: Read, Kind: Archive, Phys: b.file, Bytes: PageSize}); e != 0 {
			t.Fatal(e)
		}
	}
	reserve := b.env.Frames.Stats().Free - 10
	b.env.Frames.SetReserve(reserve)
	out := Resolved
	for i := uint64(1); i <= areas && out == Resolved; i++ {
		out = s.Fault(i*apart, Read)
	}
	if free := b.env.Frames.Stats().Free; out != NoMemory || free < reserve/2 {
		t.Errorf("%v with %d frames free, reserve %d", out, free, reserve)
	}
	b.env.Frames.SetReserve(0)
	b.destroy(s)
}

// TestCopyBehindTheKernelsBack has the program write to a page, by a fault of
// its own, that the kernel has just read.
func TestCopyBehindTheKernelsBack(t *testing.T) {
	b, s := newSpace(t)
	s.Map(Area{Start: 0x400000, End: 0x401000, Prot: Read | Write, Kind: Archive, Phys: b.file, Bytes: page})
	if v, errno := s.ReadUint64(0x400000); v != fileWord(0) || errno != 0 {
		t.Fatal(v, errno)
	}
	if out := s.Fault(0x400000, Write); out != Resolved {
		t.Fatal(out)
	}
	pa, _, _ := s.tables.Lookup(b.env, 0x400000)
	*b.env.Mem.Word(pa) = 42
	if v, errno := s.ReadUint64(0x400000); v != 42 || errno != 0 {
		t.Errorf("%#x, %v", v, errno)
	}
	b.destroy(s)
}

func TestStack(t *testing.T) {
	b, s := newSpace(t)
	if errno := s.MapStack(format.UserEnd, 64*page, 16*page); errno != 0 {
		t.Fatal(errno)
	}
	if out := s.Fault(format.UserEnd-64*page, Write); out != Resolved {
		t.Error(out)
	}
	if out := s.Fault(format.UserEnd-64*page-1, Write); out != AccErr {
		t.Error(out)
	}
	if at, errno := s.MMap(0, page, rw, anon, 0); errno != 0 || at != userEnd-81*page {
		t.Errorf("%#x, %v", at, errno)
	}
	if errno := s.MapStack(format.UserEnd, page, page); errno != abi.EEXIST {
		t.Error(errno)
	}
	if errno := s.MapStack(0x100000, 0x100000, page); errno != abi.EINVAL {
		t.Error(errno)
	}
	b.destroy(s)
}

func TestFrameLimit(t *testing.T) {
	b := newBench(t, format, 8*mib)
	s := b.space(0x10000, format.UserEnd, 20)
	s.MMap(0x100000, 100*page, rw, fixed, 0)
	n := uint64(0)
	for s.Fault(0x100000+n*page, Write) == Resolved {
		n++
	}
	if st := s.Stats(); n != 20-way() || st.Frames != 20 || st.Peak != 20 {
		t.Errorf("%d pages, %+v", n, st)
	}
	if out := s.Fault(0x100000, Write); out != Resolved {
		t.Errorf("a page that is there: %v", out)
	}
	if errno := s.WriteUint64(0x100000+abi.UserAddr(n)*page, 1); errno != abi.ENOMEM {
		t.Error(errno)
	}
	s.MUnmap(0x100000, 10*page)
	if out := s.Fault(0x100000+n*page, Write); out != Resolved || s.Stats().Frames != 11 {
		t.Errorf("after munmap: %v, %+v", out, s.Stats())
	}
	b.destroy(s)
}

func TestAreaLimit(t *testing.T) {
	b := newBench(t, format, 8*mib)
	s := &caller{Space: new(Space)}
	if errno := s.Init(&Config{Env: b.env, Kernel: b.kernel, Pool: &b.pool, Low: 0x10000, High: format.UserEnd, MaxAreas: 10}); errno != 0 {
		t.Fatal(errno)
	}
	for i := range abi.UserAddr(9) {
		if _, errno := s.MMap(0x100000+i*2*page, page, rw, fixed, 0); errno != 0 {
			t.Fatal(i, errno)
		}
	}
	if _, errno := s.MMap(0x200000, 4*page, rw, fixed, 0); errno != 0 {
		t.Fatal(errno)
	}
	for _, c := range []struct {
		name      string
		got, want abi.Errno
	}{
		{"munmap in the middle", s.MUnmap(0x201000, page), abi.ENOMEM},
		{"mprotect in the middle", s.MProtect(0x201000, page, 0), abi.ENOMEM},
		{"mprotect of all", s.MProtect(0x200000, 4*page, 0), 0},
		{"munmap at the end", s.MUnmap(0x203000, page), 0},
		{"munmap of all", s.MUnmap(0x100000, page), 0},
		{"munmap in the middle again", s.MUnmap(0x201000, page), 0},
	} {
		if c.got != c.want {
			t.Errorf("%s: %q", c.name, c.got.Name())
		}
	}
	if _, errno := s.MMap(0x300000, page, rw, fixed, 0); errno != abi.ENOMEM {
		t.Error(errno)
	}
	b.destroy(s)
}

func TestNothingAllocates(t *testing.T) {
	b, s := newSpace(t)
	var buf [100]byte
	s.Map(Area{Start: 0x400000, End: 0x410000, Prot: Read, Kind: Archive, Phys: b.file, Bytes: 9 * page})
	n := testing.AllocsPerRun(200, func() {
		at, _ := s.MMap(0, 16*page, rw, anon, 0)
		s.Fault(uint64(at), Write)
		s.Fault(0x400000, Read)
		s.MProtect(at+page, page, abi.PROT_READ)
		s.MAdvise(at, 2*page, abi.MADV_DONTNEED)
		s.WriteUser(at+8*page-50, buf[:])
		s.ReadUser(at+8*page-50, buf[:])
		s.ReadString(at, buf[:])
		s.MinCore(at, 16*page, at)
		s.WriteUint64(at+page-4, 1)
		s.LoadUint32(at)
		at, _ = s.MRemap(at, 16*page, 32*page, abi.MREMAP_MAYMOVE, 0)
		s.SetBrk(0x800000)
		s.Brk(0x801000)
		s.Brk(0x800000)
		s.MUnmap(at, 32*page)
		s.MAdvise(0x400000, 16*page, abi.MADV_DONTNEED)
		s.TakeFlush()
	})
	if n != 0 {
		t.Errorf("%v allocations", n)
	}
	if n := testing.AllocsPerRun(10, func() {
		for !s.Destroy() {
		}
		s.Init(&Config{Env: b.env, Kernel: b.kernel, Pool: &b.pool, Low: 0x10000, High: format.UserEnd})
	}); n != 0 {
		t.Errorf("%v allocations of Init and Destroy", n)
	}
	b.destroy(s)
}

func TestDestroyIsBounded(t *testing.T) {
	b, s := newSpace(t)
	s.MMap(0x100000, 1000*page, rw, fixed, 0)
	for i := range uint64(1000) {
		s.Fault(0x100000+i*page, Write)
	}
	calls := 0
	for !s.Destroy() {
		calls++
	}
	if calls < 1000/paging.BatchSize {
		t.Errorf("done in %d calls", calls)
	}
	b.destroy(s)
}

func BenchmarkFault(b *testing.B) {
	_, s := newSpace(b)
	benchmarkFault(b, s)
}

// benchmarkFault touches pages that have no frame.
func benchmarkFault(b *testing.B, s *caller) {
	const pages = 1024
	s.MMap(0x100000, pages*page, rw, fixed, 0)
	i := uint64(pages)
	for b.Loop() {
		if i == pages {
			b.StopTimer()
			s.MAdvise(0x100000, pages*page, abi.MADV_DONTNEED)
			i = 0
			b.StartTimer()
		}
		if s.Fault(0x100000+i*page, Write) != Resolved {
			b.Fatal("not resolved")
		}
		i++
	}
}

func BenchmarkMMapMUnmap64K(b *testing.B) {
	_, s := newSpace(b)
	for b.Loop() {
		at, _ := s.MMap(0, 16*page, rw, anon, 0)
		s.MUnmap(at, 16*page)
	}
}

func BenchmarkReadUser64(b *testing.B) {
	_, s := newSpace(b)
	s.MMap(0x100000, page, rw, fixed, 0)
	var buf [64]byte
	for b.Loop() {
		s.ReadUser(0x100040, buf[:])
	}
}
