// SPDX-License-Identifier: Apache-2.0

package code

import (
	"debug/elf"
	"encoding/binary"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDecode holds single encodings; each is followed by a byte that must not
// be counted. Encodings were taken from the Intel SDM's tables.
func TestDecode(t *testing.T) {
	tests := []struct {
		code string // in hexadecimal, one instruction
		name string
		want Insn
	}{
		{"e8 10 00 00 00", "CALL", Insn{Kind: Call, Target: 0x1015}},
		{"eb fe", "JMP self", Insn{Kind: Jump, Target: 0x1000}},
		{"74 02", "JE", Insn{Kind: CondJump, Target: 0x1004}},
		{"e3 02", "JRCXZ", Insn{Kind: CondJump, Target: 0x1004}},
		{"ff d0", "CALL AX", Insn{Kind: IndirectCall}},
		{"ff 12", "CALL (DX)", Insn{Kind: IndirectCall}},
		{"ff e1", "JMP CX", Insn{Kind: IndirectJump}},
		{"c3", "RET", Insn{Kind: Return}},
		{"48 cf", "IRETQ", Insn{Kind: Return}},
		{"48 0f 07", "SYSRETQ", Insn{Kind: Return}},
		{"0f 0b", "UD2", Insn{Kind: Stop}},
		{"cc", "INT3", Insn{Kind: Stop}},
		{"cd 80", "INT 0x80", Insn{Kind: Syscall}},
		{"0f 05", "SYSCALL", Insn{Kind: Syscall}},
		{"50", "PUSHQ AX", Insn{SP: SPMoved, Delta: 8}},
		{"6a 01", "PUSHQ $1", Insn{SP: SPMoved, Delta: 8}},
		{"9c", "PUSHFQ", Insn{SP: SPMoved, Delta: 8}},
		{"9d", "POPFQ", Insn{SP: SPMoved, Delta: -8}},
		{"41 5f", "POPQ R15", Insn{SP: SPMoved, Delta: -8}},
		{"5c", "POPQ SP", Insn{SP: SPLoaded}},
		{"48 83 ec 18", "SUBQ $24, SP", Insn{SP: SPMoved, Delta: 24}},
		{"48 83 ec 80", "SUBQ $-128, SP", Insn{SP: SPMoved, Delta: -128}},
		{"48 83 c4 80", "ADDQ $-128, SP", Insn{SP: SPMoved, Delta: 128}},
		{"48 81 ec 00 10 00 00", "SUBQ $4096, SP", Insn{SP: SPMoved, Delta: 4096}},
		{"48 8d 64 24 f8", "LEAQ -8(SP), SP", Insn{SP: SPMoved, Delta: 8}},
		{"48 83 e4 f0", "ANDQ $-16, SP", Insn{SP: SPMoved, Delta: 15}},
		{"48 89 c4", "MOVQ AX, SP", Insn{SP: SPLoaded}},
		{"48 87 e0", "XCHGQ SP, AX", Insn{SP: SPLoaded}},
		{"48 94", "XCHGQ AX, SP", Insn{SP: SPLoaded}},
		{"48 29 c4", "SUBQ AX, SP", Insn{SP: SPLoaded}},
		{"c9", "LEAVE", Insn{SP: SPLoaded}},
		{"48 39 c4", "CMPQ SP, AX", Insn{}},
		{"48 85 e4", "TESTQ SP, SP", Insn{}},
		{"48 89 e0", "MOVQ SP, AX", Insn{}},
		{"0f 57 c0", "XORPS", Insn{FPU: true}},
		{"f2 48 0f 2a c0", "CVTSQ2SD", Insn{FPU: true}},
		{"66 0f 6e c0", "MOVD AX, X0", Insn{FPU: true}},
		{"0f 6f 00", "MOVQ (AX), M0", Insn{FPU: true}},
		{"d9 e8", "FLD1", Insn{FPU: true}},
		{"0f 77", "EMMS", Insn{FPU: true}},
		{"0f ae 00", "FXSAVE", Insn{}},
		{"48 0f ae 00", "FXSAVE64", Insn{}},
		{"0f ae 08", "FXRSTOR", Insn{FPU: true}},
		{"0f ae 10", "LDMXCSR", Insn{FPU: true}},
		{"0f ae 20", "XSAVE", Insn{}},
		{"48 0f ae 30", "XSAVEOPT64", Insn{}},
		{"48 0f ae 28", "XRSTOR64", Insn{FPU: true}},
		{"0f c7 20", "XSAVEC", Insn{}},
		{"48 0f c7 18", "XRSTORS64", Insn{FPU: true}},
		{"0f ae f0", "MFENCE", Insn{}},
		{"c5 f8 77", "VZEROUPPER", Insn{FPU: true}},
		{"c5 fe 6f 06", "VMOVDQU", Insn{FPU: true}},
		{"c5 fe 6f 44 24 10", "VMOVDQU 16(SP)", Insn{FPU: true}},
		{"c5 fe 6f 05 00 01 00 00", "VMOVDQU (IP)", Insn{FPU: true}},
		{"c5 f9 73 d8 08", "VPSRLDQ $8", Insn{FPU: true}},
		{"c4 e3 75 46 c2 20", "VPERM2I128 $32", Insn{FPU: true}},
		{"c4 e2 7d 78 c0", "VPBROADCASTB", Insn{FPU: true}},
		{"62 f1 fe 48 6f 06", "VMOVDQU64 Z0", Insn{FPU: true}},
		{"62 f1 fe 48 6f 46 01", "VMOVDQU64 64(SI)", Insn{FPU: true}},
		{"62 f3 f5 48 25 c2 ff", "VPTERNLOGQ", Insn{FPU: true}},
		{"c4 e2 f9 f7 c3", "SHLXQ", Insn{}},
		{"c4 e3 fb f0 c3 07", "RORXQ $7", Insn{}},
		{"0f 01 cb", "STAC", Insn{}},
		{"0f 01 ca", "CLAC", Insn{}},
		{"0f 01 f8", "SWAPGS", Insn{}},
		{"0f 01 d1", "XSETBV", Insn{}},
		{"0f 01 1d 00 00 00 00", "LIDT", Insn{}},
		{"f3 0f 1e fa", "ENDBR64", Insn{}},
		{"48 0f c7 f0", "RDRANDQ", Insn{}},
		{"f3 48 0f ae c0", "RDFSBASE", Insn{}},
		{"66 0f 38 82 08", "INVPCID", Insn{}},
		{"0f 01 38", "INVLPG", Insn{}},
		{"0f 22 d8", "MOVQ AX, CR3", Insn{}},
		{"0f 30", "WRMSR", Insn{}},
		{"f4", "HLT", Insn{}},
	}
	for _, tt := range tests {
		code := unhex(t, tt.code)
		in, err := decodeAMD64(append(code, 0x90), 0x1000)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		want := tt.want
		want.Addr, want.Len = 0x1000, len(code)
		in.Text, in.label, in.base, in.into = "", 0, 0, 0
		if !reflect.DeepEqual(in, want) {
			t.Errorf("%s (%s): got %+v, want %+v", tt.name, tt.code, in, want)
		}
	}
}

func TestDecodeRejects(t *testing.T) {
	for _, s := range []string{"", "0f", "e8 00", "c5 fe", "62 f1 fe 48 6f", "0f ff", "0f 38 ff c0", "c4 e3 75 46 c2"} {
		if in, err := decodeAMD64(unhex(t, s), 0); err == nil {
			t.Errorf("%q decodes to %+v", s, in)
		}
	}
}

// FuzzDecode looks for bytes that crash the decoder or make it claim more
// than there is.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{"\xc5\xf8\x77", "\x62\xf1\xfe\x48\x6f\x44\x24\x01", "\x0f\x38\x82\x04\x25", "\x66\x66\x0f\x01\x05"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, code []byte) {
		in, err := decodeAMD64(code, 1<<40)
		if err == nil && (in.Len <= 0 || in.Len > len(code)) {
			t.Errorf("% x: length %d", code, in.Len)
		}
	})
}

