// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import "golang.org/x/sys/unix"

// How a file is opened.
const (
	openCreate = 1 << iota
	openDirectory
	openExclusive
	openTruncate
	allOpen = openTruncate<<1 - 1
)

// opening are the arguments of path_open.
type opening struct {
	follow           bool
	how, flags       uint32
	base, inheriting rights
}

// pathOpen: directory, lookup flags, path, its length, how, rights, inheriting rights, flags, where the number goes.
func pathOpen(s *System, m memory, p []uint64) Errno {
	o := opening{how: uint32(p[4]), base: rights(p[5]) & allRights, inheriting: rights(p[6]) & allRights, flags: uint32(p[7])}
	var e Errno
	if o.follow, e = lookup(p[1]); e != errnoSuccess {
		return e
	}
	if o.how&^allOpen != 0 || o.flags&^allFlags != 0 {
		return errnoInval
	}
	if _, ok := m.bytes(uint32(p[8]), 4); !ok {
		return errnoFault
	}
	dir, path, e := s.path(m, p[0], p[2], p[3], o.needs())
	if e != errnoSuccess {
		return e
	}
	if (o.base|o.inheriting|o.inherits())&^dir.inheriting != 0 {
		return errnoNotcapable
	}
	d, e := o.open(dir, path)
	if e != errnoSuccess {
		return e
	}
	return m.put32(uint32(p[8]), s.add(d))
}

// needs are the rights that the directory must have itself.
func (o *opening) needs() rights {
	need := rightOpen
	if o.how&openCreate != 0 {
		need |= rightCreateFile
	}
	if o.how&openTruncate != 0 {
		need |= rightPathSetSize
	}
	return need
}

// inherits are rights that flags stand for.
func (o *opening) inherits() (need rights) {
	if o.flags&(flagSync|flagRsync) != 0 {
		need |= rightSync
	}
	if o.flags&flagDsync != 0 {
		need |= rightDatasync
	}
	return need
}

// linux are the flags of open(2).
func (o *opening) linux() int {
	f := linuxFlags(o.flags)
	for _, c := range []struct {
		bit   uint32
		linux int
	}{{openCreate, unix.O_CREAT}, {openDirectory, unix.O_DIRECTORY}, {openExclusive, unix.O_EXCL}, {openTruncate, unix.O_TRUNC}} {
		if o.how&c.bit != 0 {
			f |= c.linux
		}
	}
	if !o.follow {
		f |= unix.O_NOFOLLOW
	}
	write := o.base&writing != 0 // EISDIR with a directory
	switch read := o.base&reading != 0; {
	case write && read:
		f |= unix.O_RDWR
	case write:
		f |= unix.O_WRONLY
	}
	return f
}

// open opens the file, and leaves it the rights that its type can have.
func (o *opening) open(dir *descriptor, path string) (*descriptor, Errno) {
	mode := uint64(0)
	if o.how&openCreate != 0 {
		mode = 0o666
	}
	fd, e := beneath(dir.fd, path, o.linux(), mode)
	if e != errnoSuccess {
		return nil, e
	}
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		_ = unix.Close(fd)
		return nil, errnoOf(err)
	}
	d := &descriptor{&file{fd: fd, kind: typeOf(st.Mode), quick: quick(&st)}, o.base, o.inheriting}
	if d.kind == typeDirectory {
		// Go asks for no right to truncate what is in a directory (os.OpenRoot), and does, since other runtimes know no rights.
		d.base = (d.base | dir.inheriting&rightPathSetSize) & ofDirectory
	} else {
		d.base &= ofFile
	}
	return d, errnoSuccess
}
