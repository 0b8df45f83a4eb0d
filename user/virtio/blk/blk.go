// SPDX-License-Identifier: Apache-2.0

package blk

import (
	"bytes"
	"encoding/binary"
	"errors"

	"loam/user/virtio"
)

// Errors of requests. They leave the device as it is.
var (
	// ErrIO: the device could not do it; how far it came isn't known.
	ErrIO = errors.New("blk: the device could not do it")
	// ErrUnsupported: the device doesn't know such requests.
	ErrUnsupported = errors.New("blk: the device can't do that")
	// ErrReadOnly: the device can't be written.
	ErrReadOnly = errors.New("blk: the device can't be written")
	// ErrRequest: the request is beyond the capacity or the limits of Info, or its data
	// isn't whole sectors.
	ErrRequest = errors.New("blk: such a request can't be")
)

// requestq is the queue that is used (5.2.2).
const requestq = 0

// Types of requests (5.2.6).
const (
	typeIn          = 0
	typeOut         = 1
	typeFlush       = 4
	typeGetID       = 8
	typeDiscard     = 11
	typeWriteZeroes = 13
)

// Values of the status (5.2.6). noStatus is what it is before the device has
// written it.
const (
	statusOK     = 0
	statusIOErr  = 1
	statusUnsupp = 2
	noStatus     = 0xff
)

// A request's own memory, which the device reads and writes: header, status, name or
// ranges.
const (
	slotHeader = 0
	headerSize = 16
	slotStatus = 16
	slotName   = 20
	nameSize   = 20
	slotRanges = 48
	rangeSize  = 16
	slotSize   = 128

	// MaxRanges is the most ranges of one request.
	MaxRanges = (slotSize - slotRanges) / rangeSize
)

// flagUnmap is the flag of a range (5.2.6).
const flagUnmap = 1

// MaxElements is the most elements of a request's data.
const MaxElements = 126

// Options are what can be chosen.
type Options struct {
	// Requests is how many are in flight at most, 3 to virtio.MaxQueueSize; the device
	// may allow fewer.
	Requests int
	// Elements is how many elements a request's data mostly has at most; with more a
	// request takes more of the queue. 0 means 1.
	Elements int
	// Without are features of the transport's that aren't wanted.
	Without uint64
}

// Disk is a block device. It belongs to one goroutine at a time.
type Disk struct {
	device   *virtio.Device
	queue    *virtio.Queue
	info     Info
	slots    virtio.Memory
	requests []request // by slot
	byID     []Tag     // by the id of the buffer
	free     []Tag
	readable [MaxElements + 1]virtio.Element // of the request that is being made
	writable [MaxElements + 1]virtio.Element
}

// Tag names a request in flight, less than Options.Requests. It names another one when
// Done has given it back.
type Tag uint16

// request is a request in flight.
type request struct {
	writable uint32 // bytes that are written if all goes well
	reads    bool   // data, which the device gives
}

// Done is a request that is done.
type Done struct {
	Tag Tag
	Err error // nil, ErrIO or ErrUnsupported
}

// Open takes the device over, with memory of the arena.
func Open(t virtio.Transport, a *virtio.Arena, o Options) (*Disk, error) {
	d, err := virtio.Open(t, virtio.Want{ID: virtio.DeviceBlock, Features: features, Without: o.Without})
	if err != nil {
		return nil, err
	}
	k := &Disk{device: d}
	if err := k.setUp(a, o); err != nil {
		return nil, errors.Join(err, d.Fail())
	}
	d.Start()
	return k, nil
}

func (k *Disk) setUp(a *virtio.Arena, o Options) (err error) {
	if k.queue, err = k.device.Queue(requestq, o.Requests, max(o.Elements, 1)+2, a); err != nil {
		return err
	}
	n := k.queue.Size()
	if n < 3 { // no room for header, data and status
		return virtio.ErrMemory
	}
	if k.info, err = readInfo(k.device, min(MaxElements, n-2)); err != nil {
		return err
	}
	if k.slots, err = a.Cut(n * slotSize); err != nil {
		return err
	}
	k.requests, k.byID, k.free = make([]request, n), make([]Tag, n), make([]Tag, 0, n)
	for i := n - 1; i >= 0; i-- {
		k.free = append(k.free, Tag(i))
	}
	return nil
}

