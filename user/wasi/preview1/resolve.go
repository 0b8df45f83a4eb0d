// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import (
	"strings"

	"golang.org/x/sys/unix"
)

// place is a name in a directory: what a call that makes, moves or removes names is given.
type place struct {
	dir  int    // Linux's descriptor
	name string // of one component, with the slashes behind it
	own  bool   // dir was opened for it
}

func (p place) close() {
	if p.own {
		_ = unix.Close(p.dir)
	}
}

// text is a path in the module's memory. It is checked here for what no directory could allow.
func (m memory) text(at, n uint64) (string, Errno) {
	b, ok := m.bytes(uint32(at), uint32(n))
	switch path := string(b); {
	case !ok:
		return "", errnoFault
	case path == "":
		return "", errnoNoent
	case strings.IndexByte(path, 0) >= 0:
		return "", errnoInval
	default:
		return path, errnoSuccess
	}
}

// path is the path of a call: relative to a directory that has the rights.
func (s *System) path(m memory, fd, at, n uint64, need rights) (*descriptor, string, Errno) {
	d, e := s.directory(fd, need)
	if e != errnoSuccess {
		return nil, "", e
	}
	path, e := m.text(at, n)
	if e == errnoSuccess && path[0] == '/' {
		e = errnoNotcapable
	}
	return d, path, e
}

// beneath opens a path, which the kernel resolves: what leads out of the directory is NOTCAPABLE.
func beneath(dir int, path string, flags int, mode uint64) (fd int, e Errno) {
	how := unix.OpenHow{Flags: uint64(flags | unix.O_CLOEXEC), Mode: mode, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_MAGICLINKS}
	// EAGAIN is for "..", while somebody renames: it says nothing of the path, so it is tried again, and not for ever.
	for range 1000 {
		err := again(func() (err error) {
			fd, err = unix.Openat2(dir, path, &how)
			return err
		})
		switch err {
		case unix.EXDEV:
			return none, errnoNotcapable
		case unix.EAGAIN:
		default:
			return fd, errnoOf(err)
		}
	}
	return none, errnoOf(unix.EAGAIN)
}

// split divides a path before its last name.
func split(path string) (parent, name string) {
	end := len(strings.TrimRight(path, "/"))
	at := strings.LastIndexByte(path[:end], '/') + 1
	return path[:at], path[at:]
}

// plain reports whether a last name is one that only its directory decides on: none that leads elsewhere by itself.
func plain(name string) bool {
	return name != "." && name != ".." && !strings.HasSuffix(name, "/")
}

// place resolves all of a path but the last name.
//
// That can be ".", "..", or have slashes behind it. The calls that make, move and remove names refuse the first two,
// and don't follow a link for the third; others must look whether the name is plain.
func (d *descriptor) place(path string) (place, Errno) {
	parent, name := split(path)
	if parent == "" {
		return place{dir: d.fd, name: name}, errnoSuccess
	}
	fd, e := beneath(d.fd, parent, unix.O_PATH|unix.O_DIRECTORY, 0)
	return place{dir: fd, name: name, own: true}, e
}

// node opens what a path is, without opening the file: for its attributes.
func (d *descriptor) node(path string, follow bool) (int, Errno) {
	flags := unix.O_PATH
	if !follow {
		flags |= unix.O_NOFOLLOW
	}
	return beneath(d.fd, path, flags, 0)
}
