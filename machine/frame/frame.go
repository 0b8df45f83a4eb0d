// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"math/bits"

	"loam/machine/phys"
	"loam/machine/spin"
)

// Allocator hands out page frames. Its lock guards all of it, once there are
// several CPUs: Init, SetReserve, Reserve, AddRegion and Release come before that
// and take no lock. Low, Scarce and Owned look at single words without it.
type Allocator struct {
	lock     spin.Lock
	mem      phys.Memory
	hot      window // the region that the last look-up found
	count    uint64 // regions
	total    uint64 // frames of all regions
	free     uint64 // frames in the free lists, without the caches
	reserve  uint64 // frames that user owners leave alone
	spans    uint64 // reserved ranges
	owned    [16]uint64
	single   [16]meta           // the record of a single frame, by owner
	regions  [MaxRegions]region // by rising address
	caches   [MaxCPUs]cache
	reserved [MaxReserved]span // by rising address
	last     Report
}

var _ [16 - Owners]struct{}

// cache is one processor's stacks of single frames, by class.
type cache struct{ stacks [2]stack }

// stack holds the physical addresses of n frames.
type stack struct {
	n      uint64
	frames [CacheFrames]uint64
}

// window is what the common paths need to know of one region.
type window struct {
	start   uint64  // physical address of its first frame
	size    uint64  // bytes
	records uintptr // virtual address of its records
	ready   uintptr // virtual address of its bitmap of zeroed record pages
}

// Init prepares a zero Allocator, without any memory yet, to work over mem.
func (a *Allocator) Init(mem phys.Memory) {
	a.mem = mem
	a.lock.Rank = LockRank
	for o := range Owners {
		if o.valid() {
			a.single[o%16] = newMeta(StateSingle, 0, o, 1)
		}
	}
}

// SetReserve keeps n frames from user owners.
func (a *Allocator) SetReserve(n uint64) { a.reserve = n }

// region returns the region that holds pa, or nil.
func (a *Allocator) region(pa uint64) *region {
	for k := range a.count {
		r := &a.regions[k%MaxRegions]
		if pa-r.start < r.n<<phys.PageShift {
			return r
		}
	}
	return nil
}

// seek moves the window to the region that holds pa.
//
//go:noinline
func (a *Allocator) seek(pa uint64) bool {
	r := a.region(pa)
	if r == nil {
		return false
	}
	a.hot = window{r.start, r.n << phys.PageShift, r.records, a.mem.Virtual(r.ready)}
	return true
}

// Alloc takes one frame through the first processor's cache and returns its
// physical address. Its content is whatever it was.
func (a *Allocator) Alloc(o Owner) (uint64, Code) { return a.AllocOn(0, o) }

// Free gives back one frame that Alloc took for the owner.
func (a *Allocator) Free(pa uint64, o Owner) Code { return a.FreeOn(0, pa, o) }

// AllocOn is Alloc through the cache of processor cpu, below MaxCPUs.
func (a *Allocator) AllocOn(cpu uint32, o Owner) (uint64, Code) {
	a.lock.Lock()
	m := a.single[o%16]
	s := &a.caches[cpu%MaxCPUs].stacks[o.class()]
	k := s.n - 1
	if k >= CacheFrames || m == 0 || o >= Owners { // the stack is empty
		return a.allocSlow(cpu, o)
	}
	pa := s.frames[k]
	at := pa - a.hot.start
	if at >= a.hot.size {
		return a.allocSlow(cpu, o)
	}
	s.n = k
	a.hot.record(at).meta = m
	a.owned[o%16]++
	a.lock.Unlock()
	return pa, OK
}

// allocSlow removes what kept AllocOn from its short way, goes it, and gives the
// lock back. (It can't call AllocOn: a recursion would leave its stack without a
// bound that tools/check can prove.)
//
//go:noinline
func (a *Allocator) allocSlow(cpu uint32, o Owner) (uint64, Code) {
	pa, code := a.alloc(cpu, o)
	a.lock.Unlock()
	return pa, code
}

func (a *Allocator) alloc(cpu uint32, o Owner) (uint64, Code) {
	s := &a.caches[cpu%MaxCPUs].stacks[o.class()]
	if s.n == 0 || !o.valid() {
		if code := a.refill(s, o); code != OK {
			return 0, code
		}
	}
	if s.n-1 >= CacheFrames || !a.seek(s.frames[s.n-1]) {
		return 0, a.fail(Corrupt, 0)
	}
	s.n--
	pa := s.frames[s.n]
	a.hot.record(pa - a.hot.start).meta = a.single[o%16]
	a.owned[o%16]++
	return pa, OK
}