// image makes an image of one function f at 0x1000 from its bytes, one
// function g at 0x2000 that returns, and data at 0x3000.
func image(t *testing.T, f string, data []byte) (*Image, *Body) {
	t.Helper()
	code := unhex(t, f)
	im := newImage("amd64")
	im.funcs = []Func{{"g", 0x2000, 1}, {"f", 0x1000, uint64(len(code))}}
	im.areas = []area{{0x1000, code}, {0x2000, []byte{0xc3}}, {0x3000, data}}
	im.vars["v"] = Func{"v", 0x3000, uint64(len(data))}
	im.index()
	return im, im.Body(im.Lookup("f"))
}

func TestFrame(t *testing.T) {
	tests := []struct {
		name, code string
		frame      int
		bad        string
	}{
		{"straight", "50 53 5b 58 c3", 16, ""},
		{"both branches", "74 03 50 58 c3 48 83 ec 40 48 83 c4 40 c3", 64, ""},
		{"loop", "50 58 75 fc c3", 8, ""},
		{"growing loop", "50 75 fd c3", 0, "the stack grows in a loop"},
		{"new stack", "50 50 50 48 89 c4 53 5b c3", 24, ""},
		{"runs off", "50 58", 0, "runs off its end"},
		{"rubbish", "50 0f ff", 0, "can't decode"},
		{"label entered later", "48 8d 05 01 00 00 00 c3 50 50 c3", 16, ""},
		{"frame given back", "58 58 50 c3", 0, ""},
	}
	for _, tt := range tests {
		_, b := image(t, tt.code, nil)
		if tt.bad != "" {
			if !strings.Contains(b.Bad, tt.bad) {
				t.Errorf("%s: bad is %q, want %q", tt.name, b.Bad, tt.bad)
			}
			continue
		}
		if b.Bad != "" || b.Frame() != tt.frame {
			t.Errorf("%s: frame %d (%q), want %d", tt.name, b.Frame(), b.Bad, tt.frame)
		}
	}
}

