// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import (
	"encoding/binary"
	"math"

	"golang.org/x/sys/unix"
)

func fdClose(s *System, _ memory, p []uint64) Errno {
	s.lock()
	d, e := s.find(p[0], 0)
	if e != errnoSuccess {
		s.unlock()
		return e
	}
	s.remove(uint32(p[0]))
	last := d.drop()
	s.unlock()
	if !last {
		return errnoSuccess // a call of another thread closes it
	}
	return d.close()
}

// fdRenumber moves a descriptor to a number that is another's, which is closed. A number that nothing has can't be
// taken: a library would meet a descriptor there that it has not opened.
func fdRenumber(s *System, _ memory, p []uint64) Errno {
	s.lock()
	to, last, e := s.renumber(p[0], p[1])
	s.unlock()
	if last {
		_ = to.close()
	}
	return e
}

// renumber moves it in the table. last says that what was there is to be closed.
func (p *process) renumber(from, into uint64) (to *descriptor, last bool, e Errno) {
	d, e := p.find(from, 0)
	if e != errnoSuccess {
		return nil, false, e
	}
	to, e = p.find(into, 0)
	if e != errnoSuccess || d == to {
		return nil, false, e
	}
	p.table[uint32(into)] = d
	p.remove(uint32(from))
	return to, to.drop(), errnoSuccess
}

// Flags of descriptors.
const (
	flagAppend = 1 << iota
	flagDsync
	flagNonblock
	flagRsync
	flagSync
	allFlags = flagSync<<1 - 1
)

// linuxFlags are the flags of open(2). Linux has no O_RSYNC of its own.
func linuxFlags(flags uint32) (f int) {
	for _, c := range []struct {
		bit   uint32
		linux int
	}{{flagAppend, unix.O_APPEND}, {flagDsync, unix.O_DSYNC}, {flagNonblock, unix.O_NONBLOCK}, {flagRsync, unix.O_SYNC}, {flagSync, unix.O_SYNC}} {
		if flags&c.bit != 0 {
			f |= c.linux
		}
	}
	return f
}

// flags are those that the descriptor has now.
func (d *descriptor) flags() (f uint16, err error) {
	if d.fd < 0 {
		return 0, nil
	}
	has, err := unix.FcntlInt(uintptr(d.fd), unix.F_GETFL, 0)
	if has&unix.O_APPEND != 0 {
		f |= flagAppend
	}
	if has&unix.O_NONBLOCK != 0 {
		f |= flagNonblock
	}
	switch {
	case has&unix.O_SYNC == unix.O_SYNC: // has O_DSYNC's bit in it
		f |= flagSync | flagRsync
	case has&unix.O_DSYNC != 0:
		f |= flagDsync
	}
	return f, err
}

// fdFdstatGet writes a struct fdstat.
func fdFdstatGet(s *System, m memory, p []uint64) Errno {
	d, e := s.get(p[0], 0)
	if e != errnoSuccess {
		return e
	}
	b, ok := m.bytes(uint32(p[1]), 24)
	if !ok {
		return errnoFault
	}
	flags, err := d.flags()
	if err != nil && !d.stream {
		return errnoOf(err)
	}
	clear(b)
	b[0] = d.kind
	binary.LittleEndian.PutUint16(b[2:], flags)
	binary.LittleEndian.PutUint64(b[8:], uint64(d.base))
	binary.LittleEndian.PutUint64(b[16:], uint64(d.inheriting))
	return errnoSuccess
}

// fdFdstatSetFlags can change whether it appends and whether it waits. Whether it is synchronous is decided when it is
// opened, as on Linux.
func fdFdstatSetFlags(s *System, _ memory, p []uint64) Errno {
	d, e := s.get(p[0], rightSetFlags)
	if e != errnoSuccess {
		return e
	}
	want := uint16(p[1])
	has, err := d.flags()
	const change = flagAppend | flagNonblock
	switch {
	case uint32(p[1])&^allFlags != 0:
		return errnoInval
	case err != nil:
		return errnoOf(err)
	case want&^change != 0 && want&^change != has&^change:
		return errnoNotsup
	case want&change == has&change:
		return errnoSuccess
	case d.fd < 0:
		return errnoNotsup
	}
	_, err = unix.FcntlInt(uintptr(d.fd), unix.F_SETFL, linuxFlags(uint32(want)))
	return errnoOf(err)
}

