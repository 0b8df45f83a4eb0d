// SPDX-License-Identifier: Apache-2.0

// Command compute measures what no kernel has a part in, for a WebAssembly module: lines "name value ms" on stdout, each the
// less of two rounds, by its own clock.
package main

import (
	"crypto/sha256"
	"os"
	"runtime"
	"strconv"
	"time"
)

func main() {
	for _, w := range []struct {
		name string
		do   func() byte
	}{{"wasm_sha256", digest}, {"wasm_sieve", sieve}} {
		least := time.Duration(1 << 62)
		for range 2 {
			begun := time.Now()
			runtime.KeepAlive(w.do())
			least = min(least, time.Since(begun))
		}
		os.Stdout.WriteString(w.name + " " + strconv.FormatFloat(float64(least)/1e6, 'f', 2, 64) + " ms\n")
	}
}

var data [256 << 10]byte

func digest() byte {
	sum := sha256.Sum256(data[:])
	return sum[0]
}

var composite [300_000]bool

// sieve counts primes.
func sieve() (count byte) {
	clear(composite[:])
	for n := 2; n < len(composite); n++ {
		if composite[n] {
			continue
		}
		count++
		for k := n * n; k < len(composite); k += n {
			composite[k] = true
		}
	}
	return count
}