// FreeOn is Free through the cache of processor cpu, below MaxCPUs.
func (a *Allocator) FreeOn(cpu uint32, pa uint64, o Owner) Code {
	a.lock.Lock()
	at := pa - a.hot.start
	if at >= a.hot.size || pa%phys.PageSize != 0 || !a.hot.isReady(at) {
		return a.freeSlow(cpu, pa, o)
	}
	rec := a.hot.record(at)
	s := &a.caches[cpu%MaxCPUs].stacks[o.class()]
	n := s.n
	if rec.meta != newMeta(StateSingle, 0, o, 1) || n >= CacheFrames {
		return a.freeSlow(cpu, pa, o)
	}
	rec.meta = newMeta(StateCached, 0, Nobody, 0)
	a.owned[o%16]--
	s.frames[n] = pa
	s.n = n + 1
	a.lock.Unlock()
	return OK
}

// freeSlow removes what kept FreeOn from its short way, goes it, and gives the
// lock back.
//
//go:noinline
func (a *Allocator) freeSlow(cpu uint32, pa uint64, o Owner) Code {
	code := a.free1(cpu, pa, o)
	a.lock.Unlock()
	return code
}

// free1 frees a single frame.
func (a *Allocator) free1(cpu uint32, pa uint64, o Owner) Code {
	if !a.seek(pa) {
		return a.fail(BadAddress, pa)
	}
	at := pa - a.hot.start
	if pa%phys.PageSize != 0 || !a.hot.isReady(at) ||
		a.hot.record(at).meta != newMeta(StateSingle, 0, o, 1) {
		return a.refuse(pa, 1, o)
	}
	s := &a.caches[cpu%MaxCPUs].stacks[o.class()]
	if s.n == CacheFrames {
		a.drain(s, CacheFrames/2+1, o.class())
	}
	if s.n >= CacheFrames {
		return a.fail(Corrupt, pa)
	}
	a.hot.record(at).meta = newMeta(StateCached, 0, Nobody, 0)
	a.owned[o%16]--
	s.frames[s.n] = pa
	s.n++
	return OK
}

// refill puts up to a batch of frames into the empty stack s.
//
//go:noinline
func (a *Allocator) refill(s *stack, o Owner) Code {
	if !o.valid() {
		return a.fail(BadOwner, 0)
	}
	class := o.class()
	a.gather(s, class)
	if s.n == 0 {
		a.drainAll() // frames may lie in other caches
		a.gather(s, class)
	}
	if s.n == 0 {
		return a.fail(NoMemory, 0)
	}
	return OK
}

// gather moves up to a batch of frames from the lists to the empty stack s, from
// the highest region that has any. They are popped in the order in which they were
// taken, so that neighbours stay neighbours as programs age.
func (a *Allocator) gather(s *stack, class uint8) {
	want := uint64(batch)
	if class == classUser {
		if a.free <= a.reserve {
			return
		}
		want = min(want, a.free-a.reserve)
	}
	left := want
	for k := a.count; k > 0 && left > 0; {
		r := &a.regions[(k-1)%MaxRegions]
		order, _, ok := r.find(0, class)
		if !ok {
			k--
			continue
		}
		order = min(order, uint8(bits.Len64(left)-1))
		i, ok := r.take(order, class)
		if !ok {
			break
		}
		size := uint64(1) << order
		r.touch(i)
		r.touch(i + size - 1) // a batch spans two pages of records at most
		pa := r.start + i<<phys.PageShift
		for range size {
			left--
			r.rec(i).meta = newMeta(StateCached, 0, Nobody, 0)
			s.frames[left%CacheFrames] = pa
			i++
			pa += phys.PageSize
		}
		a.free -= size
	}
	s.n = want - left
	for k := uint64(0); left > 0 && k < s.n; k++ { // fewer than wanted: they lie too high
		s.frames[k%CacheFrames] = s.frames[(left+k)%CacheFrames]
	}
}

// drain moves up to n frames from the top of s back to the lists. Frames that
// were freed by rising address, as an exiting program's are, go back as blocks.
//
//go:noinline
func (a *Allocator) drain(s *stack, n uint64, class uint8) {
	var r *region
	n = min(n, s.n)
	for n > 0 && s.n-1 < CacheFrames {
		pa := s.frames[s.n-1]
		if r == nil || pa-r.start >= r.n<<phys.PageShift {
			if r = a.region(pa); r == nil {
				return
			}
		}
		run := uint64(1)
		for k := s.n - 2; run < n && k < CacheFrames && pa > r.start &&
			s.frames[k] == pa-phys.PageSize; k-- {
			pa -= phys.PageSize
			run++
		}
		r.releaseRun((pa-r.start)>>phys.PageShift, run, class)
		a.free += run
		s.n -= run
		n -= run
	}
}

