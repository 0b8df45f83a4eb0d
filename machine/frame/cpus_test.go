// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"loam/machine/phys"
)

// TestCPUs: goroutines for processors, each through its own cache, take and give
// back frames of all kinds, and give each other some to give back. In between
// others drain, count and check. (go test -race wants -gcflags=all=-d=checkptr=0:
// the records are reached by numbers.)
func TestCPUs(t *testing.T) {
	const cpus, rounds = 6, 3000
	mem := arena(t, 24*mib)
	a := new(Allocator)
	a.Init(mem)
	for _, s := range [][2]uint64{{mib, 5*mib + 0x3000}, {6 * mib, 24 * mib}} { // over a zone limit
		if code := a.AddRegion(s[0], s[1]); code != OK {
			t.Fatal(code)
		}
	}
	a.SetReserve(200)
	start := a.Stats()
	handed := make(chan Extent, 64) // single user frames, from anybody to anybody
	var wg sync.WaitGroup
	for cpu := range uint32(cpus) {
		wg.Go(func() {
			c := worker{a: a, mem: mem, cpu: cpu, rng: rand.New(rand.NewPCG(uint64(cpu), 1)), handed: handed}
			for k := range rounds {
				c.turn(t)
				if k%64 == 0 {
					runtime.Gosched() // a host may have fewer CPUs than there are spinners
				}
			}
			c.end(t)
		})
	}
	watching := make(chan bool)
	go func() {
		defer close(watching)
		for range 30 {
			a.Drain()
			if s := a.Stats(); s.Free > start.Free || a.Owned(User) > start.Free {
				t.Errorf("more free than there is: %+v", s)
			}
			a.Low()
			a.Scarce()
			a.Spare()
			runtime.Gosched()
		}
	}()
	wg.Wait()
	<-watching
	close(handed)
	for e := range handed {
		if code := a.Free(e.Addr, User); code != OK {
			t.Error(code)
		}
	}
	check(t, a)
	a.Drain()
	check(t, a)
	if got := a.Stats(); got != start || a.Mistakes() != 0 {
		t.Errorf("at the end %+v with %d mistakes, at the start %+v", got, a.Mistakes(), start)
	}
}

// worker is a processor of TestCPUs. What it holds it marks in the first word.
type worker struct {
	a      *Allocator
	mem    phys.Memory
	cpu    uint32
	rng    *rand.Rand
	held   []Extent
	owners []Owner
	handed chan Extent
}

func (c *worker) turn(t *testing.T) {
	switch c.rng.IntN(12) {
	case 0, 1, 2, 3:
		o := []Owner{User, Heap, PageTable, UserFile}[c.rng.IntN(4)]
		if pa, code := c.a.AllocOn(c.cpu, o); code == OK {
			c.keep(Extent{pa, 1}, o)
		} else if code != NoMemory {
			t.Error(code)
		}
	case 4:
		n := 2 + c.rng.Uint64N(60)
		if pa, code := c.a.AllocN(n, 0, 0, Heap); code == OK {
			c.keep(Extent{pa, n}, Heap)
		} else if code != NoMemory {
			t.Error(code)
		}
	case 5:
		list := make([]Extent, 8)
		used, code := c.a.AllocScattered(1+c.rng.Uint64N(100), 0, User, list)
		if code == OK {
			for _, e := range list[:used] {
				c.keep(e, User)
			}
		} else if code != NoMemory && code != Scattered {
			t.Error(code)
		}
	case 6:
		if pa, code := c.a.AllocOn(c.cpu, User); code == OK {
			select {
			case c.handed <- Extent{pa, 1}:
			default:
				c.keep(Extent{pa, 1}, User)
			}
		}
	case 7:
		select {
		case e := <-c.handed:
			if freed, code := c.a.UnshareOn(c.cpu, e.Addr); !freed || code != OK {
				t.Errorf("%+v: %v, %v", e, freed, code)
			}
		default:
		}
	default:
		c.drop(t)
	}
}

