//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

// Command schedule tries what the calls about scheduling do: fixed priorities, quotas,
// and priorities that are lent to whom one waits for. It is for a deterministic machine
// of one CPU, where times are instructions.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"syscall"
	"time"

	"loam/abi"
	"loam/test/programs/cases"
	"loam/test/programs/smp/low"
	"loam/user/object"
	"loam/user/sys"
)

// The goroutine of main stays on the first thread, whose priority it sets: on another it would
// wait for those that it is to be above.
func init() { runtime.LockOSThread() }

func main() {
	if len(os.Args) > 2 && os.Args[1] == "role" {
		role(os.Args[2])
	}
	cases.Main([]cases.Case{
		{Name: "a quota holds", Run: quota},
		{Name: "fixed priorities go first", Run: priorities},
		{Name: "a busy server is raised to who waits for it", Run: raised},
		{Name: "a raised server stays so when another answers it", Run: raisedBetween},
		{Name: "a quota can't be lifted", Run: lifts},
		{Name: "a caller without time doesn't hold up its server", Run: stalls},
		{Name: "timers leave time for others", Run: manyTimers},
		{Name: "a thread with many locks ends without holding up others", Run: robust},
		{Name: "waits of a lax thread, and of those it makes, end late", Run: lax},
		{Name: "arguments", Run: arguments},
	})
}

// role is what this program is as a child; it doesn't return.
func role(name string) {
	switch name {
	case "spin":
		for {
			runtime.KeepAlive(nil)
		}
	case "burst":
		for start := sys.Monotonic(); sys.Monotonic()-start < int64(burst); {
			runtime.KeepAlive(nil)
		}
		os.Exit(0)
	case "lax":
		if err := isLax(); err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Exit(0)
	case "worker": // takes its time over each call
		var m sys.Message
		for {
			m.To = uint64(object.Given(0))
			if sys.MessageCall(abi.CallEndpointReplyReceive, &m) != abi.ReceivedCall {
				os.Exit(1)
			}
			work()
			if len(os.Args) > 3 { // and calls another server in the midst of it
				other := sys.Message{To: uint64(object.Given(1)), Options: &sys.MessageOptions{Deadline: abi.WaitForever}}
				if sys.MessageCall(abi.CallEndpointCall, &other) != 0 {
					os.Exit(1)
				}
				work()
			}
		}
	case "echo":
		var m sys.Message
		for {
			m.To = uint64(object.Given(0))
			if sys.MessageCall(abi.CallEndpointReplyReceive, &m) != abi.ReceivedCall {
				os.Exit(1)
			}
		}
	case "caller":
		m, start := sys.Message{To: uint64(object.Given(0))}, sys.Monotonic()
		if sys.MessageCall(abi.CallEndpointCall, &m) != 0 || sys.Monotonic()-start >= int64(burst/2) {
			os.Exit(1)
		}
		os.Exit(0)
	default:
		attack(name)
	}
	os.Exit(2)
}

// burst is how long somebody computes at a fixed priority. It ends: threads of Go's runtime
// that this program may need have none.
const burst = 300 * time.Millisecond

// work takes some 5 ms of the CPU. By the thread's own time it would never end: the
// time is its caller's.
func work() {
	for range 5_000_000 / 3 {
		runtime.KeepAlive(nil)
	}
}

func child(role string, highest int, hands ...abi.HandOn) (object.Child, error) {
	return (&object.Program{File: "program", Args: []string{"schedule", "role", role}, Handles: hands, Highest: highest}).Start()
}

// end ends children.
func end(all ...object.Child) error {
	for _, c := range all {
		if err := c.Process.Kill(); err != nil && err != syscall.ESRCH {
			return err
		}
		if _, err := c.Process.Wait(object.Forever); err != nil {
			return err
		}
		if err := c.Close(); err != nil {
			return err
		}
	}
	return nil
}

func used(c object.Child) (time.Duration, error) {
	u, err := c.Process.Use()
	return time.Duration(u.Time), err
}

// quota has a child that computes get a fifth of the CPU, though nobody else wants it.
func quota() error {
	c, err := child("spin", 0)
	if err != nil {
		return err
	}
	if err := c.Process.SetQuota(2*time.Millisecond, 10*time.Millisecond); err != nil {
		return err
	}
	time.Sleep(50 * time.Millisecond)
	before, err := used(c)
	if err != nil {
		return err
	}
	const length = 400 * time.Millisecond
	time.Sleep(length)
	after, err := used(c)
	if err != nil {
		return err
	}
	if got := after - before; got < length/5*9/10 || got > length/5*11/10 {
		return fmt.Errorf("%v of %v, a fifth is %v", got, length, length/5)
	}
	if err := c.Process.SetQuota(0, 0); err != nil {
		return err
	}
	time.Sleep(length)
	last, err := used(c)
	if err == nil && last-after < length*8/10 {
		err = fmt.Errorf("without a quota it got %v of %v", last-after, length)
	}
	return errors.Join(err, end(c))
}

