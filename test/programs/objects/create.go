// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"strings"
	"syscall"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
	"loam/user/sys"
)

// createErrors are what ProcessCreate refuses. Nothing must be left of any.
func createErrors() []cases.Case {
	create := func(p object.Program) func() error {
		return func() error {
			if p.File == "" {
				p.File = "program"
			}
			_, err := p.Start()
			return err
		}
	}
	hand := func(all ...abi.HandOn) func() error { return create(object.Program{Handles: all}) }
	const h, flagged = abi.HandleProcess, 2
	tries := []struct {
		e    syscall.Errno
		what string
		run  func() error
	}{
		{syscall.ENOENT, "no such file", create(object.Program{File: "nothing"})},
		{syscall.ENOENT, "no name", func() error { _, err := sys.ProcessCreate((&object.Program{}).Request()); return err }},
		{syscall.ENOEXEC, "no program", create(object.Program{File: "args"})},
		{syscall.ENAMETOOLONG, "a name", create(object.Program{File: strings.Repeat("x", abi.MaxProcessName+1)})},
		{syscall.ENAMETOOLONG, "a huge name", create(object.Program{File: strings.Repeat("x", 1<<20)})},
		{syscall.E2BIG, "arguments", create(object.Program{Args: []string{strings.Repeat("x", abi.MaxProcessArgs)}})},
		{syscall.EBADF, "a handle", hand(abi.HandOn{Handle: 77})},
		{syscall.EBADF, "the second handle", hand(abi.HandOn{Handle: h}, abi.HandOn{Handle: 0})},
		{syscall.EACCES, "more rights", hand(abi.HandOn{Handle: h, Rights: abi.RightWrite})},
		{syscall.EINVAL, "a flag of the list", hand(abi.HandOn{Handle: h, Flags: flagged})},
		{syscall.EINVAL, "moved twice", hand(abi.HandOn{Handle: h, Flags: abi.HandOnMove}, abi.HandOn{Handle: h, Flags: abi.HandOnMove})},
		{syscall.EINVAL, "moved and copied", hand(abi.HandOn{Handle: h}, abi.HandOn{Handle: h, Flags: abi.HandOnMove})},
		{syscall.EINVAL, "too many handles", hand(make([]abi.HandOn, abi.MaxHandOn+1)...)},
		{syscall.EINVAL, "no header", func() error { _, err := sys.ProcessCreate(make([]byte, abi.ProcessCreateSize-1)); return err }},
		{syscall.EINVAL, "a byte more", func() error { return bent(func(b []byte) []byte { return append(b, 0) }) }},
		{syscall.EINVAL, "a byte less", func() error { return bent(func(b []byte) []byte { return b[:len(b)-1] }) }},
		{syscall.EINVAL, "a flag", func() error { return bent(func(b []byte) []byte { b[0] = 8; return b }) }},
		{syscall.EINVAL, "empty and held", func() error { _, err := (&object.Program{Empty: true, Held: true}).Start(); return err }},
		{syscall.EINVAL, "empty with a name", create(object.Program{Empty: true})},
		{syscall.EINVAL, "empty with arguments", func() error {
			_, err := (&object.Program{Empty: true, Args: []string{""}}).Start()
			return err
		}},
		{syscall.EINVAL, "lengths that overflow", func() error {
			return bent(func(b []byte) []byte { copy(b[4:], "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"); return b })
		}},
		{syscall.EACCES, "essential", create(object.Program{Essential: true})},
		{syscall.EPERM, "a priority above its own", create(object.Program{Highest: abi.MaxPriority + 1})},
		{syscall.EACCES, "no right to hand on", func() error { return lacking(abi.RightTransfer, 0) }},
		{syscall.EACCES, "no right to copy", func() error { return lacking(abi.RightDuplicate, 0) }},
		{syscall.EACCES, "no right to move", func() error { return lacking(abi.RightTransfer, abi.HandOnMove) }},
	}
	for _, a := range badAddresses {
		b := (&object.Program{File: "program"}).Request()
		tries = append(tries, struct {
			e    syscall.Errno
			what string
			run  func() error
		}{syscall.EFAULT, fmt.Sprintf("the answer at %#x", a), func() error {
			return call(abi.CallProcessCreate, addressOf(&b[0]), uint64(len(b)), a)
		}})
		if a != codeOfCounter() { // which can be read
			tries = append(tries, tries[len(tries)-1])
			last := &tries[len(tries)-1]
			last.what = fmt.Sprintf("the request at %#x", a)
			last.run = func() error { return call(abi.CallProcessCreate, a, uint64(len(b)), infoAddr) }
		}
	}
	var out []cases.Case
	byError := map[syscall.Errno]int{}
	for _, try := range tries {
		run := func() error {
			before := used()
			if err := want(try.run(), try.e); err != nil {
				return fmt.Errorf("%s: %w", try.what, err)
			}
			// A process that was begun is given back in pieces.
			eventually("all is given back", func() bool {
				now := used()
				return now.Of(abi.KindProcess) == before.Of(abi.KindProcess) && now.Of(abi.KindSpace) == before.Of(abi.KindSpace)
			})
			return nil
		}
		i, there := byError[try.e]
		if !there {
			byError[try.e] = len(out)
			out = append(out, cases.Case{Name: "process_create " + abi.Errno(try.e).Name(), Run: run})
			continue
		}
		first := out[i].Run
		out[i].Run = func() error {
			if err := first(); err != nil {
				return err
			}
			return run()
		}
	}
	return out
}

// bent makes a request that was changed.
func bent(change func([]byte) []byte) error {
	_, err := sys.ProcessCreate(change((&object.Program{File: "program", Args: []string{"x"}}).Request()))
	return err
}

// lacking hands on a handle without a right.
func lacking(right abi.Rights, flags uint32) error {
	n := must(object.NewNotification())
	defer n.Close()
	less := must(object.Duplicate(abi.Handle(n), abi.RightsOf(abi.KindNotification)&^right))
	defer object.Close(less)
	_, err := child(object.Program{Handles: []abi.HandOn{{Handle: less, Flags: flags}}}, "sleep")
	return err
}
