// SPDX-License-Identifier: Apache-2.0

package linux

import (
	"loam/abi"
	"loam/user/linux/lx"
	"loam/user/linux/vfs"
)

// Files that programs map. Addresses are the kernel's matter (message_map): this server gives it a
// memory object. A file of the tmpfs has its content in that object from then on, so that reads, writes
// and mappings are one. Of another file a private mapping gets a copy of what is there; what is shared is
// in sharedfile.go.
//
// munmap, mprotect, mremap and madvise never come here.

// mapping is what mmap(2) asks for. It is of a part of the memory, which begins at offset.
type mapping struct{ addr, offset, length, prot, flags uint64 }

// sysMmap: address, length, protection, flags, descriptor, offset.
func sysMmap(s *Server, t *task) uint64 {
	g := mapping{t.Args[0], t.Args[5], t.Args[1], t.Args[2], t.Args[3]}
	if g.offset%abi.PageSize != 0 {
		return abi.EINVAL.Result()
	}
	if g.flags&abi.MAP_ANONYMOUS != 0 {
		addr := s.mapAnonymous(t, &g)
		return s.noteMap(t, addr, mappedFile{devRoot, 0, "/dev/zero (deleted)"})
	}
	f := s.file(t, t.Args[4])
	if f == nil {
		return abi.EBADF.Result()
	}
	if e := g.check(f); e != 0 {
		return fail(e)
	}
	addr := s.mapFile(t, f, &g)
	if addr >= blocked {
		return addr
	}
	return s.noteMap(t, addr, s.fileID(t.p, f))
}

// noteMap notes what a call has mapped, unless it has failed, and gives its result back.
func (s *Server) noteMap(t *task, addr uint64, id mappedFile) uint64 {
	if addr < blocked {
		s.noteMapped(t.p, addr, t.Args[1], t.Args[5], id)
	}
	return addr
}

// mapFile maps a part of a file.
func (s *Server) mapFile(t *task, f *file, g *mapping) uint64 {
	switch o := f.open.(type) {
	case vfs.Mapper:
		m, e := s.mapper(o)
		if e != 0 {
			return fail(e)
		}
		mayWrite, e := s.sealedMapping(f, g)
		if e != 0 {
			return fail(e)
		}
		return s.mapped(t, m, mayWrite, g)
	case *endless:
		return s.mapZeroes(t, o, g)
	}
	switch {
	case f.open == nil || f.path.Node.Mode()&abi.S_IFMT != abi.S_IFREG:
		return abi.ENODEV.Result()
	case g.flags&abi.MAP_TYPE != abi.MAP_PRIVATE:
		return s.mapShared(t, f, g)
	}
	return s.mapCopy(t, f, g)
}

// mapAnonymous maps memory that children share (MAP_SHARED with MAP_ANONYMOUS).
func (s *Server) mapAnonymous(t *task, g *mapping) uint64 {
	size := roundUp(g.length)
	switch {
	case g.length == 0:
		return abi.EINVAL.Result()
	case size == 0 || size > 1<<46:
		return abi.ENOMEM.Result()
	}
	g.offset = 0
	m, e := s.kernel.NewMemory(int64(size))
	if e != 0 {
		return fail(e)
	}
	defer m.Close()
	return s.mapped(t, m, true, g)
}

// check looks at what doesn't depend on the kind of file, in Linux's order.
func (g *mapping) check(f *file) abi.Errno {
	const validate = 3 // MAP_SHARED_VALIDATE
	size := roundUp(g.length)
	switch {
	case g.length == 0:
		return abi.EINVAL
	case size == 0:
		return abi.ENOMEM
	case g.offset+size < g.offset:
		return abi.EOVERFLOW
	}
	switch kind := g.flags & abi.MAP_TYPE; {
	case kind != abi.MAP_SHARED && kind != abi.MAP_PRIVATE && kind != validate:
		return abi.EINVAL
	case kind != abi.MAP_PRIVATE && g.prot&abi.PROT_WRITE != 0 && !f.writes():
		return abi.EACCES
	case !f.reads():
		return abi.EACCES
	case kind == validate:
		g.flags = g.flags&^abi.MAP_TYPE | abi.MAP_SHARED
	}
	g.prot &= abi.PROT_READ | abi.PROT_WRITE | abi.PROT_EXEC
	return 0
}

