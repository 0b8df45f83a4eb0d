// SPDX-License-Identifier: Apache-2.0

// Package frame is Loam's allocator of physical page frames: a binary buddy
// system (Knowlton 1965; Knuth, TAOCP vol. 1, 2.5) over the regions of the
// memory map.
//
// # Structure
//
// [Allocator.AddRegion] registers a range of RAM. The range is cut at the zone
// limits (16 MiB, 4 GiB), and each piece becomes a region that carves the
// 16-byte records of its frames (0.4% of it) out of its own first frames that
// nobody reserved. A region is tiled without gaps by blocks of 2^order frames,
// order 0 (4 KiB) to 18 (1 GiB), aligned to their size by physical address.
// A block is free, a single taken frame, the head or a further part of a taken
// run of frames, or a frame in a processor's cache. Only the record of a
// block's first frame means anything; the others are zero or never written.
//
// That is what makes registering memory cheap. When a block of order k at
// frame i is freed, its buddy's record is looked at. The buddy can't lie
// inside a larger block, for that would contain i as well; so it is the first
// frame of its block and its record is good. No operation on a legal argument
// ever reads a record that no block owns, so registering a region writes only
// the records of the few blocks that tile it. For illegal arguments (a free of
// an address that was never given) a bitmap says which pages of records have
// been zeroed; a page is zeroed when the first of its records is written.
//
// A request for n frames takes the smallest block that holds n, keeps exactly
// n, and gives the tail back as smaller blocks. A run is recorded as the
// blocks that make it up, so taking and freeing it costs O(log n). Who needs no
// neighbours asks for n frames scattered ([Allocator.AllocScattered]): the largest
// blocks there are, each a run of its own.
//
// Small free blocks (below 2 MiB) are kept apart for kernel and user owners,
// so that user frames are packed into 2 MiB blocks of their own and don't break
// up the kernel's. Each side takes from the other's only when no large block
// is left. User requests fail when they would go below the reserve.
//
// What is in use before the allocator exists (the kernel's image, the boot
// archive) is named by [Allocator.Reserve] and becomes taken runs, of which
// [Allocator.Release] gives back any part. Frame 0 is never given, so address 0
// can stand for no frame.
//
// # Caches
//
// Single frames go through the cache of a processor: two small stacks, the fronts,
// of kernel and of user owners, filled and spilled in batches, which keeps
// splitting and merging off the common path. Each has counters of its own, too: what
// an owner holds is the sum over all fronts and of what never went through one. All
// frames of a front are of one region, so that a frame's record is found without a
// look at the regions; and a front has a window, a part of that region in which
// every record may be read, so that a free needs no look at the bitmap. A front that
// gets a frame of another region is emptied first.
//
//	           processor 0            processor 1
//	         kernel    user         kernel    user
//	front   [word|..] [word|..]    [word|..] [word|..]    rank 8, one at a time
//	            |  batches of 16, spills of 16  |
//	         ------------ lock: rank 6 ------------
//	         regions: lists of free blocks, records
//
// A front's word is its length and its lock (package spin, Word). The common path
// takes the word of its own processor's front and nothing else; taking a frame
// and freeing it is 46 instructions and two calls on amd64. Whoever needs more gives
// the word back, takes the lock, and under it the words that it needs, one at a
// time: its own, or one after the other's when all else is empty, so that what lies
// in other caches is never a reason to fail. Only [Allocator.Check], [Allocator.Stats]
// and [Allocator.Owned] hold all words at once, to see one moment. Nobody waits for
// anything with a word in hand but they, and they have the lock.
//
// Alloc, Free and Unshare go through the cache that [Allocator.Use] has named; that
// word belongs to a lock of the caller's, in Loam the kernel lock. Others say which
// processor they are on (AllocOn). A mistake in that costs time and nothing else.
//
// # Errors
//
// Every build detects a double free, a free of a frame that was never given,
// of a part of a run, with a wrong count or owner or while shared, and
// overlapping regions. The operation changes nothing and returns a [Code];
// [Allocator.Last] says which frame it was, its zone, state, owner and count. Codes
// that a caller is to blame for ([Code.Mistake]) are counted, and the last of them
// is kept with its callers ([Allocator.Mistakes], [Allocator.Mistake]); on amd64 a
// chain of frame pointers names them, elsewhere they aren't known.
//
// Checked builds (tag loamcheck) fill frames with junk when they are freed, tell of
// each mistake at once ([SetTell]), and look whether a frame that comes from the front
// to which it was freed has been written to meanwhile.
//
// # Rules
//
// docs/concurrency.md has the ranks of the locks. The setting up comes before there
// is a second processor and takes none. What is done with a frame belongs to whoever
// holds it: two processors that free the same frame at the same moment, or share and
// free it, must be kept apart by their own locks, as for its content; one after the
// other they are told apart. It is one static structure of numbers, allocates no Go
// memory, has no pointers, and never panics. An Allocator must not be copied after Init.
//
// Rejected: a bitmap per order (one more cache line per merge, and no place for
// owner and count); a record array for all of physical memory mapped
// sparsely, as Linux's vmemmap (needs page tables before there are frames);
// linking free blocks through the free frames themselves (touches every frame,
// and a stray write corrupts the allocator instead of one page). Of caches: frames of
// several regions in one front (a look at the regions for each frame, or records'
// addresses beside the frames'); no lock but interrupts off, and a message to a
// processor whose frames are needed (an idle one would have to be woken; two exchanges
// cost less); counting owners in one place (a line that all processors write to).
package frame
