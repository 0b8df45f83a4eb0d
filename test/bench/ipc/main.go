//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

// Command ipc measures messages, notifications and switches between processes and
// threads, as ./x bench does: a line "name value ns" for each figure.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
)

func main() {
	if len(os.Args) > 1 {
		child(os.Args[1])
	}
	ok := true
	for _, f := range []struct {
		name string
		run  func() (float64, error)
	}{
		{"interrupt_driver", interruptDriver}, // first: what others leave behind would have the kernel do more
		{"ipc_call", ipcCall},
		{"ipc_typed", typedCall},
		{"ipc_typed_1kib", typedBytes},
		{"forwarded_call", forwarded},
		{"forwarded_4kib", forwardedWrite},
		{"notify_driver", notifyDriver},
		{"notify_driver_fixed", notifyFixed},
		{"switch_threads", switchThreads},
		{"switch_processes", switchProcesses},
	} {
		ns, err := f.run()
		if err != nil {
			fmt.Fprintf(os.Stderr, "ipc: %s: %v\n", f.name, err)
			ok = false
			continue
		}
		fmt.Printf("%s %.1f ns\n", f.name, ns)
	}
	if !ok {
		os.Exit(1)
	}
}

// child is what this program is in other processes; it doesn't return.
func child(role string) {
	switch role {
	case "server":
		serve(object.Given(0))
	case "typed":
		serveTyped(object.Given(0))
	case "driver":
		drive(object.Given(0), object.Given(1), object.Given(2))
	case "fixed":
		drive(object.Given(0), object.Given(1), 0)
	case "forwarded":
		forwardedChild(syscall.SYS_FSTAT, 1, 0, 0, 0)
	case "forwarded4k":
		forwardedPage()
	case "yield":
		for {
			yield()
		}
	}
	fmt.Fprintln(os.Stderr, "ipc: no such role as", role)
	os.Exit(1)
}

// start makes a process of this program.
func start(role string, handles ...abi.HandOn) (object.Child, error) {
	return (&object.Program{File: "program", Args: []string{"ipc", role}, Handles: handles}).Start()
}

// end ends it.
func end(c object.Child) error {
	if err := c.Process.Kill(); err != nil {
		return err
	}
	if _, err := c.Process.Wait(object.Forever); err != nil {
		return err
	}
	return c.Close()
}

// perCall measures something by itself.
func perCall(do func() error) (float64, error) {
	return inParts(func(times int) error {
		for range times {
			if err := do(); err != nil {
				return err
			}
		}
		return nil
	})
}

// ipcCall is a call of eight words to another process, and its answer.
func ipcCall() (float64, error) {
	endpoint, err := sys.ObjectCall(abi.CallEndpointCreate)
	if err != nil {
		return 0, err
	}
	c, err := start("server", abi.HandOn{Handle: abi.Handle(endpoint), Rights: abi.RightWait})
	if err != nil {
		return 0, err
	}
	words := [abi.MessageWords]uint64{0, 1, 2, 3, 4, 5, 6, 7}
	ns, err := inParts(func(times int) error { // not perCall: what that adds is a tenth of it
		m := sys.Message{Words: words}
		for range times {
			m.To, m.Options = endpoint, nil
			if sys.MessageCall(abi.CallEndpointCall, &m) != 0 {
				return errors.New("a call failed")
			}
		}
		words = m.Words
		return nil
	})
	if want := [abi.MessageWords]uint64{0, 1, 2, 3, 4, 5, 6, 7 + warm + parts*times}; err == nil && words != want {
		return 0, fmt.Errorf("the last call came back as %v", words)
	}
	return ns, errors.Join(err, end(c), object.Close(abi.Handle(endpoint)))
}

// serve answers each call with its own words, the last one more.
func serve(endpoint abi.Handle) {
	var m sys.Message
	for {
		m.To = uint64(endpoint)
		if r := sys.MessageCall(abi.CallEndpointReplyReceive, &m); r != abi.ReceivedCall {
			fmt.Fprintln(os.Stderr, "ipc: receive:", abi.Errno(-r))
			os.Exit(1)
		}
		m.Words[7]++
	}
}

// notifyDriver is from a signal to when the thread of another process runs that
// waits for it as drivers do: half of a turn there and back.
func notifyDriver() (float64, error) {
	endpoint, err := sys.ObjectCall(abi.CallEndpointCreate)
	if err != nil {
		return 0, err
	}
	there, err := object.NewNotification()
	if err != nil {
		return 0, err
	}
	back, err := object.NewNotification()
	if err != nil {
		return 0, err
	}
	c, err := start("driver", abi.HandOn{Handle: abi.Handle(endpoint), Rights: abi.RightWait},
		abi.HandOn{Handle: abi.Handle(there), Rights: abi.RightWait}, abi.HandOn{Handle: abi.Handle(back), Rights: abi.RightWrite})
	if err != nil {
		return 0, err
	}
	if _, err := sys.ObjectCall(abi.CallThreadBind, uint64(back)); err != nil {
		return 0, err
	}
	var m sys.Message
	ns, err := perCall(func() error {
		if err := there.Signal(1); err != nil {
			return err
		}
		m.To = endpoint
		if sys.MessageCall(abi.CallEndpointReceive, &m) != abi.ReceivedBits {
			return errors.New("no bits came back")
		}
		return nil
	})
	_, unbound := sys.ObjectCall(abi.CallThreadBind, 0)
	return ns / 2, errors.Join(err, unbound, end(c), there.Close(), back.Close(), object.Close(abi.Handle(endpoint)))
}

