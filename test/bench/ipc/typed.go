//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/object"
)

// typed serves Work as package user/ipc has it.
type typed struct{}

func (typed) Add(_ context.Context, a, b uint64) (uint64, error)           { return a + b, nil }
func (typed) Copy(_ context.Context, text []byte) (back []byte, err error) { return text, nil }

func serveTyped(endpoint abi.Handle) {
	s := ipc.Server{Endpoint: ipc.Endpoint(endpoint), Service: WorkService(typed{})}
	if err := s.Serve(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "ipc: serve:", err)
		os.Exit(1)
	}
}

// ofTyped measures calls of a client to a server in another process, both as ipcgen
// writes them: what a Go program pays.
func ofTyped(do func(*WorkClient) error) (float64, error) {
	endpoint, err := ipc.NewEndpoint()
	if err != nil {
		return 0, err
	}
	c, err := start("typed", abi.HandOn{Handle: abi.Handle(endpoint), Rights: abi.RightWait})
	if err != nil {
		return 0, err
	}
	w := NewWorkClient(endpoint)
	ns, err := perCall(func() error { return do(w) })
	return ns, errors.Join(err, end(c), object.Close(abi.Handle(endpoint)))
}

// typedCall is a call whose arguments and results are words.
func typedCall() (float64, error) {
	return ofTyped(func(w *WorkClient) error {
		sum, err := w.Add(context.Background(), 40, 2)
		if err == nil && sum != 42 {
			err = fmt.Errorf("40 + 2 = %d", sum)
		}
		return err
	})
}

// typedBytes is one with 1 KiB in each direction.
func typedBytes() (float64, error) {
	text := bytes.Repeat([]byte("loam"), 256)
	return ofTyped(func(w *WorkClient) error {
		back, err := w.Copy(context.Background(), text)
		if err == nil && !bytes.Equal(back, text) {
			err = fmt.Errorf("%d bytes came back", len(back))
		}
		return err
	})
}
