// SPDX-License-Identifier: Apache-2.0

package space

import (
	"encoding/binary"
	"flag"
	"math/rand/v2"
	"testing"
)

// The model tests are short by default; -ops 2000000 makes them long.
var modelOps = flag.Int("ops", 20000, "operations of each model test")

// modelPages is the size of the address space that the models cover.
const modelPages = 160

// modelPage is the slow oracle's knowledge of one page.
type modelPage struct {
	used  bool
	prot  Prot
	kind  Kind
	phys  uint64
	bytes uint64 // of the file on this page
	// of a memory object
	object int32
	offset uint64
	deny   Prot
}

type model struct {
	t     testing.TB
	pool  *Pool
	areas Areas
	pages [modelPages]modelPage
}

func newModel(t testing.TB) *model {
	m := &model{t: t, pool: new(Pool)}
	m.pool.Init(make([]Node, modelPages+2))
	m.areas.Init(m.pool, modelPages)
	return m
}

func (m *model) insert(first, n int, area Area) {
	for i := first; i < first+n; i++ {
		if m.pages[i].used {
			return
		}
	}
	area.Start, area.End = uint64(first)*PageSize, uint64(first+n)*PageSize
	if area.Kind != Archive {
		area.Phys, area.Bytes = 0, 0
	}
	if !area.hasObject() {
		area.Object, area.Offset = 0, 0
	}
	area.Bytes = min(area.Bytes, area.Size())
	m.areas.Insert(area)
	for i := range n {
		p := &m.pages[first+i]
		*p = modelPage{used: true, prot: area.Prot, kind: area.Kind, deny: area.Deny}
		off := uint64(i) * PageSize
		if area.hasObject() {
			p.object, p.offset = area.Object, area.Offset+off
		}
		if area.Kind == Archive {
			p.phys = area.Phys + off
			p.bytes = min(area.Bytes-min(area.Bytes, off), PageSize)
		}
	}
}

func (m *model) remove(first, n int) {
	m.areas.Remove(uint64(first)*PageSize, uint64(first+n)*PageSize)
	clear(m.pages[first : first+n])
}

func (m *model) setProt(first, n int, prot Prot) {
	start, end := uint64(first)*PageSize, uint64(first+n)*PageSize
	covered := true
	for _, p := range m.pages[first : first+n] {
		covered = covered && p.used
	}
	if m.areas.Covered(start, end) != covered {
		m.t.Fatalf("Covered(%d, %d) = %v", first, n, !covered)
	}
	if !covered {
		return
	}
	before := m.areas.Len()
	splits := m.areas.splits(start, end, prot)
	m.areas.SetProt(start, end, prot)
	if m.areas.Len() > before+splits {
		m.t.Fatalf("%d areas after SetProt, %d before and %d splits", m.areas.Len(), before, splits)
	}
	for i := range n {
		m.pages[first+i].prot = prot
	}
}

// has compares has with a search page by page.
func (m *model) has(first, n int, want marks) {
	found := false
	for _, p := range m.pages[first : first+n] {
		found = found || p.used && (want>>p.kind&1 != 0 || Prot(want/denied)&p.deny != 0)
	}
	if got := m.areas.has(uint64(first)*PageSize, uint64(first+n)*PageSize, want); got != found {
		m.t.Fatalf("has(%d, %d, %b) = %v", first, n, want, got)
	}
}

// room compares Room with a search page by page.
func (m *model) room(first, last, n int) {
	want, ok := 0, false
	for i := last - n; i >= first && !ok; i-- {
		want, ok = i, true
		for _, p := range m.pages[i : i+n] {
			ok = ok && !p.used
		}
	}
	got, gotOK := m.areas.Room(uint64(first)*PageSize, uint64(last)*PageSize, uint64(n)*PageSize)
	if ok != gotOK || ok && got != uint64(want)*PageSize {
		m.t.Fatalf("Room(%d, %d, %d) = page %d, %v; want %d, %v", first, last, n, got/PageSize, gotOK, want, ok)
	}
}

// check compares everything.
func (m *model) check() {
	m.t.Helper()
	var last Area
	count, at := 0, uint64(0)
	for {
		a, ok := m.areas.Next(at)
		if !ok {
			break
		}
		count++
		if count > 1 && last.joins(a) {
			m.t.Fatalf("not merged: %+v %+v", last, a)
		}
		if a.Start < last.End || a.End <= a.Start {
			m.t.Fatalf("out of order: %+v %+v", last, a)
		}
		for p := at / PageSize; p < a.Start/PageSize; p++ {
			if m.pages[p].used {
				m.t.Fatalf("page %d is missing", p)
			}
		}
		for p := a.Start; p < a.End; p += PageSize {
			want := m.pages[p/PageSize]
			one := a.from(p).upTo(p + PageSize)
			if got := (modelPage{true, one.Prot, one.Kind, one.Phys, one.Bytes, one.Object, one.Offset, one.Deny}); got != want {
				m.t.Fatalf("page %d is %+v, want %+v", p/PageSize, got, want)
			}
		}
		last, at = a, a.End
	}
	for p := at / PageSize; p < modelPages; p++ {
		if m.pages[p].used {
			m.t.Fatalf("page %d is missing at the end", p)
		}
	}
	if count != m.areas.Len() || count != m.pool.Used() {
		m.t.Fatalf("%d areas, Len %d, %d nodes", count, m.areas.Len(), m.pool.Used())
	}
	m.checkTree(m.areas.root)
}

