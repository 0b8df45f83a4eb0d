// SPDX-License-Identifier: Apache-2.0

package code

import (
	"strings"
	"testing"
)

// TestDecodeRISCV holds single encodings, as LLVM's assembler has them; each is
// followed by a byte that must not be counted.
func TestDecodeRISCV(t *testing.T) {
	tests := []struct {
		code string // in hexadecimal, one instruction
		name string
		want Insn
	}{
		{"ef 00 00 01", "jal ra, 16", Insn{Kind: Call, Target: 0x1010}},
		{"6f 00 00 00", "jal zero, 0", Insn{Kind: Jump, Target: 0x1000}},
		{"ef 02 80 00", "jal t0, 8", Insn{Kind: Call, Target: 0x1008}},
		{"f5 bf", "c.j -4", Insn{Kind: Jump, Target: 0xffc}},
		{"67 80 00 00", "jalr zero, 0(ra)", Insn{Kind: Return}},
		{"82 80", "c.jr ra", Insn{Kind: Return}},
		{"67 80 80 00", "jalr zero, 8(ra)", Insn{Kind: IndirectJump}},
		{"82 82", "c.jr t0", Insn{Kind: IndirectJump}},
		{"e7 00 05 00", "jalr ra, 0(a0)", Insn{Kind: IndirectCall}},
		{"02 95", "c.jalr a0", Insn{Kind: IndirectCall}},
		{"e7 02 05 01", "jalr t0, 16(a0)", Insn{Kind: IndirectCall}},
		{"63 84 62 00", "beq t0, t1, 8", Insn{Kind: CondJump, Target: 0x1008}},
		{"e3 9c 02 fe", "bne t0, zero, -8", Insn{Kind: CondJump, Target: 0xff8}},
		{"e3 cf 62 7e", "blt t0, t1, 4094", Insn{Kind: CondJump, Target: 0x1ffe}},
		{"63 d0 62 80", "bge t0, t1, -4096", Insn{Kind: CondJump, Target: 0}},
		{"63 64 61 00", "bltu sp, t1, 8", Insn{Kind: CondJump, Target: 0x1008}},
		{"63 74 61 00", "bgeu sp, t1, 8", Insn{Kind: CondJump, Target: 0x1008}},
		{"01 c4", "c.beqz s0, 8", Insn{Kind: CondJump, Target: 0x1008}},
		{"e5 fc", "c.bnez s1, -8", Insn{Kind: CondJump, Target: 0xff8}},
		{"73 00 00 00", "ecall", Insn{Kind: Syscall}},
		{"73 00 10 00", "ebreak", Insn{Kind: Syscall}},
		{"02 90", "c.ebreak", Insn{Kind: Stop}},
		{"73 10 00 c0", "unimp", Insn{Kind: Stop}},
		{"00 00", "c.unimp", Insn{Kind: Stop}},
		{"73 00 20 10", "sret", Insn{Kind: Return}},
		{"73 00 20 30", "mret", Insn{Kind: Return}},
		{"73 00 50 10", "wfi", Insn{}},
		{"73 00 00 12", "sfence.vma zero, zero", Insn{}},
		{"73 80 62 12", "sfence.vma t0, t1", Insn{}},
		{"0f 10 00 00", "fence.i", Insn{}},
		{"0f 00 f0 0f", "fence iorw, iorw", Insn{}},
		{"21 11", "c.addi sp, -24", Insn{SP: SPMoved, Delta: 24}},
		{"13 01 01 fe", "addi sp, sp, -32", Insn{SP: SPMoved, Delta: 32}},
		{"13 01 f1 7f", "addi sp, sp, 2047", Insn{SP: SPMoved, Delta: -2047}},
		{"7d 61", "c.addi16sp sp, 496", Insn{SP: SPMoved, Delta: -496}},
		{"79 71", "c.addi16sp sp, -48", Insn{SP: SPMoved, Delta: 48}},
		{"13 71 01 ff", "andi sp, sp, -16", Insn{SP: SPMoved, Delta: 15}},
		{"13 71 f1 00", "andi sp, sp, 15", Insn{SP: SPLoaded}},
		{"16 81", "c.mv sp, t0", Insn{SP: SPLoaded}},
		{"33 01 20 00", "add sp, zero, sp", Insn{}},
		{"03 b1 82 00", "ld sp, 8(t0)", Insn{SP: SPLoaded}},
		{"22 61", "c.ldsp sp, 8(sp)", Insn{SP: SPLoaded}},
		{"01 41", "c.li sp, 0", Insn{SP: SPLoaded}},
		{"37 11 00 00", "lui sp, 1", Insn{SP: SPLoaded}},
		{"17 11 00 00", "auipc sp, 1", Insn{SP: SPLoaded}},
		{"7e 91", "c.add sp, t6", Insn{SP: SPLoaded}},
		{"33 01 f1 01", "add sp, sp, t6", Insn{SP: SPLoaded}},
		{"33 01 51 40", "sub sp, sp, t0", Insn{SP: SPLoaded}},
		{"11 21", "c.addiw sp, 4", Insn{SP: SPLoaded}},
		{"73 11 01 14", "csrrw sp, sscratch, sp", Insn{SP: SPLoaded}},
		{"2f 31 53 00", "amoadd.d sp, t0, (t1)", Insn{SP: SPLoaded}},
		{"23 b4 22 00", "sd sp, 8(t0)", Insn{}},
		{"0a e4", "c.sdsp sp, 8(sp)", Insn{}},
		{"16 c4", "c.swsp t0, 8(sp)", Insn{}},
		{"00 08", "c.addi4spn s0, sp, 16", Insn{}},
		{"8a 82", "c.mv t0, sp", Insn{}},
		{"af 33 53 00", "amoadd.d t2, t0, (t1)", Insn{}},
		{"af 32 03 10", "lr.d t0, (t1)", Insn{}},
		{"af b2 63 18", "sc.d t0, t1, (t2)", Insn{}},
		{"b3 02 73 02", "mul t0, t1, t2", Insn{}},
		{"83 42 03 00", "lbu t0, 0(t1)", Insn{}},
		{"80 40", "c.lw s0, 0(s1)", Insn{}},
		{"01 00", "c.nop", Insn{}},
		{"f3 22 10 c0", "csrrs t0, time, zero", Insn{}},
		{"73 60 01 10", "csrrsi zero, sstatus, 2", Insn{}},
		{"73 90 d2 14", "csrrw zero, 0x14d, t0", Insn{}},
		{"f3 22 30 00", "csrrs t0, fcsr, zero", Insn{}},
		{"f3 22 20 c2", "csrrs t0, vlenb, zero", Insn{}},
		{"73 10 33 00", "csrrw zero, fcsr, t1", Insn{FPU: true}},
		{"73 10 80 00", "csrrw zero, vstart, zero", Insn{FPU: true}},
		{"73 a0 12 00", "csrrs zero, fflags, t0", Insn{FPU: true}},
		{"d3 70 31 02", "fadd.d ft1, ft2, ft3, dyn", Insn{FPU: true}},
		{"c3 70 31 22", "fmadd.d ft1, ft2, ft3, ft4, dyn", Insn{FPU: true}},
		{"87 30 81 00", "fld ft1, 8(sp)", Insn{FPU: true}},
		{"84 24", "c.fld fs1, 8(s1)", Insn{FPU: true}},
		{"a2 20", "c.fldsp ft1, 8(sp)", Insn{FPU: true}},
		{"d3 82 00 e2", "fmv.x.d t0, ft1", Insn{FPU: true}},
		{"d3 80 02 f2", "fmv.d.x ft1, t0", Insn{FPU: true}},
		{"d3 f2 20 c2", "fcvt.l.d t0, ft1, dyn", Insn{FPU: true}},
		{"27 34 11 00", "fsd ft1, 8(sp)", Insn{}},
		{"84 a4", "c.fsd fs1, 8(s1)", Insn{}},
		{"06 a4", "c.fsdsp ft1, 8(sp)", Insn{}},
		{"27 24 11 00", "fsw ft1, 8(sp)", Insn{}},
		{"57 70 73 80", "vsetvl zero, t1, t2", Insn{FPU: true}},
		{"d7 80 21 02", "vadd.vv v1, v2, v3", Insn{FPU: true}},
		{"07 00 83 e2", "vl8re8.v v0, (t1)", Insn{FPU: true}},
		{"07 04 03 02", "vle8.v v8, (t1)", Insn{FPU: true}},
		{"27 80 82 e2", "vs8r.v v0, (t0)", Insn{}},
		{"27 84 02 02", "vse8.v v8, (t0)", Insn{}},
		{"05 a0", "c.j 32", Insn{Kind: Jump, Target: 0x1020}},
		{"01 b0", "c.j -2048", Insn{Kind: Jump, Target: 0x800}},
		{"fd af", "c.j 2046", Insn{Kind: Jump, Target: 0x17fe}},
		{"57 71 35 0c", "vsetvli sp, a0, e8, m8, ta, ma", Insn{SP: SPLoaded, FPU: true}},
		{"57 21 10 42", "vmv.x.s sp, v1", Insn{SP: SPLoaded, FPU: true}},
		{"57 21 18 42", "vcpop.m sp, v1", Insn{SP: SPLoaded, FPU: true}},
		{"07 01 21 0a", "vlse8.v v2, (sp), sp", Insn{FPU: true}},
		{"57 41 11 02", "vadd.vx v2, v1, sp", Insn{FPU: true}},
		{"53 f1 20 c2", "fcvt.l.d sp, ft1, dyn", Insn{SP: SPLoaded, FPU: true}},
		{"73 80 62 16", "sinval.vma t0, t1", Insn{}},
		{"73 00 00 18", "sfence.w.inval", Insn{}},
		{"73 00 10 18", "sfence.inval.ir", Insn{}},
	}
	for _, tt := range tests {
		code := unhex(t, tt.code)
		in, err := decodeRISCV(append(code, 0x13), 0x1000)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		want := tt.want
		want.Addr, want.Len = 0x1000, len(code)
		in.Text, in.riscv = "", riscv{}
		if in != want {
			t.Errorf("%s (%s): got %+v, want %+v", tt.name, tt.code, in, want)
		}
	}
}

