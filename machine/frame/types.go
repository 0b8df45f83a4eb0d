// SPDX-License-Identifier: Apache-2.0

package frame

import "loam/machine/phys"

// Limits of the allocator.
const (
	MaxOrder    = 18            // the largest block is 2^18 frames, 1 GiB
	MaxRun      = 1 << MaxOrder // frames that one request can ask for
	MaxRegions  = 64            // regions, after cutting at the zone limits
	MaxReserved = 32            // ranges given to Reserve before AddRegion
	MaxCPUs     = 64            // caches
	CacheFrames = 31            // frames that a cache holds at most, of kernel and of user owners each
	MaxAddress  = 1<<44 - 1     // highest physical address that is managed
	largeOrder  = 9             // blocks from here on belong to no class
	batch       = 16            // frames moved into a cache at a time
	zoneDMA     = 16 << 20      // end of the zone of ISA devices
	zone32      = 4 << 30       // end of the zone of 32-bit devices
	recordSize  = 16            // bytes
	recordsPage = phys.PageSize / recordSize
	LockRank    = 6 // of the frame lock (docs/concurrency.md)
	FrontRank   = 8 // of the words of caches
	Callers     = 8 // program counters in a Report
)

// Code is the outcome of an operation. Everything but OK means that nothing
// was changed.
type Code uint8

// The codes.
const (
	OK         Code = iota
	NoMemory        // no block is free that fits, or only the reserve is left
	BadSize         // no frames, or more than MaxRun, or a range that overflows
	BadAddress      // not page-aligned, or in no region
	BadOwner        // not an owner that can hold frames
	Overlap         // the range overlaps a region or a reserved range
	TooMany         // no entry left for another region or reserved range
	TooSmall        // the region can't hold its own records
	NotTaken        // the frame is free: a double free, or it was never given
	NotHead         // the frame is inside a taken run
	WrongCount      // the run was taken with another number of frames
	WrongOwner      // the frame belongs to somebody else
	Shared          // the frame has more than one reference
	TooShared       // the reference count is at its maximum
	NotFree         // part of the range asked for is taken
	Corrupt         // an invariant does not hold
	Scattered       // the list has no room for as many extents as it takes
	Written         // somebody wrote to the frame after it was freed (checked builds)
)

// Mistake says whether the caller is to blame for the code, and not a lack of
// memory: it freed what it doesn't hold, or asked for what can't be.
func (c Code) Mistake() bool { return c != OK && c != NoMemory && c != Scattered }

// String returns the code's name in words.
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return "unknown code"
}

var codeNames = [...]string{"ok", "out of memory", "bad size", "bad address", "bad owner",
	"overlap", "too many ranges", "region too small", "frame not taken", "inside a run",
	"wrong count", "wrong owner", "frame is shared", "too many references", "range not free",
	"corrupt records", "too scattered", "written after it was freed"}

// Owner says what a frame is used for. Owners from User on are user owners:
// they may not touch the reserve.
type Owner uint8

// The owners. Nobody is the owner of free frames.
const (
	Nobody    Owner = iota
	Records         // the allocator's own records
	Kernel          // the kernel image, and what has no owner of its own
	PageTable       // page-table pages, of kernel and user spaces
	Heap            // the Go heap of the kernel
	Stack           // kernel stacks
	Context         // thread contexts and other pooled kernel objects
	Table           // the kernel floor's tables, outside of the Go heap
	Slab            // size classes of the kernel's heap (package heap)
	Boot            // needed only while starting
	Archive         // the boot archive
	DMA             // buffers that devices reach
	User            // memory of user programs
	UserFile        // user memory that caches files
	Owners          // the number of owners
)

// String returns the owner's name.
func (o Owner) String() string {
	if int(o) < len(ownerNames) {
		return ownerNames[o]
	}
	return "unknown owner"
}

var ownerNames = [...]string{"nobody", "records", "kernel", "page table", "kernel heap",
	"kernel stack", "context", "table", "slab", "boot", "archive", "dma", "user", "user file"}

// class returns 0 for kernel owners and 1 for user owners.
func (o Owner) class() uint8 {
	if o >= User {
		return classUser
	}
	return classKernel
}

// valid says whether o can hold frames.
func (o Owner) valid() bool { return o-1 < Owners-1 }

// The classes of free blocks below 2 MiB.
const (
	classKernel = 0
	classUser   = 1
)

// State is what a frame is.
type State uint8

// The states.
const (
	StateNone   State = iota // in no region
	StateFree                // in a free block
	StateSingle              // one taken frame
	StateRun                 // in a taken run
	StateCached              // a free frame in a processor's cache
)

// String returns the state's name.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return "unknown state"
}

var stateNames = [...]string{"in no region", "free", "taken", "taken run", "cached"}

// Zone is a range of physical addresses that some devices can't leave.
type Zone uint8

// The zones.
const (
	ZoneNone   Zone = iota // in no region
	ZoneDMA                // below 16 MiB: ISA devices
	Zone32                 // below 4 GiB: devices with 32 address bits
	ZoneNormal             // the rest
)

// String returns the zone's name.
func (z Zone) String() string {
	if int(z) < len(zoneNames) {
		return zoneNames[z]
	}
	return "unknown zone"
}

var zoneNames = [...]string{"none", "DMA", "32-bit", "normal"}

// zoneOf returns the zone of an address; a region lies in one.
func zoneOf(pa uint64) Zone {
	switch {
	case pa < zoneDMA:
		return ZoneDMA
	case pa < zone32:
		return Zone32
	}
	return ZoneNormal
}

// Report describes a frame, and after a failed operation what was found there.
type Report struct {
	Code  Code
	State State
	Owner Owner  // Nobody when it is free
	Order uint8  // of the free block that holds the frame
	Zone  Zone   // ZoneNone when no region has it
	Count uint32 // references
	Addr  uint64 // physical address that was asked about
	Head  uint64 // first address of the block or taken run that holds it
	Run   uint64 // frames of that run or free block

	// Callers are, after a mistake, the return addresses of the calls that led to
	// it, the innermost first, those within this package included. Those that
	// aren't known are 0: all of them on other architectures than amd64.
	Callers [Callers]uint64
}

// Stats are the allocator's figures, in frames.
type Stats struct {
	Total   uint64         // all frames of all regions
	Free    uint64         // free, caches included
	Cached  uint64         // free and in a cache
	Reserve uint64         // kept for kernel owners
	Owned   [Owners]uint64 // taken, by owner
	Largest uint64         // the largest free block
	Regions int
}
