// SPDX-License-Identifier: Apache-2.0

//go:build linux

package ninetest

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"syscall"

	"loam/user/ninep"
)

// doFile does what is done with open files.
func (s *Server) doFile(kind ninep.Type, m *message, r *reply) error {
	f := s.file(m.u32())
	switch kind {
	case ninep.Tlopen:
		return s.lopen(f, m.u32(), r)
	case ninep.Tlcreate:
		return s.lcreate(f, m, r)
	case ninep.Tread:
		return s.read(f, m.u64(), m.u32(), r)
	case ninep.Twrite:
		offset, n := m.u64(), int(m.u32())
		return s.write(f, offset, m.bytes(n), r)
	case ninep.Treaddir:
		return s.readdir(f, m.u64(), m.u32(), r)
	case ninep.Tfsync:
		m.u32()
		return f.open.Sync()
	case ninep.Tlock:
		m.bytes(1 + 4 + 8 + 8 + 4)
		m.text()
		r.u8(uint8(ninep.LockGranted))
		return nil
	case ninep.Tgetlock:
		m.u8()
		r.u8(ninep.Unlock)
		r.b = append(r.b, m.bytes(8+8+4)...)
		r.text(m.text())
		return nil
	case ninep.Txattrwalk:
		return s.xattrwalk(f, m.u32(), m.text(), r)
	case ninep.Txattrcreate:
		return s.xattrcreate(f, m)
	}
	return syscall.ENOTSUP
}

func (s *Server) lopen(f *file, flags uint32, r *reply) error {
	how := int(flags)
	if _, careless := s.files.(open); careless {
		how &^= syscall.O_NOFOLLOW
	}
	o, err := s.files.OpenFile(f.path, how|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	return s.opened(f, o, r)
}

func (s *Server) lcreate(dir *file, m *message, r *reply) error {
	at := s.at(dir, s.name(m))
	flags, mode := m.u32(), m.u32()
	m.u32()
	o, err := s.files.OpenFile(at, int(flags)|os.O_CREATE, fileMode(mode)&0o777)
	if err != nil {
		return err
	}
	s.mu.Lock()
	dir.path = at
	s.mu.Unlock()
	return s.opened(dir, o, r)
}

func (s *Server) opened(f *file, o *os.File, r *reply) error {
	info, err := o.Stat()
	if err != nil {
		return err
	}
	s.mu.Lock()
	f.open = o
	s.mu.Unlock()
	qid(info, r)
	r.u32(0)
	return nil
}

func (s *Server) read(f *file, offset uint64, n uint32, r *reply) error {
	p := make([]byte, min(n, MessageSize-24))
	if f.xattr != nil {
		v := f.xattr.value
		r.data(v[min(offset, uint64(len(v))):min(offset+uint64(len(p)), uint64(len(v)))])
		return nil
	}
	if f.open == nil {
		return syscall.EBADF
	}
	got, err := f.open.ReadAt(p, int64(offset))
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	r.data(p[:got])
	return nil
}

func (s *Server) write(f *file, offset uint64, p []byte, r *reply) error {
	if x := f.xattr; x != nil {
		if !x.writing || offset != uint64(len(x.value)) || offset+uint64(len(p)) > x.size {
			return syscall.ENOSPC
		}
		x.value = append(x.value, p...)
		r.u32(uint32(len(p)))
		return nil
	}
	if f.open == nil {
		return syscall.EBADF
	}
	n, err := syscall.Pwrite(int(f.open.Fd()), p, int64(offset))
	if err != nil {
		return err
	}
	r.u32(uint32(n))
	return nil
}

// readdir gives the entries behind the one with the offset, which counts them.
func (s *Server) readdir(f *file, offset uint64, n uint32, r *reply) error {
	if f.open == nil {
		return syscall.EBADF
	}
	if offset == 0 {
		if err := s.list(f); err != nil {
			return err
		}
	}
	var data []byte
	for ; offset < uint64(len(f.entries)); offset++ {
		e := f.entries[offset]
		if len(data)+len(e) > int(n) {
			break
		}
		data = append(data, e...)
	}
	r.data(data)
	return nil
}

// list notes the entries of a directory as they go over the wire.
func (s *Server) list(f *file) error {
	if _, err := f.open.Seek(0, io.SeekStart); err != nil {
		return err
	}
	infos, err := f.open.Readdir(-1)
	if err != nil {
		return err
	}
	self, err := f.open.Stat()
	if err != nil {
		return err
	}
	f.entries = nil
	for _, dot := range []string{".", ".."} {
		f.entry(self, dot)
	}
	for _, info := range infos {
		f.entry(info, info.Name())
	}
	return nil
}

func (f *file) entry(info fs.FileInfo, name string) {
	var e reply
	e.b = make([]byte, 5) // QEMU gives no more of the identity than the number
	e.u64(info.Sys().(*syscall.Stat_t).Ino)
	e.u64(uint64(len(f.entries) + 1))
	e.u8(uint8(info.Sys().(*syscall.Stat_t).Mode >> 12))
	e.text(name)
	f.entries = append(f.entries, e.b)
}

func (s *Server) xattrwalk(f *file, fid uint32, name string, r *reply) error {
	s.mu.Lock()
	x := &xattr{name: name}
	value, ok := s.xattrs[f.path][name]
	if name == "" {
		for name := range s.xattrs[f.path] {
			value = append(append(value, name...), 0)
		}
		ok = true
	}
	x.value = slices.Clone(value)
	s.mu.Unlock()
	if !ok {
		return syscall.ENODATA
	}
	s.add(fid, &file{path: f.path, xattr: x})
	r.u64(uint64(len(x.value)))
	return nil
}

func (s *Server) xattrcreate(f *file, m *message) error {
	f.xattr = &xattr{name: m.text(), size: m.u64(), writing: true}
	m.u32()
	return nil
}

// setXattr is called with the mutex.
func (s *Server) setXattr(f *file) error {
	x := f.xattr
	if uint64(len(x.value)) != x.size {
		return syscall.EINVAL
	}
	all := s.xattrs[f.path]
	if all == nil {
		all = map[string][]byte{}
		s.xattrs[f.path] = all
	}
	if x.size == 0 {
		if _, ok := all[x.name]; !ok {
			return syscall.ENODATA
		}
		delete(all, x.name)
		return nil
	}
	all[x.name] = x.value
	return nil
}
