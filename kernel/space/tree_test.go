// SPDX-License-Identifier: Apache-2.0

package space

import (
	"testing"

	"loam/machine/frame"
	"loam/machine/phys"
)

// When memory is scarce, an area gets a node that another one had, or none.
func TestSupplyWhenScarce(t *testing.T) {
	frames := new(frame.Allocator)
	frames.Init(phys.FromBytes(phys.Arena(1 << 20)))
	if code := frames.AddRegion(0, 1<<20); code != frame.OK {
		t.Fatal(code)
	}
	pool := Pool{Frames: frames}
	pool.Init(make([]Node, 100))
	var a Areas
	a.Init(&pool, 1000)
	area := func(i uint64) Area { return Area{Start: 2 * i * PageSize, End: (2*i + 1) * PageSize} }
	for i := range uint64(10) {
		a.Insert(area(i))
	}
	if !a.Supply(89) || a.Supply(90) {
		t.Error("not what is left of the slab")
	}
	frames.SetReserve(1 << 20)
	if !frames.Scarce() || a.Supply(1) {
		t.Error("a fresh node of scarce memory")
	}
	for i := range uint64(3) {
		a.Remove(area(i).Start, area(i).End)
	}
	if !a.Supply(3) || a.Supply(4) {
		t.Error("not what was given back")
	}
	frames.SetReserve(0)
	if !a.Supply(92) || a.Supply(93) {
		t.Error("not what is left of the slab, in the end")
	}
}