// Bytes tells how much memory a disk with these options takes of its arena at most.
func (o Options) Bytes() int {
	q := virtio.QueueConfig{Size: o.Requests, Indirect: max(o.Elements, 1) + 2, Packed: true}
	split := q
	split.Packed = false
	const rounding = 128
	return max(q.Bytes(), split.Bytes()) + o.Requests*slotSize + rounding
}

// Device gives the device, for Interrupt and Reset.
func (k *Disk) Device() *virtio.Device { return k.device }

// Info gives what the device said of itself when it was opened.
func (k *Disk) Info() Info { return k.info }

// Refresh reads the configuration again, when it has changed: the capacity may.
func (k *Disk) Refresh() error {
	i, err := readInfo(k.device, min(MaxElements, k.queue.Size()-2))
	if err == nil {
		k.info = i
	}
	return err
}

// Kick tells the device of the requests that were made since.
func (k *Disk) Kick() error { return k.device.Kick(k.queue) }

// Arm and Quiet are for notifications, as of virtio.Queue.
func (k *Disk) Arm() (more bool, err error) { return k.queue.Arm() }

// Quiet wants no notifications until Arm.
func (k *Disk) Quiet() { k.queue.Quiet() }

// MaxInFlight tells how many requests can be in flight at most, and so which Tags there are.
// Without indirect descriptors fewer can.
func (k *Disk) MaxInFlight() int { return len(k.requests) }

// InFlight tells how many requests are not done.
func (k *Disk) InFlight() int { return len(k.requests) - len(k.free) }

// Read reads whole sectors from a sector on to elements. ErrFull: as many requests
// are in flight as can be.
func (k *Disk) Read(sector uint64, data []virtio.Element) (Tag, error) {
	n, err := k.checkData(sector, data)
	if err != nil {
		return 0, err
	}
	return k.send(typeIn, sector, nil, data, request{writable: n, reads: true})
}

// Write writes whole sectors from a sector on.
func (k *Disk) Write(sector uint64, data []virtio.Element) (Tag, error) {
	if k.info.ReadOnly {
		return 0, ErrReadOnly
	}
	if _, err := k.checkData(sector, data); err != nil {
		return 0, err
	}
	return k.send(typeOut, sector, data, nil, request{})
}

// checkData checks what Read and Write are asked, and gives the number of bytes.
func (k *Disk) checkData(sector uint64, data []virtio.Element) (uint32, error) {
	n := 0
	for _, e := range data {
		if e.Length() == 0 || e.Length() > k.info.MaxSegment {
			return 0, ErrRequest
		}
		n += e.Length()
	}
	if n == 0 || n%SectorSize != 0 || n >= 1<<31 || len(data) > k.info.MaxSegments || !k.within(sector, uint64(n/SectorSize)) {
		return 0, ErrRequest
	}
	return uint32(n), nil
}

// within reports whether sectors are within the capacity (5.2.6.1).
func (k *Disk) within(sector, n uint64) bool {
	return sector <= k.info.Sectors && n <= k.info.Sectors-sector
}

// Flush makes all writes stable that are done. A device that isn't WriteBack has
// nothing to flush: ErrUnsupported.
func (k *Disk) Flush() (Tag, error) {
	if !k.info.WriteBack {
		return 0, ErrUnsupported
	}
	return k.send(typeFlush, 0, nil, nil, request{})
}

// Range is a range of sectors.
type Range struct {
	Sector uint64
	Count  uint32
}

// Discard says that the content of ranges isn't needed any more. It is anything then.
func (k *Disk) Discard(ranges []Range) (Tag, error) {
	return k.ranges(typeDiscard, k.info.Discard, ranges, 0)
}

// WriteZeroes makes ranges zero; with unmap the device may give up what they take.
func (k *Disk) WriteZeroes(ranges []Range, unmap bool) (Tag, error) {
	flags := uint32(0)
	if unmap {
		flags = flagUnmap
	}
	return k.ranges(typeWriteZeroes, k.info.WriteZeroes, ranges, flags)
}

