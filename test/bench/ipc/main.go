// SPDX-License-Identifier: Apache-2.0

// Command ipc measures messages between processes and within one, as ./x bench
// does: a line "name value ns" for each figure.
package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"loam/abi"
	"loam/user/object"
	"loam/user/sys"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "server" {
		serve(abi.GivenHandle(0))
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "ipc:", err)
		os.Exit(1)
	}
}

// serve answers each call with its own words, for ever.
func serve(endpoint abi.Handle) {
	m := sys.Message{To: uint64(endpoint)}
	for {
		m.To = uint64(endpoint)
		if r := sys.MessageCall(abi.CallEndpointReplyReceive, &m); r != abi.ReceivedCall {
			fmt.Fprintln(os.Stderr, "ipc: receive:", abi.Errno(-r))
			os.Exit(1)
		}
		m.Words[7]++
	}
}

func run() error {
	endpoint, err := sys.ObjectCall(abi.CallEndpointCreate)
	if err != nil {
		return err
	}
	child, err := (&object.Program{File: "program", Args: []string{"ipc", "server"},
		Handles: []abi.HandOn{{Handle: abi.Handle(endpoint), Rights: abi.RightWait}}}).Start()
	if err != nil {
		return err
	}
	defer child.Close()
	m := sys.Message{To: endpoint}
	call := func(i uint64) error {
		m.To, m.Options, m.Words = endpoint, nil, [8]uint64{i, 1, 2, 3, 4, 5, 6, 7}
		if r := sys.MessageCall(abi.CallEndpointCall, &m); r != 0 {
			return abi.Errno(-r)
		}
		if m.Words != [8]uint64{i, 1, 2, 3, 4, 5, 6, 8} {
			return fmt.Errorf("call %d came back as %v", i, m.Words)
		}
		return nil
	}
	for i := range uint64(5000) {
		if err := call(i); err != nil {
			return err
		}
	}
	const n = 20000
	m.Options, m.Words = nil, [8]uint64{0, 1, 2, 3, 4, 5, 6, 7}
	begun := time.Now()
	for range n {
		m.To = endpoint
		if sys.MessageCall(abi.CallEndpointCall, &m) != 0 {
			return errors.New("a call failed")
		}
	}
	if m.Words != [8]uint64{0, 1, 2, 3, 4, 5, 6, 7 + n} {
		return fmt.Errorf("the last call came back as %v", m.Words)
	}
	fmt.Printf("ipc_call %.1f ns\n", float64(time.Since(begun).Nanoseconds())/n)
	return child.Process.Kill()
}
