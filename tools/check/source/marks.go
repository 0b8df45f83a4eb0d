// SPDX-License-Identifier: Apache-2.0

package source

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/build"
	"io"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"loam/tools/check/finding"
)

// Mark is what the //loam: directives above one function ask to be proved
// about its machine code, or tell the proof about it.
type Mark struct {
	Symbol string // linker symbol without an ABI suffix
	Asm    bool   // the body is assembly: prefer the ABI0 symbol
	File   string
	Line   int // of the name
	End    int // last line of the function; Line for a declaration

	Trap     bool // runs on a trap stack: see docs/checks.md
	Stack    int  // bytes of stack that Trap may use
	NoAlloc  bool // reaches no allocation
	NoFPU    bool // touches no vector or floating-point register
	NoCall   bool // the way from entry to exit has no CALL
	Fatal    bool // never returns; proofs end here
	NewStack bool // loads SP on purpose: the depth starts again at zero

	// Except lists the symbols where NoCall ends: ways that are not the
	// one it is asked of.
	Except []string

	// Indirect lists where the indirect calls and jumps of this function
	// go: symbols, symbol prefixes ending in "*", or "table=" and the
	// symbol of a variable whose function values are the targets.
	Indirect []string
}

// directive is one //loam: line.
type directive struct {
	text string // after "//loam:"
	line int
}

// Marks collects the directives of the tree for a kernel build (GOARCH arch, tag
// loam) and reports those, of any build, that are malformed or stand above no
// function.
func Marks(t *Tree, arch string) ([]Mark, []finding.Finding) {
	var marks []Mark
	var bad []finding.Finding
	for _, f := range t.Files {
		if !bytes.Contains(f.Text, []byte("//loam:")) || f.IsTest() {
			continue
		}
		var ms []Mark
		var fs []finding.Finding
		switch {
		case f.IsAsm():
			ms, fs = asmMarks(t, f, arch)
		case f.AST != nil:
			ms, fs = goMarks(t, f, arch)
		}
		bad = append(bad, fs...)
		if inKernelBuild(f, arch) {
			marks = append(marks, ms...)
		}
	}
	return marks, bad
}

// inKernelBuild reports whether the build constraints of f admit the kernel
// for arch.
func inKernelBuild(f *File, arch string) bool {
	ctx := build.Default
	ctx.GOOS, ctx.GOARCH, ctx.BuildTags, ctx.CgoEnabled = "linux", arch, []string{"loam"}, false
	ctx.OpenFile = func(string) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(f.Text)), nil
	}
	ok, err := ctx.MatchFile(".", path.Base(f.Path))
	return ok && err == nil
}

// pkgSymbol returns the prefix of the symbols of the package in dir.
func pkgSymbol(t *Tree, dir string) string {
	for _, f := range t.Files {
		if f.AST != nil && f.Dir() == dir && !f.IsTest() && f.AST.Name.Name == "main" {
			return "main"
		}
	}
	if dir == "." {
		return t.Module
	}
	return t.Module + "/" + dir
}

// goMarks collects the directives in the doc comments of f.
func goMarks(t *Tree, f *File, arch string) ([]Mark, []finding.Finding) {
	var marks []Mark
	var bad []finding.Finding
	used := map[*ast.Comment]bool{}
	pkg := pkgSymbol(t, f.Dir())
	for _, decl := range f.AST.Decls {
		d, ok := decl.(*ast.FuncDecl)
		if !ok || d.Doc == nil {
			continue
		}
		var dirs []directive
		for _, c := range d.Doc.List {
			if rest, ok := strings.CutPrefix(c.Text, "//loam:"); ok {
				used[c] = true
				dirs = append(dirs, directive{rest, t.line(c.Pos())})
			}
		}
		if len(dirs) == 0 {
			continue
		}
		m := Mark{Symbol: goSymbol(pkg, d), Asm: d.Body == nil, File: f.Path, Line: t.line(d.Name.Pos()), End: t.line(d.End())}
		fs := m.parse(pkg, arch, dirs)
		if generic(d) {
			fs = append(fs, finding.Finding{File: f.Path, Line: m.Line, Rule: "directive",
				Text: "a generic function has no single symbol; mark the plain function that calls it"})
		}
		bad = append(bad, fs...)
		if len(fs) == 0 {
			marks = append(marks, m)
		}
	}
	for _, group := range f.AST.Comments {
		for _, c := range group.List {
			if strings.HasPrefix(c.Text, "//loam:") && !used[c] {
				bad = append(bad, finding.Finding{File: f.Path, Line: t.line(c.Pos()), Rule: "directive",
					Text: "stands above no function; put it in a function's doc comment"})
			}
		}
	}
	return marks, bad
}

// goSymbol returns the linker symbol of d.
func goSymbol(pkg string, d *ast.FuncDecl) string {
	if d.Recv == nil {
		return pkg + "." + d.Name.Name
	}
	if _, ptr := d.Recv.List[0].Type.(*ast.StarExpr); ptr {
		return pkg + ".(*" + receiver(d) + ")." + d.Name.Name
	}
	return pkg + "." + receiver(d) + "." + d.Name.Name
}