// priorities: of two children that compute, the one of a fixed priority has the CPU.
func priorities() error {
	if err := object.Thread(abi.HandleThread).Schedule(2, 0); err != nil { // above both
		return err
	}
	defer func() { _ = object.Thread(abi.HandleThread).Schedule(0, 0) }()
	other, err := child("spin", 0)
	if err != nil {
		return err
	}
	high, err := child("spin", 1)
	if err != nil {
		return err
	}
	if err := high.Thread.Schedule(1, 0); err != nil {
		return err
	}
	if i, err := high.Thread.Info(); err != nil || i.Priority != 1 {
		return fmt.Errorf("%+v %v", i, err)
	}
	before, err := used(other)
	if err != nil {
		return err
	}
	low.Sleep(100 * time.Millisecond)
	after, err := used(other)
	if err != nil {
		return err
	}
	got, err := used(high)
	if err == nil && (after-before > 15*time.Millisecond || got < 80*time.Millisecond) {
		err = fmt.Errorf("low %v, high %v of 100ms", after-before, got)
	}
	return errors.Join(err, end(other, high))
}

// raised: a server works for a program when a thread of a fixed priority calls it, and
// another one of a lower fixed priority computes. Were the server not raised, the caller would wait
// for that one to end.
func raised() error { return raisedServer() }

// raisedBetween: so it is when the server calls another one, which answers.
func raisedBetween() error { return raisedServer("between") }

func raisedServer(between ...string) error {
	e, err := sys.ObjectCall(abi.CallEndpointCreate)
	if err != nil {
		return err
	}
	echo, err := sys.ObjectCall(abi.CallEndpointCreate)
	if err != nil {
		return err
	}
	other, err := child("echo", 0, abi.HandOn{Handle: abi.Handle(echo), Rights: abi.RightWait})
	if err != nil {
		return err
	}
	server, err := (&object.Program{File: "program", Args: append([]string{"schedule", "role", "worker"}, between...), Handles: []abi.HandOn{
		{Handle: abi.Handle(e), Rights: abi.RightWait}, {Handle: abi.Handle(echo), Rights: abi.RightWrite},
	}}).Start()
	if err != nil {
		return err
	}
	call := abi.HandOn{Handle: abi.Handle(e), Rights: abi.RightWrite}
	slow, err := child("caller", 0, call) // for which the server works
	if err != nil {
		return err
	}
	time.Sleep(3 * time.Millisecond)
	if err := object.Thread(abi.HandleThread).Schedule(6, 0); err != nil {
		return err
	}
	defer func() { _ = object.Thread(abi.HandleThread).Schedule(0, 0) }()
	spin, err := child("burst", 4)
	if err != nil {
		return err
	}
	if err := spin.Thread.Schedule(4, 0); err != nil {
		return err
	}
	urgent, err := (&object.Program{File: "program", Args: []string{"schedule", "role", "caller"},
		Handles: []abi.HandOn{call}, Highest: 5, Held: true}).Start()
	if err != nil {
		return err
	}
	if err := urgent.Thread.Schedule(5, 0); err != nil {
		return err
	}
	if err := urgent.Thread.Resume(); err != nil {
		return err
	}
	status, err := urgent.Process.Wait(object.Forever)
	if err != nil || status != (abi.ExitStatus{}) {
		err = fmt.Errorf("the urgent caller: %v %v", status, err)
	}
	return errors.Join(err, end(spin, urgent, slow, server, other), object.Close(abi.Handle(e)), object.Close(abi.Handle(echo)))
}

func arguments() error {
	c, err := child("spin", 3)
	if err != nil {
		return err
	}
	for _, x := range []struct {
		what string
		want syscall.Errno
		run  func() error
	}{
		{"a priority above the process's", syscall.EPERM, func() error { return c.Thread.Schedule(4, 0) }},
		{"a priority that there isn't", syscall.EINVAL, func() error { return c.Thread.Schedule(abi.MaxPriority+1, 0) }},
		{"a nice value that there isn't", syscall.EINVAL, func() error { return c.Thread.Schedule(0, 20) }},
		{"a nice value that there isn't", syscall.EINVAL, func() error { return c.Thread.Schedule(0, -21) }},
		{"more slack than there may be", syscall.EINVAL, func() error { return c.Thread.ScheduleLax(0, 0, abi.MaxTimerSlack+1) }},
		{"a short period", syscall.EINVAL, func() error { return c.Process.SetQuota(time.Millisecond, time.Millisecond-1) }},
		{"a long period", syscall.EINVAL, func() error { return c.Process.SetQuota(time.Millisecond, 10*time.Second+1) }},
		{"a short time", syscall.EINVAL, func() error { return c.Process.SetQuota(100*time.Microsecond-1, time.Millisecond) }},
		{"a negative time", syscall.EINVAL, func() error { return c.Process.SetQuota(-1, time.Millisecond) }},
	} {
		if err := x.run(); err != x.want {
			return fmt.Errorf("%s: %v, want %v", x.what, err, x.want)
		}
	}
	return end(c)
}
