// SPDX-License-Identifier: Apache-2.0

package amd64

import (
	"testing"

	"loam/machine/paging"
)

// TestDescriptors checks the descriptors bit by bit as SDM 3A 3.4.5 lays them
// out: limit, base, type, S, DPL, P, L, D/B, G.
func TestDescriptors(t *testing.T) {
	type fields struct{ limit, typ, s, dpl, p, l, db, g uint64 }
	decode := func(d uint64) fields {
		return fields{d&0xffff | d>>32&0xf0000, d >> 40 & 15, d >> 44 & 1, d >> 45 & 3,
			d >> 47 & 1, d >> 53 & 1, d >> 54 & 1, d >> 55 & 1}
	}
	for _, c := range []struct {
		name string
		desc uint64
		raw  uint64
		want fields
	}{
		{"kernel code", DescKernelCode, 0x00af_9b00_0000_ffff, fields{0xfffff, 0xb, 1, 0, 1, 1, 0, 1}},
		{"kernel data", DescKernelData, 0x00cf_9300_0000_ffff, fields{0xfffff, 3, 1, 0, 1, 0, 1, 1}},
		{"user data", DescUserData, 0x00cf_f300_0000_ffff, fields{0xfffff, 3, 1, 3, 1, 0, 1, 1}},
		{"user code", DescUserCode, 0x00af_fb00_0000_ffff, fields{0xfffff, 0xb, 1, 3, 1, 1, 0, 1}},
	} {
		if c.desc != c.raw || decode(c.desc) != c.want {
			t.Errorf("%s: %#x, %+v", c.name, c.desc, decode(c.desc))
		}
	}
}

func TestGDT(t *testing.T) {
	const base = 0xffff_8123_4567_89a0
	var gdt [GDTEntries]uint64
	FillGDT(&gdt, base)
	if gdt[0] != 0 || gdt[KernelCode/8] != DescKernelCode || gdt[KernelData/8] != DescKernelData ||
		gdt[UserCode/8] != DescUserCode || gdt[UserData/8] != DescUserData {
		t.Fatalf("%#x", gdt)
	}
	for i, d := range gdt[:TaskState/8] {
		if d&segUser == segUser && d&(8<<40) != 0 && d&segLong == 0 {
			t.Errorf("entry %d is a 32-bit code segment for user mode: %#x", i, d)
		}
	}
	low, high := gdt[TaskState/8], gdt[TaskState/8+1]
	if got := low>>16&0xff_ffff | low>>56<<24 | high<<32; got != base {
		t.Errorf("TSS base %#x", got)
	}
	if low&0xffff != 103 || low>>40&0xff != 0x89 || low>>48&0xff != 0 || high>>32 != 0 {
		t.Errorf("TSS descriptor %#x %#x", low, high)
	}
}

// TestSyscallSelectors computes what SYSCALL and SYSRETQ load from STAR.
func TestSyscallSelectors(t *testing.T) {
	call, ret := STAR>>32&0xffff, STAR>>48&0xffff
	if call&^3 != KernelCode || call+8 != KernelData {
		t.Errorf("SYSCALL loads CS %#x, SS %#x", call&^3, call+8)
	}
	if (ret+16)|3 != UserCode || (ret+8)|3 != UserData {
		t.Errorf("SYSRETQ loads CS %#x, SS %#x", (ret+16)|3, (ret+8)|3)
	}
	if STAR != 0x0018_0008_0000_0000 {
		t.Errorf("STAR %#x", uint64(STAR))
	}
	if FMASK != 0x47700 {
		t.Errorf("FMASK %#x", FMASK)
	}
}

func TestTSS(t *testing.T) {
	var s TSS
	s.SetStack(0x1122_3344_5566_7788)
	for n := 1; n <= 7; n++ {
		s.SetIST(n, 0xffff_8000_0000_0000+uint64(n))
	}
	s.NoIOMap()
	// Offsets of figure 8-11: RSP0 4, IST1 36, IST7 84, I/O map base 102.
	if s[TSSStackOffset/4] != 0x5566_7788 || s[2] != 0x1122_3344 || s[36/4] != 1 || s[84/4] != 7 ||
		s[88/4] != 0xffff_8000 || s[100/4]>>16 != 104 || s[0] != 0 || s[92/4] != 0 {
		t.Errorf("%#x", s)
	}
	for n := 1; n <= 7; n++ {
		if s.IST(n) != 0xffff_8000_0000_0000+uint64(n) {
			t.Errorf("IST %d is %#x", n, s.IST(n))
		}
	}
	if s.Stack() != 0x1122_3344_5566_7788 {
		t.Errorf("stack %#x", s.Stack())
	}
}

func TestGate(t *testing.T) {
	const handler = 0x1122_3344_5566_7788
	for _, c := range []struct {
		ist  uint8
		user bool
		want Gate
	}{
		{0, false, Gate{0x5566_8e00_0008_7788, 0x1122_3344}},
		{3, false, Gate{0x5566_8e03_0008_7788, 0x1122_3344}},
		{0, true, Gate{0x5566_ee00_0008_7788, 0x1122_3344}},
	} {
		if g := NewGate(handler, c.ist, c.user); g != c.want {
			t.Errorf("ist %d user %v: %#x", c.ist, c.user, g)
		}
	}
}

func TestErrorCodes(t *testing.T) {
	want := map[uint8]bool{8: true, 10: true, 11: true, 12: true, 13: true, 14: true, 17: true,
		21: true, 29: true, 30: true}
	for v := range 256 {
		if HasErrorCode(uint8(v)) != want[uint8(v)] {
			t.Errorf("vector %d", v)
		}
	}
	if VectorName(VecPage) != "page fault" || VectorName(200) != "interrupt" ||
		VectorName(VecSecurity) != "security" {
		t.Error("names are out of step")
	}
}