func fdFdstatSetRights(s *System, _ memory, p []uint64) Errno {
	s.lock()
	defer s.unlock()
	d, e := s.find(p[0], 0)
	base, inheriting := rights(p[1]), rights(p[2])
	switch {
	case e != errnoSuccess:
		return e
	case base&^d.base != 0 || inheriting&^d.inheriting != 0:
		return errnoNotcapable
	}
	s.table[uint32(p[0])] = &descriptor{d.file, base, inheriting}
	return errnoSuccess
}

// putStat writes a struct filestat.
func putStat(m memory, at uint64, st *unix.Stat_t, kind uint8) Errno {
	b, ok := m.bytes(uint32(at), 64)
	if !ok {
		return errnoFault
	}
	// uint64(kind) fills its place with the zeroes behind it.
	for n, v := range [8]uint64{uint64(st.Dev), st.Ino, uint64(kind), uint64(st.Nlink), uint64(st.Size),
		uint64(st.Atim.Nano()), uint64(st.Mtim.Nano()), uint64(st.Ctim.Nano())} {
		binary.LittleEndian.PutUint64(b[8*n:], v)
	}
	return errnoSuccess
}

func fdFilestatGet(s *System, m memory, p []uint64) Errno {
	d, e := s.get(p[0], rightFilestatGet)
	if e != errnoSuccess {
		return e
	}
	var st unix.Stat_t
	if d.fd >= 0 {
		// A stream that nobody can say more about is one without size and times.
		if err := unix.Fstat(d.fd, &st); err != nil && !d.stream {
			return errnoOf(err)
		}
	}
	return putStat(m, p[1], &st, d.kind)
}

func fdFilestatSetSize(s *System, _ memory, p []uint64) Errno {
	d, e := s.file(p[0], rightSetSize)
	switch {
	case e != errnoSuccess:
		return e
	case d.fd < 0 || d.stream || p[1] > math.MaxInt64:
		return errnoInval
	}
	return errnoOf(again(func() error { return unix.Ftruncate(d.fd, int64(p[1])) }))
}

// times are the two of utimensat(2), for WASI's flags.
func times(atime, mtime, flags uint64) (t [2]unix.Timespec, e Errno) {
	const set, now = 1, 2 // of atime; mtime's are the two bits above
	if flags&^0xf != 0 {
		return t, errnoInval
	}
	for n, value := range [2]uint64{atime, mtime} {
		switch f := flags >> (2 * n); f & (set | now) {
		case set | now:
			return t, errnoInval
		case set:
			t[n].Sec, t[n].Nsec = int64(value/1e9), int64(value%1e9)
		case now:
			t[n].Nsec = unix.UTIME_NOW
		default:
			t[n].Nsec = unix.UTIME_OMIT
		}
	}
	return t, errnoSuccess
}

func fdFilestatSetTimes(s *System, _ memory, p []uint64) Errno {
	d, e := s.get(p[0], rightSetTimes)
	if e != errnoSuccess {
		return e
	}
	t, e := times(p[1], p[2], uint64(uint32(p[3])))
	switch {
	case e != errnoSuccess:
		return e
	case d.fd < 0 || d.stream:
		return errnoNotsup
	}
	return errnoOf(unix.UtimesNanoAt(d.fd, "", t[:], unix.AT_EMPTY_PATH))
}

// prestat is a folder that was granted.
func (s *System) prestat(fd uint64) (*descriptor, Errno) {
	d, e := s.get(fd, 0)
	if e == errnoSuccess && d.folder == "" {
		return nil, errnoBadf // by which libraries know that there are no more
	}
	return d, e
}

func fdPrestatGet(s *System, m memory, p []uint64) Errno {
	d, e := s.prestat(p[0])
	if e != errnoSuccess {
		return e
	}
	return m.put64(uint32(p[1]), uint64(len(d.folder))<<32) // the type, a directory, is 0
}

func fdPrestatDirName(s *System, m memory, p []uint64) Errno {
	d, e := s.prestat(p[0])
	if e != errnoSuccess {
		return e
	}
	b, ok := m.bytes(uint32(p[1]), uint32(p[2]))
	switch {
	case !ok:
		return errnoFault
	case len(b) < len(d.folder):
		return errnoNametoolong
	}
	copy(b, d.folder)
	return errnoSuccess
}
