// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import (
	"strings"

	"golang.org/x/sys/unix"
)

// named does something to the name that a path ends in.
func (s *System) named(m memory, fd, at, n uint64, need rights, do func(place) error) Errno {
	d, path, e := s.path(m, fd, at, n, need)
	if e != errnoSuccess {
		return e
	}
	p, e := d.place(path)
	if e != errnoSuccess {
		return e
	}
	defer p.close()
	return errnoOf(again(func() error { return do(p) }))
}

func pathCreateDirectory(s *System, m memory, p []uint64) Errno {
	return s.named(m, p[0], p[1], p[2], rightCreateDirectory, func(at place) error { return unix.Mkdirat(at.dir, at.name, 0o777) })
}

func pathRemoveDirectory(s *System, m memory, p []uint64) Errno {
	return s.named(m, p[0], p[1], p[2], rightRemoveDirectory, func(at place) error { return unix.Unlinkat(at.dir, at.name, unix.AT_REMOVEDIR) })
}

func pathUnlinkFile(s *System, m memory, p []uint64) Errno {
	return s.named(m, p[0], p[1], p[2], rightUnlinkFile, func(at place) error { return unix.Unlinkat(at.dir, at.name, 0) })
}

// pathSymlink makes a symbolic link. One with an absolute path could not be followed here, and would mislead programs
// of the host's.
func pathSymlink(s *System, m memory, p []uint64) Errno {
	old, e := m.text(p[0], p[1])
	switch {
	case e != errnoSuccess:
		return e
	case old[0] == '/':
		return errnoNotcapable
	}
	return s.named(m, p[2], p[3], p[4], rightSymlink, func(at place) error { return unix.Symlinkat(old, at.dir, at.name) })
}

func pathRename(s *System, m memory, p []uint64) Errno {
	return s.named(m, p[0], p[1], p[2], rightRenameSource, func(from place) error {
		var err error
		e := s.named(m, p[3], p[4], p[5], rightRenameTarget, func(to place) error {
			err = unix.Renameat(from.dir, from.name, to.dir, to.name)
			return err
		})
		return orWASI(err, e)
	})
}

// wasiError is an error that has no number of Linux's, on its way through a function of Linux's.
type wasiError Errno

func (e wasiError) Error() string { return "WASI error" }

// orWASI is the error of Linux's, or else WASI's.
func orWASI(err error, e Errno) error {
	if err != nil || e == errnoSuccess {
		return err
	}
	return wasiError(e)
}

// Flags of lookups.
const symlinkFollow = 1

// lookup reports whether a path's last name is followed.
func lookup(flags uint64) (follow bool, e Errno) {
	if uint32(flags)&^symlinkFollow != 0 {
		return false, errnoInval
	}
	return flags&symlinkFollow != 0, errnoSuccess
}

// pathLink never follows a link to its source, as most systems do by themselves: a file that must be found elsewhere
// first has no name here.
func pathLink(s *System, m memory, p []uint64) Errno {
	if follow, e := lookup(p[1]); e != errnoSuccess || follow {
		return errnoInval
	}
	from, path, e := s.path(m, p[0], p[2], p[3], rightLinkSource)
	if e == errnoSuccess {
		e = from.onlyDirectory(path, errnoPerm) // which can't be linked
	}
	if e != errnoSuccess {
		return e
	}
	return s.named(m, p[0], p[2], p[3], rightLinkSource, func(from place) error {
		var err error
		e := s.named(m, p[4], p[5], p[6], rightLinkTarget, func(to place) error {
			err = unix.Linkat(from.dir, from.name, to.dir, to.name, 0)
			return err
		})
		return orWASI(err, e)
	})
}

// onlyDirectory is for paths that only a directory can have, such as "a/" or "..": the error of the path, or else
// that of the call with a directory.
func (d *descriptor) onlyDirectory(path string, is Errno) Errno {
	if _, name := split(path); plain(name) {
		return errnoSuccess
	}
	fd, e := beneath(d.fd, path, unix.O_PATH|unix.O_DIRECTORY, 0)
	if e != errnoSuccess {
		return e
	}
	_ = unix.Close(fd)
	return is
}

func pathReadlink(s *System, m memory, p []uint64) Errno {
	b, ok := m.bytes(uint32(p[3]), uint32(p[4]))
	if _, fits := m.bytes(uint32(p[5]), 4); !ok || !fits {
		return errnoFault
	}
	d, path, e := s.path(m, p[0], p[1], p[2], rightReadlink)
	if e == errnoSuccess {
		e = d.onlyDirectory(path, errnoInval)
	}
	if e != errnoSuccess {
		return e
	}
	size := 0
	e = s.named(m, p[0], p[1], p[2], rightReadlink, func(at place) (err error) {
		if len(b) == 0 {
			return unix.Fstatat(at.dir, at.name, &unix.Stat_t{}, unix.AT_SYMLINK_NOFOLLOW)
		}
		size, err = unix.Readlinkat(at.dir, at.name, b)
		return err
	})
	if e != errnoSuccess {
		return e
	}
	return m.put32(uint32(p[5]), uint32(size))
}

func pathFilestatGet(s *System, m memory, p []uint64) Errno {
	follow, e := lookup(p[1])
	if e != errnoSuccess {
		return e
	}
	d, path, e := s.path(m, p[0], p[2], p[3], rightPathFilestatGet)
	if e != errnoSuccess {
		return e
	}
	var st unix.Stat_t
	if e := d.stat(path, follow, &st); e != errnoSuccess {
		return e
	}
	return putStat(m, p[4], &st, typeOf(st.Mode))
}

// stat is the state of what a path is. One name that is no link, which most are, takes one system call.
func (d *descriptor) stat(path string, follow bool, st *unix.Stat_t) Errno {
	if !strings.Contains(path, "/") && plain(path) {
		if err := unix.Fstatat(d.fd, path, st, unix.AT_SYMLINK_NOFOLLOW); err != nil || !follow || st.Mode&unix.S_IFMT != unix.S_IFLNK {
			return errnoOf(err)
		}
	}
	fd, e := d.node(path, follow)
	if e != errnoSuccess {
		return e
	}
	defer unix.Close(fd)
	return errnoOf(unix.Fstat(fd, st))
}

func pathFilestatSetTimes(s *System, m memory, p []uint64) Errno {
	follow, e := lookup(p[1])
	if e != errnoSuccess {
		return e
	}
	d, path, e := s.path(m, p[0], p[2], p[3], rightPathSetTimes)
	if e != errnoSuccess {
		return e
	}
	t, e := times(p[4], p[5], uint64(uint32(p[6])))
	if e != errnoSuccess {
		return e
	}
	fd, e := d.node(path, follow)
	if e != errnoSuccess {
		return e
	}
	defer unix.Close(fd)
	return errnoOf(unix.UtimesNanoAt(fd, "", t[:], unix.AT_EMPTY_PATH))
}
