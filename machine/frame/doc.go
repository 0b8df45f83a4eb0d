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
// blocks that make it up, so taking and freeing it costs O(log n).
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
// Single frames go through a small stack per processor ([Allocator.AllocOn]),
// filled and spilled in batches, which keeps splitting and merging off the
// common path.
//
// # Errors
//
// Every build detects a double free, a free of a frame that was never given,
// of a part of a run, with a wrong count or owner or while shared, and
// overlapping regions. The operation changes nothing and returns a [Code];
// [Allocator.Last] says which frame it was, its state, owner and count.
//
// # Rules
//
// A spin lock guards everything (docs/concurrency.md: the frame lock); the setting
// up comes before there is a second processor and takes none. It is one static
// structure of numbers, allocates no Go memory, has no pointers, and never
// panics. An Allocator must not be copied after Init.
//
// Rejected: a bitmap per order (one more cache line per merge, and no place for
// owner and count); a record array for all of physical memory mapped
// sparsely, as Linux's vmemmap (needs page tables before there are frames);
// linking free blocks through the free frames themselves (touches every frame,
// and a stray write corrupts the allocator instead of one page).
package frame
