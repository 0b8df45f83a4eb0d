// SPDX-License-Identifier: Apache-2.0

// Package memory has memory objects: memory with a life of its own, that
// several address spaces map, at different addresses and with different rights.
//
// An object is a number of pages that read as zero until they are written. A
// page has a frame from the time somebody first asks for it ([Objects.Page]) and
// keeps that one as long as anything maps the object: so a futex can be keyed by
// physical addresses.
//
// # Where the frames are
//
// In a radix tree of frames, 512 ways, as page tables are: no kernel heap is
// used however large an object is. The tree is as high as the pages in use need:
// an object of one page is one frame, one of 2 MiB a node and its pages. Nodes
// that become empty go. An entry says how many frames there are below it.
//
// # Clones
//
//	   x    clone                   x       clone, which has written page 1
//	    \   /                       |         |
//	   node (2)                   node       node
//	   /     \                    /   \     /   \
//	page 0   page 1          page 1   page 0   copy of page 1
//	 (1)      (1)              (1)      (2)       (1)
//
// Trees are persistent, in the sense of Driscoll and others: [Objects.Clone] has
// the new object share the root, and whoever changes something first copies the
// nodes on the way that it shares, at most three, each a page and 512 counts. How
// many trees or nodes refer to a frame is counted in the frame's record
// (frame.Share). So a frame is an object's own if its count is 1 and so is that
// of every node above it. A clone of a part of an object has nodes of its own at
// both ends of the part, at most five, and what is between them is shared: cloning
// takes a bounded time however large the object is, and is a snapshot without a
// moment in between.
//
// A clone is charged at once for all frames in its tree, shared or not. To copy
// what it shares then changes no charge; only the machine can be short of a frame
// for it. The counts in entries say at once what a part costs, and what is given
// back with a shared node, whose pages need not be looked at.
//
// Objects that may share frames are in a ring. One whose relatives have all gone,
// or that has no frames, is alone in it, and pays nothing for the existence of
// clones.
//
// # Who keeps an object
//
// Two counts: references, which are the owner package's (handles, and its own
// while it works on an object), and pages that areas of spaces map, which
// package space counts (Attach, Detach). When both are 0 the object dies: nobody
// can name it any more, and [Objects.Reap] gives back what it has, a piece a
// call. Its index is not used again before that is done.
//
// # Mapped pages
//
// A mapping borrows the frames: page tables refer to them without counting each,
// and nobody knows which do. So a fault changes no counts, and unmapping gives
// back nothing. A frame goes only when no area maps the object: its pages have
// been taken out of page tables before an area is gone, and every processor has
// forgotten them (package space, Config.Shoot). And the frame of a page can't be
// exchanged for another one while a page table may have it. Areas are of two
// sorts: writers, which may write the object now or after mprotect, and readers,
// which never will (private areas are readers: they copy what they write). Three
// rules see to it:
//
//  1. An object with writers can't be cloned (EBUSY).
//  2. While an object has writers, Page gives frames that are its own, and copies
//     first what it shares. Nothing else exchanges the frame of a page.
//  3. The first writer can't be attached to an object that has readers and isn't
//     alone ([Objects.MayWrite]; EBUSY).
//
// Proof. Suppose Page exchanges a frame that a page table has. Then there are
// writers, and since the last time when there were none, the object has not been
// cloned (1). If the page table had the frame at that time, the object had
// readers when the first writer came, so it was alone (3), shares nothing, and
// Page exchanges nothing. If not, Page gave the frame since then, so it was the
// object's own (2), and is still, and isn't exchanged either.
//
// The price is EBUSY in (1): for a snapshot, memory in use has to be unmapped; EBUSY
// in (3); and that with writers a shared page is copied when it is first touched,
// even to be read. Rejected: copying at the first write for an object that one
// space alone maps (that a page isn't mapped twice there, and that none of its
// threads writes while it is cloned, takes a list of mappings to know);
// write-protecting all mappings (takes that list); having the source keep its
// frames, and the clones copy (either may be mapped).
//
// Futexes of readers of clones that share a page have the same key: a wake may
// reach a thread that waits on the other. Nobody can have written such a page.
//
// # Pagers
//
// The pages of an object made by NewPaged aren't zero at first but absent: Page
// answers Absent, and whoever wants the page sees to it that somebody supplies it.
// Whom to ask is not for this package to know, nor who waits. Decommit makes pages
// absent again; while the object is mapped that is EBUSY, as always. So a page that is
// there stays for as long as anything maps the object, which all who touch a page
// before they rely on it build upon. Such an object has no clones: a page that is
// absent in both would have to be asked for once and appear in both, or twice.
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
// Clones are no obstacle: they keep what they have. Nodes that reach over the ends
// of the range have to be the object's own for that: it is the one thing that can
// fail for want of memory, and it comes first.
//
// # Who pays
//
// Frames of pages and of nodes are charged to the [Account] that the object was
// made with, and to those above it, when they are taken, or when the object is
// cloned from another. It does not matter who touches a page first.
//
// # Pieces, locks
//
// Decommit, Resize and Reap do a bounded piece a call. Page and Clone take constant
// time, though with clones that may be a few thousand counts. Nothing allocates Go
// memory but Init. Nothing here locks: the kernel lock guards all of it, and the
// frame allocator has its own, which is taken last.
//
// Sources: seL4 reference manual 7 (frames and their mappings); L. McVoy, "The
// SunOS virtual memory system" (anonymous objects); J. Driscoll, N. Sarnak,
// D. Sleator, R. Tarjan, "Making data structures persistent" (path copying);
// Zircon's VMO, whose resizable and mappable memory takes faults where Loam
// refuses.
package memory
