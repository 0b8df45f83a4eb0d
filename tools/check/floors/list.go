// SPDX-License-Identifier: Apache-2.0

package floors

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"

	"loam/tools/check/finding"
	"loam/tools/check/source"
)

// builds are the configurations that we ship.
var builds = []struct{ arch, tags string }{
	{"amd64", ""}, {"amd64", "loam"}, {"riscv64", ""}, {"riscv64", "loam"},
}

// Check lists the packages of the tree for each build and returns every
// import that points upward or sideways. It needs the go command.
func Check(t *source.Tree) ([]finding.Finding, error) {
	results := make([][]importer, len(builds))
	errs := make([]error, len(builds))
	done := make(chan int)
	for i, b := range builds {
		go func() {
			results[i], errs[i] = list(t.Root, b.arch, b.tags)
			done <- i
		}()
	}
	for range builds {
		<-done
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	var out []finding.Finding
	for _, pkgs := range results {
		for _, b := range judge(t.Module, pkgs) {
			out = append(out, b.finding(t.Module, t.ImportLine))
		}
	}
	return finding.Sort(out), nil
}

// list asks the go command for the packages of one build and the packages of
// ours that they depend on.
func list(root, arch, tags string) ([]importer, error) {
	cmd := exec.Command("go", "list", "-e", "-deps", "-tags", tags,
		"-json=ImportPath,Imports,TestImports,XTestImports,Standard,Module", "./...")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0", "GOFLAGS=")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	text, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list (%s, tags %q): %w\n%s", arch, tags, err, stderr.Bytes())
	}
	return parse(bytes.NewReader(text))
}

// parse reads the output of go list and keeps the main module's packages.
func parse(r io.Reader) ([]importer, error) {
	var out []importer
	for dec := json.NewDecoder(r); ; {
		var p struct {
			ImportPath, Name                   string
			Imports, TestImports, XTestImports []string
			Standard                           bool
			Module                             *struct{ Main bool }
		}
		switch err := dec.Decode(&p); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("go list: %w", err)
		}
		if p.Standard || p.Module == nil || !p.Module.Main {
			continue
		}
		out = append(out, importer{Path: p.ImportPath, Imports: p.Imports,
			TestImports: slices.Concat(p.TestImports, p.XTestImports)})
	}
}
