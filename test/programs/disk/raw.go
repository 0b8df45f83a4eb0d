//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"time"

	"loam/user/object"
	"loam/user/virtio"
	"loam/user/virtio/blk"
	"loam/user/virtio/driver"
)

const (
	depth       = 32 // requests in flight
	mostSectors = 8  // of a request
	limit       = 20 * time.Second
)

// disk is the driver, and what it knows of the device's content.
type disk struct {
	*blk.Disk
	loop     *driver.Loop
	note     object.Notification
	random   *rand.Rand
	slots    [depth]slot
	free     []int
	byTag    map[blk.Tag]int // slots
	versions []uint32        // of sectors: what they hold; 0: zeroes
	busy     []bool          // sectors with a request in flight
	done     map[string]int  // requests, by kind
}

// slot is a request in flight, and memory for its data.
type slot struct {
	memory virtio.Memory
	kind   string
	sector int
	n      int // sectors
}

// raw drives the device itself, as many requests long. It is given the device's interrupt, its
// registers, and memory for it.
func raw(requests int) {
	d := openRaw()
	for n := 0; n < requests || len(d.free) < depth; {
		for n < requests && len(d.free) > 0 {
			d.begin()
			n++
		}
		check(d.Kick())
		bits, err := d.note.Wait(driver.BitInterrupt|driver.BitAlarm, object.Forever)
		check(err)
		check(d.loop.Handle(bits))
	}
	sum := crc32.NewIEEE()
	for i, v := range d.versions {
		_, _ = sum.Write(content(i, v, make([]byte, blk.SectorSize)))
	}
	fmt.Printf("%08x %v\n", sum.Sum32(), d.done)
}

func openRaw() *disk {
	parts, err := driver.Take(object.Given(1), object.Given(0), object.Given(2))
	check(err)
	d := &disk{random: rand.New(rand.NewPCG(1, 2)), byTag: map[blk.Tag]int{}, done: map[string]int{}}
	d.Disk, err = blk.Open(parts.Transport, parts.Arena, blk.Options{Requests: depth, Elements: 3})
	check(err)
	d.note, err = object.NewNotification()
	check(err)
	d.loop, err = parts.Listen(d.note, limit, d.Device(), d.arrived)
	check(err)
	for i := range d.slots {
		d.slots[i].memory, err = parts.Arena.Cut(mostSectors * blk.SectorSize)
		check(err)
		d.free = append(d.free, i)
	}
	d.versions = make([]uint32, d.Info().Sectors)
	d.busy = make([]bool, d.Info().Sectors)
	for i := range d.versions {
		d.versions[i] = 1 // as the host has made it
	}
	return d
}

// begin makes a request.
func (d *disk) begin() {
	i := d.free[len(d.free)-1]
	s := &d.slots[i]
	s.n = 1 + d.random.IntN(mostSectors)
	s.sector = d.random.IntN(len(d.versions) - s.n)
	for at := s.sector; at < s.sector+s.n; at++ {
		if d.busy[at] {
			s.n = at - s.sector
		}
	}
	var tag blk.Tag
	var err error
	kind := d.random.IntN(20)
	switch {
	case kind == 0 || s.n == 0:
		s.kind, s.n = "flush", 0
		tag, err = d.Flush()
	case kind == 1:
		s.kind = "zero"
		tag, err = d.WriteZeroes([]blk.Range{{Sector: uint64(s.sector), Count: uint32(s.n)}}, d.random.IntN(2) == 0)
		d.change(s, 0)
	case kind < 11:
		s.kind = "write"
		d.change(s, 2+uint32(d.random.IntN(1<<30)))
		for k := range s.n {
			content(s.sector+k, d.versions[s.sector+k], s.memory.Bytes()[k*blk.SectorSize:])
		}
		tag, err = d.Write(uint64(s.sector), d.elements(s))
	default:
		s.kind = "read"
		clear(s.memory.Bytes())
		tag, err = d.Read(uint64(s.sector), d.elements(s))
	}
	check(err)
	for at := s.sector; at < s.sector+s.n; at++ {
		d.busy[at] = true
	}
	d.free = d.free[:len(d.free)-1]
	d.byTag[tag] = i
	check(d.loop.Asked())
}

func (d *disk) change(s *slot, version uint32) {
	for at := s.sector; at < s.sector+s.n; at++ {
		d.versions[at] = version
	}
}

// elements cuts a request's data in up to three.
func (d *disk) elements(s *slot) (list []virtio.Element) {
	for at, end := 0, s.n*blk.SectorSize; at < end; {
		n := end - at
		if len(list) < 2 {
			n = 1 + d.random.IntN(n)
		}
		list = append(list, s.memory.Element(at, n))
		at += n
	}
	return list
}

// arrived takes what is done.
func (d *disk) arrived(virtio.Cause) error {
	for more := true; more; {
		for {
			done, ok, err := d.Done()
			if err != nil {
				return err
			}
			if !ok {
				break
			}
			d.end(done)
		}
		var err error
		if more, err = d.Arm(); err != nil {
			return err
		}
	}
	return nil
}

func (d *disk) end(done blk.Done) {
	d.loop.Answered()
	i := d.byTag[done.Tag]
	s := &d.slots[i]
	check(done.Err)
	var want [blk.SectorSize]byte
	for k := range s.n {
		at := s.sector + k
		d.busy[at] = false
		if s.kind == "read" && string(content(at, d.versions[at], want[:])) != string(s.memory.Bytes()[k*blk.SectorSize:][:blk.SectorSize]) {
			check(fmt.Errorf("sector %d isn't as it was written", at))
		}
	}
	d.done[s.kind]++
	d.free = append(d.free, i)
}

// content gives what a sector holds.
func content(sector int, version uint32, b []byte) []byte {
	b = b[:blk.SectorSize]
	clear(b)
	if version != 0 {
		copy(b, fmt.Sprintf("sector %d, version %d", sector, version))
		copy(b[blk.SectorSize-32:], fmt.Sprintf("%32d", uint64(sector)<<32|uint64(version)))
	}
	return b
}
