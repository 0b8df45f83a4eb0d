//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"os"
	"sync/atomic"
	"time"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/object"
)

var spun atomic.Uint64

// worker is one that does it.
type worker struct{}

func (worker) Who(ctx context.Context) (uint32, uint64, ipc.Handle, error) {
	h := ipc.Copy(abi.HandleProcess, abi.RightManage|abi.RightRead)
	return uint32(os.Getpid()), ipc.Caller(ctx), h, nil
}

func (worker) Double(_ context.Context, n uint64) (uint64, error) { return 2 * n, nil }

func (worker) Turn(_ context.Context, text []byte) ([]byte, error) { return turned(text), nil }

func turned(text []byte) []byte {
	out := make([]byte, len(text))
	for i, c := range text {
		out[len(text)-1-i] = c
	}
	return out
}

func (worker) Exit(_ context.Context, code uint32) error {
	os.Exit(int(code))
	return nil
}

func (worker) Leave(context.Context) error {
	go func() {
		time.Sleep(time.Millisecond)
		os.Exit(0)
	}()
	return nil
}

func (worker) Kinds(context.Context) ([]uint32, error) {
	var kinds []uint32
	for i := 0; ; i++ {
		info, err := object.Info(object.Given(i))
		if err != nil {
			return kinds, nil
		}
		kinds = append(kinds, uint32(info.Kind))
	}
}

func (worker) Priority(context.Context) (uint32, error) {
	info, err := object.Thread(abi.HandleThread).Info()
	return info.Priority, err
}

// serve is the service: it receives from the first endpoint that it was given. With the
// argument "spin" it computes besides, for ever.
func serve() {
	if len(os.Args) > 2 && os.Args[2] == "spin" {
		go func() {
			for {
				spun.Add(1)
			}
		}()
	}
	s := ipc.Server{Endpoint: ipc.Endpoint(object.Given(0)), Service: WorkService(worker{}), Receivers: 2}
	check(s.Serve(context.Background()))
}
