// SPDX-License-Identifier: Apache-2.0

package memorymap

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"loam/abi/channel"
)

// Limits of a map.
const (
	// MaxWords is the most words of a map that are taken: 2^21, for 48 MiB of
	// memory in this program.
	MaxWords = 1 << 21
	// MaxFrames is the end of the physical addresses that a map may have, in
	// frames of 4 KiB: 2^32, for 16 TiB.
	MaxFrames = 1 << 32

	maxOwners  = 64
	maxRegions = 1024
)

const (
	pageShift = 12
	pageSize  = 1 << pageShift
)

// Owner is the number of an owner of frames, an index of Map.Owners. 0 is nobody.
type Owner uint8

// Block is what lies at some frames.
type Block struct {
	Frame, Frames uint64 // number of the first frame, and how many there are
	Kind          channel.MapKind
	Owner         Owner // 0 when they are free
	Shared        bool  // each has more than one reference
}

// End is the number of the frame behind the block.
func (b *Block) End() uint64 { return b.Frame + b.Frames }

// Free says whether nobody has the block.
func (b *Block) Free() bool { return b.Kind == channel.MapFree || b.Kind == channel.MapCached }

// Region is a range of frames that the allocator manages.
type Region struct{ Frame, End uint64 }

// Map is a map of physical memory.
type Map struct {
	Moment  channel.MapMoment
	Time    time.Duration // since power-on
	Reserve uint64        // frames that programs can't have
	Owners  []string      // names, by number; empty for a number without
	Regions []Region      // by rising address
	Blocks  []Block       // by rising address, no overlap; gaps are no memory, or the firmware's
}

// Decoder puts a map together from the payloads of frames of the type
// channel.MemoryMap. The zero value is ready.
type Decoder struct {
	m     Map
	began bool
	ended bool
	at    uint64 // where the next block lies
	words uint64 // taken
	place bool   // the last word was a MapRegion
	outer []Block
	err   error
}

// ErrIncomplete is returned for a map whose end has not come.
var ErrIncomplete = errors.New("the map of memory did not come to its end")

// ErrNone is returned when nothing of a map has come.
var ErrNone = errors.New("no map of memory was made")

// Add takes the next payload. After an error it takes nothing any more; Map
// returns the error.
func (d *Decoder) Add(p []byte) {
	if d.err != nil {
		return
	}
	if d.err = d.add(p); d.err != nil {
		d.m, d.outer = Map{}, nil
		d.err = fmt.Errorf("the kernel's map of memory makes no sense: %w", d.err)
	}
}

func (d *Decoder) add(p []byte) error {
	if len(p) == 0 {
		return errors.New("an empty piece")
	}
	piece := channel.MapPiece(p[0])
	if d.ended || d.began != (piece != channel.MapBegin) {
		return errors.New("its pieces are out of order")
	}
	switch piece {
	case channel.MapBegin:
		moment, ns, reserve, ok := channel.ParseMapBegin(p)
		if !ok || ns >= 1<<62 || reserve > MaxFrames {
			return errors.New("bad beginning")
		}
		d.began = true
		d.m = Map{Moment: moment, Time: time.Duration(ns), Reserve: reserve, Owners: make([]string, maxOwners)}
		return nil
	case channel.MapOwner:
		return d.owner(p[1:])
	case channel.MapBlocks:
		return d.blocks(p[1:])
	case channel.MapEnd:
		words, ok := channel.ParseMapEnd(p)
		if !ok || words != d.words || d.place {
			return errors.New("bad end")
		}
		d.ended = true
		return d.finish()
	}
	return errors.New("unknown piece")
}

func (d *Decoder) owner(p []byte) error {
	if len(p) < 2 || len(p) > 1+channel.MapMaxName || p[0] == 0 || p[0] >= maxOwners || d.m.Owners[p[0]] != "" {
		return errors.New("bad owner")
	}
	for _, c := range p[1:] {
		if c < ' ' || c > '~' {
			return errors.New("bad name of an owner")
		}
	}
	d.m.Owners[p[0]] = string(p[1:])
	return nil
}

func (d *Decoder) blocks(p []byte) error {
	if len(p)%channel.MapWordSize != 0 {
		return errors.New("half a word")
	}
	for ; len(p) > 0; p = p[channel.MapWordSize:] {
		if d.words++; d.words > MaxWords {
			return fmt.Errorf("more than %d blocks", MaxWords)
		}
		if err := d.word(channel.GetMapWord(p)); err != nil {
			return err
		}
	}
	return nil
}

func (d *Decoder) word(w channel.MapWord) error {
	if w.Kind() == channel.MapRegion {
		if d.place || w.Reserved() != 0 || w.Owner() != 0 || w.Shared() || w.Frames() >= MaxFrames {
			return errors.New("bad region")
		}
		d.at, d.place = w.Frames(), true
		return nil
	}
	b := Block{Frame: d.at, Frames: w.Frames(), Kind: w.Kind(), Owner: Owner(w.Owner()), Shared: w.Shared()}
	free := b.Free()
	switch {
	case w.Reserved() != 0, b.Kind < channel.MapFree, b.Kind > channel.MapOutside,
		b.Frames == 0, b.Frames > MaxFrames-d.at, !d.place && d.words == 1:
		return errors.New("bad block")
	case free && (b.Owner != 0 || b.Shared):
		return errors.New("a free block with an owner")
	case !free && (b.Owner == 0 || b.Owner >= maxOwners || d.m.Owners[b.Owner] == ""):
		return errors.New("a block of an unknown owner")
	case b.Kind == channel.MapOutside:
		if !d.place || len(d.outer) == maxRegions {
			return errors.New("bad place outside of the regions")
		}
		d.outer = append(d.outer, b)
		d.at, d.place = MaxFrames, false // a region has to follow
		return nil
	}
	if n := len(d.m.Blocks); n > 0 && d.at < d.m.Blocks[n-1].End() {
		return errors.New("addresses that don't rise")
	}
	if d.place {
		if len(d.m.Regions) == maxRegions {
			return errors.New("too many regions")
		}
		d.m.Regions = append(d.m.Regions, Region{d.at, d.at})
		d.place = false
	}
	d.m.Blocks = append(d.m.Blocks, b)
	d.at = b.End()
	d.m.Regions[len(d.m.Regions)-1].End = d.at
	return nil
}

// finish puts what lies outside of the regions among the blocks.
func (d *Decoder) finish() error {
	if len(d.m.Regions) == 0 {
		return errors.New("no memory at all")
	}
	d.m.Blocks = append(d.m.Blocks, d.outer...)
	slices.SortStableFunc(d.m.Blocks, func(a, b Block) int { return cmp.Compare(a.Frame, b.Frame) })
	for i := 1; i < len(d.m.Blocks); i++ {
		if d.m.Blocks[i].Frame < d.m.Blocks[i-1].End() {
			return errors.New("blocks that overlap")
		}
	}
	for i := range d.m.Owners {
		d.m.Owners[i] = strings.TrimSpace(d.m.Owners[i])
	}
	return nil
}

// Map returns the map. ErrNone, ErrIncomplete, or what was wrong with it.
func (d *Decoder) Map() (*Map, error) {
	switch {
	case d.err != nil:
		return nil, d.err
	case !d.began:
		return nil, ErrNone
	case !d.ended:
		return nil, ErrIncomplete
	}
	return &d.m, nil
}
