// SPDX-License-Identifier: Apache-2.0

package fdt

// Blob is a flattened devicetree, big-endian as it lies in memory.
type Blob []byte

// The header, section 5.2: ten words.
const (
	HeaderSize = 40 // bytes
	magic      = 0xd00dfeed
	version    = 17

	atTotalSize   = 4
	atStructs     = 8
	atStrings     = 12
	atReserved    = 16
	atVersion     = 20
	atLastVersion = 24
	atStringsSize = 32
	atStructsSize = 36
)

// Tokens of the structure block, section 5.4.1.
const (
	tokenBegin = 1
	tokenEnd   = 2
	tokenProp  = 3
	tokenNop   = 4
	tokenFinal = 9
)

// word reads the big-endian word at an offset that has been checked, or 0.
func (b Blob) word(at uint64) uint32 {
	if at+4 > uint64(len(b)) || at+4 < at {
		return 0
	}
	return be32(b[at:])
}

// Size returns the size that the header in the first HeaderSize bytes gives, for
// who has but an address.
func Size(header []byte) (uint64, Code) {
	b := Blob(header)
	size := uint64(b.word(atTotalSize))
	switch {
	case len(b) < HeaderSize || b.word(0) != magic:
		return 0, BadMagic
	case size < HeaderSize || size > MaxSize:
		return 0, BadSize
	}
	return size, OK
}

// Check looks whether the header is good and all blocks lie inside the blob.
func (b Blob) Check() Code {
	size, code := Size(b)
	if code != OK {
		return code
	}
	if size > uint64(len(b)) {
		return BadSize
	}
	if b.word(atVersion) < version || b.word(atLastVersion) > version {
		return BadVersion
	}
	structs, strings := b.structs(), b.strings()
	reserved := uint64(b.word(atReserved))
	if structs.start%4 != 0 || structs.end > size || strings.end > size ||
		reserved%8 != 0 || reserved+16 > size || structs.start < HeaderSize || strings.start < HeaderSize {
		return BadOffset
	}
	return OK
}

// block is a part of the blob, in bytes from its start.
type block struct{ start, end uint64 }

func (b Blob) structs() block {
	at := uint64(b.word(atStructs))
	return block{at, at + uint64(b.word(atStructsSize))}
}

func (b Blob) strings() block {
	at := uint64(b.word(atStrings))
	return block{at, at + uint64(b.word(atStringsSize))}
}

// text returns the string at an offset, without its NUL, which must come before
// end.
func (b Blob) text(at, end uint64) ([]byte, bool) {
	end = min(end, uint64(len(b)))
	for i := at; i < end; i++ {
		if b[i] == 0 {
			return b[at:i:i], true
		}
	}
	return nil, false
}

// Reservation returns entry i of the memory reservation block (section 5.3), false
// behind the last.
func (b Blob) Reservation(i uint64) (start, size uint64, ok bool) {
	at := uint64(b.word(atReserved)) + 16*i
	if i >= MaxSize/16 || at+16 > uint64(b.word(atTotalSize)) || at+16 > uint64(len(b)) {
		return 0, 0, false
	}
	start = uint64(b.word(at))<<32 | uint64(b.word(at+4))
	size = uint64(b.word(at+8))<<32 | uint64(b.word(at+12))
	return start, size, start != 0 || size != 0
}

// Kind is what a step of a walk has come to.
type Kind uint8

// The kinds.
const (
	Begin    Kind = iota // a node begins; its properties follow
	Property             // of the node that has begun
	End                  // the node ends
	Done                 // so does the tree
)

// Walk goes through a blob that Check has found good.
type Walk struct {
	blob    Blob // as far as the structure block goes
	at      uint64
	strings block
	depth   int

	Name  Span // of the node
	Value Span // of the property
	name  uint64
}

// Span is a part of the blob.
type Span struct{ At, Len uint32 }

// Of returns the part itself.
func (s Span) Of(b Blob) []byte {
	end := uint64(s.At) + uint64(s.Len)
	if end > uint64(len(b)) {
		return nil
	}
	return b[s.At:end:end]
}

// Walk begins at the root.
func (b Blob) Walk() Walk {
	s := b.structs()
	return Walk{blob: b[:min(s.end, uint64(len(b)))], at: s.start, strings: b.strings()}
}

// Depth is how many nodes the walk is in.
func (w *Walk) Depth() int { return w.depth }

// Next goes a step.
func (w *Walk) Next() (Kind, Code) {
	for w.at+4 <= uint64(len(w.blob)) {
		token := be32(w.blob[w.at:])
		w.at += 4
		switch token {
		case tokenNop:
		case tokenBegin:
			return w.begin()
		case tokenProp:
			return w.property()
		case tokenEnd:
			if w.depth == 0 {
				return 0, BadToken
			}
			w.depth--
			return End, OK
		case tokenFinal:
			if w.depth != 0 {
				return 0, Truncated
			}
			return Done, OK
		default:
			return 0, BadToken
		}
	}
	return 0, Truncated
}

func (w *Walk) begin() (Kind, Code) {
	name, ok := w.blob.text(w.at, w.at+MaxName)
	switch {
	case !ok:
		return 0, BadName
	case w.depth == MaxDepth:
		return 0, TooDeep
	}
	w.depth++
	w.Name, w.Value = Span{uint32(w.at), uint32(len(name))}, Span{}
	w.at += (uint64(len(name)) + 4) &^ 3
	return Begin, OK
}

func (w *Walk) property() (Kind, Code) {
	if w.at+8 > uint64(len(w.blob)) {
		return 0, Truncated
	}
	head := w.blob[w.at:]
	n := uint64(be32(head))
	w.name = w.strings.start + uint64(be32(head[4:]))
	w.at += 8
	switch {
	case w.depth == 0 || w.name >= w.strings.end:
		return 0, BadName
	case n > uint64(len(w.blob))-w.at:
		return 0, Truncated
	}
	w.Value = Span{uint32(w.at), uint32(n)}
	w.at += (n + 3) &^ 3
	return Property, OK
}

// Property returns the name of the property in b, the blob that the walk goes
// through; false: it has none that ends.
func (w *Walk) Property(b Blob) ([]byte, bool) {
	return b.text(w.name, min(w.strings.end, w.name+MaxName))
}

// be32 reads the big-endian word that b begins with.
func be32(b []byte) uint32 {
	_ = b[3]
	return uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
}

// Cell reads word i of a property's value; false if there is none.
func Cell(value []byte, i int) (uint32, bool) {
	if i < 0 || i >= len(value)/4 {
		return 0, false
	}
	return Blob(value).word(uint64(i) * 4), true
}

// Cells reads a number of n words, from word i on; false if it isn't there or has
// more than 64 bits.
func Cells(value []byte, i, n int) (v uint64, ok bool) {
	for ; n > 0; n-- {
		w, there := Cell(value, i)
		if !there || v>>32 != 0 {
			return 0, false
		}
		v = v<<32 | uint64(w)
		i++
	}
	return v, true
}

// HasString reports whether a property's value, a list of strings, has one.
func HasString(value []byte, want string) bool {
	for i := 0; i < len(value); {
		s, ok := Blob(value).text(uint64(i), uint64(len(value)))
		if !ok {
			return false
		}
		if string(s) == want {
			return true
		}
		i += len(s) + 1
	}
	return false
}
