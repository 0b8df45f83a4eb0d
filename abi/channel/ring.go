// SPDX-License-Identifier: Apache-2.0

package channel

// The ring is memory that guest and host share. A payload that lies in it
// costs the debug port four bytes instead of its length plus four, and each
// byte through an emulated port costs microseconds.
//
// It has slots of SlotSize bytes for each direction, which are filled strictly
// in turn: a payload fills as many as it needs (Slots), and the next one begins
// with the slot behind. So neither side tells the other a position. The only
// thing that either reads in the shared memory apart from payloads is one
// count, of the slots that the other has taken out, modulo 256. It is a byte,
// so that it can't be seen half written, however the host reaches the memory.
//
//	+0                 OutTaken: slots that the host has taken out
//	+InTaken           slots that the guest has taken out
//	+SlotSize          OutSlots slots, guest to host
//	+SlotSize*(1+OutSlots)  InSlots slots, host to guest
//
// A count that lies can only say that there is no room (Free). A payload must
// be copied out once before it is looked at: its writer may change it at any
// time. What a liar spoils is his own stream.
//
// Who finds no room falls back on what needs none. The guest sends a little of
// its output as an ordinary frame: if the host does not read, the port blocks
// and the emulator sleeps, so that a guest whose reader is slow does not spin.
// The host sends WantRoom and waits for Room, so that nobody polls.
//
// Rejected: positions in bytes (checks on both sides, and a count that needs
// atomic access, so the host would need unsafe), and sharing all of the
// guest's memory (nothing gained; it loses huge pages).
const (
	// SlotSize is the size of a slot in bytes.
	SlotSize = 4096
	// OutSlots and InSlots are the numbers of slots to the host and to the
	// guest: powers of two, at most 128, with room for MaxPayload.
	OutSlots = 32
	InSlots  = 32
	// OutTaken and InTaken are the offsets of the two counts, InTaken on
	// another cache line. Each is the first byte of an aligned u32 that
	// nobody else uses.
	OutTaken = 0
	InTaken  = 64

	// RingSize is the size of the ring in bytes.
	RingSize = 320 << 10
	// RingAddr is the guest-physical address of the ring: it ends at 2 MiB,
	// where the kernel's text begins, above its boot segment at 1 MiB.
	RingAddr = 2<<20 - RingSize
)

// InRing, set in a frame's type, says that the payload is in the ring.
const InRing Type = 0x80

// Slots returns how many slots a payload of n bytes fills.
func Slots(n int) int { return (n + SlotSize - 1) / SlotSize }

// OutSlot returns the offset in the ring of the nth slot to the host, and how
// many bytes of slots lie there in one piece.
func OutSlot(n uint8) (at, size int) {
	i := int(n) % OutSlots
	return SlotSize * (1 + i), SlotSize * (OutSlots - i)
}

// InSlot returns the same of the nth slot to the guest.
func InSlot(n uint8) (at, size int) {
	i := int(n) % InSlots
	return SlotSize * (1 + OutSlots + i), SlotSize * (InSlots - i)
}

// Free returns how many of slots are free when sent have been filled and the
// other side says that it has taken out taken, both modulo 256: 0 if that can't
// be.
func Free(sent, taken uint8, slots int) int {
	return max(slots-int(sent-taken), 0)
}
