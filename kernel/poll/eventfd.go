// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"encoding/binary"

	"loam/abi"
)

const (
	eventMax  = 1<<64 - 2 // the most an eventfd counts
	eventSize = 8         // bytes of what is read and written
)

// Eventfd makes an eventfd, for eventfd2(2). EINVAL: unknown flags. EMFILE,
// ENFILE: no descriptor or file left.
func (s *System) Eventfd(tb *Table, initial, flags uint32) (fd int32, errno abi.Errno) {
	if flags&^(abi.EFD_SEMAPHORE|abi.EFD_NONBLOCK|abi.EFD_CLOEXEC) != 0 {
		return 0, abi.EINVAL
	}
	fd, f, errno := s.open(tb, kindEvent, abi.O_RDWR|flags&abi.O_NONBLOCK, flags&abi.EFD_CLOEXEC != 0)
	if errno != 0 {
		return 0, errno
	}
	f.count = uint64(initial)
	f.semaphore = flags&abi.EFD_SEMAPHORE != 0
	return fd, 0
}

func (f *file) eventReady() (events uint32) {
	if f.count > 0 {
		events |= abi.EPOLLIN
	}
	if f.count < eventMax {
		events |= abi.EPOLLOUT
	}
	return events
}

func (s *System) readEvent(f *file, p []byte) (int, abi.Errno) {
	if len(p) < eventSize {
		return 0, abi.EINVAL
	}
	if f.count == 0 {
		return 0, abi.EAGAIN
	}
	v := f.count
	if f.semaphore {
		v = 1
	}
	f.count -= v
	binary.LittleEndian.PutUint64(p, v)
	s.notify(f, abi.EPOLLOUT)
	return eventSize, 0
}

func (s *System) writeEvent(f *file, p []byte) (int, abi.Errno) {
	if len(p) < eventSize {
		return 0, abi.EINVAL
	}
	v := binary.LittleEndian.Uint64(p)
	if v > eventMax {
		return 0, abi.EINVAL
	}
	if v > eventMax-f.count {
		return 0, abi.EAGAIN
	}
	f.count += v
	if f.count > 0 {
		s.notify(f, abi.EPOLLIN)
	}
	return eventSize, 0
}
