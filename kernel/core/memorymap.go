//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi/channel"
	"loam/machine/bootinfo"
	"loam/machine/frame"
	"loam/machine/metal"
	"loam/machine/phys"
)

// The map of memory (map=MOMENT on the command line): what the frame allocator
// knows, block by block, sent to the host, which makes a picture of it.
//
// It is made in pieces of a bounded number of blocks. Between them interrupts
// come and the kernel lock is free, but no program runs: every CPU is brought in
// and stays in choose until the map is done. So the map is of one moment, but for
// what the kernel's own heap takes meanwhile. Who draws, and that somebody does,
// is told by a bit of k.dirty, which nobody goes out past: a machine that isn't
// asked for a map looks at nothing more than it does anyway.

// memoryMap is the map that is asked for or made; the kernel lock guards it.
var memoryMap drawing

type drawing struct {
	asked  bool  // for a map that hasn't been begun
	wanted bool  // now
	by     int32 // the runner that makes it, or nobody
	moment channel.MapMoment

	at     uint64          // physical address where the next piece begins
	region uint64          // the one that the last block was in
	word   channel.MapWord // not sent yet: more may join it
	words  uint64          // sent, and in runner.buf
}

const (
	// blocksAtOnce bounds a piece. Of 250 blocks it was 132,000 instructions with
	// interrupts off in a checked build; of 128 other work takes longer, 105,000.
	blocksAtOnce = 128
	// pieceBytes is the most that a piece makes: each block may begin a region,
	// and send off the word before it.
	pieceBytes = 1 + (2*blocksAtOnce+2)*channel.MapWordSize

	nobody = -1
)

var _ [bufSize - pieceBytes]struct{}

// askForMap sees whether the command line asks for a map, and when. The first
// program is ready and has not run.
func (k *kernel) askForMap() {
	d := &memoryMap
	d.by = nobody
	v, ok := bootinfo.Lookup(metal.CommandLine(), "map")
	if !ok {
		return
	}
	ns, code := bootinfo.Uint(metal.CommandLine(), "map")
	switch {
	case string(v) == "start":
		d.asked = true
		k.draw(channel.MapAtStart)
	case string(v) == "end":
		d.asked = true
	case code == bootinfo.OK && ns < 1<<62:
		d.asked = true
		k.timers.Set(k.mapTimer(), metal.Now()+int64(ns))
	}
}

// mapTimer is the map's place among the timers, behind those of processes.
func (k *kernel) mapTimer() int32 {
	return int32(k.threads.Cap() + k.processes.Cap()*timersPerProcess)
}

// draw has the map made before any program goes on.
func (k *kernel) draw(m channel.MapMoment) {
	if d := &memoryMap; d.asked {
		d.asked, d.wanted, d.moment = false, true, m
		k.dirty |= workMap
	}
}

// drawAtTime is for the map's timer.
func (k *kernel) drawAtTime() { k.draw(channel.MapAtTime) }

// drawMap makes the map, or waits a little while another CPU does. It gives the
// kernel lock back meanwhile.
func (r *runner) drawMap() {
	d := &memoryMap
	k.dirty |= workMap // a flush has cleared it
	if d.by != nobody {
		r.breathe()
		return
	}
	d.by = r.id
	r.barrier(nil)
	r.beginMap()
	for r.drawPiece() {
		k.dirty |= workMap
		r.breathe()
	}
	d.by = nobody
	d.wanted = false
	k.dirty &^= workMap
}

// beginMap sends what stands at the head of a map: the owners' names, and what is
// in no region and still has an owner.
func (r *runner) beginMap() {
	d := &memoryMap
	var b [channel.MapBeginSize]byte
	channel.PutMapBegin(&b, d.moment, uint64(metal.Now()), k.frames.Stats().Reserve)
	metal.HostWrite(channel.MemoryMap, b[:])
	for o := frame.Nobody + 1; o < frame.Owners; o++ {
		r.buf[0], r.buf[1] = byte(channel.MapOwner), byte(o)
		n := copy(r.buf[2:2+channel.MapMaxName], o.String())
		metal.HostWrite(channel.MemoryMap, r.buf[:2+n])
	}
	r.buf[0] = byte(channel.MapBlocks)
	n := 1
	if size := uint64(len(metal.Archive())); size > 0 {
		n = r.putWord(n, channel.NewMapWord(channel.MapRegion, 0, metal.ArchivePhys()>>phys.PageShift, false))
		frames := (size + phys.PageSize - 1) >> phys.PageShift
		n = r.putWord(n, channel.NewMapWord(channel.MapOutside, uint8(frame.Archive), frames, false))
		metal.HostWrite(channel.MemoryMap, r.buf[:n])
	}
}

// drawPiece sends the next blocks, and after the last one the end; false then.
func (r *runner) drawPiece() bool {
	d := &memoryMap
	r.buf[0] = byte(channel.MapBlocks)
	n, more := 1, true
	for range blocksAtOnce {
		var b frame.Block
		if b, more = k.frames.Next(d.at); !more {
			break
		}
		n = r.putBlock(n, &b)
	}
	if !more {
		n = r.putWord(n, d.word)
	}
	metal.HostWrite(channel.MemoryMap, r.buf[:n])
	if !more {
		var b [channel.MapEndSize]byte
		channel.PutMapEnd(&b, d.words)
		metal.HostWrite(channel.MemoryMap, b[:])
	}
	return more
}

// putBlock joins a block to the word before it, or begins another.
func (r *runner) putBlock(n int, b *frame.Block) int {
	d := &memoryMap
	if b.Region != d.region {
		n = r.putWord(n, d.word)
		n = r.putWord(n, channel.NewMapWord(channel.MapRegion, 0, b.Region>>phys.PageShift, false))
		d.region, d.word = b.Region, 0
	}
	d.at = b.Addr + b.Frames<<phys.PageShift
	w := channel.NewMapWord(mapKind(b.State), uint8(b.Owner), b.Frames, b.Shared)
	if alike := w - channel.MapWord(b.Frames); alike == d.word-channel.MapWord(d.word.Frames()) && joins(w.Kind()) {
		d.word += channel.MapWord(b.Frames)
		return n
	}
	n = r.putWord(n, d.word)
	d.word = w
	return n
}

// joins says whether neighbours of a kind that are alike become one word.
func joins(kind channel.MapKind) bool {
	return kind == channel.MapSingles || kind == channel.MapCached
}

// mapKind gives the kind of a block in a map. One that makes no sense counts as
// taken, by nobody: the host refuses it.
func mapKind(s frame.State) channel.MapKind {
	switch s {
	case frame.StateFree:
		return channel.MapFree
	case frame.StateCached:
		return channel.MapCached
	case frame.StateRun:
		return channel.MapRun
	}
	return channel.MapSingles
}

// putWord puts a word at n of the buffer, 0 excepted, and returns where the next
// one goes.
func (r *runner) putWord(n int, w channel.MapWord) int {
	if w == 0 || n > bufSize-channel.MapWordSize {
		return n
	}
	channel.PutMapWord(r.buf[n:], w)
	memoryMap.words++
	return n + channel.MapWordSize
}
