// SPDX-License-Identifier: Apache-2.0

package proof

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"loam/tools/check/code"
	"loam/tools/check/finding"
	"loam/tools/check/source"
)

// arches are the architectures that the fixture is built for.
var arches = []string{"amd64", "riscv64"}

// vague matches what differs between compiler releases: frame sizes,
// operands, and how many pointers a write barrier call takes.
var vague = regexp.MustCompile(`needs [0-9]+|\([0-9]+\)|Barrier[0-9]|\((MOVUPS|XORPS|LDMXCSR|CALL|JALR|FLD|FCVT.*|VADD.VV|CSRRW) .*?\)+`)

// build links the fixture for the kernel's machine and returns the ELF file.
func build(t *testing.T, dir, arch string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "kern.elf")
	cmd := exec.Command("go", "build", "-o", out, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0", "GOAMD64=v1", "GORISCV64=rva20u64", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	return out
}

// prove runs the proofs over the fixture.
func prove(t *testing.T, arch string) ([]finding.Finding, Summary) {
	t.Helper()
	tree, err := source.Load("testdata/kern", "loam/tools/check/proof/testdata/kern")
	if err != nil {
		t.Fatal(err)
	}
	marks, bad := source.Marks(tree, arch)
	for _, f := range bad {
		t.Error(f)
	}
	im, err := code.Open(build(t, "testdata/kern", arch))
	if err != nil {
		t.Fatal(err)
	}
	p := newProver(im, tree, marks)
	p.trapLevel = []string{"main.", "sync/atomic.", "math/bits."}
	return p.run()
}

// TestFixture proves that each rule finds what breaks it, on the way that it
// says, and nothing in the functions that keep it.
func TestFixture(t *testing.T) {
	// Hand-written code has a depth that no compiler changes: three pushes,
	// a return address where calls push it, and one push below.
	pushes := map[string]string{"amd64": "needs 40 bytes", "riscv64": "needs 32 bytes"}
	counts := map[string]Summary{"amd64": {Trap: 18, NoAlloc: 4, NoFPU: 6, NoCall: 5, Fatal: 2},
		"riscv64": {Trap: 22, NoAlloc: 4, NoFPU: 6, NoCall: 5, Fatal: 2}}
	for _, arch := range arches {
		t.Run(arch, func(t *testing.T) {
			found, sum := prove(t, arch)
			var got strings.Builder
			if err := finding.Print(&got, found); err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile("testdata/kern-" + arch + ".want")
			if err != nil {
				t.Fatal(err)
			}
			if got := vague.ReplaceAllString(got.String(), "#"); got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
			if !strings.Contains(got.String(), "main.trapPushes: "+pushes[arch]) {
				t.Errorf("trapPushes: want %s", pushes[arch])
			}
			sum.Deepest, sum.DeepestRoot, sum.Functions = 0, "", 0
			if sum != counts[arch] {
				t.Errorf("counted %+v", sum)
			}
		})
	}
}
