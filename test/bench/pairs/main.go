//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

// Command pairs measures how calls between processes grow with CPUs: pairs of a client
// and a server that have nothing to do with each other call as fast as they can, one
// pair first, then two. It is for a machine of at least two CPUs, and prints calls a
// second and what two pairs make to one. Its times are the host's.
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
)

func main() {
	if len(os.Args) > 1 {
		child(os.Args[1])
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "pairs:", err)
		os.Exit(1)
	}
}

// length is how long the pairs call, and settle how long they have to come up.
const length, settle = 2 * time.Second, 500 * time.Millisecond

func run() error {
	var rates []float64
	for _, pairs := range []int{1, 2, 1, 2, 1, 2} {
		calls, err := measure(pairs)
		if err != nil {
			return err
		}
		rates = append(rates, float64(calls)/length.Seconds())
		fmt.Printf("pairs_%d %.0f calls/s\n", pairs, rates[len(rates)-1])
	}
	one, two := rates[0]+rates[2]+rates[4], rates[1]+rates[3]+rates[5]
	fmt.Printf("pairs_ratio %.2f\n", two/one)
	return nil
}

// measure has so many pairs call, and tells how often they did together.
func measure(pairs int) (calls uint64, err error) {
	count, err := sys.ObjectCall(abi.CallEndpointCreate)
	if err != nil {
		return 0, err
	}
	begin := object.After(settle)
	var all []object.Child
	for range pairs {
		e, err := sys.ObjectCall(abi.CallEndpointCreate)
		if err != nil {
			return 0, err
		}
		server, err := start("server", abi.HandOn{Handle: abi.Handle(e), Rights: abi.RightWait})
		if err != nil {
			return 0, err
		}
		client, err := start("client "+strconv.FormatInt(begin, 10), abi.HandOn{Handle: abi.Handle(e), Rights: abi.RightWrite},
			abi.HandOn{Handle: abi.Handle(count), Rights: abi.RightWrite})
		if err != nil {
			return 0, err
		}
		all = append(all, server, client)
		if err := object.Close(abi.Handle(e)); err != nil {
			return 0, err
		}
	}
	var m sys.Message
	for range pairs {
		m.To = count
		if sys.MessageWait(abi.CallEndpointReceive, &m) != abi.ReceivedCall {
			return 0, errors.New("no count came")
		}
		calls += m.Words[0]
	}
	for _, c := range all {
		if err := errors.Join(c.Process.Kill(), c.Close()); err != nil {
			return 0, err
		}
	}
	return calls, object.Close(abi.Handle(count))
}

func start(role string, handles ...abi.HandOn) (object.Child, error) {
	return (&object.Program{File: "program", Args: []string{"pairs", role}, Handles: handles}).Start()
}

// child is what this program is in other processes; it doesn't return.
func child(role string) {
	if role == "server" {
		m := sys.Message{}
		for {
			m.To = uint64(object.Given(0))
			if sys.MessageCall(abi.CallEndpointReplyReceive, &m) != abi.ReceivedCall {
				os.Exit(1)
			}
		}
	}
	begin, err := strconv.ParseInt(role[len("client "):], 10, 64)
	if err != nil {
		os.Exit(2)
	}
	time.Sleep(time.Duration(begin - sys.Monotonic()))
	m := sys.Message{}
	calls := uint64(0)
	for end := begin + int64(length); sys.Monotonic() < end; {
		for range 64 {
			m.To = uint64(object.Given(0))
			if sys.MessageCall(abi.CallEndpointCall, &m) != 0 {
				os.Exit(3)
			}
		}
		calls += 64
	}
	m = sys.Message{To: uint64(object.Given(1))}
	m.Words[0] = calls
	_ = sys.MessageCall(abi.CallEndpointCall, &m) // which nobody answers: it ends here
	os.Exit(0)
}
