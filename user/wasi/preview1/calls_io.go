// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import (
	"encoding/binary"
	"math"

	"golang.org/x/sys/unix"

	"loam/user/sys"
)

// transfer does a call that moves bytes between the buffers of n iovecs at the address, and writes how many it was.
func (s *System) transfer(m memory, at, n, result uint64, move func(buffers [][]byte) (int, error)) Errno {
	buffers, e := m.vectors(s.buffers[:0], uint32(at), uint32(n))
	if e != errnoSuccess {
		return e
	}
	s.buffers = buffers
	if _, ok := m.bytes(uint32(result), 4); !ok {
		return errnoFault
	}
	moved := 0
	err := again(func() (err error) {
		moved, err = move(buffers)
		return err
	})
	if e := errnoOf(err); e != errnoSuccess {
		return e
	}
	return m.put32(uint32(result), uint32(max(moved, 0)))
}

func fdRead(s *System, m memory, p []uint64) Errno {
	if fd, b, result := s.quickly(m, p, rightRead); b != nil {
		if n := sys.QuickRead(fd, b); n >= 0 {
			binary.LittleEndian.PutUint32(result, uint32(n))
			return errnoSuccess
		}
	}
	d, e := s.file(p[0], rightRead)
	if e != errnoSuccess {
		return e
	}
	return s.transfer(m, p[1], p[2], p[3], d.read)
}

// quickly is what reading or writing one buffer is about, as most programs do, of a file that doesn't keep the caller
// waiting: Linux's descriptor, the buffer, and where the result goes. No buffer: the longer way knows what to do, and
// what is wrong. With threads it has to be gone, too.
func (s *System) quickly(m memory, p []uint64, need rights) (fd int, b, result []byte) {
	n, at, into := uint32(p[0]), uint64(uint32(p[1])), uint64(uint32(p[3]))
	if s.threads || uint32(p[2]) != 1 || uint64(n) >= uint64(len(s.table)) || at+8 > uint64(len(m)) || into+4 > uint64(len(m)) {
		return none, nil, nil
	}
	d := s.table[n]
	if d == nil || !d.quick || d.base&need != need {
		return none, nil, nil
	}
	list := binary.LittleEndian.Uint64(m[at:])
	from, size := uint64(uint32(list)), list>>32
	if size == 0 || from+size > uint64(len(m)) {
		return none, nil, nil
	}
	return d.fd, m[from : from+size], m[into : into+4]
}

// read reads from where the descriptor is.
func (d *descriptor) read(buffers [][]byte) (int, error) {
	switch {
	case len(buffers) == 0:
		return 0, nil
	case d.fd < 0:
		return d.r.Read(buffers[0])
	case len(buffers) == 1:
		return unix.Read(d.fd, buffers[0])
	}
	return unix.Readv(d.fd, buffers)
}

func fdWrite(s *System, m memory, p []uint64) Errno {
	if fd, b, result := s.quickly(m, p, rightWrite); b != nil {
		if n := sys.QuickWrite(fd, b); n >= 0 {
			binary.LittleEndian.PutUint32(result, uint32(n))
			return errnoSuccess
		}
	}
	d, e := s.file(p[0], rightWrite)
	if e != errnoSuccess {
		return e
	}
	return s.transfer(m, p[1], p[2], p[3], d.write)
}

// write writes to where the descriptor is.
func (d *descriptor) write(buffers [][]byte) (int, error) {
	switch {
	case len(buffers) == 0:
		return 0, nil
	case d.fd < 0:
		return writeAll(d, buffers)
	case len(buffers) == 1:
		return unix.Write(d.fd, buffers[0])
	}
	return unix.Writev(d.fd, buffers)
}

// writeAll writes to what is no descriptor. What was written before an error counts.
func writeAll(d *descriptor, buffers [][]byte) (done int, err error) {
	for _, b := range buffers {
		n, err := d.w.Write(b)
		if done += n; err != nil && done == 0 {
			return 0, err
		} else if err != nil {
			break
		}
	}
	return done, nil
}

// at is the descriptor of a call with an offset.
func (s *System) at(fd, offset uint64, need rights) (*descriptor, Errno) {
	d, e := s.file(fd, need)
	switch {
	case e != errnoSuccess:
		return nil, e
	case d.fd < 0 || d.stream:
		return nil, errnoSpipe
	case offset > math.MaxInt64:
		return nil, errnoInval
	}
	return d, errnoSuccess
}