func TestJumpTable(t *testing.T) {
	// LEAQ 0x3000(IP), AX; JMP (AX)(CX*8); two cases of different depth.
	const f = "48 8d 05 f9 1f 00 00 ff 24 c8 50 58 c3 50 50 58 58 c3"
	table := func(words ...uint64) []byte {
		var b []byte
		for _, w := range words {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
		return b
	}
	_, b := image(t, f, table(0x100a, 0x100d, 0x9999))
	if b.Bad != "" || b.Frame() != 16 {
		t.Errorf("frame %d, %q", b.Frame(), b.Bad)
	}
	for _, in := range b.Insns {
		if in.Kind == IndirectJump {
			t.Error("the jump through the table was left unresolved")
		}
	}
	// A table that leads out of the function is none.
	if _, b = image(t, f, table(0x2000)); b.Insns[1].Kind != IndirectJump {
		t.Error("a jump to elsewhere passes for a switch")
	}
}

func TestDoomed(t *testing.T) {
	// 0: JE +5; 2: CALL g; 7: JMP 7 (loop); 9 unreachable
	im, b := image(t, "74 05 e8 f9 0f 00 00 eb fe", nil)
	ends := func(in *Insn) bool { return in.Kind == Call && im.At(in.Target).Name == "g" }
	if got, want := b.Doomed(ends), []bool{false, true, false}; !reflect.DeepEqual(got, want) {
		t.Errorf("doomed %v, want %v", got, want)
	}
	// Both ways end: JE to UD2, else CALL g.
	_, b = image(t, "74 06 e8 f9 0f 00 00 90 0f 0b", nil)
	if got := b.Doomed(ends); !got[0] {
		t.Errorf("doomed %v: the first instruction leads nowhere else", got)
	}
	if got := b.Doomed(func(*Insn) bool { return false }); !got[0] {
		t.Errorf("doomed %v: UD2 ends both ways", got)
	}
	// A conditional jump out of the function is a way out.
	_, b = image(t, "0f 84 fa 0f 00 00 0f 0b", nil)
	if got := b.Doomed(ends); got[0] {
		t.Errorf("doomed %v: it may leave", got)
	}
}

func TestTable(t *testing.T) {
	word := func(w uint64) []byte { return binary.LittleEndian.AppendUint64(nil, w) }
	// v: a pointer to the function value at 0x3010, which holds g's entry;
	// a word that is no pointer; a function value of nobody.
	data := append(append(append(word(0x3010), word(7)...), word(0x2000)...), word(0x3010)...)
	im, _ := image(t, "c3", data)
	got, err := im.Table("v")
	if err != nil || len(got) != 1 || got[0].Name != "g" {
		t.Errorf("got %v, %v", got, err)
	}
	if _, err := im.Table("w"); err == nil {
		t.Error("no error for a variable that is not there")
	}
	im, _ = image(t, "c3", word(7))
	if _, err := im.Table("v"); err == nil {
		t.Error("no error for a table with no functions")
	}
	im.vars["bss"] = Func{"bss", 0x9000, 8}
	if _, err := im.Table("bss"); err == nil {
		t.Error("no error for a table that is filled at run time")
	}
}

func TestWX(t *testing.T) {
	seg := func(vaddr, paddr, size uint64, flags elf.ProgFlag) elf.ProgHeader {
		return elf.ProgHeader{Type: elf.PT_LOAD, Vaddr: vaddr, Paddr: paddr, Memsz: size, Flags: flags}
	}
	const r, w, x = elf.PF_R, elf.PF_W, elf.PF_X
	tests := []struct {
		name string
		segs []elf.ProgHeader
		bad  int
	}{
		{"a Go program", []elf.ProgHeader{seg(0x400000, 0, 0x1000, r|x), seg(0x401000, 0, 0x1000, r), seg(0x402000, 0, 0x1234, r|w)}, 0},
		{"trampoline", []elf.ProgHeader{seg(1<<20, 1<<20, 0x1000, r|w|x)}, 0},
		{"a huge trampoline", []elf.ProgHeader{seg(1<<20, 1<<20, 1<<20, r|w|x)}, 1},
		{"the same elsewhere", []elf.ProgHeader{seg(2<<20, 2<<20, 0x1000, r|w|x)}, 1},
		{"a shared page", []elf.ProgHeader{seg(0x400000, 0, 0x1800, r|x), seg(0x401800, 0, 0x1000, r|w)}, 1},
		{"neighbours", []elf.ProgHeader{seg(0x400000, 0, 0x1000, r|x), seg(0x401000, 0, 0x1000, r|w)}, 0},
	}
	for _, tt := range tests {
		if got := checkWX(tt.segs); len(got) != tt.bad {
			t.Errorf("%s: %d findings, want %d: %q", tt.name, len(got), tt.bad, got)
		}
	}
}

// TestWXFlat holds images without segments to the rule, by their headers.
func TestWXFlat(t *testing.T) {
	image := func(words ...uint64) []byte {
		b := make([]byte, flatHeader)
		for _, w := range append([]uint64{flatMagic, 0x201000}, words...) {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
		return b
	}
	good := image(0x200000, 0x2c7000, 0x2d0000, 0x415000, 0x420000, 0x4a2000)
	tests := []struct {
		name string
		data []byte
		bad  int // findings; -1: an error
	}{
		{"good", good, 0},
		{"data in the page of text", image(0x200000, 0x2c7800, 0x2d0000, 0x415000, 0x2c7800, 0x2c9000), 1},
		{"data over all", image(0x200000, 0x2c7000, 0x2d0000, 0x415000, 0x100000, 0x500000), 1},
		{"no text", image(0x200000, 0x200000, 0x2d0000, 0x415000, 0x420000, 0x4a2000), 1},
		{"an end before its start", image(0x200000, 0x1ff000, 0x2d0000, 0x415000, 0x420000, 0x4a2000), 1},
		{"truncated", good[:len(good)-1], -1},
		{"another magic", append(make([]byte, 8), good...), -1},
	}
	for _, tt := range tests {
		name := filepath.Join(t.TempDir(), "image")
		if err := os.WriteFile(name, tt.data, 0o666); err != nil {
			t.Fatal(err)
		}
		found, err := WX(name)
		if (err != nil) != (tt.bad < 0) || err == nil && len(found) != tt.bad {
			t.Errorf("%s: %v, %v", tt.name, found, err)
		}
	}
}

// TestWholeProgram decodes every function of a stock Go program, runtime
// included: the decoder must understand what the toolchain emits.
func TestWholeProgram(t *testing.T) {
	for _, arch := range []string{"amd64", "riscv64"} {
		t.Run(arch, func(t *testing.T) { wholeProgram(t, arch) })
	}
}

func wholeProgram(t *testing.T, arch string) {
	out := filepath.Join(t.TempDir(), "kern.elf")
	cmd := exec.Command("go", "build", "-o", out, "../proof/testdata/kern")
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH="+arch, "CGO_ENABLED=0", "GOAMD64=v1", "GORISCV64=rva20u64", "GOFLAGS=")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, text)
	}
	im, err := Open(out)
	if err != nil {
		t.Fatal(err)
	}
	im.Ends = func(s string) bool {
		return strings.HasPrefix(s, "runtime.panic") || strings.HasPrefix(s, "runtime.gopanic") ||
			strings.HasPrefix(s, "runtime.goPanic") || strings.HasPrefix(s, "runtime.throw") || strings.HasPrefix(s, "runtime.morestack") ||
			strings.HasPrefix(s, "runtime.fatal") || s == "internal/runtime/cgroup.throw"
	}
	n := 0
	for i := range im.funcs {
		b := im.Body(&im.funcs[i])
		n += len(b.Insns)
		for j := 1; j < len(b.Insns); j++ { // a wrong length shows as an overlap
			if prev := b.Insns[j-1]; prev.Addr+uint64(prev.Len) > b.Insns[j].Addr {
				t.Errorf("%s: instructions at %#x and %#x overlap", b.Func.Name, prev.Addr, b.Insns[j].Addr)
			}
		}
		switch {
		case b.Bad == "", b.Func.Name == "main.trapLoop.abi0":
		case strings.HasPrefix(b.Func.Name, "runtime.call"): // frames up to 1 GiB
		case strings.HasPrefix(b.Func.Name, "go:textfips"): // marks of one byte
		case b.Func.Name == "runtime.goexit.abi0": // its callee exits the thread
		default:
			t.Errorf("%s: %s", b.Func.Name, b.Bad)
		}
	}
	if n < 50000 {
		t.Errorf("only %d instructions", n)
	}
	if found, err := WX(out); err != nil || len(found) != 0 {
		t.Errorf("WX of a stock program: %v, %v", found, err)
	}
	if file, line := im.Line(im.Lookup("main.double").Addr); filepath.Base(file) != "main.go" || line == 0 {
		t.Errorf("main.double is at %s:%d", file, line)
	}
}

func TestOpenRejects(t *testing.T) {
	if _, err := Open("code_test.go"); err == nil {
		t.Error("no error for a file that is not ELF")
	}
}