// keep notes what was taken.
func (c *worker) keep(e Extent, o Owner) {
	for k := range e.Frames {
		*c.mem.Word(e.Addr + k<<phys.PageShift) = uint64(c.cpu)<<32 | e.Addr>>phys.PageShift
	}
	c.held, c.owners = append(c.held, e), append(c.owners, o)
}

// drop gives one of them back, if nobody has written to it.
func (c *worker) drop(t *testing.T) {
	if len(c.held) == 0 {
		return
	}
	k := c.rng.IntN(len(c.held))
	e, o := c.held[k], c.owners[k]
	last := len(c.held) - 1
	c.held[k], c.owners[k] = c.held[last], c.owners[last]
	c.held, c.owners = c.held[:last], c.owners[:last]
	for k := range e.Frames {
		if got := *c.mem.Word(e.Addr + k<<phys.PageShift); got != uint64(c.cpu)<<32|e.Addr>>phys.PageShift {
			t.Errorf("frame %d of %+v is of CPU %d", k, e, got>>32)
		}
	}
	code := OK
	switch {
	case e.Frames == 1 && c.rng.IntN(2) == 0:
		code = c.a.FreeOn(c.cpu, e.Addr, o)
	case c.rng.IntN(4) == 0:
		code = c.a.FreeScattered([]Extent{e}, o)
	case c.rng.IntN(4) == 0:
		code = c.a.Share(e.Addr)
		c.a.UnshareOn(c.cpu, e.Addr)
		fallthrough
	default:
		if _, un := c.a.UnshareOn(c.cpu, e.Addr); un != OK {
			code = un
		}
	}
	if code != OK {
		t.Errorf("%+v of %v: %v, %+v", e, o, code, c.a.Mistake())
	}
}

func (c *worker) end(t *testing.T) {
	for len(c.held) > 0 {
		c.drop(t)
	}
}

// TestCachesOfOthers: what lies in other processors' caches is there for who finds
// nothing else, as much of it as is allowed.
func TestCachesOfOthers(t *testing.T) {
	a := newAllocator(t, 8*mib)
	a.SetReserve(10)
	free := a.Stats().Free
	for cpu := range uint32(MaxCPUs) {
		for _, o := range []Owner{User, Heap} {
			pa, code := a.AllocOn(cpu, o)
			if code != OK || a.FreeOn(cpu, pa, o) != OK {
				t.Fatal(code)
			}
		}
	}
	if s := a.Stats(); s.Cached < free/2 || s.Free != free {
		t.Fatalf("%+v", s)
	}
	if left, all := a.Left(), a.LeftInAll(); left > free/2 || all != free {
		t.Fatalf("left are %d frames, %d in all, of %d", left, all, free)
	}
	n := uint64(0)
	for {
		if _, code := a.AllocOn(MaxCPUs-1, User); code != OK {
			break
		}
		n++
	}
	if n != free-10 {
		t.Errorf("%d frames for user memory of %d", n, free)
	}
	for n = 0; ; n++ {
		if _, code := a.AllocOn(3, Heap); code != OK {
			break
		}
	}
	if n != 10 {
		t.Errorf("%d frames of a reserve of 10", n)
	}
	check(t, a)
}

// TestLowCountsCaches: what is in caches is free.
func TestLowCountsCaches(t *testing.T) {
	a := newAllocator(t, 8*mib)
	for cpu := range uint32(MaxCPUs) {
		pa, _ := a.AllocOn(cpu, User)
		a.FreeOn(cpu, pa, User)
	}
	s := a.Stats()
	a.SetReserve(s.Free - 1)
	if a.Low() {
		t.Errorf("low with %d frames free, a reserve of %d", s.Free, s.Free-1)
	}
	a.SetReserve(s.Free)
	if !a.Low() || a.Scarce() {
		t.Errorf("low %v, scarce %v with %d frames free and a reserve as large", a.Low(), a.Scarce(), s.Free)
	}
	a.SetReserve(2 * s.Free)
	if !a.Scarce() {
		t.Error("not scarce with half of the reserve free")
	}
}

