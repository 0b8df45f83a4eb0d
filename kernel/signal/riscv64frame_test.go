// SPDX-License-Identifier: Apache-2.0

package signal

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"loam/abi"
)

// distinctRISCV64 gives registers that are all different.
func distinctRISCV64() (r abi.RegistersRISCV64) {
	r.PC = 0x1_0001_0000
	for i := range r.X {
		r.X[i] = uint64(i+1)<<32 | 0xabcd
	}
	r.X[1] = 0x20_0000_0000
	return r
}

// handlerRISCV64 is an action as the caller of EnterRISCV64 completes it.
func handlerRISCV64() abi.Sigaction {
	return abi.Sigaction{Handler: 0x1001, Flags: abi.SA_SIGINFO, Restorer: 0x77_0000_0200}
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// floatState is a random floating-point state of which all can be kept.
func floatState(r *rand.Rand) []byte {
	float := randomBytes(r, FloatSizeRISCV64)
	clear(float[rvFCSR+1:])
	return float
}

// vectorSizes are sizes of 32 vector registers: none, of 128, 256 and 1024 bits.
var vectorSizes = []int{0, 512, 1024, 4096}

// TestLayoutRISCV64 compares with the structures of Linux's uapi headers
// (asm/ucontext.h, sigcontext.h, ptrace.h), whose offsets on riscv64 are counted
// out here, and with those of the Go runtime.
func TestLayoutRISCV64(t *testing.T) {
	const uc = 128 // behind siginfo_t
	for _, c := range []struct {
		what       string
		ours, want int
	}{
		{"uc_flags", rvFlags, uc}, {"uc_link", rvLink, uc + 8}, {"uc_stack", rvStack, uc + 16},
		{"uc_sigmask", rvMask, uc + 40}, {"uc_mcontext", rvRegisters, uc + 48 + 120 + 8},
		{"sc_fpregs", rvFloat, uc + 176 + 256}, {"sc_extdesc.reserved", rvReserved, uc + 176 + 256 + 129*4},
		{"sc_extdesc.hdr", rvHeader, uc + 176 + 256 + 130*4}, {"rt_sigframe", FrameSizeRISCV64, uc + 176 + 256 + 528},
	} {
		if c.ours != c.want {
			t.Errorf("%s at %d, want %d", c.what, c.ours, c.want)
		}
	}
	theirs, size := runtimeOffsets(t, "riscv64", "ucontext")
	if size != FrameSizeRISCV64-rvContext {
		t.Errorf("ucontext has %d bytes", size)
	}
	for name, want := range map[string]int{"uc_flags": rvFlags, "uc_link": rvLink, "uc_stack": rvStack, "uc_sigmask": rvMask, "uc_mcontext": rvRegisters} {
		if theirs[name] != want-rvContext {
			t.Errorf("%s at %d, ours at %d", name, theirs[name], want-rvContext)
		}
	}
	theirs, _ = runtimeOffsets(t, "riscv64", "sigcontext")
	if theirs["sc_fpregs"] != rvFloat-rvRegisters {
		t.Errorf("sc_fpregs at %d", theirs["sc_fpregs"])
	}
	regs := distinctRISCV64()
	frame := make([]byte, FrameSizeRISCV64)
	d := Delivery{Info: sent(abi.SIGUSR1)}
	BuildRISCV64(frame, PlaceRISCV64{SP: 0x1000, Bytes: FrameSizeRISCV64}, &regs, &d, abi.SigStack{}, make([]byte, FloatSizeRISCV64), nil, nil)
	names, _ := runtimeOffsets(t, "riscv64", "user_regs_struct")
	for name, want := range map[string]uint64{"pc": regs.PC, "ra": regs.X[0], "sp": regs.X[1], "gp": regs.X[2], "tp": regs.X[3],
		"t0": regs.X[4], "s0": regs.X[7], "a0": regs.X[9], "a7": regs.X[16], "s2": regs.X[17], "s11": regs.X[26], "t3": regs.X[27], "t6": regs.X[30]} {
		if got := binary.LittleEndian.Uint64(frame[rvRegisters+names[name]:]); got != want {
			t.Errorf("%s is %#x, want %#x", name, got, want)
		}
	}
}

func TestFrameRoundTripRISCV64(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 11))
	for i := range 2000 {
		n := vectorSizes[r.IntN(len(vectorSizes))]
		float, registers := floatState(r), randomBytes(r, n)
		vector := VectorRISCV64{r.Uint64(), r.Uint64(), r.Uint64(), r.Uint64(), uint64(n / 32)}
		regs := distinctRISCV64()
		regs.X[1] -= uint64(r.IntN(4096))
		place, ok := PlaceFrameRISCV64(regs.X[1]-RedZoneRISCV64, 0, n)
		if !ok || place.SP%16 != 0 || place.SP+uint64(place.Bytes) > regs.X[1] || place.SP+uint64(place.Bytes)+16 <= regs.X[1] {
			t.Fatalf("place %+v for sp %#x", place, regs.X[1])
		}
		buf := bytes.Repeat([]byte{0xee}, MaxFrameRISCV64(n)+9)
		d := Delivery{Info: abi.FaultInfo(abi.SIGSEGV, abi.SEGV_MAPERR, 0xbad), Action: handlerRISCV64(), OldMask: abi.Sigset(i)}
		stack := abi.SigStack{Base: 0x9000, Size: 0x8000}
		BuildRISCV64(buf, place, &regs, &d, stack, float, &vector, registers)
		for _, x := range buf[place.Bytes:] {
			if x != 0xee {
				t.Fatal("wrote past the frame")
			}
		}
		if abi.GetSiginfo(buf) != d.Info || binary.LittleEndian.Uint64(buf[128:]) != 0 || binary.LittleEndian.Uint64(buf[136:]) != 0 {
			t.Fatal("siginfo, flags or link")
		}
		back, e := ParseRISCV64(buf, n)
		if e != 0 || back.Regs != regs || back.Mask != d.OldMask&^unmaskable || back.Stack != stack || back.Vector != (n != 0) {
			t.Fatalf("came back as %+v, %v", back, e)
		}
		got := bytes.Repeat([]byte{0xee}, FloatSizeRISCV64)
		if RestoreFloatRISCV64(got, buf); !bytes.Equal(got, float) {
			t.Fatalf("floating-point state %x, want %x", got, float)
		}
		if n != 0 {
			checkVectorBack(t, buf, place, &vector, registers)
		}
	}
}

