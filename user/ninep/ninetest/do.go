// SPDX-License-Identifier: Apache-2.0

//go:build linux

package ninetest

import (
	"io/fs"
	"os"
	"path"
	"syscall"
	"time"

	"loam/user/ninep"
)

// do does a request and writes the fields of its answer.
func (s *Server) do(kind ninep.Type, m *message, r *reply) error {
	switch kind {
	case ninep.Tversion:
		return s.version(m, r)
	case ninep.Tattach:
		return s.attach(m, r)
	case ninep.Twalk:
		return s.walk(m, r)
	case ninep.Tclunk:
		return s.clunk(m.u32())
	case ninep.Tgetattr:
		return s.getattr(s.file(m.u32()), m.u64(), r)
	case ninep.Tsetattr:
		return s.setattr(s.file(m.u32()), m)
	case ninep.Tstatfs:
		return s.statfs(s.file(m.u32()), r)
	case ninep.Treadlink:
		target, err := s.files.Readlink(s.file(m.u32()).path)
		r.text(target)
		return err
	case ninep.Tsymlink, ninep.Tmkdir, ninep.Tlink, ninep.Trenameat, ninep.Tunlinkat:
		return s.change(kind, m, r)
	}
	return s.doFile(kind, m, r)
}

func (s *Server) version(m *message, r *reply) error {
	size, dialect := m.u32(), m.text()
	if dialect != "9P2000.L" {
		dialect = "unknown"
	}
	r.u32(min(size, MessageSize))
	r.text(dialect)
	return nil
}

func (s *Server) attach(m *message, r *reply) error {
	fid, auth := m.u32(), m.u32()
	m.text()
	m.text()
	if user := m.u32(); auth != 0xffffffff || user != 0xffffffff {
		s.blame("an attach with authentication")
	}
	info, err := s.files.Lstat(".")
	if err != nil {
		return err
	}
	s.add(fid, &file{path: "."})
	qid(info, r)
	return nil
}

// walk goes no further than to what is no directory, as QEMU's.
func (s *Server) walk(m *message, r *reply) error {
	from, to, n := s.file(m.u32()), m.u32(), int(m.u16())
	if n > 16 {
		s.blame("%d names in a walk", n)
	}
	at := from.path
	r.u16(0)
	for i := range n {
		at = s.at(&file{path: at}, s.name(m))
		info, err := s.files.Lstat(at)
		if err != nil && i == 0 {
			return err
		}
		if err != nil {
			break
		}
		qid(info, r)
		le.PutUint16(r.b[7:], uint16(i+1))
		if _, careless := s.files.(open); !info.IsDir() && !careless && i+1 < n {
			break
		}
	}
	m.rest = nil
	if int(le.Uint16(r.b[7:])) == n {
		s.add(to, &file{path: at})
	}
	return nil
}

func (s *Server) clunk(fid uint32) error {
	f := s.file(fid)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.fids, fid)
	if f.open != nil {
		_ = f.open.Close()
	}
	if x := f.xattr; x != nil && x.writing {
		return s.setXattr(f)
	}
	return nil
}

// qid writes a file's identity.
func qid(info fs.FileInfo, r *reply) {
	var kind uint8
	switch {
	case info.IsDir():
		kind = ninep.TypeDir
	case info.Mode()&fs.ModeSymlink != 0:
		kind = ninep.TypeSymlink
	}
	r.u8(kind)
	r.u32(uint32(info.ModTime().Unix()))
	r.u64(info.Sys().(*syscall.Stat_t).Ino)
}

func (s *Server) getattr(f *file, mask uint64, r *reply) error {
	info, err := s.files.Lstat(f.path)
	if err != nil {
		return err
	}
	st := info.Sys().(*syscall.Stat_t)
	r.u64(mask & ninep.AttrBasic)
	qid(info, r)
	r.u32(st.Mode)
	r.u32(st.Uid)
	r.u32(st.Gid)
	for _, v := range []uint64{uint64(st.Nlink), uint64(st.Rdev), uint64(st.Size), uint64(st.Blksize), uint64(st.Blocks),
		uint64(st.Atim.Sec), uint64(st.Atim.Nsec), uint64(st.Mtim.Sec), uint64(st.Mtim.Nsec),
		uint64(st.Ctim.Sec), uint64(st.Ctim.Nsec), 0, 0, 0, 0} {
		r.u64(v)
	}
	return nil
}

