// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import (
	"io"
	"sync"

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

// descriptor is what a number of the module's stands for. It doesn't change: with other rights it is another one.
type descriptor struct {
	*file
	base, inheriting rights
}

// file is what is open.
type file struct {
	fd     int       // Linux's; none if below 0
	r      io.Reader // of a stream without fd
	w      io.Writer
	kind   uint8  // the file's type
	quick  bool   // reading and writing don't wait long
	stream bool   // a standard stream: its fd is the runner's, and stays open
	folder string // the name of a folder that was granted

	// reading is held by who reads the directory.
	reading sync.Mutex
	list    *listing

	// users are the table, for each descriptor there, and calls of threads that are under way (hold). The
	// process's lock guards it.
	users int
}

const none = -1

// newStream makes a standard stream, of which one of r and w is there.
func newStream(r io.Reader, w io.Writer, may rights) *descriptor {
	d := &descriptor{&file{fd: none, r: r, w: w, kind: typeUnknown, stream: true}, may | ofStream&^(rightRead|rightWrite), 0}
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
		return d
	}
	var st unix.Stat_t
	d.quick = unix.Fstat(d.fd, &st) == nil && quick(&st)
	return d
}

// quick reports whether nobody can make a reader or writer wait: it is a file, or one of Linux's devices of memory, such
// as /dev/null.
func quick(st *unix.Stat_t) bool {
	const memoryDevices = 1
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
		return true
	case unix.S_IFCHR:
		return unix.Major(st.Rdev) == memoryDevices
	}
	return false
}

// newFolder opens a folder that is granted.
func newFolder(f Folder) (*descriptor, error) {
	fd, err := unix.Open(f.Path, unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	return &descriptor{&file{fd: fd, kind: typeDirectory, folder: f.Name}, ofDirectory, allRights}, nil
}

// drop is one user less. It reports whether that was the last, who has to close the file when the lock is given back.
func (f *file) drop() (last bool) {
	f.users--
	return f.users == 0
}

// close gives back what the file has of the machine.
func (f *file) close() Errno {
	if f.stream || f.fd < 0 {
		return errnoSuccess
	}
	return errnoOf(unix.Close(f.fd)) // never twice: after EINTR it is closed, too
}

// get is the descriptor of a number, which must have all these rights. What it has open stays so until the call ends.
func (s *System) get(fd uint64, need rights) (*descriptor, Errno) {
	if !s.threads {
		return s.find(fd, need)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d, e := s.find(fd, need)
	if e == errnoSuccess {
		s.hold(d.file)
	}
	return d, e
}

// find looks for a descriptor in the table.
func (p *process) find(fd uint64, need rights) (*descriptor, Errno) {
	n := uint32(fd)
	if uint64(n) >= uint64(len(p.table)) || p.table[n] == nil {
		return nil, errnoBadf
	}
	if d := p.table[n]; d.base&need == need {
		return d, errnoSuccess
	}
	return nil, errnoNotcapable
}

// file is the descriptor of something that has content: with directories it is EISDIR, whatever their rights are.
func (s *System) file(fd uint64, need rights) (*descriptor, Errno) {
	d, e := s.get(fd, 0)
	switch {
	case e != errnoSuccess:
		return nil, e
	case d.kind == typeDirectory:
		return nil, errnoIsdir
	case d.base&need != need:
		return nil, errnoNotcapable
	}
	return d, errnoSuccess
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
func (p *process) add(d *descriptor) uint32 {
	p.lock()
	defer p.unlock()
	d.users++
	for p.free < uint32(len(p.table)) && p.table[p.free] != nil {
		p.free++
	}
	if p.free == uint32(len(p.table)) {
		p.table = append(p.table, nil)
	}
	p.table[p.free] = d
	p.free++
	return p.free - 1
}

// remove takes a descriptor's number away. The lock is held.
func (p *process) remove(n uint32) {
	p.table[n] = nil
	p.free = min(p.free, n)
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
