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
	Zbc     // carry-less multiplication
	Zicond  // conditional zero
)

// General is what Go's compiler relies on: RV64GC.
const General = ExtM | ExtA | ExtF | ExtD | ExtC

var singles = [26]ISA{'m' - 'a': ExtM, 0: ExtA, 'f' - 'a': ExtF, 'd' - 'a': ExtD, 'c' - 'a': ExtC,
	'v' - 'a': ExtV, 'h' - 'a': ExtH, 'g' - 'a': ExtM | ExtA | ExtF | ExtD}

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

// HWCAP returns AT_HWCAP of a program's auxiliary vector: a bit for each extension
// of one letter that a program may use, as Linux has it (arch/riscv, asm/hwcap.h).
func (i ISA) HWCAP() uint64 {
	bit := func(letter byte) uint64 { return 1 << (letter - 'A') }
	cap := bit('I')
	if i.Has(ExtM) {
		cap |= bit('M')
	}
	if i.Has(ExtA) {
		cap |= bit('A')
	}
	if i.Has(ExtF) {
		cap |= bit('F')
	}
	if i.Has(ExtD) {
		cap |= bit('D')
	}
	if i.Has(ExtC) {
		cap |= bit('C')
	}
	if i.Has(ExtV) {
		cap |= bit('V')
	}
	return cap
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

// longestName is the length of the longest name below.
const longestName = 11

// named finds the extension that a word begins with; a version may follow. The names
// stand in code and not in a table, whose strings would be linked addresses: machine
// mode reads ISA strings where the image isn't mapped.
func named(w []byte) ISA {
	var name [longestName]byte
	n := 0
	for n < len(w) && (w[n] < '0' || w[n] > '9') {
		if n == longestName {
			return 0
		}
		name[n] = lower(w[n])
		n++
	}
	switch string(name[:n]) {
	case "zba":
		return Zba
	case "zbb":
		return Zbb
	case "zbc":
		return Zbc
	case "zbs":
		return Zbs
	case "zicboz":
		return Zicboz
	case "zicbom":
		return Zicbom
	case "zicond":
		return Zicond
	case "zihintpause":
		return Zihintpause
	default:
		return namedS(name[:n])
	}
}

// namedS is named for the privileged extensions.
func namedS(name []byte) ISA {
	switch string(name) {
	case "sstc":
		return Sstc
	case "svinval":
		return Svinval
	case "svpbmt":
		return Svpbmt
	case "svnapot":
		return Svnapot
	}
	return 0
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
