// SPDX-License-Identifier: Apache-2.0

package signal

import (
	"bytes"
	"encoding/binary"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"loam/abi"
)

// runtimeOffsets gives the offset of each field of a structure as the Go
// runtime for an architecture, which reads our frames, declares it.
func runtimeOffsets(t *testing.T, goarch, structure string) (offsets map[string]int, size int) {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skip("no go command:", err)
	}
	path := filepath.Join(strings.TrimSpace(string(root)), "src", "runtime", "defs_linux_"+goarch+".go")
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, path, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Skip("the runtime's source isn't here:", err)
	}
	sizes := types.SizesFor("gc", goarch)
	conf := types.Config{Sizes: sizes, Error: func(error) {}, Importer: nil}
	pkg, _ := conf.Check("runtime", fset, []*ast.File{f}, nil)
	obj := pkg.Scope().Lookup(structure)
	if obj == nil {
		t.Fatalf("the runtime has no %s", structure)
	}
	s := obj.Type().Underlying().(*types.Struct)
	var fields []*types.Var
	for i := range s.NumFields() {
		fields = append(fields, s.Field(i))
	}
	offsets = map[string]int{}
	for i, o := range sizes.Offsetsof(fields) {
		offsets[fields[i].Name()] = int(o)
	}
	return offsets, int(sizes.Sizeof(obj.Type()))
}

// TestLayoutAgainstRuntime: the runtime finds in the frame what we put there.
func TestLayoutAgainstRuntime(t *testing.T) {
	uc, ucSize := runtimeOffsets(t, "amd64", "ucontext")
	// The runtime declares glibc's ucontext, longer at its end than the kernel's.
	if ucSize < offInfo-offFlags {
		t.Errorf("ucontext has %d bytes", ucSize)
	}
	for name, want := range map[string]int{"uc_flags": 0, "uc_link": offLink - offFlags, "uc_stack": offStack - offFlags,
		"uc_mcontext": offContext - offFlags, "uc_sigmask": offMask - offFlags} {
		if uc[name] != want {
			t.Errorf("%s at %d, ours at %d", name, uc[name], want)
		}
	}
	sc, scSize := runtimeOffsets(t, "amd64", "sigcontext")
	if scSize != offMask-offContext {
		t.Errorf("sigcontext has %d bytes", scSize)
	}
	regs := distinct()
	frame := make([]byte, FrameSizeAMD64)
	d := Delivery{OldMask: 0x55, Info: sent(abi.SIGUSR1)}
	BuildAMD64(frame, PlaceAMD64{SP: 0x1000, Bytes: FrameSizeAMD64}, &regs, &d, abi.SigStack{}, FaultAMD64{14, 6, 0xcafe}, nil, 0)
	for name, want := range map[string]uint64{
		"r8": regs.R8, "r9": regs.R9, "r10": regs.R10, "r11": regs.R11, "r12": regs.R12, "r13": regs.R13,
		"r14": regs.R14, "r15": regs.R15, "rdi": regs.RDI, "rsi": regs.RSI, "rbp": regs.RBP, "rbx": regs.RBX,
		"rdx": regs.RDX, "rax": regs.RAX, "rcx": regs.RCX, "rsp": regs.RSP, "rip": regs.RIP, "eflags": regs.EFlags,
		"trapno": 14, "err": 6, "cr2": 0xcafe, "oldmask": 0x55, "fpstate": 0,
	} {
		off, ok := sc[name]
		if got := binary.LittleEndian.Uint64(frame[offContext+off:]); !ok || got != want {
			t.Errorf("%s is %#x, want %#x", name, got, want)
		}
	}
	if cs := binary.LittleEndian.Uint16(frame[offContext+sc["cs"]:]); uint64(cs) != regs.CS {
		t.Errorf("cs %#x", cs)
	}
	fp, fpSize := runtimeOffsets(t, "amd64", "fpstate")
	if fp["mxcsr"] != offMXCSR || fpSize != fxsaveSize {
		t.Errorf("fpstate: mxcsr at %d, %d bytes", fp["mxcsr"], fpSize)
	}
}

// distinct gives registers with a different user value each.
func distinct() (r abi.RegistersAMD64) {
	v := reflect.ValueOf(&r).Elem()
	for i := range v.NumField() {
		v.Field(i).SetUint(0x1000_0000 + uint64(i)*0x0101)
	}
	r.CS, r.SS, r.EFlags = 0x33, 0x2b, 0x246
	return r
}

