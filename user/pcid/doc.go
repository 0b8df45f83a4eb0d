// SPDX-License-Identifier: Apache-2.0

// Package pcid looks after PCI: it owns configuration space, and hands each virtio function of
// the first bus to its driver, as registers and an interrupt. The program is `system pci`:
//
//	service pci
//	  system pci
//	  args grant=2:4             # the second section below is given 00:04.0
//	  provides pci
//	  machine
//
//	service rng
//	  system rng
//	  provides random
//	  uses pci                   # in place of interrupt and registers
//	  dma 4K
//
// Arguments: grant=BADGE:DEVICE[.FUNCTION], in hexadecimal as lspci has them, gives a function to the
// callers with a badge; several of a badge have numbers from 0 on, in their order. ecam=ADDRESS says
// where configuration space is in memory, window=ADDRESS:SIZE where ranges of registers may be put that
// firmware gave no address, and line=FIRST which four interrupt lines the pins lead to. On a PC
// none of these is needed: configuration space is found by two ports, and in memory where Intel's Q35
// says; firmware has given all addresses; and the lines are known of QEMU's machine.
//
// # What a driver gets
//
// Pages of each structure's registers (VIRTIO 1.2, 4.1.4), and an interrupt: a message
// (MSI-X) if the function has a table of them that is in none of those pages, and the machine
// takes messages; else its line (INTx), if nobody has that. Not the table: who writes there
// can have a device interrupt by any vector. And no configuration space: who has that can move a
// function's registers anywhere. One message serves all queues.
//
// A line is one driver's. Two functions whose pins lead to the same line can't both be driven
// without messages, for an interrupt is bound to one notification: the second one is refused
// and the service says so. A PC has four lines, and a device's is its number's remainder by 4.
//
// # Whose function it is
//
// A badge's. Its next instance takes the function again, and what the one before was given is
// revoked; memory that it has mapped stays mapped, but init starts an instance after the
// end of the one before. The device reaches no memory from then on until it has been reset: who is
// gone may have been given memory that is somebody else's by now. With keep it goes on
// undisturbed, which is for who has the same memory as before, and a record of its queues there.
//
// From the end of a driver to its next Take the device goes on with what it was told: in
// memory of the driver's service, which init keeps for the next instance, and for good if there
// is none.
//
// # When this service ends
//
// Drivers have all that they need, and go on. A new instance sizes the functions' ranges, which
// has them not answer for a moment: a driver that reads a register just then sees a device that
// has failed, and ends. No device is kept across that.
//
// # Neither side is trusted
//
// What configuration space says is the device's, and read as package virtio does. Ranges of registers
// are checked against each other, since a device chooses what it says: where another
// function answers to some of its addresses, or to some in the same page, neither
// is handed out; likewise where a bridge passes them on, where configuration space is, or where a function's own
// ranges overlap. Memory and the kernel's own registers the kernel refuses. Functions that aren't
// virtio's are never written to, since others have them (on virt the kernel's own port); how many
// addresses they answer to isn't known therefore, and a page each is assumed.
// A device that changes its addresses later is beyond help, as is one that
// writes to memory nobody gave it.
//
// # Rejected
//
//   - ACPI: its tables would say where configuration space is, and its programs where pins lead. The
//     first is a register of the chipset's, too, and for the second an interpreter would be needed.
//   - Functions behind bridges: nothing that loam makes has any.
//   - A driver's choice of its function by type: what it may have is for the manifest to say.
//   - A message for each queue: drivers look at all queues of a device at an interrupt, and a message
//     serves them with one thread. The kernel has 32 messages.
package pcid
