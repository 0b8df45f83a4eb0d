// SPDX-License-Identifier: Apache-2.0

package abi

import "encoding/binary"

// Sizes in bytes of the structures that describe the system and its limits.
const (
	RlimitSize  = 16
	UtsnameSize = 6 * UtsLen
	UtsLen      = 65 // bytes of one field of Utsname, its terminating zero included
	SysinfoSize = 112
	RusageSize  = 144
)

// Rlimit is a resource's soft and hard limit.
type Rlimit struct {
	Cur uint64
	Max uint64
}

// Put writes r's layout to the first RlimitSize bytes of b.
func (r Rlimit) Put(b []byte) { putPair(b, r.Cur, r.Max) }

// GetRlimit reads an Rlimit from the first RlimitSize bytes of b.
func GetRlimit(b []byte) Rlimit {
	x, y := getPair(b)
	return Rlimit{x, y}
}

// Utsname is what uname(2) answers. A field longer than UtsLen-1 bytes is cut.
type Utsname struct {
	Sysname, Nodename, Release, Version, Machine, Domainname string
}

// Put writes u's layout to the first UtsnameSize bytes of b.
func (u Utsname) Put(b []byte) {
	clear(b[:UtsnameSize])
	putName(b, 0, u.Sysname)
	putName(b, 1, u.Nodename)
	putName(b, 2, u.Release)
	putName(b, 3, u.Version)
	putName(b, 4, u.Machine)
	putName(b, 5, u.Domainname)
}

func putName(b []byte, i int, s string) {
	copy(b[i*UtsLen:(i+1)*UtsLen-1], s)
}

// Sysinfo is what sysinfo(2) answers, as far as Loam knows it.
type Sysinfo struct {
	Uptime    int64     // seconds
	Loads     [3]uint64 // load averages of 1, 5 and 15 minutes, times 65536
	TotalRAM  uint64    // in units of Unit bytes, like all sizes here
	FreeRAM   uint64
	SharedRAM uint64
	BufferRAM uint64
	Procs     uint16 // processes
	Unit      uint32 // bytes
}

// Put writes s's layout to the first SysinfoSize bytes of b.
func (s *Sysinfo) Put(b []byte) {
	b = b[:SysinfoSize]
	clear(b)
	le := binary.LittleEndian
	le.PutUint64(b[0:], uint64(s.Uptime))
	for i, l := range s.Loads {
		le.PutUint64(b[8+8*i:], l)
	}
	le.PutUint64(b[32:], s.TotalRAM)
	le.PutUint64(b[40:], s.FreeRAM)
	le.PutUint64(b[48:], s.SharedRAM)
	le.PutUint64(b[56:], s.BufferRAM)
	le.PutUint16(b[80:], s.Procs)
	le.PutUint32(b[104:], s.Unit)
}

// Rusage is what getrusage(2) answers, as far as Loam counts it.
type Rusage struct {
	Utime  Timeval
	Stime  Timeval
	Maxrss int64 // KiB
	Minflt int64 // page faults served without reading a device
	Majflt int64
	Nvcsw  int64 // switches because the thread waited
	Nivcsw int64 // switches because its slice ended
}

// Put writes r's layout to the first RusageSize bytes of b.
func (r *Rusage) Put(b []byte) {
	b = b[:RusageSize]
	clear(b)
	r.Utime.Put(b[0:])
	r.Stime.Put(b[16:])
	le := binary.LittleEndian
	le.PutUint64(b[32:], uint64(r.Maxrss))
	le.PutUint64(b[64:], uint64(r.Minflt))
	le.PutUint64(b[72:], uint64(r.Majflt))
	le.PutUint64(b[128:], uint64(r.Nvcsw))
	le.PutUint64(b[136:], uint64(r.Nivcsw))
}
