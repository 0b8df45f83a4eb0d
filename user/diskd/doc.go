// SPDX-License-Identifier: Apache-2.0

// Package diskd serves a virtio block device to programs: reads and writes of whole sectors,
// flushes, discards and zeroes, several at once, with data in memory that the device
// reaches and client and driver share. Both sides are here: the program, `system disk`, which
// holds the device's registers, its interrupt, its memory, and nothing else; and [Disk],
// by which a client has a disk as an io.ReaderAt and io.WriterAt.
//
//	program ── Disk ── Blocks (this package) ── virtio/blk ── device
//
//	service disk0                  # what `loam run --disk FILE` adds to a manifest
//	  system disk
//	  provides disk0
//	  interrupt 5 level
//	  registers 0xfeb00000 0x200
//	  dma 64K                      # for queues and requests
//	  dma 4M                       # for data
//	  restart always after 10ms to 1s
//
//	disk, err := diskd.Open(ctx, ipc.Endpoint(object.Given(0)))
//	n, err := disk.ReadAt(p, 0)
//	n, err = disk.WriteAt(p, 4096)
//	err = disk.Flush()
//
// The one argument is how long the device may take for an answer, limit=2m without it. A driver
// whose device is silent for longer ends, before twice that time has passed.
//
// # What is kept
//
// A write that is done may be in a cache of the host's. Flush makes stable what was done before
// it was called, and is answered when the device has answered it; a device without a
// cache has nothing to flush. Nothing else orders requests: who wants one behind another
// waits for the other.
//
// When the driver dies, what it had sent was done or not. A Disk attaches to the next instance and
// sends again what wasn't answered, which is why nothing of it is seen by who uses it. It may: a
// read changes nothing, and a write of the same bytes to the same sectors, as long as it
// hasn't been answered, has whatever order to others it likes. What was answered stays: the
// device, which outlives its driver, has it.
//
// # One client
//
// A disk has one client at a time, the process that has attached, until it detaches or has
// ended; others get EBUSY. Two that don't know of each other can't use one disk anyway: what
// one keeps in memory, the other changes below it. So who has the session has all of the
// memory for data, no part of it is anybody's by a table, and nothing has to be looked up for a
// request but one number.
//
// The memory outlives the driver's process, as init keeps it, and so is the same for the
// next client, which may see what was in transit for the last. That tells it nothing: both
// have a right to all of the disk.
//
// # Who believes whom
//
// The driver believes no client: sectors, lengths and places in the memory are checked, and
// a request that is made is what was checked, for it came in words. Of the data the driver sees
// nothing; what a client changes while the device reads it is the client's loss. A number of
// a session is random, and good in one instance of the driver only: ESTALE says that the
// next one has to be attached to. A client can't have more in flight than the device's queue has room for
// (EAGAIN), so the driver keeps nothing for those who wait.
//
// A client believes its driver as much as a disk. Package blk believes no device.
//
// Memory that a request was sent with is the device's until the request is answered, or until
// Attach has succeeded again: the next instance has reset the device by then, and what was
// in flight has ended. Disk keeps to that; who speaks Blocks has to.
//
// # Small requests
//
// A call is words, received by the one thread that also hears of the device. It isn't answered then but
// kept (ipc.Keep), and is answered when the device has: no goroutine, no lock, no allocation. A
// client's goroutine waits in its call. Of guest instructions (test/programs/disk by "costs", on a machine
// that counts them) a read or a write of 4 KiB costs 10,900 on amd64 (microvm) and 10,400 on riscv64
// (virt): 5,250 and 5,550 are the client's and 5,300 and 4,600 the driver's.
//
// What counts more where a machine is emulated is who else has to run: the driver keeps its
// place on the CPU (ipc.Server.Alone), lest Go's monitor wakes again and again to find that it waits.
//
// # Rejected
//
//   - Rings of requests in shared memory, as the device's own: fewer calls if many requests
//     come at once, and a second protocol between two that don't trust each other, with wake-ups of
//     its own. With 512 KiB in a request calls are no part of the cost, and small
//     ones are what a cache above is for.
//   - Data that is copied through messages: up to 64 KiB each, two copies more.
//   - Clients' own memory given to the device: it would have to be in one piece, made for
//     devices, and be taken back before its owner may be believed not to use it for something else. Only
//     the machine's handle makes such memory.
//   - A session for each of several clients: above. Partitions are for who has the disk.
//
// # Next
//
//   - /dev/vda of the personality (package user/linux), with a cache of blocks that reads ahead.
//   - Small requests: the last answer of an interrupt together with the next receive, and one access
//     to the device's registers instead of two.
package diskd
