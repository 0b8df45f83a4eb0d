// SPDX-License-Identifier: Apache-2.0

//go:build !race

package object

import (
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"loam/abi"
)

// What TestLookMeanwhile gives out is told by the badge: the object, and the rights.
func lookBadge(object int32, rights abi.Rights) uint64 { return uint64(object)<<32 | uint64(rights) }

// TestLookMeanwhile looks at handles, good ones, old ones and ones to come, while they
// are made, narrowed and closed. An answer must be of one handle, not of two that
// had the place one after the other. (The race detector would be right to complain.)
func TestLookMeanwhile(t *testing.T) {
	const places, objects = 4, 6
	var o Objects
	limits := abi.Limits{1, 1}
	limits.Set(abi.KindNotification, objects)
	o.Init(nil, &limits, 2, places)
	var all []int32
	for range objects {
		i, e := o.New(abi.KindNotification, -1, -1)
		if e != 0 {
			t.Fatal(e)
		}
		all = append(all, i)
	}
	tb := o.Table(0)
	var latest [places]atomic.Uint64 // handle of each place
	var end atomic.Bool
	var wg sync.WaitGroup
	found := 0
	wg.Go(func() {
		r := rand.New(rand.NewPCG(1, 4))
		for !end.Load() {
			h := abi.Handle(latest[r.IntN(places)].Load() + r.Uint64N(3)<<abi.HandleIndexBits)
			i, rights, badge, ok := Look(tb, h)
			if !ok {
				continue
			}
			found++
			// A handle that was narrowed has fewer rights than it was made with.
			if i != int32(badge>>32) || rights&^abi.Rights(badge) != 0 || rights == 0 {
				t.Errorf("handle %#x: object %d, rights %#x, badge %#x", uint64(h), i, rights, badge)
				return
			}
		}
	})
	r := rand.New(rand.NewPCG(2, 4))
	for range 3_000_000 {
		place := r.IntN(places)
		h := abi.Handle(latest[place].Load())
		if e := tb.entry(h); e == nil {
			i, rights := all[r.IntN(objects)], abi.Rights(1+r.IntN(15))<<r.IntN(20)
			h, _ = o.insert(tb, i, rights, lookBadge(i, rights))
		} else if r.IntN(3) == 0 && e.rights&(e.rights-1) != 0 {
			h, _ = o.Replace(tb, h, e.rights&(e.rights-1))
		} else {
			o.Remove(tb, h)
		}
		latest[placeOf(h)].Store(uint64(h))
	}
	end.Store(true)
	wg.Wait()
	t.Logf("%d found", found)
	if found == 0 {
		t.Error("no handle was ever found")
	}
}