// mapped maps memory for who calls.
func (s *Server) mapped(t *task, m vfs.Memory, mayWrite bool, g *mapping) uint64 {
	addr, e := s.kernel.Map(t.Token, m, mayWrite, g)
	if e != 0 {
		return fail(e)
	}
	return addr
}

// manyInMemory is how many files' contents are memory objects before those that nobody maps any
// more are looked for: each takes a handle.
const manyInMemory = 32

// mapper has a file's content be memory.
func (s *Server) mapper(o vfs.Mapper) (vfs.Memory, abi.Errno) {
	fresh := false
	m, e := o.Memory(func(size int64) (vfs.Memory, abi.Errno) {
		if fresh = true; len(s.inMemory) >= manyInMemory {
			s.unshare()
		}
		return s.kernel.NewMemory(size)
	})
	if e == 0 && fresh {
		s.inMemory = append(s.inMemory, o)
	}
	return m, e
}

// unshare gives back the memory objects of files that nobody maps any more.
func (s *Server) unshare() {
	still := s.inMemory[:0]
	for _, o := range s.inMemory {
		if !o.Unshare() {
			still = append(still, o)
		}
	}
	clear(s.inMemory[len(still):])
	s.inMemory = still
}

// mapZeroes maps /dev/zero.
func (s *Server) mapZeroes(t *task, o *endless, g *mapping) uint64 {
	if !o.zeroes {
		return abi.ENODEV.Result()
	}
	m, e := s.kernel.NewMemory(int64(g.length))
	if e != 0 {
		return fail(e)
	}
	defer m.Close()
	g.offset = 0
	return s.mapped(t, m, true, g)
}

// mapCopy maps a copy of a part of a file.
func (s *Server) mapCopy(t *task, f *file, g *mapping) uint64 {
	m, e := s.copyOf(t, f, int64(g.offset), int64(g.length))
	if e != 0 {
		return fail(e)
	}
	defer m.Close()
	g.offset = 0
	return s.mapped(t, m, true, g)
}

// copyOf makes memory with what a file has from an offset on, as far as the file goes.
func (s *Server) copyOf(t *task, f *file, off, length int64) (vfs.Memory, abi.Errno) {
	var st abi.Stat
	if _, e := f.attributes.Stat(t.waiter, &st); e != 0 {
		return nil, e
	}
	m, e := s.kernel.NewMemory(max(min(length, st.Size-off), 0))
	if e != 0 {
		return nil, e
	}
	if e = fill(t.waiter, f.open, m.Bytes(), off); e != 0 {
		m.Close()
		return nil, e
	}
	return m, 0
}

// fill reads what a file has at an offset: all of b, or up to the file's end.
func fill(w vfs.Waiter, o vfs.Open, b []byte, off int64) abi.Errno {
	for len(b) > 0 {
		n, e := o.Read(w, &piece{b: b, left: len(b)}, off)
		if e != 0 || n == 0 {
			return e
		}
		b, off = b[n:], off+int64(n)
	}
	return 0
}

// sysMemfdCreate: name, flags.
func sysMemfdCreate(s *Server, t *task) uint64 {
	const closeExec, sealing, noExec, exec = 1, 2, 8, 16
	flags := t.Args[1]
	name, e := s.text(t, t.Args[0])
	switch {
	case flags&^(closeExec|sealing|noExec|exec) != 0 || flags&(noExec|exec) == noExec|exec:
		return abi.EINVAL.Result()
	case e == abi.ENAMETOOLONG || len(name) > 249:
		return abi.EINVAL.Result()
	case e != 0:
		return fail(e)
	}
	mode := uint32(0o777)
	if flags&noExec != 0 {
		mode = 0o666
	}
	n, o, e := s.memory.Root().(vfs.Temporarer).Temporary(nil, mode)
	if e != 0 {
		return fail(e)
	}
	switch file := n.(vfs.Sealed); {
	case flags&noExec != 0:
		file.SetSeals(lx.SealExec)
	case flags&sealing != 0:
		file.SetSeals(0)
	}
	f := &file{path: vfs.Path{Mount: s.memfds, Node: n}, open: o, flags: abi.O_RDWR | abi.O_LARGEFILE, name: "/memfd:" + name + " (deleted)"}
	f.setAttributes()
	if flags&closeExec != 0 {
		return s.enter(t, f, abi.O_CLOEXEC)
	}
	return s.enter(t, f, 0)
}
