// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"runtime"
	"sort"
	"strings"

	"loam/abi"
)

// results counts what came of the calls, of those children whose records the parent
// can read. A call that has always failed was never tried by its rules.
type results map[uint64]*result

type result struct{ done, failed uint64 }

// unset is the result of a record that was never carried out.
const unset = 1<<63 | 0x5a5a

// Where the parent has its children's records, and how many bytes of each.
const (
	tallyAddr   = 0x25_0000_0000
	recordsSize = (mostWorkers*mostRecords*recordSize + abi.PageSize - 1) &^ (abi.PageSize - 1)
)

// at is where the parent has the child's records.
func (k *kid) at() uint64 { return tallyAddr + uint64(k.slot)*2*recordsSize }

// first is the first record.
func (k *kid) first() *record { return &recordsAt(k.at(), 1)[0] }

// take counts the results of a child's records, as they were the last time.
func (r *results) take(k *kid) {
	if k.made.Process == 0 {
		return
	}
	if *r == nil {
		*r = results{}
	}
	for _, x := range recordsAt(k.at(), mostWorkers*mostRecords) {
		if x.Op != opCall || x.Result == unset || x.Nr < abi.CallBase || abi.Name(arch(), x.Nr) == "" {
			continue
		}
		if (*r)[x.Nr] == nil {
			(*r)[x.Nr] = &result{}
		}
		if x.Result > ^uint64(4095) {
			(*r)[x.Nr].failed++
		} else {
			(*r)[x.Nr].done++
		}
	}
}

// print says how often each call succeeded, of how many times, and which never did.
func (r results) print() {
	var lines, never []string
	for i := range loamForms {
		nr := loamForms[i].nr
		x := r[nr]
		if x == nil {
			x = &result{}
		}
		if x.done == 0 {
			never = append(never, abi.Name(arch(), nr))
		}
		lines = append(lines, fmt.Sprintf("%s %d/%d", abi.Name(arch(), nr), x.done, x.done+x.failed))
	}
	sort.Strings(lines)
	sort.Strings(never)
	fmt.Printf("\nfuzz: results %s\nfuzz: %d of Loam's %d calls succeeded, not %s\n", strings.Join(lines, ", "),
		len(lines)-len(never), len(lines), strings.Join(never, " "))
}

func arch() abi.Arch {
	if runtime.GOARCH == "riscv64" {
		return abi.RISCV64
	}
	return abi.AMD64
}
