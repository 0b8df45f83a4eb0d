// SPDX-License-Identifier: Apache-2.0

package futex

import (
	"math/rand/v2"
	"slices"
	"testing"

	"loam/abi"
)

// waiter is one entry of the slow oracle: a single list of all waiters in order.
type waiter struct {
	t      int32
	key    Key
	bitset uint32
}

type oracle struct{ all []waiter }

func (o *oracle) index(t int32) int {
	return slices.IndexFunc(o.all, func(w waiter) bool { return w.t == t })
}

func (o *oracle) wake(key Key, n int, bitset uint32) (woken []int32) {
	for i := 0; i < len(o.all) && len(woken) < n; {
		if w := o.all[i]; w.key == key && w.bitset&bitset != 0 {
			woken = append(woken, w.t)
			o.all = slices.Delete(o.all, i, i+1)
			continue
		}
		i++
	}
	return woken
}

func (o *oracle) requeue(from, to Key, n int) int {
	if from == to {
		c := 0
		for _, w := range o.all {
			if w.key == from {
				c++
			}
		}
		return min(c, n)
	}
	woken := 0
	var moved []waiter
	for i := 0; i < len(o.all) && woken < n; {
		if o.all[i].key == from {
			moved = append(moved, waiter{o.all[i].t, to, o.all[i].bitset})
			o.all = slices.Delete(o.all, i, i+1)
			woken++
			continue
		}
		i++
	}
	o.all = append(o.all, moved...)
	return woken
}

func TestAgainstOracle(t *testing.T) {
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 3))
		threads := 1 + r.IntN(40)
		b := New(nil, threads, [2]uint64{r.Uint64(), r.Uint64()})
		if seed%2 == 0 {
			b.buckets = b.buckets[:1] // everybody collides
		}
		keys := make([]Key, 1+r.IntN(6))
		for i := range keys {
			keys[i] = Private(uint64(1+r.IntN(2)), abi.UserAddr(4*r.IntN(4)))
			if r.IntN(3) == 0 {
				keys[i] = Shared(uint64(4 * r.IntN(4)))
			}
		}
		o := &oracle{}
		for range 2000 {
			step(t, r, b, o, keys, threads)
		}
	}
}

func step(t *testing.T, r *rand.Rand, b *Table, o *oracle, keys []Key, threads int) {
	t.Helper()
	key, other := keys[r.IntN(len(keys))], keys[r.IntN(len(keys))]
	bitset := uint32(Any)
	if r.IntN(2) == 0 {
		bitset = 1 << r.IntN(3)
	}
	th := int32(r.IntN(threads))
	at := o.index(th)
	switch n := r.IntN(4); r.IntN(6) {
	case 0, 1, 2:
		if at < 0 {
			b.Wait(th, key, bitset)
			o.all = append(o.all, waiter{th, key, bitset})
		}
	case 3:
		w := b.Wake(key, bitset)
		var got []int32
		for len(got) < n {
			th, ok := w.Next()
			if !ok {
				break
			}
			got = append(got, th)
		}
		if want := o.wake(key, n, bitset); !slices.Equal(got, want) {
			t.Fatalf("Wake(%v, %d, %x) = %v, want %v", key, n, bitset, got, want)
		}
	case 4:
		got := b.Requeue(key, other, n)
		if want := o.requeue(key, other, n); got != want {
			t.Fatalf("Requeue(%v, %v, %d) = %d, want %d", key, other, n, got, want)
		}
	case 5:
		if b.Remove(th) != (at >= 0) {
			t.Fatalf("Remove(%d) != %v", th, at >= 0)
		}
		if at >= 0 {
			o.all = slices.Delete(o.all, at, at+1)
		}
	}
	for i := range int32(threads) {
		k, ok := b.Waiting(i)
		at := o.index(i)
		if ok != (at >= 0) || ok && k != o.all[at].key {
			t.Fatalf("Waiting(%d) = %v %v", i, k, ok)
		}
	}
}

func TestCheckAddr(t *testing.T) {
	for addr, want := range map[abi.UserAddr]abi.Errno{0: 0, 4: 0, 1: abi.EINVAL, 6: abi.EINVAL, 1<<64 - 1: abi.EINVAL} {
		if got := CheckAddr(addr); got != want {
			t.Errorf("CheckAddr(%#x) = %v", uint64(addr), got)
		}
	}
}

// encode is FUTEX_OP of linux/futex.h.
func encode(op, oparg, cmp, cmparg uint32) uint32 {
	return op&0xf<<28 | cmp&0xf<<24 | oparg&0xfff<<12 | cmparg&0xfff
}

func TestOp(t *testing.T) {
	minus := func(n int32) uint32 { return uint32(-n) }
	for _, c := range []struct {
		code  uint32
		old   uint32
		errno abi.Errno
		value uint32
		wake  bool
	}{
		{encode(opSet, 7, cmpEq, 3), 3, 0, 7, true},
		{encode(opAdd, minus(1), cmpGt, 1), 2, 0, 1, true},
		{encode(opAdd, minus(1), cmpGt, 1), 1, 0, 0, false},
		{encode(opOr, 0x11, cmpNe, 1), 1, 0, 0x11, false},
		{encode(opAndn, 0x11, cmpLt, 0), 0x8000_0013, 0, 0x8000_0002, true},
		{encode(opXor, 3, cmpLe, minus(5)), minus(5), 0, minus(5) ^ 3, true},
		{encode(opSet|opShift, 31, cmpGe, 0), 0, 0, 1 << 31, true},
		{encode(opSet|opShift, 33, cmpGe, 0), 0, 0, 2, true},
		{encode(opEnd, 0, cmpEq, 0), 0, abi.ENOSYS, 0, false},
		{encode(opSet, 0, cmpEnd, 0), 0, abi.ENOSYS, 0, false},
	} {
		o, errno := DecodeOp(c.code)
		if errno != c.errno {
			t.Errorf("DecodeOp(%#x): errno %v, want %v", c.code, errno, c.errno)
			continue
		}
		if errno != 0 {
			continue
		}
		if v, w := o.Apply(c.old); v != c.value || w != c.wake {
			t.Errorf("%#x on %#x = %#x %v, want %#x %v", c.code, c.old, v, w, c.value, c.wake)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	b := New(nil, 8, [2]uint64{1, 2})
	k, l := Private(1, 4096), Private(1, 8192)
	if n := testing.AllocsPerRun(100, func() {
		for i := range int32(8) {
			b.Wait(i, k, Any)
		}
		b.Remove(3)
		b.Requeue(k, l, 4)
		for _, key := range [...]Key{k, l} {
			w := b.Wake(key, Any)
			for {
				if _, ok := w.Next(); !ok {
					break
				}
			}
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkWaitWake(b *testing.B) {
	t := New(nil, 64, [2]uint64{1, 2})
	k := Private(1, 4096)
	for b.Loop() {
		t.Wait(3, k, Any)
		w := t.Wake(k, Any)
		w.Next()
	}
}
