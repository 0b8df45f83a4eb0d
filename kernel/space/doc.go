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
//     meets a hole, this package changes nothing and returns the same error;
//     unless, in a call of several pieces, others make the hole or take the
//     last nodes.
//
// # Faults
//
// Anonymous memory is zero until touched: a reservation costs one node
// however large it is. Pages of the boot archive are mapped where they lie,
// read-only, several around the fault at a time; a write gets a copy. The page
// in which a file ends is always copied, for the rest of it belongs to others
// and must read as zero.
//
// # Large pages
//
// Anonymous memory that is used densely comes in pages of 2 MiB (wantsLarge): one
// entry of the tables and of the processor's translations instead of 512, and a
// sixty-fourth of the faults. They are no kind of area: an area doesn't know whether
// its pages are large, and a page doesn't care how areas are cut, but that rights and
// content are the same all over it. Whoever changes or takes a part of one splits it
// first (cut): the table for that is the only thing that this can fail for, and it
// fails before anything has changed. Who gives memory back gets the table from the
// reserve and beyond every limit, for more comes back than it takes. So a program at
// its limit can always unmap.
//
// A large page is taken whole or not at all, when a block is there, when it leaves
// free memory (margin), and when the one who pays can pay for all of it. What is given
// back of one goes back at once. Pages that move to another address (mremap) are small
// ones.
//
// Zeroing a large page at once would keep interrupts out for the time of 512 page
// faults. So it is made in pieces, one a fault, and mapped when it is done (fill); the
// thread faults eight times. The kernel's own accesses don't wait for that: they make
// a small page, and with its table the place of the large one is taken.
//
// # Memory objects
//
// An area of kind Object shows a part of a memory object (package memory), which
// other areas, here and in other spaces, show as well, with rights of their own.
// A fault takes the page's frame from the object; the page tables borrow it, as
// they do archive pages: mapping and unmapping counts no frames and costs the
// space nothing but tables. Instead the object is told how many of its pages
// areas map (attach, remove), and keeps its frames as long as there are any.
// What mprotect may not give, since the handle that it was mapped by didn't have
// the right, an area says itself (Deny). An area never shows more than there is:
// Map and MRemap check that, and an object doesn't shrink while it is mapped.
//
// An area of kind Device shows the registers of a device (memory.Objects.NewDevice).
// Its pages are uncached and are no memory: the kernel never goes there for a program
// (EFAULT), and their rights don't change (mprotect: EACCES).
//
// An area of kind Private shows an object too, and borrows its frames until a page
// is written, which is then copied to a frame of the space's own, as of an archive
// file. So it never writes the object, and mprotect may make it writable. That an
// object's pages never change frames while they are mapped, for all that clones
// share them, is package memory's business: it is told which areas may write.
//
// A page of an object with a pager may be absent (package memory). Fault answers so,
// for private areas as well, whether they read or write, and TakeAbsent says which
// page; the kernel's own accesses fail with memory.Absent and tell by
// Config.AbsentBits. Nothing waits here: package core has the pager asked, and does
// again what failed.
//
// # User memory
//
// The kernel never follows a user address. ReadUser and the like walk the
// page tables, take faults by calling Fault, and copy through the direct map:
// so SMAP stays on, and no user address can fault inside the kernel. One
// translation is cached for each space.
//
// # Calls in pieces
//
// How long a call takes is not for a program to decide. Each of the calls does
// a bounded piece: so many frames, table entries and areas (bounds); looking for
// coverage, kinds of areas or room takes logarithmic time. A call that is not
// done answers [More], and is made again with the same [Call].
//
// munmap, mprotect, madvise, mincore, mmap over others, and brk and mremap that
// shrink, go upwards through their range. How far they have come is kept in the
// thread's Call and not in the space. A piece deals with areas and pages alike,
// so between two pieces the invariants hold, and each page is either as before
// the call or as after it. The address where to go on only ever rises, whatever
// other threads do in between: so each call ends, after a number of pieces that
// is bounded by the range, and by what lies in it when it comes by. And it never
// comes back to what it has dealt with: memory that another thread is given
// where an munmap has passed by is that thread's.
//
// Only an mremap to another place can't be left half done, and its pages can't
// all move at once. It is recorded in the space (move), and any call that looks
// at areas or changes them does a piece of it before anything else (settle). So
// calls see a move as done at once; it ends even if its thread never runs again;
// and who has to wait for it brings it forward. The outcome goes to the Call of
// the thread that wanted it. Everything that it needs is there before the areas
// change places, so it fails whole or not at all. Faults, which don't wait, take
// the page that they need along. While the target of MREMAP_FIXED is emptied,
// faults there find nothing: that is less than Linux does, whose lock they wait
// for.
//
// # Frames, flushing, locks
//
// A space is charged for the frames it owns and the tables below its root, up
// to Config.MaxFrames and what Config.Account may have; borrowed archive pages cost
// nothing but tables. The account is charged for some frames in advance, so that a
// fault compares two numbers (grant). A fault over the limit is OverQuota, a call
// ENOMEM; where the page is there already, or needs neither frame nor table, there is
// no limit to be over.
//
// What processors must forget collects in the space. The order is the same
// everywhere: tables change; every processor that may know what they said
// forgets it (Config.Shoot, which takes the range by TakeFlush); then frames are
// given back, or the new content of a page that was copied is relied on. Shoot
// is called once for a piece, only if translations were there, and only while
// some processor has the root loaded (Space.Loaded). Destroy, whose space
// nobody has loaded, needs none. Mapping where nothing was mapped needs none
// either. Rights that are only added don't concern other processors: one whose
// translation is older faults once more. They go to TakeLocal, for the processor
// that took the fault. With one processor, without Shoot, all is taken by
// TakeFlush before the space is entered again.
//
// The space's owner serialises all calls to it, those of Shoot included: the
// kernel lock guards spaces, their pool and memory objects. The frame allocator has a lock of
// its own, which is taken last.
//
// # Rejected
//
// A radix or B-tree of ranges (Linux's maple tree): better for caches, far
// more code. A treap: its balance can be undone by a program that observes it.
// A list, as in small kernels: a program makes it long. Repeating a call from
// its start and relying on what is done being quick: between the pieces of an
// munmap somebody else may be given the memory, and two threads could keep each
// other from ending. One record for the call under way of each kind in the
// space, as for moves: all others wait for it, which only mremap is worth.
// Areas that stay, marked, until an munmap is done: it needs nodes to give
// nodes back. Large pages at the first touch of every large area, as Linux's "always":
// every Go program has an area of 32 MiB for the index of its heap, of which it touches
// one page. Large pages for none but those who ask, as its "madvise": Go's runtime asks
// for none for its heap. Small pages in the places of a large one, which become it
// when all are there (FreeBSD's reservations): nothing is ever given that wasn't
// touched, but each page still costs a fault, and a reserve to take them back from.
// Large pages put together later, by copying (khugepaged): work that nobody asked for,
// on a machine that somebody may pay for by the instruction. A table kept aside for
// each large page, so that splitting can't fail: 4 KiB for each, for what is rare.
// Copying by user
// address with a fault fix-up table, as Linux: faster by a walk, but needs
// faults within the kernel's Go code.
//
// Sources: Navarro, Iyer, Druschel and Cox, "Practical, transparent operating system
// support for superpages" (OSDI 2002); Kwon et al., "Coordinated and efficient huge
// page management with Ingens" (OSDI 2016), for making them by how much of them is
// used; Linux, Documentation/admin-guide/mm/transhuge.rst; mmap(2), munmap(2), mprotect(2), madvise(2), mremap(2), brk(2);
// Knuth, TAOCP vol. 3, 6.2.3 (AVL trees).
package space