func TestDecodeRISCVRejects(t *testing.T) {
	for _, s := range []string{"", "00", "73", "73 00 50", "ff ff ff ff", "73 00 00 22", "73 00 50 20", "1f 00 00 00 00 00"} {
		if in, err := decodeRISCV(unhex(t, s), 0); err == nil {
			t.Errorf("%q decodes to %+v", s, in)
		}
	}
}

// FuzzDecodeRISCV looks for bytes that crash the decoder or make it claim more than
// there is.
func FuzzDecodeRISCV(f *testing.F) {
	for _, s := range []string{"\x82\x80", "\x73\x00\x50\x10", "\x57\x70\x73\x80", "\x17\x11\x00\x00", "\x00\x00", "\x81\x61"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, code []byte) {
		in, err := decodeRISCV(code, 1<<40)
		if err == nil && (in.Len != 2 && in.Len != 4 || in.Len > len(code)) {
			t.Errorf("% x: length %d", code, in.Len)
		}
	})
}

// imageRISCV is image for RISC-V; name is that of the function at 0x1000.
func imageRISCV(t *testing.T, name, f string) (*Image, *Body) {
	t.Helper()
	code := unhex(t, f)
	im := newImage("riscv64")
	im.funcs = []Func{{"g", 0x2000, 4}, {name, 0x1000, uint64(len(code))}}
	im.areas = []area{{0x1000, code}, {0x2000, unhex(t, "67 80 00 00")}}
	im.index()
	return im, im.Body(im.Lookup(name))
}

