// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"loam/abi"
	"loam/user/ipc"
	"loam/user/ipc/ipctest"
	"loam/user/object"
	"loam/user/sys"
)

// Costs: "role costs" prints what a call to another process and its answer cost. In a
// deterministic machine (loam run --deterministic) a nanosecond is an instruction.

// rawServer answers calls with what came, with nothing in between but the call.
func rawServer() error {
	e := uint64(object.Given(0))
	m := ipc.Message{To: e}
	nr := uint64(abi.CallEndpointReceive)
	for sys.MessageCall(nr, &m) == abi.ReceivedCall {
		m.To = e
		nr = abi.CallEndpointReplyReceive
	}
	return nil
}

// cost prints what f costs, the least of a few rounds.
func cost(name string, f func() error) {
	const rounds, times = 5, 500
	least := int64(1 << 62)
	for range rounds {
		begin := sys.Monotonic()
		for range times {
			ok(f())
		}
		least = min(least, sys.Monotonic()-begin)
	}
	fmt.Printf("%-50s %6d\n", name, least/times)
}

func costs() error {
	raw := start("raw")
	words := func(call func(uint64, *ipc.Message) uint64) func() error {
		return func() error {
			m := ipc.Message{To: uint64(raw.Client.To), Words: [8]uint64{1, 2, 3, 4, 5, 6, 7, 8}}
			if r := call(abi.CallEndpointCall, &m); r != 0 || m.Words[7] != 8 {
				return fmt.Errorf("result %#x", r)
			}
			return nil
		}
	}
	for range 10_000 { // Go's monitor looks often in a program that has just begun
		ok(words(sys.MessageCall)())
	}
	cost("stub, 8 words, both sides raw", words(sys.MessageCall))
	cost("stub, 8 words, client as package syscall", words(sys.MessageWait))
	options := &sys.MessageOptions{Deadline: abi.WaitForever}
	with := func() error {
		m := ipc.Message{To: uint64(raw.Client.To), Options: options, Words: [8]uint64{1, 2, 3, 4, 5, 6, 7, 8}}
		if r := sys.MessageCall(abi.CallEndpointCall, &m); r != 0 || m.Words[7] != 8 {
			return fmt.Errorf("result %#x", r)
		}
		return nil
	}
	cost("stub, 8 words and empty options, both sides raw", with)
	echo := ipc.Client{To: raw.Client.To, Short: true}
	cost("Call of the library, server raw", func() error {
		m := ipc.Message{Words: [8]uint64{1 << 15}} // what comes back is the header of an answer too
		return echo.Call(context.Background(), &m)
	})
	raw.end()
	alone, waits := start("serve", "alone"), start("serve", "plain")
	defer alone.end()
	defer waits.end()
	handles := start("serve", "one")
	defer handles.end()
	ctx := context.Background()
	for _, short := range []bool{true, false} {
		alone.Client.Short, waits.Client.Short = short, short
		for _, name := range []string{"Alone", "waits"} {
			s := map[string]*server{"Alone": alone, "waits": waits}[name]
			how := fmt.Sprintf(", Short %v, server %s", short, name)
			cost("Null"+how, func() error { return s.Null(ctx) })
			cost("Add(int64, int64) int64"+how, func() error { _, err := s.Add(ctx, 1, 2); return err })
		}
	}
	cost("Null, of a service that takes handles, waits", func() error { return handles.Null(ctx) })
	more(ctx, alone, waits)
	return nil
}

// more is what calls cost that are not words alone.
func more(ctx context.Context, alone, waits *server) {
	alone.Client.Short, waits.Client.Short = true, false
	for _, name := range []string{"Short, Alone", "waits"} {
		s := map[string]*server{"Short, Alone": alone, "waits": waits}[name]
		for _, n := range []int{20, 200, 4096, abi.MaxMessageBytes - 4} {
			text := strings.Repeat("x", n)
			cost(fmt.Sprintf("Text of %d bytes, %s", n, name), func() error { _, err := s.Text(ctx, text); return err })
		}
		cost("Fixed (41 bytes there, 33 back), "+name, func() error { _, err := s.Fixed(ctx, ipctest.NewWide(1), 1.5); return err })
		cost("an error with a code, "+name, func() error {
			if s.Fail(ctx, ipctest.FailNamed) == nil {
				return fmt.Errorf("no error")
			}
			return nil
		})
	}
	until, cancel := context.WithCancel(ctx)
	defer cancel()
	cost("Null, with a context that can be cancelled", func() error { return waits.Null(until) })
	until, stop := context.WithTimeout(ctx, time.Hour)
	defer stop()
	cost("Null, with a deadline", func() error { return waits.Null(until) })
}