// checkVectorBack follows the records of a frame as rt_sigreturn does.
func checkVectorBack(t *testing.T, buf []byte, place PlaceRISCV64, vector *VectorRISCV64, registers []byte) {
	t.Helper()
	frame := abi.UserAddr(place.SP)
	v, at := ParseVectorRISCV64(buf[VectorAddressRISCV64(frame)-frame:], vector.VLenB)
	if v != *vector || !at.Aligned(16) {
		t.Fatalf("vector state %+v at %#x, want %+v", v, at, *vector)
	}
	if got := buf[at-frame:][:len(registers)]; !bytes.Equal(got, registers) {
		t.Fatal("vector registers changed")
	}
	end := int(VectorEndRISCV64(frame, len(registers)) - frame)
	if e := ParseEndRISCV64(buf[end:place.Bytes]); e != 0 {
		t.Fatal("no end behind the vector state")
	}
	// What Linux has as __riscv_v_ext_state and in init_rt_signal_env.
	le := binary.LittleEndian
	if le.Uint32(buf[1080:]) != 0x53465457 || le.Uint32(buf[1084:]) != uint32(56+len(registers)) || le.Uint64(buf[1120:]) != vector.VLenB ||
		place.Bytes != 1088+56+len(registers)+8 {
		t.Fatalf("record % x, frame of %d bytes", buf[1080:1136], place.Bytes)
	}
}

func TestBuildWritesAllRISCV64(t *testing.T) {
	for _, n := range vectorSizes {
		place := PlaceRISCV64{SP: 0x1000, Bytes: MaxFrameRISCV64(n)}
		buf := bytes.Repeat([]byte{0xee}, place.Bytes)
		float := make([]byte, FloatSizeRISCV64)
		float[FloatSizeRISCV64-1] = 0xee // padding stays here
		BuildRISCV64(buf, place, &abi.RegistersRISCV64{}, &Delivery{}, abi.SigStack{}, float, &VectorRISCV64{}, make([]byte, n))
		if i := bytes.IndexByte(buf, 0xee); i >= 0 {
			t.Errorf("vectors of %d bytes: byte %d is unwritten", n, i)
		}
	}
}

