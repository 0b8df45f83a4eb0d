// SPDX-License-Identifier: Apache-2.0

package memory

import (
	"testing"

	"loam/kernel/pool"
	"loam/machine/phys"
)

// TestCheck: each damage is seen.
func TestCheck(t *testing.T) {
	for _, c := range []struct {
		name   string
		damage func(o *Objects, a, b *object)
		broken bool
	}{
		{"nothing", func(*Objects, *object, *object) {}, false},
		{"a reference", func(_ *Objects, a, _ *object) { a.refs++ }, true},
		{"a writer", func(_ *Objects, a, _ *object) { a.writers++ }, true},
		{"dying", func(o *Objects, _, _ *object) { o.dying.PushBack(o.links, 0) }, true},
		{"not dying", func(o *Objects, _, _ *object) { o.dying.Remove(o.links, 2) }, true},
		{"dying, and nothing", func(o *Objects, _, _ *object) { o.dying.PushBack(o.links, 5) }, true},
		{"a ring", func(_ *Objects, a, b *object) { a.next = 1 }, true},
		{"a ring to nowhere", func(_ *Objects, a, b *object) { a.next = 7 }, true},
		{"the pool", func(o *Objects, _, _ *object) { *o.pool = *pool.New[object](8) }, true},
	} {
		o := &Objects{}
		o.Init(phys.Memory{}, nil, 8)
		for range 3 {
			if _, e := o.New(1, nil); e != 0 {
				t.Fatal(e)
			}
		}
		o.Release(2)
		refs := [8]uint32{1, 1}
		named := func(i int32) uint32 { return refs[i] }
		if broken, at := o.Check(named); broken != "" {
			t.Fatalf("%s: %d", broken, at)
		}
		c.damage(o, o.pool.Index(0), o.pool.Index(1))
		if broken, at := o.Check(named); (broken != "") != c.broken {
			t.Errorf("%s: %q, %d", c.name, broken, at)
		}
	}
}
