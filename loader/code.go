// SPDX-License-Identifier: Apache-2.0

package loader

// Code says why a file is refused. It is an error; OK is not one.
type Code uint8

// The reasons.
const (
	OK              Code = iota
	Empty                // the file has no bytes
	NotELF               // it isn't an ELF file at all
	Truncated            // its headers or segments go on beyond its end
	Not64Bit             // a 32-bit program
	BigEndian            // a big-endian program
	BadHeader            // an ELF header with nonsense in it
	WrongSystem          // a program for another operating system
	WrongMachine         // a program for another processor
	NotExecutable        // an object file or a core dump
	SharedLibrary        // a library that needs other libraries
	Dynamic              // it needs a dynamic linker
	NoSegments           // nothing to load
	TooManySegments      // more than MaxSegments
	BadSegment           // more bytes in the file than in memory, or sizes that overflow
	Misaligned           // a segment's place in the file doesn't match that in memory
	OutOfRange           // a segment outside the user's addresses
	Overlap              // two segments on the same page
	WriteExecute         // a segment both writable and executable
	BadEntry             // the entry point isn't in an executable segment
)

var codeText = [...]string{
	OK:              "is a program that can be loaded",
	Empty:           "is empty",
	NotELF:          "is not an ELF program",
	Truncated:       "is truncated",
	Not64Bit:        "is a 32-bit program",
	BigEndian:       "is a big-endian program",
	BadHeader:       "has a corrupted ELF header",
	WrongSystem:     "is a program for another operating system than Linux",
	WrongMachine:    "is a program for another processor",
	NotExecutable:   "is an ELF file but not a program",
	SharedLibrary:   "is a shared library, not a program",
	Dynamic:         "needs a dynamic linker: build a static program (CGO_ENABLED=0)",
	NoSegments:      "has no segments to load",
	TooManySegments: "has too many segments",
	BadSegment:      "has a corrupted segment",
	Misaligned:      "has a segment that is not page-aligned in the file as in memory",
	OutOfRange:      "has a segment outside of the addresses that programs may use",
	Overlap:         "has overlapping segments",
	WriteExecute:    "has a segment that is both writable and executable",
	BadEntry:        "starts outside of its executable segments",
}

// Error gives the reason as a predicate of the file: "is empty".
func (c Code) Error() string {
	if int(c) < len(codeText) {
		return codeText[c]
	}
	return "is refused for an unknown reason"
}
