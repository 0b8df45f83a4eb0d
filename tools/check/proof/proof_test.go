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

// vague matches what differs between compiler releases: frame sizes,
// operands, and how many pointers a write barrier call takes.
var vague = regexp.MustCompile(`needs [0-9]+|\([0-9]+\)|Barrier[0-9]|\((MOVUPS|XORPS|LDMXCSR|CALL) .*\)`)

// build links the fixture for the kernel's machine and returns the ELF file.
func build(t *testing.T, dir string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "kern.elf")
	cmd := exec.Command("go", "build", "-o", out, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0", "GOAMD64=v1", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	return out
}

// prove runs the proofs over the fixture.
func prove(t *testing.T) ([]finding.Finding, Summary) {
	t.Helper()
	tree, err := source.Load("testdata/kern", "loam/tools/check/proof/testdata/kern")
	if err != nil {
		t.Fatal(err)
	}
	marks, bad := source.Marks(tree)
	for _, f := range bad {
		t.Error(f)
	}
	im, err := code.Open(build(t, "testdata/kern"))
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
	found, sum := prove(t)
	var got strings.Builder
	if err := finding.Print(&got, found); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/kern.want")
	if err != nil {
		t.Fatal(err)
	}
	if got := vague.ReplaceAllString(got.String(), "#"); got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// Hand-written code has a depth that no compiler changes: three pushes,
	// a return address, and one push below.
	if !strings.Contains(got.String(), "main.trapPushes: needs 40 bytes") {
		t.Error("trapPushes: want 40 bytes")
	}
	if sum.Trap != 18 || sum.NoAlloc != 4 || sum.NoFPU != 6 || sum.NoCall != 5 || sum.Fatal != 2 {
		t.Errorf("counted %+v", sum)
	}
}