func (k *Disk) ranges(kind uint32, limits Ranges, ranges []Range, flags uint32) (Tag, error) {
	switch {
	case limits.Max == 0:
		return 0, ErrUnsupported
	case k.info.ReadOnly:
		return 0, ErrReadOnly
	case len(ranges) == 0 || len(ranges) > limits.Count:
		return 0, ErrRequest
	}
	for _, r := range ranges {
		if r.Count == 0 || r.Count > limits.Max || !k.within(r.Sector, uint64(r.Count)) {
			return 0, ErrRequest
		}
	}
	tag, ok := k.next()
	if !ok {
		return 0, virtio.ErrFull
	}
	b := k.slot(tag)[slotRanges:]
	for i, r := range ranges {
		binary.LittleEndian.PutUint64(b[rangeSize*i:], r.Sector)
		binary.LittleEndian.PutUint32(b[rangeSize*i+8:], r.Count)
		binary.LittleEndian.PutUint32(b[rangeSize*i+12:], flags)
	}
	data := [1]virtio.Element{k.slots.Element(int(tag)*slotSize+slotRanges, rangeSize*len(ranges))}
	return k.send(kind, 0, data[:], nil, request{})
}

// AskName asks for the device's name, which Name gives once that is done.
func (k *Disk) AskName() (Tag, error) {
	tag, ok := k.next()
	if !ok {
		return 0, virtio.ErrFull
	}
	clear(k.slot(tag)[slotName:][:nameSize])
	data := [1]virtio.Element{k.slots.Element(int(tag)*slotSize+slotName, nameSize)}
	return k.send(typeGetID, 0, nil, data[:], request{writable: nameSize})
}

// Name gives the name that AskName asked for, at most 20 bytes of any kind. It is there
// until the next request is made.
func (k *Disk) Name(t Tag) string {
	b := bytes.Clone(k.slot(t)[slotName:][:nameSize])
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return string(b)
}

// next gives the slot that the next request will have.
func (k *Disk) next() (Tag, bool) {
	if len(k.free) == 0 {
		return 0, false
	}
	return k.free[len(k.free)-1], true
}

func (k *Disk) slot(t Tag) []byte { return k.slots.Bytes()[int(t)*slotSize:][:slotSize] }

// send adds a request to the queue: header, data, status.
func (k *Disk) send(kind uint32, sector uint64, out, in []virtio.Element, r request) (Tag, error) {
	tag, ok := k.next()
	if !ok {
		return 0, virtio.ErrFull
	}
	b := k.slot(tag)
	binary.LittleEndian.PutUint32(b[slotHeader:], kind)
	binary.LittleEndian.PutUint32(b[slotHeader+4:], 0)
	binary.LittleEndian.PutUint64(b[slotHeader+8:], sector)
	b[slotStatus] = noStatus
	k.readable[0] = k.slots.Element(int(tag)*slotSize+slotHeader, headerSize)
	n := copy(k.writable[:], in)
	k.writable[n] = k.slots.Element(int(tag)*slotSize+slotStatus, 1)
	id, err := k.queue.Add(k.readable[:1+copy(k.readable[1:], out)], k.writable[:n+1])
	if err != nil {
		return 0, err
	}
	r.writable++
	k.requests[tag] = r
	k.byID[id] = tag
	k.free = k.free[:len(k.free)-1]
	return tag, nil
}

// Done gives a request that is done, ok if there is one.
func (k *Disk) Done() (d Done, ok bool, err error) {
	u, ok, err := k.queue.Used()
	if err != nil || !ok {
		return Done{}, false, err
	}
	d.Tag = k.byID[u.ID]
	r := k.requests[d.Tag]
	switch status := k.slot(d.Tag)[slotStatus]; status { // read once
	case statusOK:
		if r.reads && u.Length < r.writable {
			return Done{}, false, k.queue.Broken(uint64(u.Length), uint64(r.writable))
		}
	case statusIOErr:
		d.Err = ErrIO
	case statusUnsupp:
		d.Err = ErrUnsupported
	default:
		return Done{}, false, k.queue.Broken(uint64(status), statusUnsupp)
	}
	k.free = append(k.free, d.Tag)
	return d, true, nil
}
