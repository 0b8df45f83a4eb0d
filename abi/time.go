// SPDX-License-Identifier: Apache-2.0

package abi

import "encoding/binary"

// Sizes in bytes of the structures of time.
const (
	TimespecSize   = 16
	TimevalSize    = 16
	ItimerspecSize = 2 * TimespecSize
	ItimervalSize  = 2 * TimevalSize
)

// Timespec is a time or an interval in seconds and nanoseconds.
type Timespec struct {
	Sec  int64
	Nsec int64 // 0 to 999,999,999 when valid
}

// Put writes t's layout to the first TimespecSize bytes of b.
func (t Timespec) Put(b []byte) { putPair(b, uint64(t.Sec), uint64(t.Nsec)) }

// GetTimespec reads a Timespec from the first TimespecSize bytes of b.
func GetTimespec(b []byte) Timespec {
	x, y := getPair(b)
	return Timespec{int64(x), int64(y)}
}

const maxNanos = 1<<63 - 1

// Nanoseconds gives t in nanoseconds, and whether t is valid as the kernel
// wants it: no negative seconds and nanoseconds in their range. A time too far
// away for 63 bits (292 years) becomes the largest there is, as in Linux.
func (t Timespec) Nanoseconds() (int64, bool) {
	if t.Sec < 0 || uint64(t.Nsec) >= 1e9 {
		return 0, false
	}
	if t.Sec >= maxNanos/1_000_000_000 {
		return maxNanos, true
	}
	return t.Sec*1e9 + t.Nsec, true
}

// TimespecOf makes a Timespec of ns nanoseconds.
func TimespecOf(ns int64) Timespec {
	s, n := ns/1e9, ns%1e9
	if n < 0 {
		s, n = s-1, n+1e9
	}
	return Timespec{s, n}
}

// Timeval is a time or an interval in seconds and microseconds.
type Timeval struct {
	Sec  int64
	Usec int64
}

// Put writes t's layout to the first TimevalSize bytes of b.
func (t Timeval) Put(b []byte) { putPair(b, uint64(t.Sec), uint64(t.Usec)) }

// GetTimeval reads a Timeval from the first TimevalSize bytes of b.
func GetTimeval(b []byte) Timeval {
	x, y := getPair(b)
	return Timeval{int64(x), int64(y)}
}

// TimevalOf makes a Timeval of ns nanoseconds.
func TimevalOf(ns int64) Timeval {
	t := TimespecOf(ns)
	return Timeval{t.Sec, t.Nsec / 1000}
}

// Itimerspec is a timer's setting: its period and the time to its next end.
type Itimerspec struct {
	Interval Timespec
	Value    Timespec
}

// Put writes t's layout to the first ItimerspecSize bytes of b.
func (t Itimerspec) Put(b []byte) {
	_ = b[ItimerspecSize-1]
	t.Interval.Put(b)
	t.Value.Put(b[TimespecSize:])
}

// GetItimerspec reads an Itimerspec from the first ItimerspecSize bytes of b.
func GetItimerspec(b []byte) Itimerspec {
	_ = b[ItimerspecSize-1]
	return Itimerspec{GetTimespec(b), GetTimespec(b[TimespecSize:])}
}

// Itimerval is a timer's setting for setitimer(2).
type Itimerval struct {
	Interval Timeval
	Value    Timeval
}

// Put writes t's layout to the first ItimervalSize bytes of b.
func (t Itimerval) Put(b []byte) {
	_ = b[ItimervalSize-1]
	t.Interval.Put(b)
	t.Value.Put(b[TimevalSize:])
}

// GetItimerval reads an Itimerval from the first ItimervalSize bytes of b.
func GetItimerval(b []byte) Itimerval {
	_ = b[ItimervalSize-1]
	return Itimerval{GetTimeval(b), GetTimeval(b[TimevalSize:])}
}

func putPair(b []byte, x, y uint64) {
	_ = b[15]
	binary.LittleEndian.PutUint64(b[0:], x)
	binary.LittleEndian.PutUint64(b[8:], y)
}

func getPair(b []byte) (x, y uint64) {
	_ = b[15]
	return binary.LittleEndian.Uint64(b[0:]), binary.LittleEndian.Uint64(b[8:])
}
