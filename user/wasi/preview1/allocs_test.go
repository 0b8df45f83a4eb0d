// SPDX-License-Identifier: Apache-2.0

//go:build linux

package preview1

import (
	"testing"

	"loam/user/sys"
)

// TestAllocations: what programs call all the time leaves the collector nothing to do.
func TestAllocations(t *testing.T) {
	r, w := pipe(t)
	g := newGuest(t, "", func(c *Config) { c.Stdin, c.Stdout = sys.Stream(r), sys.Stream(w) })
	g.vector(8)
	byName := map[string]function{}
	for _, f := range functions {
		byName[f.name] = f
	}
	p := make([]uint64, 4)
	call := func(name string, args ...uint64) {
		copy(p, args)
		if e := byName[name].call(g.s, g.m, p); e != errnoSuccess {
			t.Fatalf("%s: error %d", name, e)
		}
	}
	g.call("fd_write", 1, vectorAt, 1, resultAt)
	g.call("fd_read", 0, vectorAt, 1, resultAt)
	for name, f := range map[string]func(){
		"a write and a read": func() {
			call("fd_write", 1, vectorAt, 1, resultAt)
			call("fd_read", 0, vectorAt, 1, resultAt)
		},
		"clock_time_get": func() { call("clock_time_get", clockMonotonic, 0, resultAt) },
		"random_get":     func() { call("random_get", bufferAt, 32) },
	} {
		if n := testing.AllocsPerRun(100, f); n > 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}