func TestUserFlags(t *testing.T) {
	if got := UserFlags(^uint64(0)); got&(FlagIOPL|FlagNested|1<<17|1<<19|1<<20) != 0 || got&FlagInterrupt == 0 {
		t.Errorf("all flags become %#x", got)
	}
	if got := UserFlags(0); got != 0x202 {
		t.Errorf("no flags become %#x", got)
	}
}

func TestAPIC(t *testing.T) {
	if got := ICR(ICRStartup|ICRAssert, 8, 3, false); got != 3<<56|0x4608 {
		t.Errorf("xAPIC start-up %#x", got)
	}
	if got := ICR(ICRFixed|ICRAssert, 0xf0, 0x12345, true); got != 0x12345<<32|0x40f0 {
		t.Errorf("x2APIC fixed %#x", got)
	}
	if v, ok := StartupVector(0x8000); v != 8 || !ok {
		t.Error("start-up page 0x8000")
	}
	for _, pa := range []uint32{0x8001, 1 << 20} {
		if _, ok := StartupVector(pa); ok {
			t.Errorf("start-up page %#x is accepted", pa)
		}
	}
	if got := Redirect(0x24, 1, RedirectLevel|RedirectLow); got != 1<<56|0xa024 {
		t.Errorf("redirection %#x", got)
	}
	if address, data := Message(0x41, 3); address != 0xfee0_3000 || data != 0x41 {
		t.Errorf("message %#x to %#x", data, address)
	}
	if IOAPICInputs(0x0017_0020) != 24 || RedirectRegister(4) != 0x18 {
		t.Error("I/O APIC registers")
	}
}

// TestCPUID decodes leafs composed for the purpose: a client processor with AVX2
// and without UMIP, AVX-512 and a hypervisor.
func TestCPUID(t *testing.T) {
	f := Decode(&Leafs{
		Features: Regs{0x000806ea, 0x00100800, 0x7ffafbff, 0xbfebfbff},
		Extended: Regs{0, 0x029c6fbf, 0, 0x9c002600},
		XSAVE1:   Regs{EAX: 0xf},
		High:     Regs{0, 0, 0x121, 0x2c100800},
		Power:    Regs{EDX: 0x100},
	})
	want := SSE3 | SSSE3 | SSE41 | SSE42 | PCID | X2APIC | TSCDeadline | XSAVE | AVX | RDRAND | NX |
		Pages1G | RDTSCP | LongMode | Syscall | SMEP | SMAP | ERMS | FSGSBase | INVPCID |
		RDSEED | AVX2 | InvariantTSC | GlobalPages | XSAVEOPT
	if f != want {
		t.Errorf("%#x, want %#x: differ in %s", f, want, (f ^ want).Name())
	}
	if !f.Has(SMEP|SMAP) || f.Has(SMEP|UMIP) {
		t.Error("Has")
	}
	if v := Vendor(Regs{0x16, 0x756e6547, 0x6c65746e, 0x49656e69}, false); string(v[:]) != "GenuineIntel" {
		t.Errorf("vendor %q", v)
	}
	if v := Vendor(Regs{0, 0x4b4d564b, 0x564b4d56, 0x4d}, true); string(v[:]) != "KVMKVMKVM\x00\x00\x00" {
		t.Errorf("hypervisor %q", v)
	}
	if got := TSCFrequency(Regs{2, 176, 24_000_000, 0}); got != 2_112_000_000 {
		t.Errorf("TSC rate %d", got)
	}
	if TSCFrequency(Regs{0, 176, 1, 0}) != 0 || TSCFrequency(Regs{1, 0, 1, 0}) != 0 {
		t.Error("a TSC rate from nothing")
	}
	if p, v := AddressBits(Regs{EAX: 0x3027}); p != 39 || v != 48 {
		t.Errorf("address bits %d %d", p, v)
	}
}

// TestFeatureNames holds the table of names against the set's order.
func TestFeatureNames(t *testing.T) {
	for f, name := range map[Features]string{SSE3: "sse3", PCID: "pcid", AVX: "avx", NX: "nx",
		Syscall: "syscall", UMIP: "umip", AVX512: "avx512f", XSAVEOPT: "xsaveopt"} {
		if f.Name() != name {
			t.Errorf("%s is called %s", name, f.Name())
		}
	}
}

// TestLeafs checks the encodings against SDM 3A tables 4-17 to 4-20.
func TestLeafs(t *testing.T) {
	for _, c := range []struct {
		prot paging.Prot
		want uint64
	}{
		{paging.Read, 1<<63 | 0x21},
		{paging.Read | paging.User, 1<<63 | 0x25},
		{paging.ReadWrite | paging.User, 1<<63 | 0x67},
		{paging.ReadExec | paging.User, 0x25},
		{paging.ReadExec | paging.Global, 0x121},
		{paging.ReadWrite | paging.Device, 1<<63 | 0x7b},
		{paging.Write, 1<<63 | 0x63},
	} {
		if got := Format.Leaf[c.prot]; got != c.want {
			t.Errorf("%b: %#x, want %#x", c.prot, got, c.want)
		}
	}
	for prot, e := range Format.Leaf {
		if prot&int(paging.Write|paging.Exec) == int(paging.Write|paging.Exec) {
			if e != 0 {
				t.Errorf("%b: writable and executable: %#x", prot, e)
			}
			continue
		}
		if present := prot&int(paging.Access) != 0; (e&PTEPresent != 0) != present || e == 0 {
			t.Errorf("%b: %#x", prot, e)
		}
		if e&PTELarge != 0 || e&PTEAddrMask != 0 || e>>PTESoft&7 != 0 {
			t.Errorf("%b: %#x has bits that are not its own", prot, e)
		}
	}
}