func (s *Server) setattr(f *file, m *message) error {
	valid, mode, uid, gid, size := m.u32(), m.u32(), m.u32(), m.u32(), m.u64()
	atime, mtime := m.time(valid&ninep.SetAtimeSet != 0), m.time(valid&ninep.SetMtimeSet != 0)
	if valid&ninep.SetMode != 0 {
		if err := s.files.Chmod(f.path, fileMode(mode)); err != nil {
			return err
		}
	}
	if valid&(ninep.SetUID|ninep.SetGID) != 0 {
		if valid&ninep.SetUID == 0 {
			uid = 0xffffffff
		}
		if valid&ninep.SetGID == 0 {
			gid = 0xffffffff
		}
		if err := s.files.Lchown(f.path, int(int32(uid)), int(int32(gid))); err != nil {
			return err
		}
	}
	if valid&ninep.SetSize != 0 {
		if err := s.truncate(f, int64(size)); err != nil {
			return err
		}
	}
	if valid&(ninep.SetAtime|ninep.SetMtime) == 0 {
		return nil
	}
	if valid&ninep.SetAtime == 0 {
		atime = time.Time{}
	}
	if valid&ninep.SetMtime == 0 {
		mtime = time.Time{}
	}
	return s.files.Chtimes(f.path, atime, mtime)
}

func (m *message) time(given bool) time.Time {
	sec, nsec := m.u64(), m.u64()
	if !given {
		return time.Now()
	}
	return time.Unix(int64(sec), int64(nsec))
}

func (s *Server) truncate(f *file, size int64) error {
	w, err := s.files.OpenFile(f.path, os.O_WRONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return err
	}
	defer func() { _ = w.Close() }()
	return w.Truncate(size)
}

func fileMode(mode uint32) fs.FileMode {
	m := fs.FileMode(mode & 0o777)
	for bit, flag := range map[uint32]fs.FileMode{0o4000: fs.ModeSetuid, 0o2000: fs.ModeSetgid, 0o1000: fs.ModeSticky} {
		if mode&bit != 0 {
			m |= flag
		}
	}
	return m
}

// statfs tells of the file system that the folder is on, whatever the file.
func (s *Server) statfs(_ *file, r *reply) error {
	var f syscall.Statfs_t
	if err := syscall.Statfs(s.dir, &f); err != nil {
		return err
	}
	r.u32(uint32(f.Type))
	r.u32(uint32(f.Bsize))
	for _, v := range []uint64{f.Blocks, f.Bfree, f.Bavail, f.Files, f.Ffree} {
		r.u64(v)
	}
	r.u64(uint64(uint32(f.Fsid.X__val[0])) | uint64(uint32(f.Fsid.X__val[1]))<<32)
	r.u32(uint32(f.Namelen))
	return nil
}

// change does what changes the tree.
func (s *Server) change(kind ninep.Type, m *message, r *reply) error {
	dir := s.file(m.u32())
	if kind == ninep.Tlink {
		file := s.file(m.u32())
		return s.files.Link(file.path, s.at(dir, s.name(m)))
	}
	at := s.at(dir, s.name(m))
	switch kind {
	case ninep.Trenameat:
		dir := s.file(m.u32())
		return s.rename(at, s.at(dir, s.name(m)))
	case ninep.Tunlinkat:
		return s.unlink(at, m.u32())
	case ninep.Tsymlink:
		target := m.text()
		m.u32()
		if err := s.files.Symlink(target, at); err != nil {
			return err
		}
	case ninep.Tmkdir:
		mode := m.u32()
		m.u32()
		if err := s.files.Mkdir(at, fileMode(mode)&0o777); err != nil {
			return err
		}
	}
	info, err := s.files.Lstat(at)
	if err == nil {
		qid(info, r)
	}
	return err
}

// rename takes the names along that fids stand for, as QEMU does.
func (s *Server) rename(from, to string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Package os has rules of its own for directories, so this is the host's own call.
	old, err := s.parent(from)
	if err != nil {
		return err
	}
	defer func() { _ = old.Close() }()
	dir, err := s.parent(to)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()
	if err := syscall.Renameat(int(old.Fd()), path.Base(from), int(dir.Fd()), path.Base(to)); err != nil {
		return err
	}
	for _, f := range s.fids {
		if f.path == from {
			f.path = to
		} else if len(f.path) > len(from) && f.path[:len(from)+1] == from+"/" {
			f.path = to + f.path[len(from):]
		}
	}
	return nil
}

// parent opens the directory that a path's last name is in.
func (s *Server) parent(at string) (*os.File, error) {
	return s.files.OpenFile(path.Dir(at), syscall.O_DIRECTORY|syscall.O_NOFOLLOW, 0)
}

func (s *Server) unlink(at string, flags uint32) error {
	info, err := s.files.Lstat(at)
	switch {
	case err != nil:
		return err
	case info.IsDir() && flags == 0:
		return syscall.EISDIR
	case !info.IsDir() && flags == ninep.FlagRemoveDir:
		return syscall.ENOTDIR
	}
	return s.files.Remove(at)
}
