// SPDX-License-Identifier: Apache-2.0

package fd

import "testing"

// FuzzTable plays operations on a table and on a map, which finds the lowest number by looking at
// all.
func FuzzTable(f *testing.F) {
	f.Add([]byte{0, 0, 0, 0, 2, 1, 0, 0, 1, 70, 3, 64, 2, 64, 0, 0})
	f.Add([]byte{1, 127, 0, 0, 1, 63, 2, 63, 1, 64, 3, 5, 0, 0, 4, 4})
	f.Fuzz(func(t *testing.T, steps []byte) {
		const limit = 130
		table := Table[int]{Limit: limit}
		model := map[int32]*int{}
		flag := map[int32]bool{}
		lowest := func(least int) int32 {
			n := int32(least)
			for model[n] != nil {
				n++
			}
			return n
		}
		for i := 0; i+1 < len(steps); i += 2 {
			v, arg := new(int), int(steps[i+1])
			switch steps[i] % 5 {
			case 0, 1:
				least := arg * int(steps[i]%5)
				want := lowest(least)
				n, ok := table.Add(v, least, arg%2 == 0)
				if ok != (want < limit) || ok && n != want {
					t.Fatalf("step %d: %d from %d, %v; want %d", i, n, least, ok, want)
				}
				if ok {
					model[n], flag[n] = v, arg%2 == 0
				}
			case 2:
				if got := table.Remove(int32(arg)); got != model[int32(arg)] {
					t.Fatalf("step %d: removed another", i)
				}
				delete(model, int32(arg))
			case 3:
				old, ok := table.Replace(int32(arg), v, true)
				if ok != (arg < limit) || ok && old != model[int32(arg)] {
					t.Fatalf("step %d: %v, replaced another", i, ok)
				}
				if ok {
					model[int32(arg)], flag[int32(arg)] = v, true
				}
			case 4:
				if model[int32(arg)] != nil {
					table.SetCloseExec(int32(arg), false)
					flag[int32(arg)] = false
				}
			}
			seen := 0
			table.Each(0, func(n int32, got *int) {
				seen++
				if model[n] != got || table.Get(n) != got || table.CloseExec(n) != flag[n] {
					t.Fatalf("step %d: %d is another", i, n)
				}
			})
			if seen != len(model) || table.Len() != seen || table.Free() != (lowest(0) < limit) {
				t.Fatalf("step %d: %d of %d, %d counted", i, seen, len(model), table.Len())
			}
		}
		if table.Get(-1) != nil || table.Get(1<<30) != nil || table.Remove(-1) != nil {
			t.Fatal("a descriptor that can't be")
		}
	})
}