// xsaveAreas are lengths of XSAVE areas to test: none, FXSAVE, AVX, AVX-512 with PKRU.
var xsaveAreas = []int{0, 512, 832, 2696}

func randomArea(r *rand.Rand, n int) []byte {
	area := make([]byte, n)
	for i := range area {
		area[i] = byte(r.Uint32())
	}
	if n >= legacySize {
		clear(area[fxsaveSize:legacySize])
		binary.LittleEndian.PutUint64(area[offXStateBV:], 7)
	}
	if n > 0 {
		binary.LittleEndian.PutUint32(area[offMXCSR:], initMXCSR)
	}
	return area
}

func TestFrameRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 10))
	for i := range 2000 {
		n := xsaveAreas[r.IntN(len(xsaveAreas))]
		area := randomArea(r, n)
		regs := distinct()
		regs.RSP = 0x7fff_0000_0000 - uint64(r.IntN(4096))
		place, ok := PlaceFrameAMD64(regs.RSP-RedZoneAMD64, 0, n)
		if !ok || place.Bytes > MaxFrameAMD64(n) {
			t.Fatalf("%+v", place)
		}
		if (place.SP+8)%16 != 0 || place.FP%64 != 0 || (place.FP == 0) != (n == 0) ||
			place.SP+uint64(place.Bytes) > regs.RSP-RedZoneAMD64 || n != 0 && place.FP < place.SP+FrameSizeAMD64 {
			t.Fatalf("place %+v for sp %#x", place, regs.RSP)
		}
		buf := bytes.Repeat([]byte{0xee}, MaxFrameAMD64(n)+9)
		d := Delivery{Info: abi.FaultInfo(abi.SIGSEGV, abi.SEGV_MAPERR, 0xbad), Action: handler(0, 0), OldMask: abi.Sigset(i)}
		stack := abi.SigStack{Base: 0x9000, Size: 0x8000}
		BuildAMD64(buf, place, &regs, &d, stack, FaultAMD64{}, area, 0x2ff)
		for _, x := range buf[place.Bytes:] {
			if x != 0xee {
				t.Fatal("wrote past the frame")
			}
		}
		if abi.UserAddr(binary.LittleEndian.Uint64(buf)) != d.Action.Restorer || abi.GetSiginfo(buf[offInfo:]) != d.Info {
			t.Fatal("restorer or siginfo")
		}
		cur := abi.RegistersAMD64{CS: regs.CS, SS: regs.SS, FSBase: regs.FSBase, GSBase: regs.GSBase}
		back, e := ParseAMD64(buf, &cur)
		want := regs
		want.OrigRAX = ^uint64(0)
		if e != 0 || back.Regs != want || back.Mask != d.OldMask&^unmaskable || back.Stack != stack || uint64(back.FPState) != place.FP {
			t.Fatalf("came back as %+v, %v", back, e)
		}
		if n > 0 {
			checkXStateBack(t, buf[place.FP-place.SP:place.Bytes], area)
		}
	}
}

// checkXStateBack restores the extended state of a frame and wants area again.
func checkXStateBack(t *testing.T, user, area []byte) {
	t.Helper()
	length := XStateLengthAMD64(user, len(area))
	if want := len(user); len(area) > fxsaveSize && length != want {
		t.Fatalf("length %d, want %d", length, want)
	}
	got := bytes.Repeat([]byte{0xee}, len(area))
	RestoreXStateAMD64(got, user[:length], 7, 0xffff)
	want := bytes.Clone(area)
	clear(want[offSoftware:fxsaveSize])
	if !bytes.Equal(got, want) {
		t.Fatalf("extended state of %d bytes changed", len(area))
	}
}

func TestPlaceRefuses(t *testing.T) {
	for _, c := range []struct {
		top, low uint64
		n        int
		ok       bool
	}{
		{abi.UserLimitAMD64, 0, 2696, true}, {abi.UserLimitAMD64 + 1, 0, 0, false}, {1 << 63, 0, 0, false},
		{1<<64 - 1, 0, 0, false}, {0, 0, 0, false}, {500, 0, 0, false}, {1000, 0, 512, false}, {4096, 0, 0, true},
		{0x11000, 0x10000, 2696, true}, {0x11000, 0x10800, 2696, false},
	} {
		if p, ok := PlaceFrameAMD64(c.top, c.low, c.n); ok != c.ok {
			t.Errorf("PlaceFrameAMD64(%#x, %#x, %d) = %+v %v", c.top, c.low, c.n, p, ok)
		}
	}
}

