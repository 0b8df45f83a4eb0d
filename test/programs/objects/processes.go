// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"strconv"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/user/object"
)

func processCases() []cases.Case {
	return []cases.Case{
		{Name: "a process ends with a status", Run: processStatus},
		{Name: "a handle outlives its process", Run: handleOutlives},
		{Name: "held until it may go on", Run: heldProcess},
		{Name: "killed while it waits", Run: killedWaiting},
		{Name: "killed by itself", Run: killedByItself},
		{Name: "ended with its last thread", Run: endedWithThread},
		{Name: "threads made from outside", Run: foreignThread},
		{Name: "loaded by a program", Run: loaded},
		{Name: "handles that are handed on", Run: handedOn},
		{Name: "handles that are moved", Run: moved},
		{Name: "ends with many handles", Run: manyHandles},
		{Name: "an object outlives its maker", Run: objectOutlives},
		{Name: "nobody's child", Run: nobodysChild},
		{Name: "processes come and go", Run: comeAndGo},
		{Name: "process_wait EBUSY", Run: func() error {
			c := must(child(object.Program{Held: true}, "sleep"))
			defer end(c)
			return crowd(abi.CallProcessWait, abi.Handle(c.Process), func() { _ = c.Process.Kill() })
		}},
		{Name: "process_wait EINTR", Run: func() error {
			c := must(child(object.Program{Held: true}, "sleep"))
			defer end(c)
			return interruptedWait(abi.CallProcessWait, abi.Handle(c.Process))
		}},
	}
}

var killed = abi.ExitStatus{Kind: abi.Signalled, Value: uint32(syscall.SIGKILL)}

func processStatus() error {
	for _, code := range []int{0, 1, 42, 255} {
		c := must(child(object.Program{}, "exit", strconv.Itoa(code)))
		status, err := c.Process.Wait(soon())
		if err != nil || status != (abi.ExitStatus{Kind: abi.Exited, Value: uint32(code)}) {
			return fmt.Errorf("status %v %v, want %d", status, err, code)
		}
		ok(c.Close())
	}
	return nil
}

// handleOutlives: an ended process is a status, whatever is asked. What it paid
// for and others have handles to, its space and thread, keeps its account.
func handleOutlives() error {
	c := must(child(object.Program{}, "exit", "9"))
	want9 := abi.ExitStatus{Value: 9}
	for range 3 {
		if status, err := c.Process.Wait(soon()); err != nil || status != want9 {
			return fmt.Errorf("%v %v", status, err)
		}
	}
	info, err := c.Process.Info()
	if err != nil || info != (abi.ProcessInfo{State: abi.ProcessEnded, Status: want9}) {
		return fmt.Errorf("%+v %v", info, err)
	}
	if i := must(object.Info(abi.Handle(c.Space))); i.References != 1 || i.Kind != abi.KindSpace {
		return fmt.Errorf("its space: %+v", i)
	}
	ok(c.Thread.Wait(object.Now))
	for i, h := range []abi.Handle{abi.Handle(c.Space), abi.Handle(c.Thread)} {
		if got := references(abi.Handle(c.Process)); got != 2 {
			return fmt.Errorf("%d references with %d handles to what it paid for", got, 2-i)
		}
		ok(object.Close(h))
	}
	if got := references(abi.Handle(c.Process)); got != 1 {
		return fmt.Errorf("%d references", got)
	}
	return c.Process.Close()
}

func heldProcess() error {
	c := must(child(object.Program{Held: true}, "exit", "0"))
	if _, err := c.Process.Wait(object.After(50 * time.Millisecond)); want(err, syscall.ETIMEDOUT) != nil {
		return fmt.Errorf("it runs: %v", err)
	}
	i := must(c.Process.Info())
	if i.Threads != 1 || i.State != abi.ProcessRunning || i.Handles != 3 || i.Used.Of(abi.KindThread) != 1 || i.Used.Of(abi.KindSpace) != 1 {
		return fmt.Errorf("%+v", i)
	}
	ok(c.Thread.Resume())
	return finish(c)
}

// waitingChild starts a child that waits for a notification, and returns when it does.
func waitingChild() (c object.Child, n object.Notification) {
	n = must(object.NewNotification())
	up := must(object.NewNotification())
	c = must(child(object.Program{Handles: []abi.HandOn{give(abi.Handle(n)), give(abi.Handle(up))}}, "wait"))
	must(up.Wait(1, soon()))
	waiting(abi.Handle(n), 1)
	ok(up.Close())
	return c, n
}

func killedWaiting() error {
	c, n := waitingChild()
	if got := references(abi.Handle(n)); got != 2 {
		return fmt.Errorf("%d references", got)
	}
	ok(c.Process.Kill())
	status, err := c.Process.Wait(soon())
	if err != nil || status != killed {
		return fmt.Errorf("%v %v", status, err)
	}
	// What it had is back when the wait has ended.
	if got := references(abi.Handle(n)); got != 1 {
		return fmt.Errorf("%d references after its end", got)
	}
	if err := want(c.Process.Kill(), syscall.ESRCH); err != nil {
		return err
	}
	ok(n.Close())
	return c.Close()
}

func killedByItself() error {
	c := must(child(object.Program{}, "killself"))
	status, err := c.Process.Wait(soon())
	if err != nil || status != killed {
		return fmt.Errorf("%v %v", status, err)
	}
	return c.Close()
}

