// SPDX-License-Identifier: Apache-2.0

package signal

import "encoding/binary"

// The extended state in a frame is an XSAVE area in the standard format: 512
// bytes as FXSAVE writes them, a header of 64, the components. Linux puts a
// note about its length into bytes of the FXSAVE part that the processor leaves
// to software, and a second magic number behind the area.
const (
	magic1     = 0x46505853
	magic2     = 0x46505845
	magic2Size = 4

	fxsaveSize = 512
	headerSize = 64
	legacySize = fxsaveSize + headerSize

	offMXCSR = 24

	offSoftware = 464 // magic1, length with magic2 (4 bytes each), features (8), length without (4)
	offFeatures = offSoftware + 8
	offLength   = offSoftware + 16

	offXStateBV = fxsaveSize
)

// Components of the extended state that every processor has.
const (
	featureX87 = 1 << 0
	featureSSE = 1 << 1
)

// initial values after a reset of the unit: what an absent component means.
const (
	initFCW   = 0x37f
	initMXCSR = 0x1f80
)

// putXState writes an area, with Linux's notes in it, and magic2 to b. An area of
// 512 bytes is a bare FXSAVE image, which has no notes.
func putXState(b, area []byte, enabled uint64) {
	n := copy(b, area)
	le := binary.LittleEndian
	clear(b[offSoftware:fxsaveSize])
	if n < legacySize {
		clear(b[n:])
		return
	}
	le.PutUint32(b[offSoftware:], magic1)
	le.PutUint32(b[offSoftware+4:], uint32(n+magic2Size))
	le.PutUint64(b[offFeatures:], enabled)
	le.PutUint32(b[offLength:], uint32(n))
	le.PutUint32(b[n:], magic2)
}

// componentEnd holds where each component of the standard format ends, for
// those whose place is the same on every processor (Intel SDM volume 1, 13.5);
// 0 for the others.
var componentEnd = [64]int{0: fxsaveSize, 1: fxsaveSize, 2: 832, 5: 1152, 6: 1664, 7: 2688, 9: 2696}

// featuresIn gives the components of which an area cut from full to n bytes
// still has all.
func featuresIn(n, full int) uint64 {
	if n >= full {
		return 1<<64 - 1
	}
	f := uint64(0)
	for i, end := range componentEnd {
		if end != 0 && end <= n {
			f |= 1 << i
		}
	}
	return f
}

// XStateLengthAMD64 gives how many bytes of extended state to read from a
// frame, from its first 512 bytes and the length of the kernel's own area:
// either 512 (a bare FXSAVE image, or notes that make no sense, of which Linux
// takes no more than that either), or the area's length and magic2 behind it.
func XStateLengthAMD64(fx []byte, area int) int {
	le := binary.LittleEndian
	fx = fx[:fxsaveSize]
	n := le.Uint32(fx[offLength:])
	if le.Uint32(fx[offSoftware:]) != magic1 || n < legacySize || int64(n) > int64(area) ||
		le.Uint32(fx[offSoftware+4:]) < n+magic2Size {
		return fxsaveSize
	}
	return int(n) + magic2Size
}

// RestoreXStateAMD64 fills area, the kernel's XSAVE area of a thread, from what
// a frame holds, so that XRSTOR with all of enabled (the components set in
// XCR0) can't fault: only enabled components are present, the format is the
// standard one, reserved bytes of the header are zero, and MXCSR has only bits
// of mxcsrMask. user has the length that XStateLengthAMD64 gave. When it is a
// bare image, or magic2 is missing, the other components get their initial value.
func RestoreXStateAMD64(area, user []byte, enabled uint64, mxcsrMask uint32) {
	le := binary.LittleEndian
	present := uint64(featureX87 | featureSSE)
	n := fxsaveSize
	if m := len(user) - magic2Size; m >= legacySize && le.Uint32(user[m:]) == magic2 {
		n = m
		present = le.Uint64(user[offXStateBV:]) & le.Uint64(user[offFeatures:])
	}
	n = copy(area, user[:n])
	clear(area[n:])
	clear(area[offSoftware:fxsaveSize])
	le.PutUint32(area[offMXCSR:], le.Uint32(area[offMXCSR:])&mxcsrMask)
	if len(area) < legacySize {
		return
	}
	clear(area[fxsaveSize:legacySize])
	le.PutUint64(area[offXStateBV:], present&enabled&featuresIn(n, len(area)))
}

// InitXStateAMD64 makes area, the kernel's XSAVE area of a thread, the state of
// a new thread: every component in its initial value.
func InitXStateAMD64(area []byte) {
	clear(area)
	binary.LittleEndian.PutUint16(area, initFCW)
	binary.LittleEndian.PutUint32(area[offMXCSR:], initMXCSR)
}