func TestFrameRISCV(t *testing.T) {
	tests := []struct {
		name, code string
		frame      int
		bad        string
	}{
		{"straight", "130101fe 23301100 83300100 13010102 67800000", 32, ""}, // addi sp; sd; ld; addi sp; ret
		{"both branches", "63886200 130101ff 13010101 67800000 130101fc 13010104 67800000", 64, ""},
		{"growing loop", "130101ff 6ff0dfff", 0, "the stack grows in a loop"},
		{"runs off", "130101ff", 0, "runs off its end"},
		{"rubbish", "130101ff ffffffff", 0, "can't decode"},
		{"label entered later", "97020000 9382c200 67800000 130101ff 67800000", 16, ""}, // auipc t0; addi t0; ret; ...
		{"large frame", "b7efffff 9b8f0f10 3301f101 67800000", 8192 - 256, ""},          // lui t6; addiw t6; add sp,t6; ret
		{"larger frame", "b7efffff 3301f101 67800000", 8192, ""},                        // lui t6; add sp,t6; ret
		{"torn", "63846200 b7efffff 3301f101 67800000", 0, "control enters"},            // beq to the add
		{"torn before", "63846200 b7efffff 9b8f0f10 3301f101 67800000", 0, "control enters"},
		{"torn, but no matter", "63846200 b7efffff 9b8f0f10 67800000", 0, ""},
		{"a new stack's address", "17110000 130101c0 130101ff 13010101 67800000", 16, ""}, // auipc sp; addi sp; addi sp,-16
	}
	for _, tt := range tests {
		_, b := imageRISCV(t, "f", tt.code)
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
	// A sum with a register of which nothing is known.
	if _, b := imageRISCV(t, "f", "b7efffff 13000000 3301f101 67800000"); len(b.Loads) != 1 {
		t.Error("lui t6; nop; add sp,t6: the stack pointer's change passes for known")
	}
}

// TestFarRISCV follows jumps by two instructions.
func TestFarRISCV(t *testing.T) {
	tests := []struct {
		name, code string
		kind       Kind
		target     uint64
	}{
		{"call", "97120000 e7800200 67800000", Call, 0x2000},        // auipc t0; jalr ra,(t0); ret
		{"jump", "971f0000 67800f00 67800000", Jump, 0x2000},        // auipc t6; jr t6
		{"constant", "b7220000 e7800200 67800000", IndirectCall, 0}, // lui t0; jalr ra,(t0)
		{"unknown", "13000000 67800f00 67800000", IndirectJump, 0},
	}
	for _, tt := range tests {
		_, b := imageRISCV(t, "f", tt.code)
		if in := b.Insns[1]; in.Kind != tt.kind || in.Target != tt.target || b.Bad != "" {
			t.Errorf("%s: kind %d, target %#x, %q; want %d, %#x", tt.name, in.Kind, in.Target, b.Bad, tt.kind, tt.target)
		}
	}
}

// TestLocalRISCV: a subroutine inside of a function is no call of the function, and
// jumps back through its own link register.
func TestLocalRISCV(t *testing.T) {
	// jal s1,8; ret; addi sp,-16; addi sp,16; jr s1
	_, b := imageRISCV(t, "f", "ef048000 67800000 130101ff 13010101 67800400")
	if b.Bad != "" || b.Frame() != 16 || b.Calls(&b.Insns[0]) || b.Insns[0].Kind != Call || b.Insns[4].Kind != Plain {
		t.Errorf("%q, frame %d: %+v", b.Bad, b.Frame(), b.Insns)
	}
	// jal s1,12; li s1,4; ret; jr s1: goes who knows where.
	_, b = imageRISCV(t, "f", "ef04c000 93044000 67800000 67800400")
	if b.Insns[3].Kind != IndirectJump {
		t.Error("a jump by a register that is set elsewhere passes for a return")
	}
	// jal s1,8; ret; jal ra,g; jr s1: g may have changed it.
	_, b = imageRISCV(t, "f", "ef048000 67800000 ef00907f 67800400")
	if b.Insns[3].Kind != IndirectJump || !b.Calls(&b.Insns[2]) {
		t.Error("a jump by a register that a callee may set passes for a return")
	}
	// beq; jal ra,-4 to the entry: a recursion is a call.
	_, b = imageRISCV(t, "f", "63846200 eff0dfff 67800000")
	if !b.Calls(&b.Insns[1]) {
		t.Error("a call of the function itself passes for one of a subroutine")
	}
}

// TestCallsRISCV: ECALLs of Go's packages call the kernel, others the firmware.
func TestCallsRISCV(t *testing.T) {
	for name, want := range map[string]Kind{"runtime.write": Syscall, "syscall.rawSyscallNoError.abi0": Syscall,
		"internal/runtime/syscall/linux.Syscall6": Syscall, "loam/machine/metal.sbi": Plain, "runtimes.f": Plain} {
		if _, b := imageRISCV(t, name, "73000000 67800000"); b.Insns[0].Kind != want {
			t.Errorf("ECALL in %s: kind %d, want %d", name, b.Insns[0].Kind, want)
		}
		if _, b := imageRISCV(t, name, "73001000 67800000"); b.Insns[0].Kind != Syscall {
			t.Errorf("EBREAK in %s: kind %d", name, b.Insns[0].Kind)
		}
	}
	im := newImage("amd64")
	if riscv := newImage("riscv64"); im.CallSize() != 8 || riscv.CallSize() != 0 {
		t.Error("what a call pushes")
	}
}
