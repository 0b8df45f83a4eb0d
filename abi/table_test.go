// SPDX-License-Identifier: Apache-2.0

package abi

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// unixConstants reads the integer constants of golang.org/x/sys/unix for a
// foreign architecture out of its source, an independent statement of the ABI.
func unixConstants(t *testing.T, files ...string) map[string]uint64 {
	t.Helper()
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/sys").Output()
	dir := strings.TrimSpace(string(out))
	if err != nil || dir == "" {
		t.Skip("source of golang.org/x/sys isn't here")
	}
	all := map[string]uint64{}
	for _, name := range files {
		path := filepath.Join(dir, "unix", name)
		if _, err := os.Stat(path); err != nil {
			t.Skip(err)
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == len(v.Names) {
				for i, id := range v.Names {
					if x, ok := constant(v.Values[i]); ok {
						all[id.Name] = x
					}
				}
			}
			return true
		})
	}
	if len(all) < 100 {
		t.Fatalf("only %d constants found", len(all))
	}
	return all
}

// constant evaluates a literal, its negative, or a conversion of it.
func constant(e ast.Expr) (uint64, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		x, err := strconv.ParseUint(e.Value, 0, 64)
		return x, err == nil
	case *ast.UnaryExpr:
		x, ok := constant(e.X)
		return -x, ok && e.Op == token.SUB
	case *ast.CallExpr:
		if len(e.Args) == 1 {
			return constant(e.Args[0])
		}
	}
	return 0, false
}

// ownConstants reads the integer constants of one of this package's files,
// tagged for another architecture or not; those that need evaluating are left out.
func ownConstants(t *testing.T, name string) map[string]uint64 {
	t.Helper()
	f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]uint64{}
	ast.Inspect(f, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && len(v.Values) == len(v.Names) {
			for i, id := range v.Names {
				if x, ok := constant(v.Values[i]); ok {
					all[id.Name] = x
				}
			}
		}
		return true
	})
	return all
}

func TestCallNumbers(t *testing.T) {
	for _, c := range []struct {
		arch      Arch
		own, unix string
	}{
		{AMD64, "sysnum_amd64.go", "zsysnum_linux_amd64.go"},
		{RISCV64, "sysnum_generic.go", "zsysnum_linux_riscv64.go"},
	} {
		want := unixConstants(t, c.unix)
		own := ownConstants(t, c.own)
		if len(own) < 80 {
			t.Fatalf("%s: only %d numbers", c.own, len(own))
		}
		for name, nr := range own {
			if w, ok := want[name]; !ok || w != nr {
				t.Errorf("%v: %s is %d, want %d", c.arch, name, nr, w)
			}
		}
		named := 0
		for name, nr := range want {
			if n, ok := strings.CutPrefix(name, "SYS_"); ok && strings.ToLower(n) == Name(c.arch, nr) {
				named++
			} else if ok {
				t.Errorf("%v: Name(%d) = %q, want %s", c.arch, nr, Name(c.arch, nr), n)
			}
		}
		if named < 300 {
			t.Errorf("%v: only %d names", c.arch, named)
		}
	}
}

func TestNameOfOthers(t *testing.T) {
	for _, a := range []Arch{AMD64, RISCV64} {
		for nr, want := range map[uint64]string{
			CallBootFile: "boot_file", CallBase - 1: "", callEnd: "", 1<<64 - 1: "", 400: "",
		} {
			if got := Name(a, nr); got != want {
				t.Errorf("Name(%v, %#x) = %q, want %q", a, nr, got, want)
			}
		}
	}
	if AMD64.String() != "amd64" || RISCV64.String() != "riscv64" || Arch(9).String() != "unknown" {
		t.Error("names of architectures")
	}
	if CallBootFile != 0x1000 {
		t.Error("CallBootFile moved")
	}
}

// TestFlagsAgainstUnix compares every constant of ours whose name x/sys has too.
func TestFlagsAgainstUnix(t *testing.T) {
	want := unixConstants(t, "zerrors_linux.go", "zerrors_linux_amd64.go", "ztypes_linux.go", "ztypes_linux_amd64.go")
	// O_LARGEFILE is 0 to 64-bit programs of x/sys, whose open never needs it.
	delete(want, "O_LARGEFILE")
	compared := 0
	for _, file := range []string{"errno_table.go", "memory.go", "thread.go", "file.go", "signal.go", "siginfo.go"} {
		for name, x := range ownConstants(t, file) {
			if w, ok := want[name]; ok {
				compared++
				if w != x {
					t.Errorf("%s: %s is %#x, want %#x", file, name, x, w)
				}
			}
		}
	}
	if compared < 280 {
		t.Errorf("only %d constants compared", compared)
	}
	t.Logf("%d constants agree", compared)
}

// TestHwprobeAgainstUnix compares the constants of riscv_hwprobe that x/sys has.
func TestHwprobeAgainstUnix(t *testing.T) {
	want := unixConstants(t, "zerrors_linux.go", "ztypes_linux_riscv64.go")
	compared := 0
	for name, x := range ownConstants(t, "hwprobe.go") {
		if w, ok := want[name]; ok {
			compared++
			if w != x {
				t.Errorf("%s is %#x, want %#x", name, x, w)
			}
		}
	}
	if compared < 22 {
		t.Errorf("only %d constants compared", compared)
	}
}
