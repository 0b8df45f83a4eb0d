// SPDX-License-Identifier: Apache-2.0

package ninep

import "encoding/binary"

// Version is the dialect that both sides must speak.
const Version = "9P2000.L"

// Type is the type of a message. The reply to a request has its type plus one, or
// Rlerror.
type Type uint8

// Requests that a Client sends, and the error reply (Linux, include/net/9p/9p.h).
const (
	Rlerror      Type = 7
	Tstatfs      Type = 8
	Tlopen       Type = 12
	Tlcreate     Type = 14
	Tsymlink     Type = 16
	Treadlink    Type = 22
	Tgetattr     Type = 24
	Tsetattr     Type = 26
	Txattrwalk   Type = 30
	Txattrcreate Type = 32
	Treaddir     Type = 40
	Tfsync       Type = 50
	Tlock        Type = 52
	Tgetlock     Type = 54
	Tlink        Type = 70
	Tmkdir       Type = 72
	Trenameat    Type = 74
	Tunlinkat    Type = 76
	Tversion     Type = 100
	Tattach      Type = 104
	Tflush       Type = 108
	Twalk        Type = 110
	Tread        Type = 116
	Twrite       Type = 118
	Tclunk       Type = 120
)

var typeNames = [...]string{
	Tstatfs: "Tstatfs", Tlopen: "Tlopen", Tlcreate: "Tlcreate", Tsymlink: "Tsymlink",
	Treadlink: "Treadlink", Tgetattr: "Tgetattr", Tsetattr: "Tsetattr",
	Txattrwalk: "Txattrwalk", Txattrcreate: "Txattrcreate", Treaddir: "Treaddir",
	Tfsync: "Tfsync", Tlock: "Tlock", Tgetlock: "Tgetlock", Tlink: "Tlink", Tmkdir: "Tmkdir",
	Trenameat: "Trenameat", Tunlinkat: "Tunlinkat", Tversion: "Tversion", Tattach: "Tattach",
	Tflush: "Tflush", Twalk: "Twalk", Tread: "Tread", Twrite: "Twrite", Tclunk: "Tclunk",
}

func (t Type) String() string {
	if int(t) < len(typeNames) && typeNames[t] != "" {
		return typeNames[t]
	}
	return "message of an unknown type"
}

// Sizes in bytes, and numbers that stand for nothing.
const (
	headerSize = 7                      // size[4] type[1] tag[2]
	dataHeader = headerSize + 4         // of Rread and Rreaddir: and count[4]
	errorSize  = headerSize + 4         // of Rlerror: and ecode[4]
	writeSize  = headerSize + 4 + 8 + 4 // of Twrite without its data: fid, offset, count

	// overhead is what a message with data takes beyond it, with a byte to spare: what
	// Linux calls P9_IOHDRSZ, and QEMU's iounit is made for.
	overhead = 24

	// slotSize holds every message without its data. The longest request is a Tsymlink
	// with a name of 255 bytes and a target of 4,095 (4,369), the longest reply an
	// Rreadlink (4,104).
	slotSize = 4608

	noTag  = 0xffff
	noFid  = 0xffff_ffff
	noUser = 0xffff_ffff
)

// Limits of names, in bytes, as Linux has them.
const (
	MaxName   = 255  // of one component
	MaxTarget = 4095 // of a symbolic link's target
	MaxWalk   = 16   // names in one Twalk (P9_MAXWELEM)
)

// writer puts fields into a buffer of fixed size. What doesn't fit is left out and
// remembered.
type writer struct {
	b    []byte
	n    int
	full bool
}

// room gives the next n bytes, or nil.
func (w *writer) room(n int) []byte {
	if w.full || len(w.b)-w.n < n {
		w.full = true
		return nil
	}
	w.n += n
	return w.b[w.n-n : w.n]
}

func (w *writer) u8(v uint8) {
	if b := w.room(1); b != nil {
		b[0] = v
	}
}

func (w *writer) u16(v uint16) {
	if b := w.room(2); b != nil {
		binary.LittleEndian.PutUint16(b, v)
	}
}

func (w *writer) u32(v uint32) {
	if b := w.room(4); b != nil {
		binary.LittleEndian.PutUint32(b, v)
	}
}

func (w *writer) u64(v uint64) {
	if b := w.room(8); b != nil {
		binary.LittleEndian.PutUint64(b, v)
	}
}

func (w *writer) str(s string) {
	if len(s) > 0xffff {
		w.full = true
		return
	}
	w.u16(uint16(len(s)))
	if b := w.room(len(s)); b != nil {
		copy(b, s)
	}
}

// reader takes fields from a message of the server's. It reads each byte once: the
// memory may be one that the server can still write to.
type reader struct {
	b   []byte
	bad bool // a field went past the end; all since then are zero
}

func (r *reader) take(n int) []byte {
	if r.bad || len(r.b) < n {
		r.bad = true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

func (r *reader) u8() uint8 {
	if b := r.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.take(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.take(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.take(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) str() string { return string(r.take(int(r.u16()))) }

func (r *reader) qid() QID {
	return QID{Type: r.u8(), Version: r.u32(), Path: r.u64()}
}

// whole reports whether everything was there and nothing is left.
func (r *reader) whole() bool { return !r.bad && len(r.b) == 0 }
