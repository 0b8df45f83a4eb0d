// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"loam/abi"
	"loam/user/object"
)

// serveHost answers requests: "echo X" by X, "large N" by N bytes that count, "mute"
// not at all, "end" by nothing.
func serveHost() {
	n, err := object.NewNotification()
	if err != nil {
		fail(err)
	}
	var b [256]byte
	for {
		size, err := object.TheMachine.Receive(b[:], n, 4)
		if err != nil {
			fail(err)
		}
		if size == 0 {
			if bits, err := n.Wait(abi.NotificationBits, object.Forever); err != nil || bits != 4 {
				fail(fmt.Errorf("bits %#x, %v", bits, err))
			}
			continue
		}
		verb, rest, _ := strings.Cut(string(b[:size]), " ")
		answer := []byte(rest)
		switch verb {
		case "large":
			size, _ := strconv.Atoi(rest)
			answer = countBytes(size)
		case "mute":
			continue
		}
		if err := object.TheMachine.Send(answer); err != nil {
			answer = []byte(err.Error())
			if err := object.TheMachine.Send(answer); err != nil {
				fail(err)
			}
		}
		if verb == "end" {
			return
		}
	}
}

// countBytes gives n bytes none of which is like its neighbours.
func countBytes(n int) []byte {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, "%d,", i)
	}
	return b.Bytes()[:n]
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "devices:", err)
	os.Exit(1)
}
