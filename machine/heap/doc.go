// SPDX-License-Identifier: Apache-2.0

// Package heap cuts page frames into objects for the machine floor and the kernel:
// thread contexts, tables of the processor, buffers. They have no pointers,
// are named by physical address and reached through the direct map, and Go's
// collector never sees them.
//
// # Structure
//
//	Front of CPU 0          Front of CPU 1          ...
//	 magazine of 32 B        magazine of 32 B           12 objects at most each
//	 ...                     ...
//	 magazine of 4 KiB       magazine of 4 KiB
//	      |    six at a time      |
//	      v                       v
//	Heap: 35 classes, 32 B to 4 MiB, two a doubling (2^n, 3*2^(n-1))
//	 lists of slabs that are partly free, empty, and full
//	      |                                     more than 4 MiB
//	      v                                          v
//	frame.Allocator: runs of frames, owner Slab
//
// A slab is one to four frames, or one object from 12 KiB on. A slab of one frame has
// its descriptor at the frame's end, so that objects are aligned to the largest power of
// two that divides their size; other slabs' descriptors are objects of 128 bytes. The
// descriptor has a bit for each free object, and a state byte for each granule, the
// largest power of two that divides the size: whose object begins there; that it is
// free, or in a magazine; or that the granule is inside an object. The heap
// keeps nothing in free objects: a stray write corrupts data and not the heap.
//
// A page map, two levels as in page tables, leads from an address to its slab. It is
// exact, so that a wrong address can't be mistaken for a right one, whatever lies
// there.
//
// [KindOf] makes a [Kind] of a size, an alignment and an owner, once. [Front.Alloc] and
// [Front.Free] go by it: 20 and 41 instructions on amd64 when the magazine has what
// is needed. Freeing looks up the slab, checks that an object begins at the address,
// that it is taken, by this owner, in this class (one comparison), and puts it in the
// magazine. So every build detects a double free, an address that was never given or is
// inside an object, a wrong owner and a wrong size; nothing is changed then, and
// [Heap.Last] says what was found. Two processors that free the same object at the same
// instant may both succeed. Builds with the tag loamcheck fill free objects with
// junk and look at it when the object is taken again.
//
// What is empty goes back: a class keeps one empty slab of up to 64 KiB, and what
// [Heap.Prepare] promised. [Heap.Trim] gives the rest back, and what lies in the
// magazines; a request that finds no frames does that itself before it fails.
//
// # Rules
//
// Interrupts are off in all operations. A magazine's count is its lock as well
// (spin.Word). It comes before the heap lock, that before
// the frame lock (docs/concurrency.md). A magazine belongs to one processor, so its
// lock is free but when another one trims, looks for memory, or computes figures. A
// Heap is one static structure of numbers, has no pointers, allocates no Go
// memory, never panics, and must not be copied after Init.
//
// # Sources, and what was rejected
//
// Slabs: J. Bonwick, "The Slab Allocator", USENIX Summer 1994; magazines: J. Bonwick and
// J. Adams, "Magazines and Vmem", USENIX 2001. One stack moved by halves stands here
// for their two magazines and depot: the exchange is bounded the same way, and the
// rest is less. State beside the objects and not in them: jemalloc (J. Evans, 2006),
// as are the classes, of which it has
// four a doubling. Two round sizes that are spread evenly over the doublings up by 17%
// on average, four by 8%, but each class in use has a slab that is partly free.
//
// Rejected: a descriptor found by masking the address (SLUB, mimalloc), which costs a
// frame of each slab of contexts, or trusts what lies at the masked address. A free
// list in the free objects: their content decides what is given next. A header before
// each object: it spoils alignment. A lock beside a magazine's count: more
// instructions. Taking from the fullest slabs first, in two lists by use: after
// a day of random bursts on a tenth of a peak, the heap had the same number of frames
// to within 1%; from the emptiest first, up to twice as many. No magazines, the current
// slab's bitmap instead (SLUB): a free to any other slab takes the shared lock.
package heap
