// SPDX-License-Identifier: Apache-2.0

package amd64

// Regs are what CPUID returns for one leaf.
type Regs struct{ EAX, EBX, ECX, EDX uint32 }

// CPUID leafs, SDM 2A, CPUID, table 3-8; the hypervisor's from
// https://lwn.net/Articles/301888/ and Linux's kvm/x86/cpuid.rst.
const (
	LeafVendor     = 0
	LeafFeatures   = 1
	LeafExtended   = 7 // sub-leaf 0
	LeafXSAVE      = 0xd
	LeafTSC        = 0x15
	LeafFrequency  = 0x16
	LeafHypervisor = 0x4000_0000
	LeafKVM        = 0x4000_0001
	LeafHypTiming  = 0x4000_0010
	LeafMaxHigh    = 0x8000_0000
	LeafHigh       = 0x8000_0001
	LeafPower      = 0x8000_0007
	LeafAddress    = 0x8000_0008
)

// Features is the set of what a processor can do.
type Features uint64

// The features that the kernel asks about.
const (
	SSE3 Features = 1 << iota
	SSSE3
	SSE41
	SSE42
	PCID
	X2APIC
	TSCDeadline
	XSAVE
	AVX
	RDRAND
	Hypervisor
	NX
	Pages1G
	RDTSCP
	LongMode
	Syscall
	SMEP
	SMAP
	ERMS
	FSGSBase
	INVPCID
	RDSEED
	UMIP
	AVX2
	AVX512
	InvariantTSC
	GlobalPages
	XSAVEOPT
	featureCount = iota
)

var featureNames = [featureCount]string{"sse3", "ssse3", "sse4_1", "sse4_2", "pcid", "x2apic",
	"tsc_deadline", "xsave", "avx", "rdrand", "hypervisor", "nx", "pdpe1gb", "rdtscp", "lm",
	"syscall", "smep", "smap", "erms", "fsgsbase", "invpcid", "rdseed", "umip", "avx2",
	"avx512f", "invariant_tsc", "pge", "xsaveopt"}

// Has says whether all of want are there.
func (f Features) Has(want Features) bool { return f&want == want }

// Name returns the name, as in Linux's /proc/cpuinfo, of the lowest feature.
func (f Features) Name() string {
	for k := range featureNames {
		if f>>k&1 != 0 {
			return featureNames[k]
		}
	}
	return ""
}

// Leafs are the CPUID results that Decode reads. Leave zero what the processor
// does not have: the leaf number is above EAX of LeafVendor or LeafMaxHigh.
type Leafs struct {
	Features Regs // LeafFeatures
	Extended Regs // LeafExtended, sub-leaf 0
	XSAVE1   Regs // LeafXSAVE, sub-leaf 1
	High     Regs // LeafHigh
	Power    Regs // LeafPower
}

// Decode returns the set of features.
func Decode(l *Leafs) Features {
	var f Features
	for k := range featureBits {
		b := &featureBits[k]
		var reg uint32
		switch b.reg {
		case f1ECX:
			reg = l.Features.ECX
		case f1EDX:
			reg = l.Features.EDX
		case f7EBX:
			reg = l.Extended.EBX
		case f7ECX:
			reg = l.Extended.ECX
		case fDEAX:
			reg = l.XSAVE1.EAX
		case fHEDX:
			reg = l.High.EDX
		case fPEDX:
			reg = l.Power.EDX
		}
		if reg>>(b.bit&31)&1 != 0 {
			f |= 1 << k
		}
	}
	return f
}

// The registers that feature bits are in.
const (
	f1ECX = iota
	f1EDX
	f7EBX
	f7ECX
	fDEAX
	fHEDX
	fPEDX
)

// featureBits says where each feature is shown, in the order of the set.
var featureBits = [featureCount]struct{ reg, bit uint8 }{
	{f1ECX, 0}, {f1ECX, 9}, {f1ECX, 19}, {f1ECX, 20}, {f1ECX, 17}, {f1ECX, 21},
	{f1ECX, 24}, {f1ECX, 26}, {f1ECX, 28}, {f1ECX, 30}, {f1ECX, 31},
	{fHEDX, 20}, {fHEDX, 26}, {fHEDX, 27}, {fHEDX, 29}, {fHEDX, 11},
	{f7EBX, 7}, {f7EBX, 20}, {f7EBX, 9}, {f7EBX, 0}, {f7EBX, 10}, {f7EBX, 18},
	{f7ECX, 2}, {f7EBX, 5}, {f7EBX, 16}, {fPEDX, 8}, {f1EDX, 13}, {fDEAX, 0},
}

// Vendor returns the 12 letters of LeafVendor or, in the order of LeafHypervisor
// when hypervisor is set, its signature.
func Vendor(r Regs, hypervisor bool) [12]byte {
	words := [3]uint32{r.EBX, r.EDX, r.ECX}
	if hypervisor {
		words = [3]uint32{r.EBX, r.ECX, r.EDX}
	}
	var v [12]byte
	for k := range v {
		v[k] = byte(words[k/4] >> (k % 4 * 8))
	}
	return v
}

// TSCFrequency returns the time-stamp counter's rate in Hz from LeafTSC, or 0
// where the processor does not say: SDM 3B 18.7.3.
func TSCFrequency(r Regs) uint64 {
	if r.EAX == 0 || r.EBX == 0 {
		return 0
	}
	return uint64(r.ECX) * uint64(r.EBX) / uint64(r.EAX)
}

// HypervisorTSC returns the rates in Hz of the time-stamp counter and of the
// local APIC's timer from LeafHypTiming.
func HypervisorTSC(r Regs) (tsc, apic uint64) {
	return uint64(r.EAX) * 1000, uint64(r.EBX) * 1000
}

// AddressBits returns the widths of physical and virtual addresses from
// LeafAddress.
func AddressBits(r Regs) (physical, virtual uint8) {
	return uint8(r.EAX), uint8(r.EAX >> 8)
}

// InitialAPICID returns the local APIC id from LeafFeatures.
func InitialAPICID(r Regs) uint8 { return uint8(r.EBX >> 24) }

// XSAVESize returns the bytes of XSAVE's area for the states that XCR0 enables
// now, and for all that the processor has, from LeafXSAVE, sub-leaf 0.
func XSAVESize(r Regs) (enabled, all uint32) { return r.EBX, r.ECX }