// foreign is where a thread of another process, which has the same program,
// counts.
var foreign uint64

// foreignThread runs a thread in a process whose first one never runs, and ends
// the first one before it.
func foreignThread() error {
	c := must(child(object.Program{Held: true}, "sleep"))
	defer c.Close()
	t := must(c.Process.NewThread())
	defer t.Close()
	ok(t.Start(object.Registers{Entry: codeOfCounter(), Args: [2]uint64{addressOf(&foreign)}}))
	ok(c.Thread.End())
	if err := c.Thread.Wait(object.Now); err != nil {
		return err
	}
	i := must(c.Process.Info())
	if i.State != abi.ProcessRunning || i.Threads != 1 || foreign != 0 {
		return fmt.Errorf("%+v, counted %d here", i, foreign)
	}
	ok(t.End())
	status, err := c.Process.Wait(soon())
	if err != nil || status != killed {
		return fmt.Errorf("%v %v", status, err)
	}
	return nil
}

// endedWithThread ends the only thread of a process.
func endedWithThread() error {
	c := must(child(object.Program{Held: true}, "sleep"))
	defer c.Close()
	ok(c.Thread.End())
	status, err := c.Process.Wait(soon())
	if err != nil || status != killed {
		return fmt.Errorf("%v %v", status, err)
	}
	return want(c.Thread.End(), syscall.ESRCH)
}

func handedOn() error {
	n := must(object.NewNotification())
	defer n.Close()
	role := []string{"given"}
	var hands []abi.HandOn
	for _, h := range []struct {
		handle abi.Handle
		rights abi.Rights
	}{
		{abi.Handle(n), abi.RightWait}, {abi.Handle(n), 0}, {abi.HandleProcess, abi.RightWait | abi.RightTransfer},
		{abi.HandleThread, abi.RightManage}, {abi.HandleSpace, abi.RightMap},
	} {
		hands = append(hands, abi.HandOn{Handle: h.handle, Rights: h.rights})
		role = append(role, must(object.Info(h.handle)).Kind.String(), strconv.Itoa(int(h.rights)))
	}
	return finish(must(child(object.Program{Handles: hands}, role...)))
}

// moved moves a handle that can't be copied.
func moved() error {
	n := must(object.NewNotification())
	only := must(object.Replace(abi.Handle(n), abi.RightTransfer|abi.RightWait))
	hand := abi.HandOn{Handle: only, Rights: abi.RightWait}
	if _, err := child(object.Program{Handles: []abi.HandOn{hand}}, "given"); want(err, syscall.EACCES) != nil {
		return fmt.Errorf("copied: %v", err)
	}
	hand.Flags = abi.HandOnMove
	c := must(child(object.Program{Handles: []abi.HandOn{hand}}, "given", "notification", strconv.Itoa(int(abi.RightWait))))
	if err := want(object.Close(only), syscall.EBADF); err != nil {
		return err
	}
	return finish(c)
}

func manyHandles() error {
	n := must(object.NewNotification())
	c := must(child(object.Program{Handles: []abi.HandOn{give(abi.Handle(n))}}, "hoard"))
	ok(finish(c))
	if got := references(abi.Handle(n)); got != 1 {
		return fmt.Errorf("%d references after its end", got)
	}
	return n.Close()
}

// objectOutlives: a child makes an object, hands it on to a child of its own and
// ends. The grandchild goes on with it; its account now is below this one's.
func objectOutlives() error {
	before := used()
	end, up := must(object.NewNotification()), must(object.NewNotification())
	ok(finish(must(child(object.Program{Handles: []abi.HandOn{give(abi.Handle(end)), give(abi.Handle(up))}}, "leave"))))
	if _, err := up.Wait(1, soon()); err != nil {
		return err
	}
	now := used()
	if d := now.Of(abi.KindProcess) - before.Of(abi.KindProcess); d != 2 { // whose account pays, and the grandchild
		return fmt.Errorf("%d processes more", d)
	}
	if d := now.Of(abi.KindNotification) - before.Of(abi.KindNotification); d != 3 {
		return fmt.Errorf("%d notifications more", d)
	}
	ok(end.Signal(1))
	eventually("the grandchild has ended", func() bool {
		now := used()
		return now.Of(abi.KindProcess) == before.Of(abi.KindProcess)
	})
	ok(end.Close())
	ok(up.Close())
	if now := used(); now.Of(abi.KindNotification) != before.Of(abi.KindNotification) {
		return fmt.Errorf("%v, before %v", now, before)
	}
	return nil
}

// nobodysChild: wait4 and SIGCHLD know nothing of ProcessCreate.
func nobodysChild() error {
	c := must(child(object.Program{}, "exit", "0"))
	_, err := syscall.Wait4(-1, nil, 0, nil)
	if err := want(err, syscall.ECHILD); err != nil {
		return err
	}
	return finish(c)
}

func comeAndGo() error {
	before := used()
	for range 30 {
		var all []object.Child
		for range 3 {
			all = append(all, must(child(object.Program{Held: true}, "sleep")))
		}
		for _, c := range all {
			end(c)
		}
	}
	if now := used(); now.Of(abi.KindProcess) != before.Of(abi.KindProcess) || now.Of(abi.KindSpace) != before.Of(abi.KindSpace) {
		return fmt.Errorf("%v, before %v", now, before)
	}
	return nil
}
