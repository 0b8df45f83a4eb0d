// SPDX-License-Identifier: Apache-2.0

package code

// decodeVEX decodes an instruction with a VEX or EVEX prefix (SDM volume 2,
// sections 2.3.5 and 2.7.1) as far as the proofs need it: its length, and
// whether it touches vector registers. x86asm takes VZEROUPPER for an
// instruction with operands and knows no EVEX, so these come here first.
func decodeVEX(code []byte, pc uint64) (Insn, bool) {
	n := addressPrefixes(code)
	c := code[n:]
	if len(c) < 3 {
		return Insn{}, false
	}
	var opmap, op byte
	switch {
	case c[0] == 0xc5:
		opmap, op, n = 1, c[2], n+3
	case c[0] == 0xc4 && len(c) > 4:
		opmap, op, n = c[1]&0x1f, c[3], n+4
	case c[0] == 0x62 && len(c) > 5:
		opmap, op, n = c[1]&0x07, c[4], n+5
	default:
		return Insn{}, false
	}
	in := Insn{Addr: pc, FPU: !isScalarVEX(c[0], opmap, op), Text: "VEX/EVEX vector instruction"}
	if opmap == 1 && op == 0x77 { // VZEROUPPER, VZEROALL
		in.Len = n
		return in, true
	}
	m, ok := modRMLen(code[n:])
	if !ok {
		return Insn{}, false
	}
	in.Len = n + m + vexImm(opmap, op)
	return in, in.Len <= len(code)
}

// hasVEX reports whether code begins with such a prefix: in 64-bit mode these
// bytes are nothing else.
func hasVEX(code []byte) bool {
	n := addressPrefixes(code)
	return n < len(code) && (code[n] == 0xc4 || code[n] == 0xc5 || code[n] == 0x62)
}

// addressPrefixes counts the prefixes that may stand before VEX.
func addressPrefixes(code []byte) int {
	n := 0
	for n < len(code) && n < 4 && isAddressPrefix(code[n]) {
		n++
	}
	return n
}

// isAddressPrefix reports whether b may stand before a VEX prefix: a segment
// override or the address-size prefix.
func isAddressPrefix(b byte) bool {
	switch b {
	case 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x67:
		return true
	}
	return false
}

// isScalarVEX reports whether a VEX instruction works on general registers:
// the BMI sets (SDM volume 2, appendix A.4, tables of maps 2 and 3).
func isScalarVEX(prefix, opmap, op byte) bool {
	if prefix == 0x62 {
		return false
	}
	switch {
	case opmap == 2:
		return op == 0xf2 || op == 0xf3 || op == 0xf5 || op == 0xf6 || op == 0xf7
	case opmap == 3:
		return op == 0xf0
	}
	return false
}

// vexImm returns the number of immediate bytes: all of map 3 has one, and a
// few of map 1.
func vexImm(opmap, op byte) int {
	switch {
	case opmap == 3:
		return 1
	case opmap == 1 && (op >= 0x70 && op <= 0x73 || op == 0xc2 || op >= 0xc4 && op <= 0xc6):
		return 1
	}
	return 0
}

// modRMLen returns the length of a ModRM byte with the SIB byte and the
// displacement that it calls for (SDM volume 2, tables 2-2 and 2-3).
func modRMLen(c []byte) (int, bool) {
	if len(c) == 0 {
		return 0, false
	}
	mod, rm, n := c[0]>>6, c[0]&7, 1
	if mod == 3 {
		return n, true
	}
	if rm == 4 {
		if len(c) < 2 {
			return 0, false
		}
		if mod == 0 && c[1]&7 == 5 {
			n += 4
		}
		n++
	}
	switch {
	case mod == 1:
		n++
	case mod == 2, mod == 0 && rm == 5:
		n += 4
	}
	return n, n <= len(c)
}

// decodeRest knows the system instructions that x86asm does not: two-byte
// opcodes with a ModRM byte and no immediate, of which none changes the flow
// of control or the stack pointer.
func decodeRest(code []byte, pc uint64) (Insn, bool) {
	n := 0
	for n < len(code) && isLegacyPrefix(code[n]) {
		n++
	}
	if n < len(code) && code[n]&0xf0 == 0x40 { // REX
		n++
	}
	if n+3 > len(code) || code[n] != 0x0f {
		return Insn{}, false
	}
	op, modrm := code[n+1], code[n+2]
	in := Insn{Addr: pc}
	switch op {
	case 0x01, // CLAC, STAC, XGETBV, XSETBV, SWAPGS, RDTSCP, WRPKRU and others
		0x1e,       // ENDBR64, RDSSP
		0x18, 0x0d, // prefetches
		0x38: // below
	case 0xae: // XSAVE, XRSTOR, fences, CLFLUSHOPT, RDFSBASE and kin
		if reg := modrm >> 3 & 7; modrm>>6 != 3 && (reg == 1 || reg == 2 || reg == 5) {
			in.FPU, in.Text = true, "FXRSTOR, LDMXCSR or XRSTOR"
		}
	case 0xc7: // CMPXCHG16B, RDRAND, RDSEED, RDPID, XSAVEC, XSAVES, XRSTORS
		if modrm>>6 != 3 && modrm>>3&7 == 3 {
			in.FPU, in.Text = true, "XRSTORS"
		}
	default:
		return Insn{}, false
	}
	n += 2
	if op == 0x38 { // INVPCID (82), MOVBE (f0, f1), ADCX and ADOX (f6)
		switch modrm {
		case 0x80, 0x81, 0x82, 0xf0, 0xf1, 0xf6:
			n++
		default:
			return Insn{}, false
		}
	}
	m, ok := modRMLen(code[n:])
	in.Len = n + m
	return in, ok
}

// isLegacyPrefix reports whether b is one of the one-byte legacy prefixes.
func isLegacyPrefix(b byte) bool {
	switch b {
	case 0x66, 0xf0, 0xf2, 0xf3:
		return true
	}
	return isAddressPrefix(b)
}