func fdPread(s *System, m memory, p []uint64) Errno {
	d, e := s.at(p[0], p[3], rightRead|rightSeek)
	if e != errnoSuccess {
		return e
	}
	return s.transfer(m, p[1], p[2], p[4], func(b [][]byte) (int, error) { return unix.Preadv(d.fd, b, int64(p[3])) })
}

// fdPwrite writes at the file's end if the descriptor appends, as Linux does.
func fdPwrite(s *System, m memory, p []uint64) Errno {
	d, e := s.at(p[0], p[3], rightWrite|rightSeek)
	if e != errnoSuccess {
		return e
	}
	return s.transfer(m, p[1], p[2], p[4], func(b [][]byte) (int, error) { return unix.Pwritev(d.fd, b, int64(p[3])) })
}

func fdSeek(s *System, m memory, p []uint64) Errno {
	need := rightSeek
	if p[1] == 0 && uint32(p[2]) == unix.SEEK_CUR {
		need = 0 // it only asks, which either right allows
	}
	d, e := s.file(p[0], need)
	switch {
	case e != errnoSuccess:
		return e
	case uint32(p[2]) > unix.SEEK_END:
		return errnoInval
	}
	return d.seek(m, int64(p[1]), int(uint32(p[2])), p[3])
}

func fdTell(s *System, m memory, p []uint64) Errno {
	d, e := s.file(p[0], 0)
	if e != errnoSuccess {
		return e
	}
	return d.seek(m, 0, unix.SEEK_CUR, p[1])
}

// seek moves to an offset and writes which one that is. To seek means to be allowed to tell.
func (d *descriptor) seek(m memory, offset int64, whence int, result uint64) Errno {
	switch {
	case d.fd < 0 || d.stream:
		return errnoSpipe
	case d.base&(rightSeek|rightTell) == 0:
		return errnoNotcapable
	}
	if _, ok := m.bytes(uint32(result), 8); !ok {
		return errnoFault
	}
	at, err := unix.Seek(d.fd, offset, whence)
	if err != nil {
		return errnoOf(err)
	}
	return m.put64(uint32(result), uint64(at))
}

func fdSync(s *System, _ memory, p []uint64) Errno {
	return s.sync(p[0], rightSync, unix.Fsync)
}

func fdDatasync(s *System, _ memory, p []uint64) Errno {
	return s.sync(p[0], rightDatasync, unix.Fdatasync)
}

func (s *System) sync(fd uint64, need rights, f func(int) error) Errno {
	d, e := s.get(fd, need)
	switch {
	case e != errnoSuccess:
		return e
	case d.fd < 0:
		return errnoInval
	}
	return errnoOf(again(func() error { return f(d.fd) }))
}

// advices are Linux's numbers of WASI's advice: normal, sequential, random, willneed, dontneed, noreuse.
var advices = [...]int{unix.FADV_NORMAL, unix.FADV_SEQUENTIAL, unix.FADV_RANDOM, unix.FADV_WILLNEED, unix.FADV_DONTNEED, unix.FADV_NOREUSE}

func fdAdvise(s *System, _ memory, p []uint64) Errno {
	d, e := s.get(p[0], 0)
	switch {
	case e != errnoSuccess:
		return e
	case d.kind == typeDirectory:
		return errnoBadf // nothing of a directory is read by offsets
	case d.base&rightAdvise == 0 && !d.stream:
		return errnoNotcapable
	case d.fd < 0 || d.stream:
		return errnoSpipe
	case uint32(p[3]) >= uint32(len(advices)) || p[1] > math.MaxInt64 || p[2] > math.MaxInt64:
		return errnoInval
	}
	return errnoOf(unix.Fadvise(d.fd, int64(p[1]), int64(p[2]), advices[uint32(p[3])]))
}

func fdAllocate(s *System, _ memory, p []uint64) Errno {
	d, e := s.at(p[0], p[1], rightAllocate)
	switch {
	case e != errnoSuccess:
		return e
	case p[2] > math.MaxInt64:
		return errnoInval
	}
	return errnoOf(again(func() error { return unix.Fallocate(d.fd, 0, int64(p[1]), int64(p[2])) }))
}
