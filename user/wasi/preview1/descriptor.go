// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import (
	"io"

	"golang.org/x/sys/unix"

	"loam/user/sys"
)

// Types of files.
const (
	typeUnknown   = 0
	typeBlock     = 1
	typeCharacter = 2
	typeDirectory = 3
	typeRegular   = 4
	typeStream    = 6 // a socket's
	typeLink      = 7
)

// descriptor is what a number of the module's stands for.
type descriptor struct {
	fd               int       // Linux's; none if below 0
	r                io.Reader // of a stream without fd
	w                io.Writer
	kind             uint8 // the file's type
	base, inheriting rights
	stream           bool   // a standard stream: its fd is the runner's, and stays open
	folder           string // the name of a folder that was granted
	list             *listing
}

const none = -1

// newStream makes a standard stream, of which one of r and w is there.
func newStream(r io.Reader, w io.Writer, may rights) *descriptor {
	d := &descriptor{fd: none, r: r, w: w, kind: typeUnknown, stream: true, base: may | ofStream&^(rightRead|rightWrite)}
	s, ok := r.(sys.Stream)
	if r == nil {
		s, ok = w.(sys.Stream)
	}
	if !ok {
		return d
	}
	d.fd = int(s)
	if _, err := unix.IoctlGetTermios(d.fd, unix.TCGETS); err == nil {
		d.kind = typeCharacter // programs ask by that whether it is a terminal
	}
	return d
}

// newFolder opens a folder that is granted.
func newFolder(f Folder) (*descriptor, error) {
	fd, err := unix.Open(f.Path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return &descriptor{fd: fd, kind: typeDirectory, base: ofDirectory, inheriting: allRights, folder: f.Name}, nil
}

// close gives back what the descriptor has of the machine.
func (d *descriptor) close() Errno {
	if d.stream || d.fd < 0 {
		return errnoSuccess
	}
	return errnoOf(unix.Close(d.fd)) // never twice: after EINTR it is closed, too
}

// get is the descriptor of a number, which must have all these rights.
func (s *System) get(fd uint64, need rights) (*descriptor, Errno) {
	n := uint32(fd)
	if uint64(n) >= uint64(len(s.table)) || s.table[n] == nil {
		return nil, errnoBadf
	}
	if d := s.table[n]; d.base&need == need {
		return d, errnoSuccess
	}
	return nil, errnoNotcapable
}

// file is the descriptor of something that has content: with directories it is EISDIR, whatever their rights are.
func (s *System) file(fd uint64, need rights) (*descriptor, Errno) {
	if d, e := s.get(fd, 0); e == errnoSuccess && d.kind == typeDirectory {
		return nil, errnoIsdir
	}
	return s.get(fd, need)
}

// directory is the descriptor of a directory.
func (s *System) directory(fd uint64, need rights) (*descriptor, Errno) {
	if d, e := s.get(fd, 0); e != errnoSuccess {
		return nil, e
	} else if d.kind != typeDirectory {
		return nil, errnoNotdir
	}
	return s.get(fd, need)
}

// add gives a descriptor the lowest number that is free.
func (s *System) add(d *descriptor) uint32 {
	for s.free < uint32(len(s.table)) && s.table[s.free] != nil {
		s.free++
	}
	if s.free == uint32(len(s.table)) {
		s.table = append(s.table, nil)
	}
	s.table[s.free] = d
	s.free++
	return s.free - 1
}

// remove takes a descriptor's number away.
func (s *System) remove(n uint32) {
	s.table[n] = nil
	s.free = min(s.free, n)
}

// typeOf is the file type of a mode of Linux's.
func typeOf(mode uint32) uint8 {
	switch mode & unix.S_IFMT {
	case unix.S_IFBLK:
		return typeBlock
	case unix.S_IFCHR:
		return typeCharacter
	case unix.S_IFDIR:
		return typeDirectory
	case unix.S_IFREG:
		return typeRegular
	case unix.S_IFLNK:
		return typeLink
	case unix.S_IFSOCK:
		return typeStream
	}
	return typeUnknown
}
