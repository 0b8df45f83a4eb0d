//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"

	"loam/user/console"
	"loam/user/ipc"
	"loam/user/object"
)

// echo writes to the console, in capitals, what is typed there.
func echo() {
	c := console.NewConsoleClient(ipc.Endpoint(object.Given(0)))
	text := []byte("type\r\n")
	for {
		for len(text) > 0 {
			n, err := c.Write(background, text)
			check(err)
			text = text[n:]
		}
		typed, err := c.Read(background, 100)
		check(err)
		text = append(bytes.ToUpper(typed), "\r\n"...)
	}
}