// Drain returns all cached frames to the free lists, where they merge.
func (a *Allocator) Drain() {
	a.lock.Lock()
	a.drainAll()
	a.lock.Unlock()
}

func (a *Allocator) drainAll() {
	for c := range a.caches {
		for class := range a.caches[c].stacks {
			a.drain(&a.caches[c].stacks[class], CacheFrames, uint8(class))
		}
	}
}

// AllocN takes n physically contiguous frames and returns the address of the
// first. The address is a multiple of align, a power of two in bytes (0 for
// 4096); the last byte is at or below limit (0 for anywhere). One frame taken
// this way is freed by Free or by FreeN with 1.
func (a *Allocator) AllocN(n, align, limit uint64, o Owner) (uint64, Code) {
	align = max(align, phys.PageSize)
	switch {
	case n == 0 || n > MaxRun || align > MaxRun<<phys.PageShift || align&(align-1) != 0:
		return 0, a.refused(BadSize)
	case !o.valid():
		return 0, a.refused(BadOwner)
	case limit == 0:
		limit = MaxAddress
	}
	if n == 1 && align == phys.PageSize && limit == MaxAddress {
		return a.Alloc(o)
	}
	order := uint8(max(bits.Len64(n-1), bits.TrailingZeros64(align)-phys.PageShift))
	a.lock.Lock()
	pa, ok := a.contiguous(n, limit, order, o)
	if !ok {
		a.drainAll() // what lies in the caches may be what keeps a block apart
		pa, ok = a.contiguous(n, limit, order, o)
	}
	code := OK
	if !ok {
		code = a.fail(NoMemory, 0)
	}
	a.lock.Unlock()
	return pa, code
}

// refused notes an error in the arguments of a request.
func (a *Allocator) refused(code Code) Code {
	a.lock.Lock()
	a.fail(code, 0)
	a.lock.Unlock()
	return code
}

// contiguous takes the first n frames of a block of the order.
func (a *Allocator) contiguous(n, limit uint64, order uint8, o Owner) (uint64, bool) {
	class := o.class()
	if n > a.free || class == classUser && a.free-n < a.reserve {
		return 0, false
	}
	for k := a.count; k > 0; k-- {
		r := &a.regions[(k-1)%MaxRegions]
		var i uint64
		var ok bool
		if r.start+r.n<<phys.PageShift-1 <= limit {
			i, ok = r.take(order, class)
		} else {
			i, ok = r.takeBelow(order, class, n, limit)
		}
		if ok {
			r.keep(i, order, n, o, class)
			a.free -= n
			a.owned[o%16] += n
			return r.start + i<<phys.PageShift, true
		}
	}
	return 0, false
}

// FreeN gives back the run of n frames at pa that the owner took, whole.
func (a *Allocator) FreeN(pa, n uint64, o Owner) Code {
	if n == 1 {
		return a.Free(pa, o)
	}
	a.lock.Lock()
	code := a.freeRun(pa, n, o)
	a.lock.Unlock()
	return code
}

func (a *Allocator) freeRun(pa, n uint64, o Owner) Code {
	r := a.region(pa)
	if r == nil || pa%phys.PageSize != 0 {
		return a.fail(BadAddress, pa)
	}
	i := (pa - r.start) >> phys.PageShift
	if !r.isReady(i) {
		return a.refuse(pa, n, o)
	}
	rec := r.rec(i)
	if rec.meta&^orderMask != newMeta(StateRun, 0, o, 1) || uint64(rec.next) != n {
		return a.refuse(pa, n, o)
	}
	for end := i + n; i < end; {
		order := metaOrder(r.rec(i).meta)
		r.release(i, order, o.class())
		i += 1 << order
	}
	a.free += n
	a.owned[o%16] -= n
	return OK
}

// Split turns the run of n frames at pa that the owner took into single frames,
// to be freed one by one.
func (a *Allocator) Split(pa, n uint64, o Owner) Code {
	a.lock.Lock()
	code := a.split(pa, n, o)
	a.lock.Unlock()
	return code
}

