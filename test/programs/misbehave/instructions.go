// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"slices"

	"loam/test/programs/cases"
)

// instruction is a piece of code and the signal it must take. Where emulators
// and processors differ, several are right.
type instruction struct {
	name  string
	code  []byte
	signo []uint64
	info  int64 // si_code; -1: any
	loam  bool  // Linux gives programs more than Loam does
}

func (i *instruction) run() error {
	at := code(i.code...)
	defer free(at)
	s := run(at, with(scratch, scratch))
	if !slices.Contains(i.signo, s.Signo) || s.Signo != 0 && i.info >= 0 && s.Code != uint64(i.info) {
		return fmt.Errorf("%s: signal %d, code %#x, address %#x, want %d, %#x", i.name, s.Signo, s.Code, s.Addr, i.signo, i.info)
	}
	return nil
}

func together(name string, all []instruction) cases.Case {
	return cases.Case{Name: name, Run: func() error {
		var errs []error
		for _, i := range all {
			if !i.loam || onLoam {
				errs = append(errs, i.run())
			}
		}
		return errors.Join(errs...)
	}}
}

var onlySegv = []uint64{segv}

const minusOneWord = 1<<64 - 1
