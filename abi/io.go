// SPDX-License-Identifier: Apache-2.0

package abi

import "encoding/binary"

// Sizes in bytes of the structures of input and output. epoll_event is packed
// on amd64 only (EPOLL_PACKED in eventpoll.h).
const (
	EpollEventSizeAMD64   = 12
	EpollEventSizeGeneric = 16
	PollFDSize            = 8
	IovecSize             = 16
	WinsizeSize           = 8
	StatSizeAMD64         = 144
	StatSizeGeneric       = 128
)

// EpollEvent is an event of epoll: the bits EPOLLIN and so on, and the word
// that the program registered with the descriptor.
type EpollEvent struct {
	Events uint32
	Data   uint64
}

// PutEpollEventAMD64 writes the packed layout: events at 0, data at 4.
func PutEpollEventAMD64(b []byte, e EpollEvent) {
	_ = b[EpollEventSizeAMD64-1]
	binary.LittleEndian.PutUint32(b[0:], e.Events)
	binary.LittleEndian.PutUint64(b[4:], e.Data)
}

// GetEpollEventAMD64 reads what PutEpollEventAMD64 writes.
func GetEpollEventAMD64(b []byte) EpollEvent {
	_ = b[EpollEventSizeAMD64-1]
	return EpollEvent{binary.LittleEndian.Uint32(b[0:]), binary.LittleEndian.Uint64(b[4:])}
}

// PutEpollEventGeneric writes the natural layout: events at 0, data at 8.
func PutEpollEventGeneric(b []byte, e EpollEvent) { putPair(b, uint64(e.Events), e.Data) }

// GetEpollEventGeneric reads what PutEpollEventGeneric writes.
func GetEpollEventGeneric(b []byte) EpollEvent {
	x, y := getPair(b)
	return EpollEvent{uint32(x), y}
}

// PollFD is one entry of poll(2).
type PollFD struct {
	FD      int32
	Events  uint16
	Revents uint16
}

// Put writes p's layout to the first PollFDSize bytes of b.
func (p PollFD) Put(b []byte) {
	_ = b[PollFDSize-1]
	binary.LittleEndian.PutUint32(b[0:], uint32(p.FD))
	binary.LittleEndian.PutUint16(b[4:], p.Events)
	binary.LittleEndian.PutUint16(b[6:], p.Revents)
}

// GetPollFD reads a PollFD from the first PollFDSize bytes of b.
func GetPollFD(b []byte) PollFD {
	_ = b[PollFDSize-1]
	return PollFD{
		FD:      int32(binary.LittleEndian.Uint32(b[0:])),
		Events:  binary.LittleEndian.Uint16(b[4:]),
		Revents: binary.LittleEndian.Uint16(b[6:]),
	}
}

// Iovec is one piece of a readv(2) or writev(2).
type Iovec struct {
	Base UserAddr
	Len  uint64
}

// GetIovec reads an Iovec from the first IovecSize bytes of b.
func GetIovec(b []byte) Iovec {
	x, y := getPair(b)
	return Iovec{UserAddr(x), y}
}

// Winsize is a terminal's size, in characters.
type Winsize struct {
	Row, Col uint16
}

// Put writes w's layout to the first WinsizeSize bytes of b.
func (w Winsize) Put(b []byte) {
	_ = b[WinsizeSize-1]
	binary.LittleEndian.PutUint64(b, uint64(w.Row)|uint64(w.Col)<<16)
}

// Stat is what fstat(2) answers.
type Stat struct {
	Dev     uint64
	Ino     uint64
	Nlink   uint32
	Mode    uint32 // S_IF... and permission bits
	UID     uint32
	GID     uint32
	Rdev    uint64
	Size    int64 // bytes
	Blksize int32 // bytes
	Blocks  int64 // of 512 bytes
	Atim    Timespec
	Mtim    Timespec
	Ctim    Timespec
}

// PutStatAMD64 writes amd64's struct stat.
func PutStatAMD64(b []byte, s *Stat) {
	b = b[:StatSizeAMD64]
	clear(b)
	le := binary.LittleEndian
	le.PutUint64(b[0:], s.Dev)
	le.PutUint64(b[8:], s.Ino)
	le.PutUint64(b[16:], uint64(s.Nlink))
	le.PutUint32(b[24:], s.Mode)
	le.PutUint32(b[28:], s.UID)
	le.PutUint32(b[32:], s.GID)
	le.PutUint64(b[40:], s.Rdev)
	le.PutUint64(b[48:], uint64(s.Size))
	le.PutUint64(b[56:], uint64(s.Blksize))
	putStatTail(b, s)
}

// PutStatGeneric writes struct stat of asm-generic/stat.h.
func PutStatGeneric(b []byte, s *Stat) {
	b = b[:StatSizeGeneric]
	clear(b)
	le := binary.LittleEndian
	le.PutUint64(b[0:], s.Dev)
	le.PutUint64(b[8:], s.Ino)
	le.PutUint32(b[16:], s.Mode)
	le.PutUint32(b[20:], s.Nlink)
	le.PutUint32(b[24:], s.UID)
	le.PutUint32(b[28:], s.GID)
	le.PutUint64(b[32:], s.Rdev)
	le.PutUint64(b[48:], uint64(s.Size))
	le.PutUint32(b[56:], uint32(s.Blksize))
	putStatTail(b, s)
}

// putStatTail writes what both layouts have from offset 64.
func putStatTail(b []byte, s *Stat) {
	binary.LittleEndian.PutUint64(b[64:], uint64(s.Blocks))
	s.Atim.Put(b[72:])
	s.Mtim.Put(b[88:])
	s.Ctim.Put(b[104:])
}
