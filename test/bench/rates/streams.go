// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"io"
	"os"
	"strconv"

	"loam/user/ipc"
	"loam/user/object"
	"loam/user/streams"
)

// stream copies so many bytes from one stream to the other: those of the console, or two ports of Linux's.
func stream(args []string) error {
	if len(args) == 0 {
		return errors.New("how many bytes?")
	}
	size, err := strconv.ParseInt(args[0], 10, 64)
	if err != nil {
		return err
	}
	var in io.Reader
	var out io.Writer
	if len(args) == 1 {
		s, err := streams.Open(ipc.Endpoint(object.Given(0)))
		if err != nil {
			return err
		}
		in, out = s.In, s.Out
	} else {
		if in, err = awaitDevice(args[1], os.O_RDONLY); err != nil {
			return err
		}
		if out, err = awaitDevice(args[2], os.O_WRONLY); err != nil {
			return err
		}
	}
	b := make([]byte, 128<<10)
	for size > 0 {
		n, err := in.Read(b[:min(int64(len(b)), size)])
		if err != nil {
			return err
		}
		if _, err := out.Write(b[:n]); err != nil {
			return err
		}
		size -= int64(n)
	}
	return nil
}
