// SPDX-License-Identifier: Apache-2.0

package streamd

import (
	"encoding/binary"

	"loam/user/streams/ring"
	"loam/user/sys"
	"loam/user/virtio"
)

// The driver's own memory, which outlives it: a record, and the queues with the buffers of the
// device's own messages.
const (
	recordSize  = 4096
	entries     = 16  // of queues out, and of those for the device's messages
	messageSize = 512 // a buffer for a message of the device's
	answerSize  = 16  // and for one to it

	// The record.
	atState    = 0
	atLayout   = 4
	atFeatures = 8
	atRings    = 16  // their physical address
	atFirst    = 32  // for each ring that is an input: the slot of its queue's buffer 0,
	atFilled   = 64  // and how many slots have been given to the client
	atStarts   = 256 // for each input, by slot: how many bytes the stream has before it
	atEnds     = 2048
	maxStarts  = 64 // slots that are told apart: twice as many as an input has

	// What atState may be.
	stateNew    = 0          // no driver has come as far as to open ports
	stateOpens  = 0x6f70656e // likewise: the first was killed before
	stateWorks  = 0x73746d31 // the device is at work, and all else in here is true
	stateFailed = 0x6661696c // a driver has given the device up
)

// record is the driver's record of what it has said to the device. Each word is stored before
// what it is about is said, and means nothing before that.
type record struct{ b []byte }

func (r record) state() uint32     { return sys.LoadShared(r.b, atState) }
func (r record) setState(v uint32) { sys.StoreShared(r.b, atState, v) }

func (r record) put(at int, v uint32)   { binary.LittleEndian.PutUint32(r.b[at:], v) }
func (r record) get(at int) uint32      { return binary.LittleEndian.Uint32(r.b[at:]) }
func (r record) put64(at int, v uint64) { binary.LittleEndian.PutUint64(r.b[at:], v) }
func (r record) get64(at int) uint64    { return binary.LittleEndian.Uint64(r.b[at:]) }

// starts is where the start of an input's slot lies.
func starts(r ring.Ring, slot uint32) int {
	table := atStarts
	if r == ring.ControlIn {
		table += 4 * maxStarts
	}
	return table + 4*int(slot%maxStarts)
}

// ends is where the end of an output's buffer lies.
func ends(r ring.Ring, n uint16) int {
	return atEnds + 4*entries*int(r) + 4*int(n%entries)
}

// places are the parts of the driver's memory.
type places struct {
	record            record
	in, out           virtio.Memory // queues of the device's messages
	messages, answers virtio.Memory // and their buffers
	queues            [ring.Rings]virtio.Memory
}

// ownSize is how much memory the driver has for itself, at most terminal.DriverMemory.
var ownSize = func() int {
	_, size := cut(virtio.Memory{})
	return size
}()

// cut cuts the driver's memory.
func cut(m virtio.Memory) (p places, size int) {
	next := func(n int) (part virtio.Memory) {
		part, _ = m.Part(size, n)
		size += (n + 63) &^ 63
		return part
	}
	p.record = record{next(recordSize).Bytes()}
	p.in, p.out = next(virtio.KeptQueueBytes(entries)), next(virtio.KeptQueueBytes(entries))
	p.messages, p.answers = next(entries*messageSize), next(entries*answerSize)
	for r := range ring.Rings {
		p.queues[r] = next(virtio.KeptQueueBytes(queueSize(r)))
	}
	return p, size
}

// queueSize is how many entries a ring's queue has.
func queueSize(r ring.Ring) int {
	if r.IsInput() {
		return r.Slots()
	}
	return entries
}
