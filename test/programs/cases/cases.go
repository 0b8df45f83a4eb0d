// SPDX-License-Identifier: Apache-2.0

// Package cases runs many small checks in one guest program, since each
// machine costs the tests most of a second. Every case prints a line, "ok NAME"
// or "FAIL NAME: why", and the last line is "done N", N the number of cases:
// without it the program did not get to its end.
package cases

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
)

// Case is one check.
type Case struct {
	Name string
	Run  func() error
}

// Main runs the cases, or those whose names begin with one of the arguments,
// and exits with 1 if any failed.
func Main(all []Case) {
	failed, n := 0, 0
	for _, c := range all {
		if !wanted(c.Name) {
			continue
		}
		n++
		if err := run(c); err != nil {
			failed++
			fmt.Printf("FAIL %s: %s\n", c.Name, strings.ReplaceAll(err.Error(), "\n", " | "))
			continue
		}
		fmt.Println("ok", c.Name)
	}
	fmt.Println("done", n)
	if failed > 0 {
		os.Exit(1)
	}
}

func wanted(name string) bool {
	return len(os.Args) < 2 || slices.ContainsFunc(os.Args[1:], func(s string) bool { return strings.HasPrefix(name, s) })
}

// run runs a case; a panic is a failure of that case alone.
func run(c Case) (err error) {
	defer func() {
		if r := recover(); r != nil {
			stack := make([]byte, 1000)
			stack = stack[:runtime.Stack(stack, false)]
			err = fmt.Errorf("panic: %v %s", r, stack)
		}
	}()
	return c.Run()
}