func TestEnter(t *testing.T) {
	regs := distinct()
	regs.EFlags |= flagDF | flagTF | flagRF
	before := regs
	d := Delivery{Info: sent(abi.SIGURG), Action: handler(0, 0)}
	place := PlaceAMD64{SP: 0x7000_0008}
	for _, bad := range []abi.Sigaction{{Handler: 0x1000}, {Handler: abi.UserLimitAMD64, Flags: abi.SA_RESTORER}} {
		e := d
		e.Action = bad
		if EnterAMD64(&regs, place, &e) || regs != before {
			t.Errorf("%+v accepted", bad)
		}
	}
	if !EnterAMD64(&regs, place, &d) {
		t.Fatal("refused")
	}
	want := before
	want.RDI, want.RSI, want.RDX, want.RAX = 23, place.SP+offInfo, place.SP+offFlags, 0
	want.RIP, want.RSP, want.EFlags, want.OrigRAX = 0x1000, place.SP, 0x246, ^uint64(0)
	if regs != want {
		t.Errorf("registers\n%+v, want\n%+v", regs, want)
	}
	// The handler's RET pops the restorer; rt_sigreturn finds the frame again.
	if FrameAddressAMD64(regs.RSP+8) != abi.UserAddr(place.SP) {
		t.Error("frame lost")
	}
}

// FuzzParse: whatever a program puts into a frame, what comes out can't harm.
func FuzzParse(f *testing.F) {
	f.Add(make([]byte, FrameSizeAMD64), uint64(0), uint64(0), uint64(0))
	f.Add(bytes.Repeat([]byte{0xff}, FrameSizeAMD64), ^uint64(0), uint64(1)<<47, uint64(4096))
	f.Fuzz(func(t *testing.T, b []byte, rip, flags, rsp uint64) {
		frame := make([]byte, FrameSizeAMD64)
		copy(frame, b)
		binary.LittleEndian.PutUint64(frame[offContext+120:], rsp)
		binary.LittleEndian.PutUint64(frame[offContext+128:], rip)
		binary.LittleEndian.PutUint64(frame[offContext+136:], flags)
		cur := distinct()
		r, e := ParseAMD64(frame, &cur)
		if bad := int64(rip)<<16>>16 != int64(rip); bad != (e == abi.EFAULT) {
			t.Fatalf("rip %#x, rsp %#x: %v", rip, rsp, e)
		}
		if e != 0 {
			return
		}
		g := &r.Regs
		if g.CS != cur.CS || g.SS != cur.SS || g.FSBase != cur.FSBase || g.GSBase != cur.GSBase {
			t.Fatal("selectors or bases changed")
		}
		const never = 0x3000 | 0x4000 | 1<<17 | 1<<19 | 1<<20 | 1<<21 // IOPL NT VM VIF VIP ID
		if g.EFlags&flagIF == 0 || g.EFlags&2 == 0 || g.EFlags&never != 0 || g.EFlags>>32 != 0 {
			t.Fatalf("flags %#x became %#x", flags, g.EFlags)
		}
		if r.Mask.Has(abi.SIGKILL) || r.Mask.Has(abi.SIGSTOP) {
			t.Fatalf("mask %x", r.Mask)
		}
	})
}

