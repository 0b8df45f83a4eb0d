// SPDX-License-Identifier: Apache-2.0

package poll

import (
	"math"

	"loam/abi"
	"loam/user/linux/lx"
)

// Eventfd is a counter.
type Eventfd struct {
	Count     uint64
	Semaphore bool
	queue     Queue
}

const mostCount = math.MaxUint64 - 1

// Queue is for File.
func (f *Eventfd) Queue() *Queue { return &f.queue }

// Events is for File.
func (f *Eventfd) Events() (v uint32) {
	if f.Count > 0 {
		v |= abi.EPOLLIN
	}
	if f.Count < mostCount {
		v |= abi.EPOLLOUT
	}
	return v
}

// Take takes the count, or 1 of a semaphore's. lx.Wait: it is 0.
func (f *Eventfd) Take() (uint64, abi.Errno) {
	if f.Count == 0 {
		return 0, lx.Wait
	}
	v := f.Count
	if f.Semaphore {
		v = 1
	}
	f.Count -= v
	f.queue.Tell(abi.EPOLLOUT)
	return v, 0
}

// Add adds to the count. lx.Wait: there is no room for so much.
func (f *Eventfd) Add(v uint64) abi.Errno {
	switch {
	case v == math.MaxUint64:
		return abi.EINVAL
	case v > mostCount-f.Count:
		return lx.Wait
	}
	f.Count += v
	f.queue.Tell(abi.EPOLLIN)
	return 0
}
