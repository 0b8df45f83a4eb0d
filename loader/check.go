// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// Error is a refused file, in words.
type Error struct {
	Code Code
	text string
}

// Error gives the reason as a predicate of the file, one line: "is for arm64,
// not amd64".
func (e *Error) Error() string { return e.text }

// Unwrap returns the code, for errors.Is.
func (e *Error) Unwrap() error { return e.Code }

// Check is Parse with an *Error for people, nil if b is a program for t. It
// allocates.
func Check(b []byte, t Target, img *Image) error {
	code := Parse(b, t, img)
	if code == OK {
		return nil
	}
	return &Error{code, explain(code, b, t)}
}

func explain(code Code, b []byte, t Target) string {
	le := binary.LittleEndian
	switch code {
	case NotELF:
		return fmt.Sprintf("%s, not a static linux/%s program", foreignKind(b), t.Arch)
	case Not64Bit:
		if len(b) >= 20 && b[5] == littleEndian {
			return fmt.Sprintf("is a 32-bit program for %s, not a 64-bit one for %s", machineName(le.Uint16(b[18:])), t.Arch)
		}
	case WrongSystem:
		if name, ok := systemNames[b[7]]; ok {
			return fmt.Sprintf("is a program for %s, not Linux: build with GOOS=linux", name)
		}
	case WrongMachine:
		return fmt.Sprintf("is for %s, not %s", machineName(le.Uint16(b[18:])), t.Arch)
	case NotExecutable:
		if le.Uint16(b[16:]) == typeCore {
			return "is a core dump, not a program"
		}
		return "is an object file that was not linked, not a program"
	case Dynamic:
		return fmt.Sprintf("needs the dynamic linker %s: build with CGO_ENABLED=0 and without -buildmode=pie, or link with -static", interpreter(b))
	case OutOfRange:
		return fmt.Sprintf("%s (%#x to %#x)", code.Error(), t.Low, t.High)
	case TooManySegments:
		return fmt.Sprintf("has more than %d segments to load", MaxSegments)
	}
	return code.Error()
}

// foreignKind says what a file is that isn't ELF, by its first bytes.
func foreignKind(b []byte) string {
	for _, k := range foreignKinds {
		if bytes.HasPrefix(b, []byte(k.prefix)) {
			return "is " + k.name
		}
	}
	if strings.HasPrefix(elfMagic, string(b)) {
		return "is a truncated file"
	}
	return "is not an ELF file"
}

var foreignKinds = []struct{ prefix, name string }{
	{"\x00asm", "a WebAssembly module"},
	{"#!", "a script"},
	{"MZ", "a Windows program"},
	{"\xcf\xfa\xed\xfe", "a macOS program"},
	{"\xca\xfe\xba\xbe", "a macOS program or a Java class"},
	{"!<arch>\n", "an archive of object files"},
	{"\x1f\x8b", "a gzip file"},
	{"PK\x03\x04", "a zip file"},
}

var systemNames = map[byte]string{
	2: "NetBSD", 6: "Solaris", 9: "FreeBSD", 12: "OpenBSD",
}

// machineName is Go's name of a machine number where it has one.
func machineName(m uint16) string {
	if name, ok := machineNames[m]; ok {
		return name
	}
	return fmt.Sprintf("an unknown processor (ELF machine %d)", m)
}

var machineNames = map[uint16]string{
	2: "sparc", 3: "386", 8: "mips", 20: "ppc", 21: "ppc64", 22: "s390x", 40: "arm",
	43: "sparc64", machineAMD64: "amd64", 183: "arm64", machineRISCV: "riscv64",
	247: "bpf", 258: "loong64",
}

// interpreter is the path of the dynamic linker that a program names, made
// safe to print.
func interpreter(b []byte) string {
	const longest = 64
	table, code := programHeaders(b)
	if code != OK {
		return "?"
	}
	for off := 0; off < len(table); off += progHeaderSize {
		h := table[off : off+progHeaderSize]
		if binary.LittleEndian.Uint32(h) != segInterp {
			continue
		}
		path, _, _ := bytes.Cut(contents(b, h), []byte{0})
		path = path[:min(len(path), longest)]
		return strings.Map(func(r rune) rune {
			if r <= ' ' || r > '~' {
				return '?'
			}
			return r
		}, string(path))
	}
	return "?"
}