func TestPlaceRefusesRISCV64(t *testing.T) {
	for _, c := range []struct {
		top, low uint64
		n        int
		ok       bool
	}{
		{abi.UserLimitRISCV64, 0, 4096, true}, {abi.UserLimitRISCV64 + 1, 0, 0, false}, {1 << 63, 0, 0, false},
		{1<<64 - 1, 0, 0, false}, {0, 0, 0, false}, {1087, 0, 0, false}, {1088, 0, 0, true}, {1500, 0, 512, false},
		{0x11000, 0x10000, 512, true}, {0x11000, 0x10c00, 512, false}, {0x11000, 0x11000 - 1088, 0, true}, {0x11008, 0x11000 - 1080, 0, false},
	} {
		if p, ok := PlaceFrameRISCV64(c.top, c.low, c.n); ok != c.ok {
			t.Errorf("PlaceFrameRISCV64(%#x, %#x, %d) = %+v %v", c.top, c.low, c.n, p, ok)
		}
	}
}

func TestEnterRISCV64(t *testing.T) {
	regs := distinctRISCV64()
	before := regs
	d := Delivery{Info: sent(abi.SIGURG), Action: abi.Sigaction{Handler: 0x1001}}
	place := PlaceRISCV64{SP: 0x7000_0010}
	if EnterRISCV64(&regs, place, &d) || regs != before {
		t.Error("entered with nowhere to return to")
	}
	d.Action = handlerRISCV64()
	if !EnterRISCV64(&regs, place, &d) {
		t.Fatal("refused")
	}
	want := before
	want.X[9], want.X[10], want.X[11] = 23, place.SP, place.SP+128 // a0, a1, a2
	want.X[0], want.X[1] = 0x77_0000_0200, place.SP                // ra, sp
	want.PC = 0x1001
	if regs != want {
		t.Errorf("registers\n%+v, want\n%+v", regs, want)
	}
	if FrameAddressRISCV64(regs.X[1]) != abi.UserAddr(place.SP) {
		t.Error("frame lost")
	}
}

func TestParseRefusesRISCV64(t *testing.T) {
	le := binary.LittleEndian
	for _, c := range []struct {
		what                  string
		reserved, magic, size uint32
		n                     int
		ok                    bool
	}{
		{"end", 0, 0, 0, 0, true},
		{"end of a thread with vectors", 0, 0, 0, 512, true},
		{"vectors", 0, magicVector, 56 + 512, 512, true},
		{"reserved word", 1, 0, 0, 0, false},
		{"reserved word, high bit", 1 << 31, 0, 0, 0, false},
		{"end with a size", 0, 0, 8, 0, false},
		{"vectors without", 0, magicVector, 56, 0, false},
		{"vectors of another length", 0, magicVector, 56 + 1024, 512, false},
		{"vectors of no length", 0, magicVector, 0, 512, false},
		{"vectors of wrapping length", 0, magicVector, 1<<32 - 1, 512, false},
		{"unknown", 0, 0x12345678, 8, 512, false},
	} {
		f := make([]byte, FrameSizeRISCV64)
		le.PutUint32(f[1076:], c.reserved)
		le.PutUint32(f[1080:], c.magic)
		le.PutUint32(f[1084:], c.size)
		r, e := ParseRISCV64(f, c.n)
		if (e == 0) != c.ok || e != 0 && e != abi.EINVAL {
			t.Errorf("%s: %v", c.what, e)
		}
		if r.Vector != (c.ok && c.magic != 0) {
			t.Errorf("%s: vector %v", c.what, r.Vector)
		}
		if end := ParseEndRISCV64(f[1080:]); (end == 0) != (c.magic == 0 && c.size == 0) {
			t.Errorf("%s as the end: %v", c.what, end)
		}
	}
}

// TestRestoreFloatRISCV64: what fcsr doesn't have stays out of the state.
func TestRestoreFloatRISCV64(t *testing.T) {
	float := bytes.Repeat([]byte{0xee}, FloatSizeRISCV64)
	RestoreFloatRISCV64(float, bytes.Repeat([]byte{0xff}, FrameSizeRISCV64))
	if want := append(bytes.Repeat([]byte{0xff}, 257), make([]byte, 7)...); !bytes.Equal(float, want) {
		t.Errorf("%x", float)
	}
}