// generic reports whether d or the type it belongs to has type parameters.
func generic(d *ast.FuncDecl) bool {
	if d.Type.TypeParams != nil {
		return true
	}
	if d.Recv == nil {
		return false
	}
	e := d.Recv.List[0].Type
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	switch e.(type) {
	case *ast.IndexExpr, *ast.IndexListExpr:
		return true
	}
	return false
}

// textLine matches the line that opens an assembly function.
var textLine = regexp.MustCompile(`^TEXT\s+([^\s(<]+)(?:<[^>]*>)?\(SB\)`)

// asmMarks collects the directives on comment lines right above a TEXT line.
func asmMarks(t *Tree, f *File, arch string) ([]Mark, []finding.Finding) {
	var marks []Mark
	var bad []finding.Finding
	var pending []directive
	stray := func() {
		for _, d := range pending {
			bad = append(bad, finding.Finding{File: f.Path, Line: d.line, Rule: "directive",
				Text: "stands above no function; put it right above a TEXT line"})
		}
		pending = nil
	}
	pkg, n := pkgSymbol(t, f.Dir()), 0
	for line := range strings.Lines(string(f.Text)) {
		n++
		line = strings.TrimRight(line, "\n")
		if rest, ok := strings.CutPrefix(line, "//loam:"); ok {
			pending = append(pending, directive{rest, n})
			continue
		}
		if strings.HasPrefix(line, "//") {
			continue
		}
		if m := textLine.FindStringSubmatch(line); m != nil && len(pending) > 0 {
			mark := Mark{Symbol: asmSymbol(pkg, m[1]), Asm: true, File: f.Path, Line: n, End: n}
			fs := mark.parse(pkg, arch, pending)
			bad = append(bad, fs...)
			if len(fs) == 0 {
				marks = append(marks, mark)
			}
			pending = nil
		}
		stray()
	}
	stray()
	return marks, bad
}

// asmSymbol turns a name as assembly writes it into the linker's.
func asmSymbol(pkg, name string) string {
	name = strings.NewReplacer("·", ".", "∕", "/").Replace(name)
	if strings.HasPrefix(name, ".") {
		return pkg + name
	}
	return name
}

// parse fills m from the directives and reports those that make no sense.
func (m *Mark) parse(pkg, arch string, dirs []directive) []finding.Finding {
	var bad []finding.Finding
	for _, d := range dirs {
		name, args, _ := strings.Cut(strings.TrimSpace(d.text), " ")
		if problem := m.set(pkg, arch, name, strings.TrimSpace(args)); problem != "" {
			bad = append(bad, finding.Finding{File: m.File, Line: d.line, Rule: "directive", Text: problem})
		}
	}
	return bad
}

// set applies one directive and returns what is wrong with it, if anything.
func (m *Mark) set(pkg, arch, name, args string) string {
	flags := map[string]*bool{"noalloc": &m.NoAlloc, "nofpu": &m.NoFPU, "nocall": &m.NoCall,
		"fatal": &m.Fatal, "newstack": &m.NewStack}
	if except, ok := strings.CutPrefix(args, "except="); ok && name == "nocall" {
		m.Except, args = targetSymbols(pkg, except), ""
	}
	switch flag := flags[name]; {
	case flag != nil && args != "":
		return fmt.Sprintf("//loam:%s takes no argument; drop %q", name, args)
	case flag != nil:
		*flag = true
	case name == "trap":
		n, ok := stackSize(args, arch)
		if !ok {
			return "write //loam:trap stack=BYTES, the size of the stack the handler runs on, or stack.amd64=BYTES, stack.riscv64=BYTES"
		}
		m.Trap, m.Stack = n > 0, n
	case name == "indirect":
		if args == "" {
			return "write //loam:indirect TARGET,TARGET or //loam:indirect table=VARIABLE"
		}
		m.Indirect = append(m.Indirect, targetSymbols(pkg, args)...)
	default:
		return fmt.Sprintf("no directive is called %q; docs/checks.md lists them", name)
	}
	return ""
}

// stackSize reads the arguments of //loam:trap: stack=BYTES, and stack.ARCH=BYTES for
// one architecture. It returns the size on arch, 0 if the others' alone are given: the
// function is not in the kernel for arch.
func stackSize(args, arch string) (size int, ok bool) {
	of := map[string]int{}
	for arg := range strings.FieldsSeq(args) {
		key, value, _ := strings.Cut(arg, "=")
		n, err := strconv.Atoi(value)
		if err != nil || n <= 0 || of[key] != 0 || !slices.Contains([]string{"stack", "stack.amd64", "stack.riscv64"}, key) {
			return 0, false
		}
		of[key] = n
	}
	return cmp.Or(of["stack."+arch], of["stack"]), len(of) > 0
}

// targetSymbols completes a list of names separated by commas.
func targetSymbols(pkg, list string) []string {
	var out []string
	for _, target := range strings.Split(list, ",") {
		out = append(out, targetSymbol(pkg, strings.TrimSpace(target)))
	}
	return out
}

// targetSymbol completes a target name: one that names no package belongs to
// pkg.
func targetSymbol(pkg, target string) string {
	name, isTable := strings.CutPrefix(target, "table=")
	full := strings.Contains(name, "/") || strings.HasPrefix(name, "runtime.") || strings.HasPrefix(name, "main.")
	if !full {
		name = pkg + "." + name
	}
	if isTable {
		return "table=" + name
	}
	return name
}
