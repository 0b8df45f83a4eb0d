// SPDX-License-Identifier: Apache-2.0

// Package memory has memory objects: memory with a life of its own, that
// several address spaces map, at different addresses and with different rights.
//
// An object is a number of pages that read as zero until they are written. A
// page has a frame from the time somebody first asks for it ([Objects.Page]) and
// keeps that one: physical addresses of an object's memory are stable, so a
// futex can be keyed by them.
//
// # Where the frames are
//
// In a radix tree of frames, 512 ways, as page tables are: no kernel heap is
// used however large an object is. The tree is as high as the pages in use need:
// an object of one page is one frame, one of 2 MiB a node and its pages. Nodes
// that become empty go.
//
// # Who keeps an object
//
// Two counts: references, which are the owner package's (handles, and its own
// while it works on an object), and pages that areas of spaces map, which
// package space counts (Attach, Detach). When both are 0 the object dies: nobody
// can name it any more, and [Objects.Reap] gives back what it has, a piece a
// call. Its index is not used again before that is done.
//
// A mapping borrows the frames: page tables refer to them without counting each.
// So a fault changes no counts, and unmapping gives back nothing. What makes it
// sound is that a frame goes only when no area maps the object: its pages have
// been taken out of page tables before an area is gone, and every processor has
// forgotten them (package space, Config.Shoot).
//
// # Taking pages away
//
// Decommit, and Resize to less, are EBUSY while anything maps the object. Thus
// there never are two frames for one page, and nobody has memory taken from
// under it who relied on its size when it mapped it. Rejected: finding and
// unmapping all mappings. It needs a list of areas for each object, to be kept up
// in each split, join and move of an area, and leaves programs with a fault at
// an address that was theirs; servers that share memory with their clients would
// each have to survive that. Rejected too: leaving the mappings their frames (a
// count for each), since two spaces would then see different memory in one page.
//
// # Who pays
//
// Frames of pages and of nodes are charged to the [Account] that the object was
// made with, and to those above it, when they are taken. It does not matter who
// touches a page first.
//
// # Pieces, locks
//
// Decommit, Resize and Reap do a bounded piece a call. Page takes constant time.
// Nothing allocates Go memory but Init. Nothing here locks: the kernel lock
// guards all of it, and the frame allocator has its own, which is taken last.
//
// Sources: seL4 reference manual 7 (frames and their mappings); L. McVoy, "The
// SunOS virtual memory system" (anonymous objects); Zircon's VMO, whose resizable
// and mappable memory takes faults where Loam refuses.
package memory