// FuzzParseRISCV64: whatever a program puts into a frame, what comes out is what
// an oracle over the plain structure says, and the kernel's part stays its own.
func FuzzParseRISCV64(f *testing.F) {
	f.Add(make([]byte, FrameSizeRISCV64), uint16(0))
	f.Add(bytes.Repeat([]byte{0xff}, FrameSizeRISCV64), uint16(512))
	vectors := make([]byte, FrameSizeRISCV64)
	binary.LittleEndian.PutUint32(vectors[rvHeader:], magicVector)
	binary.LittleEndian.PutUint32(vectors[rvHeader+4:], 56+512)
	f.Add(vectors, uint16(512))
	f.Fuzz(func(t *testing.T, b []byte, size uint16) {
		n := int(size) &^ 31
		var frame struct {
			Info     [128]byte
			_        [16]byte // flags, link
			Stack    struct{ Base, Flags, Size uint64 }
			Mask     uint64
			_        [128]byte
			Regs     [32]uint64
			F        [32]uint64
			FCSR     uint32
			_        [256]byte
			Reserved uint32
			Header   [2]uint32
		}
		raw := make([]byte, FrameSizeRISCV64)
		copy(raw, b)
		if got, err := binary.Decode(raw, binary.LittleEndian, &frame); err != nil || got != len(raw) {
			t.Fatal(got, err)
		}
		vector := n != 0 && frame.Header == [2]uint32{0x53465457, uint32(8 + 48 + n)}
		ok := frame.Reserved == 0 && (vector || frame.Header == [2]uint32{})
		r, e := ParseRISCV64(raw, n)
		if (e == 0) != ok {
			t.Fatalf("%v, reserved %#x, header %#x", e, frame.Reserved, frame.Header)
		}
		if e != 0 {
			return
		}
		if r.Regs.PC != frame.Regs[0] || r.Regs.X != [31]uint64(frame.Regs[1:]) || r.Vector != vector ||
			r.Mask != abi.Sigset(frame.Mask)&^unmaskable || r.Stack.Base != abi.UserAddr(frame.Stack.Base) || r.Stack.Size != frame.Stack.Size {
			t.Fatalf("%+v of\n%+v", r, frame)
		}
		float := bytes.Repeat([]byte{0xee}, FloatSizeRISCV64)
		RestoreFloatRISCV64(float, raw)
		le := binary.LittleEndian
		for i, x := range frame.F {
			if le.Uint64(float[8*i:]) != x {
				t.Fatalf("f%d", i)
			}
		}
		if le.Uint64(float[256:]) != uint64(frame.FCSR&0xff) {
			t.Fatalf("fcsr %#x of %#x", le.Uint64(float[256:]), frame.FCSR)
		}
	})
}

func TestNoAllocationRISCV64(t *testing.T) {
	var p Process
	var th Thread
	p.SetAction(abi.SIGURG, abi.Sigaction{Handler: 0x1000})
	buf, float, registers := make([]byte, MaxFrameRISCV64(512)), make([]byte, FloatSizeRISCV64), make([]byte, 512)
	vector := VectorRISCV64{VLenB: 16}
	regs := distinctRISCV64()
	if n := testing.AllocsPerRun(100, func() {
		SendThread(&p, &th, sent(abi.SIGURG))
		d := Next(&p, &th)
		top, low := th.HandlerStack(&d.Action, regs.X[1], RedZoneRISCV64)
		place, _ := PlaceFrameRISCV64(top, low, len(registers))
		BuildRISCV64(buf, place, &regs, &d, th.AltStack(regs.X[1]), float, &vector, registers)
		d.Action.Restorer = 0x2000
		EnterRISCV64(&regs, place, &d)
		Entered(&th, &d)
		back, _ := ParseRISCV64(buf, len(registers))
		RestoreFloatRISCV64(float, buf)
		vector, _ = ParseVectorRISCV64(buf[FrameSizeRISCV64:], 16)
		Return(&th, back.Mask, back.Stack, back.Regs.X[1])
		regs = back.Regs
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
