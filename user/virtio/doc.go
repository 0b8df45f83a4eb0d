// SPDX-License-Identifier: Apache-2.0

// Package virtio is the driver's side of virtio devices, in user mode: queues, split and
// packed, with event index and indirect descriptors, over MMIO and over PCI. What a type
// of device means by its buffers is in packages of their own (rng, blk, console, net); how a
// service comes from its handles to a device is in package driver.
//
// Source: OASIS, Virtual I/O Device (VIRTIO) Version 1.2, Committee Specification 01, 1
// July 2022. Numbers in brackets are its sections. Not here: legacy devices
// (refused, ErrLegacy), in-order use, notification data, reset of single queues.
//
//	transport, err := NewMMIO(Mapped(registers))   // or NewPCI
//	device, err := Open(transport, Want{ID: DeviceEntropy})
//	queue, err := device.Queue(0, 8, 0, arena)     // in memory of NewDMA
//	device.Start()
//	id, err := queue.Add(nil, elements)
//	err = device.Kick(queue)
//	...                                            // the interrupt's notification
//	cause, err := device.Interrupt()               // and then object.Interrupt.Ack
//	used, ok, err := queue.Used()                  // until !ok
//	more, err := queue.Arm()                       // if more, Used again
//
// # Who owns what
//
// The driver's process has the device: its registers, its interrupt, and memory objects
// made for devices. A [Memory] is such an object with the address by which the device
// knows it, an [Arena] cuts it into parts, and an [Element] is a range within one, which
// nothing else can make: what a device is told to write to is always memory that was
// made for it. An element belongs to the device from Kick until Used has given its
// buffer back, or until Reset has returned; the caller sees to that.
//
// A driver that was started again finds the device as its predecessor left it, perhaps
// still writing to memory that both were given. So Open comes first: what is made of
// the memory before it, the device may change. A driver that wants to go on with what is in
// flight has a [KeptQueue], and Adopt in place of Open.
//
// # The device is not trusted
//
// A device is a program of somebody else's. Whatever it writes is checked before it is
// used, against the driver's own records, which lie in memory that the device can't
// reach:
//
//   - What the driver wrote for the device it never reads back: descriptors, rings,
//     tables of indirect descriptors. So it doesn't matter what becomes of them.
//   - Each word of the device's is read once, and what was read is what was checked.
//   - A buffer comes back at most once, only after Kick, with at most as many bytes as
//     it has room for. An index that is ahead of what was offered or goes back, an id that
//     was never given or is used up, a length too large, flags of a packed
//     entry that are neither what the driver left there nor what the device's wrap
//     counter asks for: each is a [DeviceError] that says what it was.
//   - After a DeviceError the queue answers nothing else until it is reset. Nothing
//     that a device says makes anything here panic, wait, or take memory: every look at a
//     device is bounded, and all memory is taken when a queue is made.
//   - A device that says nothing is not a fault here: nobody but the caller knows how
//     long is too long. The caller has a deadline, and Reset, and InFlight, which names what
//     it has to give up.
//
// Where physical memory isn't behind an IOMMU, none of this keeps a device from writing to
// memory that nobody gave it: it protects from the other side's mistakes and from
// devices that a monitor emulates, which can reach all of memory anyway but are expected to
// reach what they are told to.
//
// # Memory order
//
// Without VIRTIO_F_ORDER_PLATFORM a device is a program on a CPU like ours, and what
// the specification asks for (2.7.13, 2.7.14, 2.8.21, 2.8.22) is what Go's atomics give:
//
//   - Descriptors and ring entries come before the word that offers them (avail idx,
//     flags): a store with release.
//   - That word comes before the look at whether the device wants to be notified, and
//     the driver's event before the look at whether something came meanwhile: a
//     store and a load of different words, which only sequential consistency keeps in
//     order. Go's atomics have it: XCHG on amd64; on riscv64 AMOSWAP.aqrl and LR.aq.
//   - The word that says used comes before what it is about: a load with acquire.
//
// All words that both sides look at are aligned words of 4 bytes, since Go has no
// smaller atomics: the specification's pairs of 2 bytes (flags and idx, id and flags, offset
// and flags) lie so that each pair is one. All other accesses are plain.
//
// Doorbells are registers. On amd64 a store to uncached memory stays behind earlier
// stores. On riscv64 the bits of AMO and LR order memory against memory only; a write of
// a register has a FENCE before it (sys.WriteRegister32), a read one behind it. With
// those VIRTIO_F_ORDER_PLATFORM is kept too: both architectures' memory for devices is coherent,
// and DMA into it is seen in the order of the interrupt or of the word that tells of it.
//
// # One goroutine
//
// A Queue belongs to one goroutine at a time, and a Device to one; different queues may
// have different ones once Start has returned, since Notify writes a register of
// the queue's own value and nothing else. A driver keeps a table of requests by buffer id
// beside each queue, which has to change with it in one step: its lock is the driver's, and a
// second one in here would only cost. In steady state Add, Kick, Used and Arm
// allocate nothing.
//
// # Rejected
//
//   - Memory behind an interface, so that tests see each access: a dynamic call for each
//     word, and elements that escape to the heap. A device for tests works on the bytes
//     themselves; package virtiotest has one.
//   - Two types of queue behind an interface: the slices that Add is given
//     would escape, an allocation for each request. A branch is cheaper than the call.
//   - Reading the chain back from the descriptors when a buffer is used, as
//     virtio_ring.h of the specification's appendix would: it believes what the device
//     may have written there.
//   - Trusting VIRTQ_DESC_F_WRITE in used packed descriptors (2.8.4): QEMU never sets it.
//     The length is taken in any case, and checked, if the buffer has room for one.
//   - Drivers with access to PCI configuration space: whoever has that can move a
//     function's registers over another's. [ReadBARs], [ReadPCI] and [EnableMSIX] are
//     for who looks after the bus; a driver gets a [PCILayout] and registers.
package virtio