func (m *model) checkTree(i uint32) {
	if i == 0 {
		return
	}
	n := m.pool.nodes[i]
	m.checkTree(n.left)
	m.checkTree(n.right)
	if l, r := m.pool.height(n.left), m.pool.height(n.right); l > r+1 || r > l+1 {
		m.t.Fatalf("unbalanced: %d and %d", l, r)
	}
	m.pool.update(i)
	if m.pool.nodes[i] != n {
		m.t.Fatalf("stale node %+v, should be %+v", n, m.pool.nodes[i])
	}
}

// step does one operation, chosen by the numbers in b.
func (m *model) step(b [8]byte) {
	first := int(b[1]) % modelPages
	n := 1 + int(b[2])%min(modelPages-first, 1+int(b[3])%40)
	prot := Prot(b[4] % 4)
	switch b[0] % 8 {
	case 0, 1, 2:
		if b[3]%4 == 0 { // fill a hole exactly
			for first > 0 && !m.pages[first-1].used {
				first--
			}
			for n = 1; first+n < modelPages && !m.pages[first+n].used; n++ {
			}
		}
		kind := [...]Kind{Anonymous, Archive, Stack, Object, Private}[b[5]%5]
		// Backing that is often contiguous, so that merging is tried.
		phys := uint64(1<<30 + first*PageSize)
		bytes := uint64(n) * PageSize
		if b[6]%4 == 0 {
			bytes -= uint64(b[7]) * 64 % bytes
		}
		if b[6]%16 == 1 {
			phys += PageSize
		}
		m.insert(first, n, Area{Prot: prot, Kind: kind, Phys: phys, Bytes: bytes, Deny: Prot(b[7] / 100),
			Object: int32(b[6] % 16 / 14), Offset: phys})
	case 3, 4:
		m.remove(first, n)
	case 5, 6:
		m.setProt(first, n, prot)
		m.has(first, n, 1<<(b[5]%8)|denied*marks(b[6]%4))
	case 7:
		m.room(first, first+int(b[5])%(modelPages-first+1), n)
	}
}

func TestAreasAgainstModel(t *testing.T) {
	rnd := rand.New(rand.NewPCG(7, 7))
	m := newModel(t)
	for i := range *modelOps {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], rnd.Uint64())
		if i%3000 < 300 { // fill up and empty from time to time
			b[0] = byte(i / 3000 % 2 * 3)
		}
		m.step(b)
		if i%8 == 0 || *modelOps < 100000 {
			m.check()
		}
	}
	m.remove(0, modelPages)
	m.check()
}

func FuzzAreas(f *testing.F) {
	f.Add([]byte("\x00\x10\x08\xff\x03\x01\x01\x00\x05\x12\x02\x20\x01\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m := newModel(t)
		for ; len(b) >= 8; b = b[8:] {
			m.step([8]byte(b))
			m.check()
		}
	})
}

// TestSharedPool has one set use a node that another has given back.
func TestSharedPool(t *testing.T) {
	var pool Pool
	pool.Init(make([]Node, 3))
	var a, b Areas
	a.Init(&pool, 10)
	b.Init(&pool, 10)
	a.Insert(Area{Start: 0x1000, End: 0x2000})
	a.Find(0x1000) // is remembered
	a.Remove(0x1000, 0x2000)
	b.Insert(Area{Start: 0x1000, End: 0x2000})
	if got, ok := a.Find(0x1000); ok {
		t.Errorf("found another set's area %+v", got)
	}
}

// TestDepth inserts in the order that is worst for a tree without balance.
func TestDepth(t *testing.T) {
	const n = 65530
	var pool Pool
	pool.Init(make([]Node, n+1))
	var a Areas
	a.Init(&pool, n)
	for i := range uint64(n) {
		a.Insert(Area{Start: 2 * i * PageSize, End: (2*i + 1) * PageSize})
	}
	if h := pool.height(a.root); h > 23 { // 1.45 log2(n)
		t.Errorf("height %d of %d areas", h, n)
	}
	if a.Supply(1) {
		t.Error("more areas than nodes")
	}
	if addr, ok := a.Room(0, 2*n*PageSize, 2*PageSize); ok {
		t.Errorf("room for two pages at %#x", addr)
	}
	a.Remove(1000*PageSize, 1001*PageSize)
	if addr, ok := a.Room(0, 2*n*PageSize, 2*PageSize); !ok || addr != 1000*PageSize {
		t.Errorf("room at %#x, %v", addr, ok)
	}
	if !a.Supply(1) || a.Supply(2) {
		t.Error("supply after one removal is not one")
	}
}

func BenchmarkRoom(b *testing.B) {
	const n = 65530
	var pool Pool
	pool.Init(make([]Node, n+1))
	var a Areas
	a.Init(&pool, n)
	for i := range uint64(n) {
		a.Insert(Area{Start: 2 * i * PageSize, End: (2*i + 1) * PageSize})
	}
	for b.Loop() {
		a.Room(0, 2*n*PageSize, PageSize)
	}
}
