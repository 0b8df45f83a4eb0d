// SPDX-License-Identifier: Apache-2.0

package space

import (
	"flag"
	"fmt"
	"os"
	"testing"

	"loam/abi"
	"loam/machine/amd64"
	"loam/machine/paging"
	"loam/machine/riscv64"
)

// format is the format of page tables that tests run with, userEnd where its user
// addresses end. All tests run once with each: those with a model, which take both
// themselves, in the first pass alone.
var (
	format  = &amd64.Format
	userEnd = abi.UserAddr(format.UserEnd)
	again   bool
)

// way is how many tables lead to the first page of a space.
func way() uint64 { return uint64(format.Levels) - 1 }

// kernelHalf is where the kernel's half of the addresses begins.
func kernelHalf() uint64 { return ^uint64(0) << (format.Bits - 1) }

func use(f *paging.Format) { format, userEnd = f, abi.UserAddr(f.UserEnd) }

func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	measuring := flag.Lookup("test.bench").Value.String() + flag.Lookup("test.fuzz").Value.String() + flag.Lookup("test.list").Value.String()
	if code == 0 && measuring == "" {
		use(&riscv64.Sv39)
		again = true
		if code = m.Run(); code != 0 {
			fmt.Println("with Sv39")
		}
	}
	os.Exit(code)
}

// inFirstPass skips a test in the second.
func inFirstPass(t *testing.T) {
	if again {
		t.Skip("both formats were in the first pass")
	}
}
