// SPDX-License-Identifier: Apache-2.0

package riscv64

// ISA is a set of what a hart can do, as the devicetree says it (riscv,isa:
// unprivileged specification chapter 27, "ISA extension naming conventions").
type ISA uint64

// The extensions that Loam or a Go program asks about. The base is RV64I.
const (
	ExtM   ISA = 1 << iota // multiplication
	ExtA                   // atomics
	ExtF                   // single-precision floating point
	ExtD                   // double-precision
	ExtC                   // compressed instructions
	ExtV                   // vectors
	ExtH                   // hypervisor
	Zba                    // address generation
	Zbb                    // bit manipulation
	Zbs                    // single bits
	Zicboz                 // zeroing of cache blocks
	Zicbom                 // cleaning of cache blocks
	Zihintpause
	Sstc    // stimecmp: a timer for supervisor mode
	Svinval // finer fences of translations
	Svpbmt  // memory types in page tables
	Svnapot // pages of 64 KiB
)

// General is what Go's compiler relies on: RV64GC.
const General = ExtM | ExtA | ExtF | ExtD | ExtC

var singles = [26]ISA{'m' - 'a': ExtM, 0: ExtA, 'f' - 'a': ExtF, 'd' - 'a': ExtD, 'c' - 'a': ExtC,
	'v' - 'a': ExtV, 'h' - 'a': ExtH, 'g' - 'a': ExtM | ExtA | ExtF | ExtD}

var multis = [...]struct {
	name string
	ext  ISA
}{{"zba", Zba}, {"zbb", Zbb}, {"zbs", Zbs}, {"zicboz", Zicboz}, {"zicbom", Zicbom}, {"zihintpause", Zihintpause},
	{"sstc", Sstc}, {"svinval", Svinval}, {"svpbmt", Svpbmt}, {"svnapot", Svnapot}}

// ParseISA reads an ISA string such as "rv64imafdc_zba_sstc", of any case. False:
// it is not one of a 64-bit hart with the base I. Names that it doesn't know, and
// versions behind names ("i2p0"), are passed over.
func ParseISA(s []byte) (isa ISA, ok bool) {
	if len(s) < 5 || lower(s[0]) != 'r' || lower(s[1]) != 'v' || s[2] != '6' || s[3] != '4' {
		return 0, false
	}
	base := lower(s[4])
	if base != 'i' && base != 'g' {
		return 0, false
	}
	i := 4
	for i < len(s) && s[i] != '_' { // single letters, with versions perhaps
		c := lower(s[i])
		switch {
		case isMulti(c):
			isa |= named(word(s, i))
			i += len(word(s, i))
			continue
		case c >= 'a' && c <= 'z' && !isVersion(s, i):
			isa |= singles[c-'a']
		}
		i++
	}
	for i < len(s) {
		i++ // the underscore
		w := word(s, i)
		if len(w) == 1 && lower(w[0]) >= 'a' && lower(w[0]) <= 'z' {
			isa |= singles[lower(w[0])-'a']
		}
		isa |= named(w)
		i += len(w)
	}
	return isa, true
}

// Has reports whether all of want is there.
func (i ISA) Has(want ISA) bool { return i&want == want }

// Named returns the extension of a name as in a list of riscv,isa-extensions, 0
// if it isn't known.
func Named(name []byte) ISA {
	if len(name) == 1 && lower(name[0]) >= 'a' && lower(name[0]) <= 'z' {
		return singles[lower(name[0])-'a']
	}
	return named(name)
}

// word returns what stands from i up to the next underscore.
func word(s []byte, i int) []byte {
	end := i
	for end < len(s) && s[end] != '_' {
		end++
	}
	return s[i:end:end]
}

// named finds the extension that a word begins with; a version may follow.
func named(w []byte) ISA {
	for k := range multis {
		m := &multis[k]
		if len(w) >= len(m.name) && equal(w[:len(m.name)], m.name) &&
			(len(w) == len(m.name) || w[len(m.name)] >= '0' && w[len(m.name)] <= '9') {
			return m.ext
		}
	}
	return 0
}

func equal(w []byte, name string) bool {
	for i := range w {
		if lower(w[i]) != name[i] {
			return false
		}
	}
	return true
}

// isMulti reports whether a letter begins a name of several letters.
func isMulti(c byte) bool { return c == 'z' || c == 's' || c == 'x' }

// isVersion reports whether the letter at i is the p of a version such as 2p0.
func isVersion(s []byte, i int) bool {
	digit := func(k int) bool { return k >= 0 && k < len(s) && s[k] >= '0' && s[k] <= '9' }
	return lower(s[i]) == 'p' && digit(i-1) && digit(i+1)
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}