// notifyFixed is the same for a driver of a fixed priority: from a signal to its thread,
// and back when that waits again, so half of it is one way.
func notifyFixed() (float64, error) {
	endpoint, err := sys.ObjectCall(abi.CallEndpointCreate)
	if err != nil {
		return 0, err
	}
	there, err := object.NewNotification()
	if err != nil {
		return 0, err
	}
	const priority = 8
	c, err := (&object.Program{File: "program", Args: []string{"ipc", "fixed"}, Highest: priority, Handles: []abi.HandOn{
		{Handle: abi.Handle(endpoint), Rights: abi.RightWait}, {Handle: abi.Handle(there), Rights: abi.RightWait}}}).Start()
	if err == nil {
		err = c.Thread.Schedule(priority, 0)
	}
	if err != nil {
		return 0, err
	}
	ns, err := perCall(func() error { return there.Signal(1) })
	return ns / 2, errors.Join(err, end(c), there.Close(), object.Close(abi.Handle(endpoint)))
}

// drive answers bits of a notification by those of another, if there is one.
func drive(endpoint, there, back abi.Handle) {
	runtime.LockOSThread()
	if _, err := sys.ObjectCall(abi.CallThreadBind, uint64(there)); err != nil {
		fmt.Fprintln(os.Stderr, "ipc: bind:", err)
		os.Exit(1)
	}
	var m sys.Message
	for {
		m.To = uint64(endpoint)
		if r := sys.MessageCall(abi.CallEndpointReceive, &m); r != abi.ReceivedBits {
			fmt.Fprintln(os.Stderr, "ipc: receive:", abi.Errno(-r))
			os.Exit(1)
		}
		if back == 0 {
			continue
		}
		if err := object.Notification(back).Signal(1); err != nil {
			os.Exit(1)
		}
	}
}

// interruptDriver is from the time that a timer was set to, to when the thread runs
// that waits for its bits: the interrupt comes while the CPU is idle. Half of what reading
// the clock takes isn't counted: it is read after that. The clock of riscv64 goes in steps of
// 100 ns, and all that is measured begins with a step: so each reading is put off a little
// longer than the one before, and the mean of what is over is as fine as their number.
func interruptDriver() (float64, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	endpoint, err := sys.ObjectCall(abi.CallEndpointCreate)
	if err != nil {
		return 0, err
	}
	n, err := object.NewNotification()
	if err != nil {
		return 0, err
	}
	t, err := object.NewTimer()
	if err != nil {
		return 0, err
	}
	if _, err := sys.ObjectCall(abi.CallThreadBind, uint64(n)); err != nil {
		return 0, err
	}
	const samples = 1000
	putOff(5_000_000) // the monitor thread of Go's runtime sleeps long after that
	step, turn, none, reading := clockStep(), timed(putOff), timed(putOffNothing), timed(readClock)
	late := make([]float64, samples)
	var m sys.Message
	for i := range late {
		at := object.After(100 * time.Microsecond)
		if err := t.Set(n, 1, at, 0); err != nil {
			return 0, err
		}
		m.To = endpoint
		if sys.MessageCall(abi.CallEndpointReceive, &m) != abi.ReceivedBits {
			return 0, errors.New("no bits came")
		}
		putOff(i % 100)
		late[i] = float64(sys.Monotonic()-at) + step/2 - none - turn*float64(i%100) - reading/2
	}
	_, unbound := sys.ObjectCall(abi.CallThreadBind, 0)
	return middle(late), errors.Join(unbound, t.Close(), n.Close(), object.Close(abi.Handle(endpoint)))
}

// yield gives the CPU to the other thread that does nothing but that, and gets it back.
func yield() { _, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0) }

// switches measures a switch: there are two to each yield. Not perCall: what that
// adds is a part of it.
func switches() (float64, error) {
	ns, err := inParts(func(times int) error {
		for range times {
			yield()
		}
		return nil
	})
	return ns / 2, err
}

// switchProcesses is a switch from one process to another.
func switchProcesses() (float64, error) {
	c, err := start("yield")
	if err != nil {
		return 0, err
	}
	ns, err := switches()
	return ns, errors.Join(err, end(c))
}

// switchThreads is a switch between two threads of a process.
func switchThreads() (float64, error) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var stop atomic.Bool
	running := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		close(running)
		for !stop.Load() {
			yield()
		}
	}()
	<-running
	ns, err := switches()
	stop.Store(true)
	return ns, err
}
