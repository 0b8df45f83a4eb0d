// SPDX-License-Identifier: Apache-2.0

package net

import "encoding/binary"

// headerSize is that of struct virtio_net_hdr (5.1.6): with version 1 it always has the number of
// buffers.
const headerSize = 12

// Fields of a header, and bits of its flags.
const (
	atFlags          = 0
	atGSOType        = 1
	atHeaderLength   = 2
	atGSOSize        = 4
	atChecksumStart  = 6
	atChecksumOffset = 8
	atBuffers        = 10

	flagNeedsChecksum = 1
	flagDataValid     = 2
	gsoECN            = 0x80
)

// Segments says whether a frame is to be cut, or was joined, and of what it is.
type Segments uint8

// Values of gso_type (5.1.6) that are used here.
const (
	Whole Segments = 0 // it is one frame
	TCPv4 Segments = 1
	TCPv6 Segments = 4
)

// Offload is what is left to the other side, or was done by it.
type Offload struct {
	// Partial: the 16 bits at ChecksumStart + ChecksumOffset have the sum of the pseudo header, and what
	// is from ChecksumStart to the end has still to be added. A frame that comes so has
	// never been on a wire, and needs no check.
	Partial                       bool
	ChecksumStart, ChecksumOffset uint16
	// Valid: of a frame that came, the device has checked its checksum.
	Valid bool
	// Segments are of SegmentSize bytes of TCP's data each, the last of fewer. HeaderLength is how long
	// the headers are: needed of a frame that is sent, and 0 of one that came.
	Segments     Segments
	SegmentSize  uint16
	HeaderLength uint16
}

// put writes a header, one of a frame that is sent.
func (o *Offload) put(b []byte) {
	clear(b[:headerSize])
	if o.Partial {
		b[atFlags] = flagNeedsChecksum
		binary.LittleEndian.PutUint16(b[atChecksumStart:], o.ChecksumStart)
		binary.LittleEndian.PutUint16(b[atChecksumOffset:], o.ChecksumOffset)
	}
	if o.Segments != Whole {
		b[atGSOType] = byte(o.Segments)
		binary.LittleEndian.PutUint16(b[atGSOSize:], o.SegmentSize)
		binary.LittleEndian.PutUint16(b[atHeaderLength:], o.HeaderLength)
	}
}

// get reads the header of a frame that came. ok is whether it is one that can be, of a frame of length
// bytes.
func (o *Offload) get(b []byte, length int, has func(uint64) bool) (ok bool) {
	*o = Offload{}
	flags, kind := b[atFlags], Segments(b[atGSOType]&^gsoECN)
	if flags&(flagNeedsChecksum|flagDataValid) != 0 && !has(featureGuestChecksum) {
		return false
	}
	if flags&flagNeedsChecksum != 0 {
		o.Partial = true
		o.ChecksumStart = binary.LittleEndian.Uint16(b[atChecksumStart:])
		o.ChecksumOffset = binary.LittleEndian.Uint16(b[atChecksumOffset:])
	}
	o.Valid = flags&flagDataValid != 0
	o.Segments = kind
	if kind != Whole {
		o.SegmentSize = binary.LittleEndian.Uint16(b[atGSOSize:])
	}
	return o.can(length, has(featureGuestTCP4), has(featureGuestTCP6))
}

// can reports whether an offload can be of a frame of length bytes, with what was agreed upon.
func (o *Offload) can(length int, tcp4, tcp6 bool) bool {
	if o.Partial && int(o.ChecksumStart)+int(o.ChecksumOffset)+2 > length {
		return false
	}
	switch o.Segments {
	case Whole:
		return true
	case TCPv4:
		return tcp4 && o.Partial && o.SegmentSize > 0
	case TCPv6:
		return tcp6 && o.Partial && o.SegmentSize > 0
	}
	return false
}
