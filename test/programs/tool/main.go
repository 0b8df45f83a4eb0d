// SPDX-License-Identifier: Apache-2.0

// Command tool does one thing after another that a test wants to see from
// outside. Its first argument says what; see the table.
package main

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"os"
	"runtime/debug"
	"strconv"
	"time"
)

var commands = map[string]func(args []string){
	"args":    func(args []string) { terminated(args) },
	"env":     func([]string) { terminated(os.Environ()) },
	"exit":    func(args []string) { os.Exit(number(args[0])) },
	"exitgo":  exitFromGoroutine,
	"cat":     func([]string) { check(io.Copy(os.Stdout, os.Stdin)) },
	"both":    both,
	"hash":    hash,
	"produce": produce,
	"streams": streams,
	"count":   func([]string) { fmt.Println(check(io.Copy(io.Discard, os.Stdin))) },
	"ready":   ready,
	"moment":  moment,
	"panic":   func([]string) { panic("on purpose") },
	"recurse": func([]string) { debug.SetMaxStack(1 << 20); fmt.Println(recurse(1 << 40)) },
	"eat":     eat,
	"dead":    func([]string) { select {} },
}

func main() {
	if len(os.Args) < 2 || commands[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "tool: which command?")
		os.Exit(99)
	}
	commands[os.Args[1]](os.Args[2:])
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	return check(n, err)
}

func check[T any](v T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, "tool:", err)
		os.Exit(98)
	}
	return v
}

// terminated writes strings, each with a NUL behind it.
func terminated(s []string) {
	w := bufio.NewWriter(os.Stdout)
	defer w.Flush()
	for _, v := range s {
		check(w.WriteString(v + "\x00"))
	}
}

func exitFromGoroutine(args []string) {
	go func() { os.Exit(number(args[0])) }()
	select {}
}

// both writes what comes to stdout, and its complement to stderr.
func both([]string) {
	for b := make([]byte, 10_000); ; {
		n, err := os.Stdin.Read(b)
		check(os.Stdout.Write(b[:n]))
		for i := range b[:n] {
			b[i] = ^b[i]
		}
		check(os.Stderr.Write(b[:n]))
		if err == io.EOF {
			return
		}
		check(n, err)
	}
}

// hash writes the number of bytes on standard input and their SHA-256.
func hash([]string) {
	h := sha256.New()
	n := check(io.Copy(h, os.Stdin))
	fmt.Println(n, hex.EncodeToString(h.Sum(nil)))
}

// Bytes of the generator with that seed: the test makes the same.
func produce(args []string) {
	var seed [32]byte
	copy(seed[:], args[0])
	check(io.CopyN(os.Stdout, mathrand.NewChaCha8(seed), int64(number(args[1]))))
}

// streams writes to both outputs in turn.
func streams(args []string) {
	for i := range number(args[0]) {
		fmt.Fprintf(os.Stdout, "out %d\n", i)
		fmt.Fprintf(os.Stderr, "err %d\n", i)
	}
}

// ready says so and then waits for ever, without work for the CPU or with.
func ready(args []string) {
	fmt.Println("ready")
	if args[0] == "busy" {
		//lint:ignore SA5002 the point is that it spins
		for {
		}
	}
	time.Sleep(time.Hour)
}

// moment writes what differs from run to run if anything does.
func moment([]string) {
	var b [16]byte
	check(rand.Read(b[:]))
	m := map[int]int{1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 7, 8: 8, 9: 9}
	start := time.Now()
	fmt.Println(start.UnixNano(), hex.EncodeToString(b[:]), mathrand.Uint64())
	for k := range m {
		fmt.Print(k, " ")
	}
	results := make(chan int)
	for i := range 8 {
		go func() { time.Sleep(time.Duration(i) * time.Millisecond); results <- i }()
	}
	for range 8 {
		fmt.Print(<-results, " ")
	}
	fmt.Println(time.Since(start).Nanoseconds())
}

func recurse(n int) int {
	if n == 0 {
		return 0
	}
	return recurse(n-1) + n
}

// eat takes memory until it is stopped, in pieces of 1 MiB.
func eat([]string) {
	fmt.Println("hungry")
	var all [][]byte
	for {
		b := make([]byte, 1<<20)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		//lint:ignore SA4010 kept alive, so that memory runs out
		all = append(all, b)
	}
}
