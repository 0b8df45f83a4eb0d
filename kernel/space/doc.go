// SPDX-License-Identifier: Apache-2.0

// Package space is the address space of a process: which addresses a program
// may use, what is behind them, and how the kernel reaches its memory.
//
// # Two layers
//
// [Areas] is an ordered set of areas, ranges of pages with the same rights and
// the same backing (Linux's VMAs). It knows no page tables. It is an AVL tree
// whose nodes carry the largest gap below them, so that looking up an address
// and finding room from the top down both take time logarithmic in the number
// of areas. Nodes are linked by index and live in a [Pool] that all spaces
// share, a slab that the kernel hands in once: what a program maps never grows
// the kernel's heap. A space may have Config.MaxAreas of them, as Linux has
// max_map_count.
//
// [Space] joins Areas with page tables: the calls of the mmap family, with
// Linux's semantics and error numbers, the page-fault handler, and copying to
// and from user memory.
//
// # Invariants
//
//   - Areas are disjoint, not empty, page-aligned, inside the space's range,
//     and merged: no two neighbours could be one.
//   - A page is mapped only inside an area, with no more rights than the area
//     gives, so taking rights away changes tables at once; giving them is left
//     to faults where it can't be done at once.
//   - No area is writable and executable at once: asking for it is EACCES.
//   - Each call checks everything, the supply of nodes included, before it
//     changes anything. Where Linux leaves a half-done mprotect behind when it
//     meets a hole, this package changes nothing and returns the same error.
//
// # Faults
//
// Anonymous memory is zero until touched: a reservation costs one node
// however large it is. Pages of the boot archive are mapped where they lie,
// read-only, several around the fault at a time; a write gets a copy. The page
// in which a file ends is always copied, for the rest of it belongs to others
// and must read as zero.
//
// # User memory
//
// The kernel never follows a user address. ReadUser and the like walk the
// page tables, take faults by calling Fault, and copy through the direct map:
// so SMAP stays on, and no user address can fault inside the kernel. One
// translation is cached for each space.
//
// # Frames, flushing, locks
//
// A space is charged for the frames it owns and the tables below its root, up
// to Config.MaxFrames; borrowed archive pages cost nothing.
//
// What must be flushed from the processor's translation caches collects in the
// space; whoever enters the space calls TakeFlush first and flushes that. On
// one processor freed frames may be given back before the flush, since no user
// code runs in between; with several, (*Space).release is the one place where
// the others have to be told first.
//
// The space's owner serialises all calls to it. Everything that reaches the
// pool or the frame allocator also needs the machine lock, which is taken
// after the space's.
//
// # Rejected
//
// A radix or B-tree of ranges (Linux's maple tree): better for caches, far
// more code. A treap: its balance can be undone by a program that observes it.
// A list, as in small kernels: a program makes it long. Copying by user
// address with a fault fix-up table, as Linux: faster by a walk, but needs
// faults within the kernel's Go code.
//
// Sources: mmap(2), munmap(2), mprotect(2), madvise(2), mremap(2), brk(2);
// Knuth, TAOCP vol. 3, 6.2.3 (AVL trees).
package space
