// SPDX-License-Identifier: Apache-2.0

// Package lx is what the parts of the Linux personality say to each other in: numbers and
// layouts of Linux that package abi lacks, since the kernel answers nothing with them,
// and the memory of who calls.
package lx

import (
	"errors"
	"syscall"

	"loam/abi"
)

// None is the number of calls that an architecture doesn't have: no call has it.
const None = MaxNumber

// MaxNumber is above all numbers of calls, and how many a table of them has, but for the place of None.
const MaxNumber = 512

// Wait is no error of Linux's, but what an operation answers that can't go on at once, where
// it was not allowed to wait. It has changed nothing.
const Wait abi.Errno = 600

// Errno gives the number of an error of another server's or the kernel's, 0 for nil. EIO: it has none.
func Errno(err error) abi.Errno {
	var n syscall.Errno
	var e abi.Errno
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e
	case errors.As(err, &n):
		return abi.Errno(n)
	}
	return abi.EIO
}

// Buffer is memory of who calls: where a read's data goes, where a write's comes from.
// Put and Get go on where the last of them ended.
type Buffer interface {
	// Len is how many bytes are left.
	Len() int
	// Put moves p there, as much of it as there is room for, and tells how much. EFAULT:
	// some of the memory is missing; what was moved counts.
	Put(p []byte) (int, abi.Errno)
	// Get moves what is there to p.
	Get(p []byte) (int, abi.Errno)
}

// Flags of open(2) that package abi lacks.
const (
	O_DSYNC    = 0x1000
	O_ASYNC    = 0x2000
	O_NOATIME  = 0x4_0000
	O_SYNC     = 0x10_1000
	O_TMPFILE  = 0x41_0000
	O_SETFL    = abi.O_APPEND | abi.O_NONBLOCK | O_ASYNC | abi.O_DIRECT | O_NOATIME // what F_SETFL changes
	O_FILE     = abi.O_ACCMODE | O_SETFL | abi.O_LARGEFILE | abi.O_PATH | O_SYNC | O_TMPFILE | abi.O_DIRECTORY | abi.O_NOFOLLOW
	Whiteout   = 4 // RENAME_WHITEOUT
	Exchange   = 2 // RENAME_EXCHANGE
	NoReplace  = 1 // RENAME_NOREPLACE
	UtimeNow   = 1<<30 - 1
	UtimeOmit  = 1<<30 - 2
	FollowLink = 0x400 // AT_SYMLINK_FOLLOW
	AccessEff  = 0x200 // AT_EACCESS
	NoAutoMnt  = 0x800 // AT_NO_AUTOMOUNT
	StatSync   = 0x6000
	NameMax    = 255
)

// Whence of lseek(2) that package abi lacks.
const (
	SeekData = 3
	SeekHole = 4
)

// Modes of fallocate(2).
const (
	KeepSize      = 0x01
	PunchHole     = 0x02
	CollapseRange = 0x08
	ZeroRange     = 0x10
	InsertRange   = 0x20
	UnshareRange  = 0x40
	WriteZeroes   = 0x80
)

// Commands of fcntl(2) that package abi lacks.
const (
	F_SETOWN     = 8
	F_GETOWN     = 9
	F_OFD_GETLK  = 36
	F_OFD_SETLK  = 37
	F_OFD_SETLKW = 38
	F_ADD_SEALS  = 1033
	F_GET_SEALS  = 1034
)

// Requests of ioctl(2) that package abi lacks.
const (
	TCSETS     = 0x5402
	TCSETSW    = 0x5403
	TCSETSF    = 0x5404
	TIOCSCTTY  = 0x540e
	TIOCGPGRP  = 0x540f
	TIOCSPGRP  = 0x5410
	TIOCNOTTY  = 0x5422
	TIOCGSID   = 0x5429
	TIOCOUTQ   = 0x5411
	TIOCSWINSZ = 0x5414
	FIOASYNC   = 0x5452

	TCSBRK      = 0x5409
	TCXONC      = 0x540a
	TCFLSH      = 0x540b
	TIOCEXCL    = 0x540c
	TIOCNXCL    = 0x540d
	TIOCPKT     = 0x5420
	TIOCSETD    = 0x5423
	TIOCGETD    = 0x5424
	TCSBRKP     = 0x5425
	TCGETS2     = 0x802c_542a
	TCSETS2     = 0x402c_542b
	TCSETSW2    = 0x402c_542c
	TCSETSF2    = 0x402c_542d
	TIOCGPTN    = 0x8004_5430
	TIOCSPTLCK  = 0x4004_5431
	TIOCGDEV    = 0x8004_5432
	TIOCSIG     = 0x4004_5436
	TIOCGPKT    = 0x8004_5438
	TIOCGPTLCK  = 0x8004_5439
	TIOCGEXCL   = 0x8004_5440
	TIOCGPTPEER = 0x5441
)

// POLLNormal are the bits of poll(2) of a file that is always ready.
const POLLNormal = abi.EPOLLIN | abi.EPOLLOUT | abi.EPOLLRDNORM | abi.EPOLLWRNORM

// Types of directory entries (d_type of getdents64).
const (
	DT_FIFO = 1
	DT_CHR  = 2
	DT_DIR  = 4
	DT_BLK  = 6
	DT_REG  = 8
	DT_LNK  = 10
	DT_SOCK = 12
)

// TypeOf gives the type of directory entries of files with a mode.
func TypeOf(mode uint32) uint8 { return uint8(mode & abi.S_IFMT >> 12) }

// Seals of files in memory (F_ADD_SEALS).
const (
	SealSeal        = 0x01
	SealShrink      = 0x02
	SealGrow        = 0x04
	SealWrite       = 0x08
	SealFutureWrite = 0x10
	SealExec        = 0x20
	SealAll         = 0x3f
)

// OpenHowSize is the size of struct open_how of openat2(2), in bytes.
const OpenHowSize = 24

// Bounds of how openat2(2) resolves a path.
const (
	ResolveNoXdev       = 0x01
	ResolveNoMagicLinks = 0x02
	ResolveNoSymlinks   = 0x04
	ResolveBeneath      = 0x08
	ResolveInRoot       = 0x10
	ResolveCached       = 0x20
)