func (a *Allocator) split(pa, n uint64, o Owner) Code {
	r := a.region(pa)
	if r == nil || pa%phys.PageSize != 0 {
		return a.fail(BadAddress, pa)
	}
	i := (pa - r.start) >> phys.PageShift
	if !r.isReady(i) {
		return a.refuse(pa, n, o)
	}
	rec := r.rec(i)
	if rec.meta&^orderMask != newMeta(StateRun, 0, o, 1) || uint64(rec.next) != n {
		return a.refuse(pa, n, o)
	}
	for k := range n {
		r.touch(i + k)
		r.rec(i + k).meta = newMeta(StateSingle, 0, o, 1)
	}
	return OK
}

// Share adds a reference to the taken frame or run that starts at pa.
func (a *Allocator) Share(pa uint64) Code {
	a.lock.Lock()
	code := a.share(pa)
	a.lock.Unlock()
	return code
}

func (a *Allocator) share(pa uint64) Code {
	rec := a.taken(pa)
	switch {
	case rec == nil:
		return a.notTaken(pa)
	case uint32(rec.meta) == 1<<32-1:
		return a.fail(TooShared, pa)
	}
	rec.meta++
	return OK
}

// Unshare drops a reference to the taken frame or run that starts at pa, and
// frees it with the last one, through the cache of the first processor.
func (a *Allocator) Unshare(pa uint64) (freed bool, code Code) { return a.UnshareOn(0, pa) }

// UnshareOn is Unshare through the cache of processor cpu, below MaxCPUs.
func (a *Allocator) UnshareOn(cpu uint32, pa uint64) (freed bool, code Code) {
	a.lock.Lock()
	at := pa - a.hot.start
	if at >= a.hot.size || pa%phys.PageSize != 0 || !a.hot.isReady(at) {
		return a.unshareSlow(cpu, pa)
	}
	rec := a.hot.record(at)
	o := metaOwner(rec.meta)
	s := &a.caches[cpu%MaxCPUs].stacks[o.class()]
	n := s.n
	if rec.meta&^ownerMask != newMeta(StateSingle, 0, 0, 1) || n >= CacheFrames {
		return a.unshareSlow(cpu, pa)
	}
	rec.meta = newMeta(StateCached, 0, Nobody, 0) // as FreeOn
	a.owned[o%16]--
	s.frames[n] = pa
	s.n = n + 1
	a.lock.Unlock()
	return true, OK
}

// unshareSlow is Unshare for shared frames, runs and what is neither; it gives
// the lock back.
//
//go:noinline
func (a *Allocator) unshareSlow(cpu uint32, pa uint64) (freed bool, code Code) {
	freed, code = a.unshare(cpu, pa)
	a.lock.Unlock()
	return freed, code
}

func (a *Allocator) unshare(cpu uint32, pa uint64) (freed bool, code Code) {
	rec := a.taken(pa)
	if rec == nil {
		return false, a.notTaken(pa)
	}
	if uint32(rec.meta) > 1 {
		rec.meta--
		return false, OK
	}
	o := metaOwner(rec.meta)
	if metaState(rec.meta) == StateSingle {
		return true, a.free1(cpu, pa, o)
	}
	return true, a.freeRun(pa, uint64(rec.next), o)
}

// References returns the number of references to the taken frame or run that
// starts at pa.
func (a *Allocator) References(pa uint64) (uint32, Code) {
	a.lock.Lock()
	n, code := uint32(0), OK
	if rec := a.taken(pa); rec != nil {
		n = uint32(rec.meta)
	} else {
		code = a.notTaken(pa)
	}
	a.lock.Unlock()
	return n, code
}

// taken returns the record of the taken frame or run that starts at pa, or nil.
func (a *Allocator) taken(pa uint64) *record {
	if pa-a.hot.start >= a.hot.size && !a.seek(pa) || pa%phys.PageSize != 0 {
		return nil
	}
	at := pa - a.hot.start
	if !a.hot.isReady(at) {
		return nil
	}
	rec := a.hot.record(at)
	if s := metaState(rec.meta); s != StateSingle && s != StateRun {
		return nil
	}
	return rec
}

// notTaken says why there is no taken frame or run that starts at pa.
func (a *Allocator) notTaken(pa uint64) Code {
	f := a.frame(pa)
	switch {
	case f.State == StateNone || pa%phys.PageSize != 0:
		return a.fail(BadAddress, pa)
	case f.State == StatePart || f.State == StateRun:
		return a.fail(NotHead, pa)
	}
	return a.fail(NotTaken, pa)
}

// Owner returns the owner of the frame at pa, Nobody when it is free or in no
// region.
func (a *Allocator) Owner(pa uint64) Owner { return a.Frame(pa).Owner }
