// SPDX-License-Identifier: Apache-2.0

package image

import (
	"bytes"
	"debug/elf"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestStage has code in machine mode that can't run there, and wants it found.
func TestStage(t *testing.T) {
	const place = "func fenceHere(kind int) {\n"
	for name, c := range map[string]struct {
		outside, inside string
		want            string
	}{
		"nothing":           {"", "", ""},
		"a text":            {"", `console.writeString("good")`, ""},
		"numbers":           {"var primes = [...]uint64{2, 3, 5}", "store64(primes[kind&1], 0)", ""},
		"a table of texts":  {`var texts = [...]string{"a", "bc"}`, "console.writeString(texts[kind&1])", "texts, where a linked address is"},
		"a pointer":         {"var where = &console", "where.write(1)", "where, where a linked address is"},
		"constants":         {"//go:noinline\nfunc use(d *device) { d.base++ }", "d := device{base: 5, shift: 1, width: 4}\n\tuse(&d)", ""},
		"many constants":    {"type many struct{ a, b, c, d, e, f, g, h uint64 }\n\n//go:noinline\nfunc use(m *many) { m.a++ }", "m := many{1, 2, 3, 4, 5, 6, 7, 8}\n\tuse(&m)", "what has no name"},
		"a function value":  {"var hook = func(int) {}\n\nfunc SetHook(f func(int)) { hook = f }", "hook(kind)", "where a linked address is"},
		"an interface":      {"type writer interface{ write(byte) }\n\nvar out writer = &console\n\nfunc SetOut(w writer) { out = w }", "out.write(1)", "where a linked address is"},
		"a closure":         {"//go:noinline\nfunc apply(f func(), n int) { f() }\n\nfunc nothing() {}", "apply(nothing, kind)", "what has no name"},
		"an argument":       {"//go:noinline\nfunc apply(f *func(int), n int) { (*f)(n) }", "apply((*func(int))(nil), kind)", "jumps through a register"},
		".bss":              {"var count uint64", "count++", "uses .bss"},
		"an allocation":     {"", "for _, b := range make([]byte, kind) {\n\t\tconsole.write(b)\n\t}", "what has no name"},
		"a write barrier":   {"//go:noinline\nfunc put(at **device, d *device) { *at = d }", "d := &console\n\tput(&d, d)", "uses .bss"},
		"a comparison":      {"//go:noinline\nfunc same(a, b string) bool { return a == b }", "same(\"one\", \"two\")", "calls runtime.memequal"},
		"a large copy":      {"//go:noinline\nfunc move(a, b []byte) { copy(a, b) }", "move(nil, nil)", "calls runtime.memmove"},
		"floating point":    {"", "store64(0, uint64(float64(kind)*1.5))", "floating-point"},
		"a recursion":       {"//go:noinline\nfunc down(n int) int {\n\tif n == 0 {\n\t\treturn 0\n\t}\n\treturn down(n-1) + 1\n}", "store64(uint64(down(kind)), 0)", "is a recursion"},
		"two in a circle":   {"//go:noinline\nfunc ping(n int) int { return pong(n) + 1 }\n\n//go:noinline\nfunc pong(n int) int { return ping(n) + 1 }", "store64(uint64(ping(kind)), 0)", "is a recursion"},
		"a deep stack":      {"//go:noinline\nfunc use(a *[800]byte) { a[7] = 1 }", "var a [800]byte\n\tuse(&a)", "bytes of stack, there are"},
		"a very deep stack": {"//go:noinline\nfunc use(a *[80000]byte) { a[7] = 1 }", "var a [80000]byte\n\tuse(&a)", "bytes of stack, there are"},
	} {
		t.Run(name, func(t *testing.T) {
			files := sbiFiles(t)
			serve := files["machine/mmode/serve.go"]
			files["machine/mmode/serve.go"] = strings.Replace(serve, place, c.outside+"\n\n"+place+"\t"+c.inside+"\n", 1)
			if !strings.Contains(serve, place) {
				t.Fatal("there is no such place any more")
			}
			_, err := Build(linkFiles(t, "riscv64", files))
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "kernel ELF: machine mode: ")):
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

// Where goodStage has its parts.
const (
	testStage     = TextAddr + 0x1c0
	testStageBoot = TextAddr + 0x200
	testStageData = testRodata + 0x10
)

// goodStage is an ELF with a stage that takes the address of data and calls boot.
func goodStage() []byte {
	l := goodRISCV()
	l.symbols = append(l.symbols,
		symbol{"runtime.exit", elf.STT_FUNC, TextAddr + 0x100, 4},
		symbol{stagePkg + "Start", elf.STT_FUNC, testStage, 24},
		symbol{stageBoot, elf.STT_FUNC, testStageBoot, 12},
		symbol{"loam/machine/mmode.data", elf.STT_OBJECT, testStageData, 16})
	b := l.bytes()
	code(b, TextAddr+0x100, ecall)
	code(b, testStage, 0x00001517, 0xe5050513, 0x038000ef, 0x00008067, 0x00000013, 0x00000013) // auipc, addi x10; jal; ret
	code(b, testStageBoot, 0xff010113, 0x00000013, 0x00008067)                                 // addi sp, -16; nop; ret
	return b
}

// TestStageCode changes the good stage, a word at an address.
func TestStageCode(t *testing.T) {
	if _, err := Build(goodStage()); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		at   uint64
		word uint32
		want string
	}{
		"no pair":              {testStage + 4, 0xe5058513, "takes an address in parts"},
		"a pair of add":        {testStage + 4, 0x00a50533, "takes an address in parts"},
		"elsewhere":            {testStage, 0x80001517, "isn't the image's"},
		"in .bss":              {testStage, 0x00003517, "uses .bss"},
		"behind the data":      {testStage + 4, 0xe6050513, "has no name, behind loam/machine/mmode.data"},
		"text as data":         {testStage, 0x00000517, "uses text as data"},
		"into a function":      {testStage + 8, 0x03c000ef, "jumps to what is no function"},
		"beyond the text":      {testStage + 8, 0x7f0000ef, "jumps to what is no function"},
		"of another package":   {testStage + 8, 0xf39ff0ef, "calls runtime.exit"},
		"through a register":   {testStage + 12, 0x00050067, "jumps through a register"},
		"a call through ra":    {testStage + 12, 0x000080e7, "jumps through a register"},
		"behind ra":            {testStage + 12, 0x00408067, "jumps through a register"},
		"to itself, a call":    {testStageBoot + 4, 0xffdff0ef, "is a recursion"},
		"a circle":             {testStageBoot + 4, 0xfbdff0ef, "is a recursion"},
		"a float":              {testStage + 16, 0x02a5d787, "floating-point"},
		"no instruction":       {testStage + 16, 0xffffffff, "is no instruction"},
		"zeros":                {testStage + 16, 0, "is no instruction"},
		"cut short":            {testStage + 20, 0x00130001, "is no instruction"},
		"another stack":        {testStageBoot + 4, 0x00050113, "moves the stack in another way"},
		"a stack by temp":      {testStageBoot + 4, 0x01f10133, "moves the stack in another way"},
		"a low word of a link": {testStageData, 0x80201000, ""},
		"not a link":           {testStageData + 4, 0x7fffffff, ""},
	} {
		b := goodStage()
		code(b, c.at, c.word)
		_, err := Build(b)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	b := goodStage()
	code(b, testStageData+8, 0x80201000, 0xffffffff)
	if _, err := Build(b); err == nil || !strings.Contains(err.Error(), "mmode.data, where a linked address is") {
		t.Error(err)
	}
}

// TestDecode holds the decoder against what LLVM's disassembler says.
func TestDecode(t *testing.T) {
	for word, want := range map[uint32]insn{
		0x0008d317: {kind: auipc, size: 4, rd: 6, imm: 141 << 12},
		0xfff97f97: {kind: auipc, size: 4, rd: 31, imm: -105 << 12},
		0xbf5ff0ef: {kind: jal, size: 4, rd: 1, imm: -1036},
		0x0010006f: {kind: jal, size: 4, imm: 1 << 11},
		0x7fe000ef: {kind: jal, size: 4, rd: 1, imm: 2046},
		0x00078067: {kind: jalr, size: 4, rs1: 15},
		0xffc080e7: {kind: jalr, size: 4, rd: 1, rs1: 1, imm: -4},
		0xfffff3b7: {kind: lui, size: 4, rd: 7, imm: -4096},
		0x6f0f8f9b: {kind: addiw, size: 4, rd: 31, rs1: 31, imm: 1776},
		0xe9810113: {kind: addi, size: 4, rd: 2, rs1: 2, imm: -360},
		0x01f103b3: {kind: add, size: 4, rd: 7, rs1: 2, rs2: 31},
		0x010db303: {kind: load, size: 4, rd: 6, rs1: 27, imm: 16},
		0xfe113423: {kind: store, size: 4, rs1: 2, imm: -24},
		0x02a5d787: {kind: float, size: 4},
		0x0ff0000f: {kind: other, size: 4},
		0xc0102573: {kind: other, size: 4, rd: 10},
		0x1121:     {kind: addi, size: 2, rd: 2, rs1: 2, imm: -24},
		0x7139:     {kind: addi, size: 2, rd: 2, rs1: 2, imm: -64},
		0x6161:     {kind: addi, size: 2, rd: 2, rs1: 2, imm: 80},
		0x7ff9:     {kind: lui, size: 2, rd: 31, imm: -2 << 12},
		0x8082:     {kind: jalr, size: 2, rs1: 1},
		0x9282:     {kind: jalr, size: 2, rd: 1, rs1: 5},
		0x9002:     {kind: other, size: 2},
		0x911a:     {kind: add, size: 2, rd: 2, rs1: 2, rs2: 6},
		0x832a:     {kind: add, size: 2, rd: 6, rs2: 10},
		0xbfd5:     {kind: jal, size: 2, imm: -12},
		0xa001:     {kind: jal, size: 2},
		0x6082:     {kind: load, size: 2, rd: 1, rs1: 2},
		0xe006:     {kind: store, size: 2, rs1: 2},
		0x2108:     {kind: float, size: 2},
		0x0000:     {kind: bad},
		0x001f:     {kind: bad},
	} {
		got := decode([]byte{byte(word), byte(word >> 8), byte(word >> 16), byte(word >> 24)})
		if want.kind != add {
			got.rs2 = 0
		} else {
			got.imm = 0
		}
		switch want.kind {
		case auipc, lui, jal:
			got.rs1 = 0
		case float, other, bad:
			got.rs1, got.imm = 0, 0
		}
		if want.kind == float || want.kind == bad {
			got.rd, got.size = want.rd, want.size
		}
		if got != want {
			t.Errorf("%#x: %+v, want %+v", word, got, want)
		}
	}
}

// TestStageErrors: what machine mode can't live with ends the machine with a message
// and a status.
func TestStageErrors(t *testing.T) {
	start := func(code string) func(map[string]string) {
		return func(files map[string]string) {
			const jump = "\tJMP   loam∕machine∕mmode·Start(SB)"
			const name = "machine/metal/start_riscv64.s"
			files[name] = strings.Replace(files[name], jump, "\t"+code+"\n"+jump, 1)
		}
	}
	far := func(files map[string]string) {
		const name = "machine/metal/metal.go"
		files[name] = strings.Replace(files[name], "\tbase(hart)\n",
			"\tcall(\"far\", sbi.Console, sbi.ConsoleWrite, 8, 0x81ff0000+0x70000000, 0, 0)\n", 1)
	}
	panics := func(files map[string]string) {
		const name = "machine/mmode/serve.go"
		files[name] = strings.Replace(files[name], "func fenceHere(kind int) {\n",
			"func fenceHere(kind int) {\n\tvar a [4]uint64\n\tstore64(a[kind+9], 0)\n", 1)
	}
	for _, c := range []struct {
		name   string
		source func(files map[string]string)
		tree   []string // what is what in the devicetree instead
		args   []string
		want   string
	}{
		{"no tree", start("MOV $0, X11"), nil, nil, "the loader gave no devicetree: its address is 0x0"},
		{"odd tree", start("ADD $4, X11"), nil, nil, "the loader gave no devicetree: its address is 0x"},
		{"not a tree", start("ADD $8, X11"), nil, nil, "no devicetree (bad magic) at 0x"},
		{"no memory there", start("MOV $64, X11"), nil, nil, "a trap: cause 0x0000000000000005 at 0x000000008"},
		{"a panic", panics, nil, nil, "a trap: cause 0x0000000000000005 at 0x000000008"},
		{"no CLINT", nil, []string{"riscv,clint0", "riscv,nothin", "sifive,clint0", "sifive,nothin"}, nil,
			"no CLINT or ACLINT has a software interrupt for hart 0x0"},
		{"no hart", nil, []string{"riscv,sv48", "riscv,none"}, nil, "no hart that is enabled and can translate addresses: of harts there are 0x1"},
		{"memory that isn't", far, []string{"\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00", "\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00\x82\x00\x00\x00"}, nil,
			"a trap: cause 0x0000000000000005 at 0x000000008"},
		{"a stage without memory", nil, []string{"\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00", "\x00\x00\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00\x00\x10\x00"}, nil,
			"no memory for the stage at 0x80"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := sbiFiles(t)
			if c.source != nil {
				c.source(files)
			}
			kernel := sbiKernel(t, files)
			args := append([]string{"-M", "virt", "-m", "32", "-bios", "none"}, c.args...)
			if c.tree != nil {
				args = append(args, "-dtb", changedTree(t, kernel, 1, c.tree...))
			}
			out, status := runVirt(t, kernel, args...)
			if status != 35 || !strings.Contains(out, "loam: machine mode: ") || !strings.Contains(out, c.want) || !strings.HasSuffix(out, "\r\n") {
				t.Errorf("exit status %d with %q, want 35 with %q", status, out, c.want)
			}
		})
	}
}

// changedTree writes QEMU's devicetree for virt with 32 MiB to a file, in which pairs
// of texts of one length are exchanged.
func changedTree(t *testing.T, kernel string, harts int, pairs ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tree")
	runVirt(t, kernel, "-M", "virt,dumpdtb="+file, "-m", "32", "-smp", strconv.Itoa(harts))
	tree, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(pairs); i += 2 {
		if n := bytes.Count(tree, []byte(pairs[i])); n == 0 || len(pairs[i]) != len(pairs[i+1]) {
			t.Fatalf("%q is there %d times", pairs[i], n)
		}
		tree = bytes.ReplaceAll(tree, []byte(pairs[i]), []byte(pairs[i+1]))
	}
	if err := os.WriteFile(file, tree, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}
