// SPDX-License-Identifier: Apache-2.0

package lx

import (
	"encoding/binary"

	"loam/abi"
)

// Sizes of structures in bytes.
const (
	StatxSize  = 256
	StatfsSize = 120
	FlockSize  = 32
)

// StatxBasic are the bits of stx_mask for what stat(2) has, and the time of birth.
const (
	StatxBasic = 0x7ff
	StatxBirth = 0x800
)

var le = binary.LittleEndian

// PutStatx writes struct statx, which is the same everywhere.
func PutStatx(b []byte, s *abi.Stat, birth abi.Timespec) {
	b = b[:StatxSize]
	clear(b)
	mask := uint32(StatxBasic)
	if birth != (abi.Timespec{}) {
		mask |= StatxBirth
	}
	le.PutUint32(b[0:], mask)
	le.PutUint32(b[4:], uint32(s.Blksize))
	le.PutUint32(b[16:], s.Nlink)
	le.PutUint32(b[20:], s.UID)
	le.PutUint32(b[24:], s.GID)
	le.PutUint16(b[28:], uint16(s.Mode))
	le.PutUint64(b[32:], s.Ino)
	le.PutUint64(b[40:], uint64(s.Size))
	le.PutUint64(b[48:], uint64(s.Blocks))
	putStatxTime(b[64:], s.Atim)
	putStatxTime(b[80:], birth)
	putStatxTime(b[96:], s.Ctim)
	putStatxTime(b[112:], s.Mtim)
	le.PutUint32(b[128:], Major(s.Rdev))
	le.PutUint32(b[132:], Minor(s.Rdev))
	le.PutUint32(b[136:], Major(s.Dev))
	le.PutUint32(b[140:], Minor(s.Dev))
}

func putStatxTime(b []byte, t abi.Timespec) {
	le.PutUint64(b, uint64(t.Sec))
	le.PutUint32(b[8:], uint32(t.Nsec))
}

// Device makes a device's number, as st_dev and st_rdev have it (both below 4096 and 256).
func Device(major, minor uint32) uint64 {
	return uint64(major)<<8 | uint64(minor&0xff) | uint64(minor&^0xff)<<12
}

// Major gives the first part of a device's number.
func Major(d uint64) uint32 { return uint32(d>>8&0xfff | d>>32&^0xfff) }

// Minor gives the second part.
func Minor(d uint64) uint32 { return uint32(d&0xff | d>>12&^0xff) }

// Statfs is what statfs(2) answers.
type Statfs struct {
	Type                                uint64
	Bsize                               uint64 // bytes of a block
	Blocks, Bfree, Bavail, Files, Ffree uint64
	FSID                                uint64
	Namelen, Flags                      uint64
}

// Put writes struct statfs, which is the same on amd64 and riscv64.
func (s *Statfs) Put(b []byte) {
	b = b[:StatfsSize]
	clear(b)
	for i, v := range []uint64{s.Type, s.Bsize, s.Blocks, s.Bfree, s.Bavail, s.Files, s.Ffree, s.FSID, s.Namelen, s.Bsize, s.Flags} {
		le.PutUint64(b[8*i:], v)
	}
}

// DirentSize is how many bytes a directory entry with a name of n bytes has.
func DirentSize(n int) int { return (19 + n + 1 + 7) &^ 7 }

// AppendDirent appends a struct linux_dirent64. off is what the position is behind it.
func AppendDirent(b []byte, ino uint64, off int64, kind uint8, name string) []byte {
	n := DirentSize(len(name))
	b = le.AppendUint64(b, ino)
	b = le.AppendUint64(b, uint64(off))
	b = le.AppendUint16(b, uint16(n))
	b = append(b, kind)
	b = append(b, name...)
	for i := 19 + len(name); i < n; i++ {
		b = append(b, 0)
	}
	return b
}
