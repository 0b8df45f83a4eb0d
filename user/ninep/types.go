// SPDX-License-Identifier: Apache-2.0

package ninep

import "math"

// Fid is a number by which client and server know a file.
type Fid uint32

// QID is what a server says of a file's identity.
type QID struct {
	Type    uint8
	Version uint32 // changes when the file does, as far as the server knows
	Path    uint64 // the inode number; QEMU maps those of several devices apart
}

// Bits of QID.Type. Sockets, pipes and devices have none: GetAttr tells them.
const (
	TypeDir     = 0x80
	TypeSymlink = 0x02
)

// IsDir reports whether the file is a directory.
func (q QID) IsDir() bool { return q.Type&TypeDir != 0 }

// IsSymlink reports whether the file is a symbolic link.
func (q QID) IsSymlink() bool { return q.Type&TypeSymlink != 0 }

// Time is a point in time since 1970, in seconds and nanoseconds.
type Time struct {
	Sec  uint64
	Nsec uint64 // below 1e9
}

// Attr is what GetAttr says of a file. Which fields are valid Valid says.
type Attr struct {
	Valid       uint64 // bits Attr...
	QID         QID
	Mode        uint32 // as st_mode
	UID         uint32
	GID         uint32
	Nlink       uint64
	Rdev        uint64
	Size        uint64 // at most the largest int64
	Blksize     uint64
	Blocks      uint64 // of 512 bytes
	Atime       Time
	Mtime       Time
	Ctime       Time
	Btime       Time
	Gen         uint64
	DataVersion uint64
}

// Bits of Attr.Valid, and what can be asked for. Linux asks for AttrBasic.
const (
	AttrMode   = 0x1
	AttrNlink  = 0x2
	AttrUID    = 0x4
	AttrGID    = 0x8
	AttrRdev   = 0x10
	AttrAtime  = 0x20
	AttrMtime  = 0x40
	AttrCtime  = 0x80
	AttrIno    = 0x100
	AttrSize   = 0x200
	AttrBlocks = 0x400
	AttrBasic  = 0x7ff
	AttrAll    = 0x3fff
)

// Kinds of files in Attr.Mode.
const (
	ModeType    = 0o170000
	ModeDir     = 0o040000
	ModeRegular = 0o100000
	ModeSymlink = 0o120000
)

func (r *reader) attr(a *Attr) {
	a.Valid = r.u64()
	a.QID = r.qid()
	a.Mode, a.UID, a.GID = r.u32(), r.u32(), r.u32()
	a.Nlink, a.Rdev, a.Size, a.Blksize, a.Blocks = r.u64(), r.u64(), r.u64(), r.u64(), r.u64()
	for _, t := range []*Time{&a.Atime, &a.Mtime, &a.Ctime, &a.Btime} {
		t.Sec, t.Nsec = r.u64(), r.u64()
		if t.Nsec >= 1e9 {
			r.bad = true
		}
	}
	a.Gen, a.DataVersion = r.u64(), r.u64()
	if a.Size > math.MaxInt64 {
		r.bad = true
	}
}

// SetAttr is what SetAttr changes: the fields that Valid names.
type SetAttr struct {
	Valid uint32 // bits Set...
	Mode  uint32 // as for chmod(2)
	UID   uint32
	GID   uint32
	Size  uint64
	Atime Time
	Mtime Time
}

// Bits of SetAttr.Valid. A time without its Set bit becomes the server's present time.
const (
	SetMode     = 0x1
	SetUID      = 0x2
	SetGID      = 0x4
	SetSize     = 0x8
	SetAtime    = 0x10
	SetMtime    = 0x20
	SetCtime    = 0x40
	SetAtimeSet = 0x80
	SetMtimeSet = 0x100
)

// StatFS is what a server says of the file system, as statfs(2) does.
type StatFS struct {
	Type    uint32
	Bsize   uint32 // bytes of a block
	Blocks  uint64
	Bfree   uint64
	Bavail  uint64
	Files   uint64
	Ffree   uint64
	FSID    uint64
	Namelen uint32
}

// Lock is a POSIX record lock, as for fcntl(2).
type Lock struct {
	Type   uint8  // LockRead, LockWrite or Unlock
	Wait   bool   // of Client.Lock: the server may keep the request until the lock is free
	Start  uint64 // in bytes
	Length uint64 // in bytes; 0 to the end of the file, however far that goes
	PID    uint32
	Owner  string // who, beside PID; Linux has the name of the machine
}

// Values of Lock.Type.
const (
	LockRead  = 0
	LockWrite = 1
	Unlock    = 2
)

// Status is a server's answer to a request for a lock.
type Status uint8

// Values of Status.
const (
	LockGranted Status = 0
	LockBlocked Status = 1 // somebody else has it
	LockFailed  Status = 2
	LockGrace   Status = 3 // the server has just restarted; later
)

// FlagRemoveDir makes Client.Unlink remove an empty directory (AT_REMOVEDIR).
const FlagRemoveDir = 0x200

// Flags of Client.XattrCreate, as of setxattr(2).
const (
	XattrCreate  = 1 // must not exist
	XattrReplace = 2 // must exist
)
