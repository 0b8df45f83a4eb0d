// SPDX-License-Identifier: Apache-2.0

package channel

// The map of the machine's physical memory, sent on request: frames of the type
// MemoryMap. The first byte of a payload is its piece; a map is one MapBegin,
// MapOwners, MapBlocks in any number, and MapEnd. Numbers are little-endian.
//
// Rejected: a picture of each frame (megabytes where a few hundred blocks say the
// same), and numbers of owners that both sides know (the names travel with the
// map, so that the allocator can have a new owner without a new protocol).

// MapPiece says what a payload of the type MemoryMap is.
type MapPiece uint8

const (
	// MapBegin: the moment, one byte; the time since power-on in ns and the
	// frames that are kept from programs, 8 bytes each.
	MapBegin MapPiece = 1
	// MapOwner: the number of an owner, one byte, and its name.
	MapOwner MapPiece = 2
	// MapBlocks: words, 8 bytes each.
	MapBlocks MapPiece = 3
	// MapEnd: the number of words in all MapBlocks, 8 bytes.
	MapEnd MapPiece = 4
)

// MapMoment says when a map was made.
type MapMoment uint8

const (
	// MapAtStart is before the program's first instruction.
	MapAtStart MapMoment = 0
	// MapAtEnd is when the program has ended and before its memory is given back.
	MapAtEnd MapMoment = 1
	// MapAtTime is some time after the program's first instruction.
	MapAtTime MapMoment = 2
)

// Sizes of the map's pieces in bytes, the piece's own byte included.
const (
	MapBeginSize = 18
	MapEndSize   = 9
	MapWordSize  = 8
	// MapMaxName is the longest name of an owner.
	MapMaxName = 32
)

// MapKind says what a word of a map stands for.
type MapKind uint8

const (
	// MapRegion: a region begins at this frame number.
	MapRegion MapKind = 1
	// MapFree: a free block.
	MapFree MapKind = 2
	// MapSingles: taken frames, one or several that are alike, each taken alone.
	MapSingles MapKind = 3
	// MapRun: frames that were taken together.
	MapRun MapKind = 4
	// MapCached: free frames that wait in a CPU's cache.
	MapCached MapKind = 5
	// MapOutside: frames that are in no region, and whose they are. The word
	// before is a MapRegion with their place.
	MapOutside MapKind = 6
)

// MapWord is one word of a map: so many frames of a kind, which follow those of
// the word before by address.
type MapWord uint64

const (
	mapFrames = 1<<40 - 1
	mapShared = 1 << 56
)

// NewMapWord packs a word. frames (for MapRegion a frame number) is below 2^40;
// shared says that they have more than one reference each.
func NewMapWord(k MapKind, owner uint8, frames uint64, shared bool) MapWord {
	w := MapWord(frames&mapFrames) | MapWord(owner)<<40 | MapWord(k)<<48
	if shared {
		w |= mapShared
	}
	return w
}

// Frames is the number of frames, for MapRegion a frame number.
func (w MapWord) Frames() uint64 { return uint64(w & mapFrames) }

// Owner is the owner's number.
func (w MapWord) Owner() uint8 { return uint8(w >> 40) }

// Kind is what the word stands for.
func (w MapWord) Kind() MapKind { return MapKind(w >> 48) }

// Shared says whether the frames have more than one reference each.
func (w MapWord) Shared() bool { return w&mapShared != 0 }

// Reserved are the bits that no kernel sets.
func (w MapWord) Reserved() uint64 { return uint64(w >> 57) }

// PutMapWord writes a word to b, which has MapWordSize bytes or more.
func PutMapWord(b []byte, w MapWord) { put64(b, uint64(w)) }

// GetMapWord reads a word from b, which has MapWordSize bytes or more.
func GetMapWord(b []byte) MapWord { return MapWord(get64(b)) }

// PutMapBegin writes the payload of MapBegin.
func PutMapBegin(b *[MapBeginSize]byte, m MapMoment, ns, reserve uint64) {
	b[0], b[1] = byte(MapBegin), byte(m)
	put64(b[2:], ns)
	put64(b[10:], reserve)
}

// ParseMapBegin takes the payload of MapBegin apart; ok is false if it is none.
func ParseMapBegin(p []byte) (m MapMoment, ns, reserve uint64, ok bool) {
	if len(p) != MapBeginSize || MapPiece(p[0]) != MapBegin || MapMoment(p[1]) > MapAtTime {
		return 0, 0, 0, false
	}
	return MapMoment(p[1]), get64(p[2:]), get64(p[10:]), true
}

// PutMapEnd writes the payload of MapEnd.
func PutMapEnd(b *[MapEndSize]byte, words uint64) {
	b[0] = byte(MapEnd)
	put64(b[1:], words)
}

// ParseMapEnd takes the payload of MapEnd apart; ok is false if it is none.
func ParseMapEnd(p []byte) (words uint64, ok bool) {
	if len(p) != MapEndSize || MapPiece(p[0]) != MapEnd {
		return 0, false
	}
	return get64(p[1:]), true
}

func put64(b []byte, v uint64) {
	put32(b, uint32(v))
	put32(b[4:], uint32(v>>32))
}

func get64(b []byte) uint64 { return uint64(get32(b)) | uint64(get32(b[4:]))<<32 }
