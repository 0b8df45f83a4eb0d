// SPDX-License-Identifier: Apache-2.0

// Package frame is Loam's allocator of physical page frames: a binary buddy
// system (Knowlton 1965; Knuth, TAOCP vol. 1, 2.5) over the regions of the
// memory map.
//
// # Structure
//
// [Allocator.AddRegion] registers a range of RAM. The range is cut at the zone
// limits (16 MiB, 4 GiB), and each piece becomes a region that carves what describes
// its frames out of its own first frames that nobody reserved: a record of 16 bytes
// and a bit for each (0.4%), and trees of bytes.
//
// A block is 2^order frames, order 0 (4 KiB) to 18 (1 GiB), aligned to its size by
// physical address. Which blocks are free follows from the bits alone: those whose
// bits are all set, and not all those of twice the size around them. So blocks split
// and merge, up to the highest order, by nothing but setting and clearing bits.
//
//	large   a byte a GiB                 parts   a byte a group, a tree for each class
//	  |                                    |
//	  v                                    v
//	line of a GiB: its 512 groups        line of a group: its 512 frames
//	1: the group is free as a whole      1: the frame is free
//
// 512 frames are a group, 2 MiB; their bits are a line of 64 bytes, which is as long as
// a line of a processor's cache. A group that is free as a whole is one bit itself, in
// the line of its GiB, and all that follows is the same there. Trees find lines: a byte
// says the largest order that a line has, a byte over eight of them the largest of
// those, and so on. A look for the lowest (or highest) line with a block of an order or
// more reads a word a level, 5 for 64 GiB. To take a run or to free it changes the
// record of its first frame, its line, and as much of the path above as changes. A line
// is good only while its byte isn't zero, so registering memory writes few of them.
//
// What is not free begins with a record: a single frame, a run and its length, a frame
// in a processor's cache. The records of all other frames are zero, or were never
// written; a bit for each page of records says whether that was zeroed, which it is when
// the first of its records is written. So a frame that isn't free and has no record is
// inside a run, whose first frame is the nearest below that has one. Only mistakes and
// walks look for it.
//
// A request for n frames takes the first n of a block that holds as many; the rest
// stays free, as smaller blocks. Who needs no neighbours asks for n frames scattered
// ([Allocator.AllocScattered]): the largest blocks there are, each a run of its own.
//
// # Placement
//
// Groups that are partly free are in the tree of a class, that of kernel or of user
// owners: of who has begun the group, or freed the first frame of a full one. So user
// frames don't break up the kernel's groups. What is below 2 MiB comes from the lowest
// group of the class that has it, the lowest block there. When no group of the class
// has, it begins another: the kernel the lowest that is free as a whole, users the
// highest. Only when there is none it takes from the other class's. So each class fills
// its gaps before it takes what is whole, from one end. User requests fail when they
// would go below the reserve.
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
// every record may be read, so that a free needs no look at the bits for that. A front that
// gets a frame of another region is emptied first.
//
//	           processor 0            processor 1
//	         kernel    user         kernel    user
//	front   [word|..] [word|..]    [word|..] [word|..]    rank 8, one at a time
//	            |  batches of 16, spills of 16  |
//	         ------------ lock: rank 6 ------------
//	         regions: trees, lines, records
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
// Rejected: a record array for all of physical memory mapped
// sparsely, as Linux's vmemmap (needs page tables before there are frames);
// linking free blocks through the free frames themselves (touches every frame,
// and a stray write corrupts the allocator instead of one page).
//
// Of how free blocks are known and chosen, by a day of a machine of 512 MiB (the
// benchmark Day): requests refused of 7 million, and the part of free memory in blocks
// of 2 MiB on average. As it is: 11,028 and 0.25. Records of free blocks on a list for
// each order, the smallest order first and what was freed last first: 677,981 and 0.003,
// and a merge reads and writes records all over memory. All classes from the lowest
// group: 14,696 and 0.19. The lowest of all, be it whole or begun: 12,755 and 0.17. The
// smallest block that does of the lowest group: 10,224 and 0.21. Users' gaps from the
// top as well: 10,872 and 0.20. Users' large pages from the bottom: 11,156 and 0.24. No
// classes at all, from the bottom: 13,241 and 0.31, which would let users break up the
// kernel's blocks. Bit sets of blocks for each order: up to nine of them to look at for
// the lowest block, and several changed by each merge.
//
// Of caches: frames of
// several regions in one front (a look at the regions for each frame, or records'
// addresses beside the frames'); no lock but interrupts off, and a message to a
// processor whose frames are needed (an idle one would have to be woken; two exchanges
// cost less); counting owners in one place (a line that all processors write to).
package frame