// TestManyRegions: one processor's frames of several regions, in any order.
func TestManyRegions(t *testing.T) {
	a := new(Allocator)
	a.Init(arena(t, 24*mib))
	for k := range uint64(12) {
		if code := a.AddRegion(k*2*mib, k*2*mib+mib); code != OK {
			t.Fatal(code)
		}
	}
	start := a.Stats()
	for _, o := range []Owner{User, Heap} {
		var all []uint64
		for {
			pa, code := a.Alloc(o)
			if code != OK {
				break
			}
			all = append(all, pa)
		}
		check(t, a)
		rng := rand.New(rand.NewPCG(1, 2))
		rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for k, pa := range all {
			if code := a.Free(pa, o); code != OK {
				t.Fatal(code)
			}
			if k%100 == 0 {
				check(t, a)
			}
		}
		a.Drain()
		if got := a.Stats(); got != start {
			t.Errorf("%+v, at the start %+v", got, start)
		}
	}
}

// TestCallers: a mistake names who made it.
func TestCallers(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("callers are known on amd64 alone")
	}
	a := newAllocator(t, 8*mib)
	pa, _ := a.Alloc(User)
	run, _ := a.AllocN(4, 0, 0, Heap)
	for name, mistake := range map[string]func(){
		"free":      func() { a.Free(pa, Heap) },
		"freeOn":    func() { a.FreeOn(3, pa+4096, User) },
		"freeN":     func() { a.FreeN(run, 3, Heap) },
		"unshare":   func() { a.Unshare(pa + 8) },
		"share":     func() { a.Share(run + 4096) },
		"split":     func() { a.Split(run, 5, Heap) },
		"allocN":    func() { a.AllocN(1, 3*4096, 0, Heap) },
		"alloc":     func() { a.Alloc(Owners) },
		"scattered": func() { a.FreeScattered([]Extent{{run, 4}}, User) },
		"release":   func() { a.Release(run, run+4096, User) },
	} {
		before := a.Mistakes()
		mistake()
		f := a.Mistake()
		if a.Mistakes() != before+1 || f.Code == OK {
			t.Errorf("%s: %d mistakes, %+v", name, a.Mistakes()-before, f)
		}
		var names []string
		for _, pc := range f.Callers {
			if pc != 0 {
				names = append(names, runtime.FuncForPC(uintptr(pc)-1).Name())
			}
		}
		outer := slices.IndexFunc(names, func(s string) bool {
			return !strings.Contains(s, "(*Allocator)") && !strings.HasSuffix(s, ".freeAt")
		})
		if outer < 0 || !strings.Contains(names[outer], "TestCallers") {
			t.Errorf("%s: by %q", name, names)
		}
	}
	before := a.Mistakes()
	a.AllocN(MaxRun, 0, 0, Heap) // no mistake, only too much
	if a.Mistakes() != before || a.Last().Code != NoMemory || a.Mistake().Code == NoMemory {
		t.Errorf("%+v, %+v", a.Last(), a.Mistake())
	}
	check(t, a)
}

// TestZoneOfReport: a report says in which zone the frame lies.
func TestZoneOfReport(t *testing.T) {
	numbersOnly(t)
	mem := phys.Arena(4 * mib)
	defer runtime.KeepAlive(mem)
	for _, c := range []struct {
		start uint64
		want  Zone
	}{{zoneDMA - 2*mib, ZoneDMA}, {zoneDMA, Zone32}, {zone32 - 2*mib, Zone32}, {zone32, ZoneNormal}} {
		a := new(Allocator)
		a.Init(phys.At(phys.FromBytes(mem).Virtual(0) - uintptr(c.start)))
		if code := a.AddRegion(c.start, c.start+2*mib); code != OK {
			t.Fatal(code)
		}
		pa, _ := a.Alloc(DMA)
		for _, at := range []uint64{pa, pa + 4096} {
			if f := a.Frame(at); f.Zone != c.want || f.Zone.String() == "" {
				t.Errorf("%#x: %v, want %v", at, f.Zone, c.want)
			}
		}
		if f := a.Frame(c.start + 8*mib); f.Zone != ZoneNone {
			t.Errorf("no RAM there: %v", f.Zone)
		}
	}
}
