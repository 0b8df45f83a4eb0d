// SPDX-License-Identifier: Apache-2.0

package ring

import (
	"errors"

	"loam/user/sys"
)

// ErrBroken: the other side's words can't be.
var ErrBroken = errors.New("ring: the other side broke the ring")

// Ring is the number of one.
type Ring int

// The rings, the three streams first, by the numbers of their descriptors.
const (
	Stdin Ring = iota
	Stdout
	Stderr
	ControlIn  // messages of the host's
	ControlOut // and to it
	Rings
)

// SlotSize is the size of an input's slots in bytes.
const SlotSize = 4096

const slotShift = 12

// slots are how many an input has, a power of two.
var slots = [Rings]int{Stdin: 32, ControlIn: 4}

// outputs are the sizes of outputs in bytes, powers of two.
var outputs = [Rings]int{Stdout: 128 << 10, Stderr: 64 << 10, ControlOut: 4096}

// IsInput reports whether bytes come by it.
func (r Ring) IsInput() bool { return slots[r] > 0 }

// Slots tells how many slots an input has.
func (r Ring) Slots() int { return slots[r] }

// Size tells how many bytes a ring has.
func (r Ring) Size() int { return outputs[r] + slots[r]*SlotSize }

// Offset tells where its bytes begin in the memory, a multiple of SlotSize.
func (r Ring) Offset() int {
	at := headSize
	for i := range r {
		at += i.Size()
	}
	return at
}

// Size is the size of the memory, whole pages.
var Size = Rings.Offset()

// Layout is a number that says how the memory is laid out. Two sides with the same one fit.
var Layout = func() uint32 {
	n := uint32(2)
	for r := range Rings {
		n = n*31 + uint32(r.Size())
	}
	return n
}()

// The head of the memory: for each ring two lines, then the tables of the inputs.
const (
	headSize   = 4096
	lineSize   = 64
	clientLine = 0
	driverLine = lineSize
	ringLines  = 2 * lineSize
	tables     = int(Rings) * ringLines
	maxSlots   = 32
	entrySize  = 8 // length and start

	// Words of both lines.
	position = 0
	wants    = 4
	event    = 8 // of the driver's, of an input: the position at whose passing it wants to be signalled
)

// words are the words of a ring.
type words struct {
	mem  []byte
	at   int // of the two lines
	data int
	ring Ring
}

func newWords(mem []byte, r Ring) words {
	return words{mem: mem[:Size:Size], at: int(r) * ringLines, data: r.Offset(), ring: r}
}

func (w *words) load(at int) uint32     { return sys.LoadShared(w.mem, w.at+at) }
func (w *words) store(at int, v uint32) { sys.StoreShared(w.mem, w.at+at, v) }

// entry is where the length of an input's slot lies; the start is behind it.
func (w *words) entry(slot uint32) int {
	table := tables
	if w.ring == ControlIn {
		table += maxSlots * entrySize
	}
	return table + entrySize*int(slot)
}

// take takes the other side's wish to be woken back, and reports whether there was one.
func (w *words) take(line int) bool {
	if w.load(line+wants) == 0 {
		return false
	}
	w.store(line+wants, 0)
	return true
}