// FuzzXState: whatever a program puts into the extended state, XRSTOR can take
// the area it becomes.
func FuzzXState(f *testing.F) {
	r := rand.New(rand.NewPCG(2, 10))
	for _, n := range xsaveAreas[1:] {
		user := make([]byte, n+magic2Size)
		putXState(user, randomArea(r, n), 0xe7)
		f.Add(user, uint8(0), uint64(0xe7))
		f.Add(user[:fxsaveSize], uint8(1), uint64(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, which uint8, enabled uint64) {
		enabled = enabled&0x2e7 | 3
		area := bytes.Repeat([]byte{0xee}, xsaveAreas[1+int(which)%3])
		user := make([]byte, 4096) // the program's memory
		copy(user, b)
		n := XStateLengthAMD64(user[:fxsaveSize], len(area))
		if n != fxsaveSize && (n < legacySize || n > len(area)+magic2Size) {
			t.Fatalf("length %d for an area of %d", n, len(area))
		}
		RestoreXStateAMD64(area, user[:n], enabled, 0xffbf)
		le := binary.LittleEndian
		if le.Uint32(area[offMXCSR:])&^uint32(0xffbf) != 0 {
			t.Fatalf("mxcsr %#x", le.Uint32(area[offMXCSR:]))
		}
		if len(area) < legacySize {
			return
		}
		if bv := le.Uint64(area[offXStateBV:]); bv&^enabled != 0 {
			t.Fatalf("components %#x of %#x", bv, enabled)
		}
		for i, x := range area[fxsaveSize+8 : legacySize] {
			if x != 0 {
				t.Fatalf("byte %d of the header is %#x", i+8, x)
			}
		}
		for i, x := range area[legacySize:] { // nothing of the old area shows through
			if x == 0xee && user[legacySize+i] != 0xee {
				t.Fatalf("byte %d wasn't written", legacySize+i)
			}
		}
	})
}

func TestXStatePartial(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 10))
	full := randomArea(r, 2696)
	binary.LittleEndian.PutUint64(full[offXStateBV:], 0x2e7)
	user := make([]byte, len(full)+magic2Size)
	putXState(user, full, 0x2e7)
	restore := func(u []byte) (present uint64) {
		area := make([]byte, len(full))
		RestoreXStateAMD64(area, u[:XStateLengthAMD64(u, len(area))], 0x2e7, 0xffff)
		return binary.LittleEndian.Uint64(area[offXStateBV:])
	}
	if got := restore(user); got != 0x2e7 {
		t.Errorf("whole: %#x", got)
	}
	u := bytes.Clone(user)
	binary.LittleEndian.PutUint32(u[len(full):], 0) // no magic2
	if got := restore(u); got != 3 {
		t.Errorf("without its end: %#x", got)
	}
	u = bytes.Clone(user)
	binary.LittleEndian.PutUint32(u[offSoftware:], 0) // a bare FXSAVE image
	if got := restore(u); got != 3 {
		t.Errorf("bare: %#x", got)
	}
	u = bytes.Clone(user)
	binary.LittleEndian.PutUint32(u[offLength:], 832) // cut after AVX
	binary.LittleEndian.PutUint32(u[832:], magic2)
	if got := restore(u); got != 7 {
		t.Errorf("cut: %#x", got)
	}
}

func TestInitXState(t *testing.T) {
	area := bytes.Repeat([]byte{0xee}, 832)
	InitXStateAMD64(area)
	if area[0] != 0x7f || area[1] != 3 || binary.LittleEndian.Uint32(area[24:]) != 0x1f80 {
		t.Errorf("%x", area[:32])
	}
	area[0], area[1], area[24], area[25] = 0, 0, 0, 0
	if len(bytes.Trim(area, "\x00")) != 0 {
		t.Error("something else is left")
	}
}

func TestNoAllocation(t *testing.T) {
	var p Process
	var th Thread
	p.SetAction(abi.SIGURG, handler(abi.SA_ONSTACK, 0))
	buf, area := make([]byte, MaxFrameAMD64(832)), make([]byte, 832)
	regs := distinct()
	if n := testing.AllocsPerRun(100, func() {
		SendThread(&p, &th, sent(abi.SIGURG))
		d := Next(&p, &th)
		top, low := th.HandlerStack(&d.Action, regs.RSP, RedZoneAMD64)
		place, _ := PlaceFrameAMD64(top, low, len(area))
		BuildAMD64(buf, place, &regs, &d, th.AltStack(regs.RSP), FaultAMD64{}, area, 7)
		EnterAMD64(&regs, place, &d)
		Entered(&th, &d)
		back, _ := ParseAMD64(buf, &regs)
		user := buf[place.FP-place.SP : place.Bytes]
		RestoreXStateAMD64(area, user[:XStateLengthAMD64(user, len(area))], 7, 0xffff)
		Return(&th, back.Mask, back.Stack, back.Regs.RSP)
		regs = back.Regs
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
