// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"strconv"
	"syscall"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
)

// limitCases: greedy children meet their own limits, children below greedy ones
// theirs, and neither hurts this process.
func limitCases() []cases.Case {
	out := []cases.Case{
		{Name: "limits of a child", Run: childLimits},
		{Name: "process_create EDQUOT", Run: func() error {
			if err := greedyChild(abi.KindProcess, 3, 3); err != nil {
				return err
			}
			return limitsAbove()
		}},
	}
	for _, c := range []struct {
		call        string
		kind        abi.Kind
		limit, most int
	}{
		{"notification_create", abi.KindNotification, 5, 5},
		{"memory_create", abi.KindMemory, 6, 6},
		{"thread_create", abi.KindThread, 40, 0}, // some of them are Go's runtime's
		{"process_create", abi.KindProcess, 4, 0},
	} {
		if c.kind != abi.KindProcess {
			out = append(out, cases.Case{Name: c.call + " EDQUOT", Run: func() error { return greedyChild(c.kind, c.limit, c.most) }})
		}
		out = append(out, cases.Case{Name: c.call + " ENOSPC", Run: func() error {
			c := must(child(object.Program{Limits: limitsWith(c.kind, c.limit)}, "crowded", c.kind.String()))
			return finish(c)
		}})
	}
	return out
}

func limitsWith(k abi.Kind, n int) *abi.Limits {
	l := abi.DefaultLimits()
	l.Set(k, uint32(n))
	return &l
}

// greedyChild has a child take all it gets, and sees that there is as much for
// this process as before, while it runs and after.
func greedyChild(k abi.Kind, limit, most int) error {
	before := must(object.Self.Info())
	c := must(child(object.Program{Limits: limitsWith(k, limit)}, "greedy", k.String(), strconv.Itoa(most)))
	ok(finish(c))
	if k != abi.KindThread { // of which Go's runtime makes some when it likes
		eventually("what the child had is given back", func() bool { return used().Of(k) <= before.Used.Of(k) })
	}
	n := must(object.NewNotification())
	return n.Close()
}

// childLimits: what nothing is said about is half of the creator's, of pages all
// of it, and what a
// child uses is charged to the creator as well.
func childLimits() error {
	mine := must(object.Self.Info())
	c := must(child(object.Program{Held: true, Limits: limitsWith(abi.KindNotification, 7)}, "sleep"))
	info := must(c.Process.Info())
	for i, l := range info.Limits {
		expected := (mine.Limits[i] + 1) / 2
		switch {
		case abi.Kind(i+1) == abi.KindNotification:
			expected = 7
		case i == abi.LimitPages:
			expected = mine.Limits[i]
		}
		if l != expected {
			return fmt.Errorf("%v: limit %d, want %d", abi.Kind(i+1), l, expected)
		}
	}
	now := used()
	if d := now.Of(abi.KindSpace) - mine.Used.Of(abi.KindSpace); d != 1 {
		return fmt.Errorf("%d spaces more", d)
	}
	end(c)
	return nil
}

// limitsAbove: nobody can give a child more than it has itself, nor too little
// for a process.
func limitsAbove() error {
	mine := must(object.Self.Info()).Limits
	for k := abi.KindProcess; k <= abi.NumKinds; k++ {
		_, err := child(object.Program{Held: true, Limits: limitsWith(k, int(mine.Of(k))+1)}, "sleep")
		if err := want(err, syscall.EDQUOT); err != nil {
			return fmt.Errorf("%v: %w", k, err)
		}
	}
	for _, k := range []abi.Kind{abi.KindSpace, abi.KindThread} {
		_, err := child(object.Program{Held: true, Limits: limitsWith(k, 0)}, "sleep")
		if err := want(err, syscall.EDQUOT); err != nil {
			return fmt.Errorf("no %v: %w", k, err)
		}
	}
	return nil
}
