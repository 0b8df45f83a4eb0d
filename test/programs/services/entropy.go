//go:build linux && (amd64 || riscv64)

// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"loam/internal/proglist"
	"loam/user/entropy"
	"loam/user/initd"
	"loam/user/ipc"
	"loam/user/object"
	"loam/user/pcid"
)

// dieAfter kills this process after ms on average, sometimes much later: on a busy host a life
// of always the same length could always be too short for anything.
func dieAfter(ms int) {
	life := time.Duration((0.5 + 0.5*rand.ExpFloat64()) * float64(ms) * float64(time.Millisecond))
	time.AfterFunc(life, func() { check(object.Self.Kill()) })
}

// shortEntropy is the driver of an entropy device, which is killed after some ms.
func shortEntropy(ms int, args []string) {
	dieAfter(ms)
	check(entropy.Run(args))
}

// shortBus is the bus service of PCI, which is killed after some ms.
func shortBus(ms int, args []string) {
	dieAfter(ms)
	check(pcid.Run(args))
}

// numbers are what a device gives that counts, in 8 bytes each: none comes twice.
type numbers struct {
	mu   sync.Mutex
	seen map[uint64]bool // guarded by mu
}

func (n *numbers) take(b []byte) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	for ; len(b) > 0; b = b[8:] {
		v := binary.LittleEndian.Uint64(b)
		if v == 0 || v > 1<<32 {
			return fmt.Errorf("%#x is no number of the device's", v)
		}
		if n.seen[v] {
			return fmt.Errorf("%d came twice", v)
		}
		n.seen[v] = true
	}
	return nil
}

// draw wants numbers of each of the services, whose endpoints it is given before and behind
// init's, again and again, until each has been started again so often, and then each caller
// once more.
func draw(restarts uint64, callers int, names []string) {
	var all sync.WaitGroup
	for i, name := range names {
		at := 0
		if i > 0 {
			at = 1 + i
		}
		all.Go(func() { drawOf(name, ipc.Endpoint(object.Given(at)), restarts, callers) })
	}
	all.Wait()
}

func drawOf(name string, service ipc.Endpoint, restarts uint64, callers int) {
	n := numbers{seen: map[uint64]bool{}}
	var answered, reset atomic.Uint64
	var enough atomic.Bool
	var all sync.WaitGroup
	start := time.Now()
	for c := range callers {
		all.Go(func() {
			e := entropy.NewEntropyClient(service)
			for i, last := c, false; ; i++ {
				size := uint32(8 * (1 + i*i%200))
				b, err := e.Bytes(background, size)
				switch {
				case errors.Is(err, syscall.ECONNRESET):
					reset.Add(1)
					continue
				case err == nil && len(b) != int(size):
					err = fmt.Errorf("%d bytes of %d", len(b), size)
				case err == nil:
					err = n.take(b)
				}
				check(err)
				answered.Add(1)
				if last {
					return
				}
				last = enough.Load()
			}
		})
	}
	for restartsOf(name) < restarts {
		time.Sleep(5 * time.Millisecond)
	}
	enough.Store(true)
	all.Wait()
	fmt.Printf("%s: %d numbers of %d answers in %v, %d calls told of a death\n",
		name, len(n.seen), answered.Load(), time.Since(start).Round(time.Millisecond), reset.Load())
}

// restartsOf asks init how often it has started a service again.
func restartsOf(name string) uint64 {
	text, err := initd.NewProgramsClient(ipc.Endpoint(object.Given(1))).List(background)
	check(err)
	list, err := proglist.Decode(string(text))
	check(err)
	for _, e := range list {
		if e.Name == name {
			return e.Restarts
		}
	}
	return 0
}

// silence wants more bytes of a device than it gives.
func silence() {
	e := entropy.NewEntropyClient(ipc.Endpoint(object.Given(0)))
	for _, want := range []error{syscall.ECONNRESET, syscall.ECONNREFUSED} {
		if _, err := e.Bytes(background, 100); !errors.Is(err, want) {
			fmt.Println("FAIL a call ended by", err, "and not by", want)
			os.Exit(1)
		}
	}
	fmt.Println("silent")
}

// randomBytes wants random bytes of the host's, other ones each time.
func randomBytes() {
	e := entropy.NewEntropyClient(ipc.Endpoint(object.Given(0)))
	seen := map[string]bool{}
	for range 10 {
		b, err := e.Bytes(background, 32)
		check(err)
		if len(b) != 32 || seen[string(b)] {
			check(fmt.Errorf("%x is not random", b))
		}
		seen[string(b)] = true
	}
	fmt.Println("random")
}
