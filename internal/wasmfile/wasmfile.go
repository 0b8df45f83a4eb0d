// SPDX-License-Identifier: Apache-2.0

// Package wasmfile reads the outline of a WebAssembly module: enough to tell,
// before a compiler sees it, what kind of file it is, what it needs, and
// whether its declared sizes are honest.
//
// It does not validate code; the engine does. It exists because the engine's
// decoder allocates what a module's counts claim before it has seen the items
// (a 20-byte module can ask for 32 GiB of local variables), because its errors
// are written for embedders, and because [Strip] needs the outline.
//
// # Invariants
//
//   - Memory used is proportional to the file's size, whatever it claims.
//   - A module that Check accepts has well-formed section framing, and no vector
//     with more items than bytes to hold them, at the outer level of each
//     section and of each function's local variables.
//   - Check never accepts a component, a bare text file or a native binary.
//
// Source: WebAssembly Core Specification 2.0, chapter 5 (binary format), and
// for the numeric limits its appendix A.2 and the WebAssembly JavaScript
// Interface, section "Implementation-defined limits", which every engine in a
// browser applies, so that modules in the wild stay below them.
package wasmfile

import "errors"

// Limits on what a module may declare, those of the JavaScript Interface.
const (
	MaxModule    = 1 << 30 // bytes of a module
	MaxFunctions = 1_000_000
	MaxLocals    = 50_000     // local variables of a function, without parameters
	MaxTable     = 10_000_000 // elements of all tables together
	maxParams    = 1_000      // parameters, or results, of a function
	maxVector    = 1_000_000  // items of any other vector of a section
	PageSize     = 65536      // bytes of a page of linear memory
)

// Errors that tell the kind of file, matched by errors.Is.
var (
	ErrNotWasm   = errors.New("not a WebAssembly module")
	ErrComponent = errors.New("a WebAssembly component, which needs WASI preview 2; loam runs WASI preview 1 modules")
	ErrMalformed = errors.New("malformed WebAssembly module")
	ErrLimit     = errors.New("WebAssembly module exceeds a limit")
)

// Kind is the kind of an import or export, with the binary format's numbers.
type Kind byte

// The kinds of the core specification.
const (
	Func Kind = iota
	Table
	Memory
	Global
	Tag
)

// String returns the name of the kind in the text format.
func (k Kind) String() string {
	names := [...]string{"func", "table", "memory", "global", "tag"}
	if int(k) < len(names) {
		return names[k]
	}
	return "unknown kind"
}

// Import is one import of a module.
type Import struct {
	Module, Name string
	Kind         Kind
	Memory       MemoryType // of a memory
}

// MemoryType is the type of a memory: limits in pages, and whether threads share it.
type MemoryType struct {
	Least, Most     uint64
	HasMost, Shared bool
}

// Export is one export of a module; Index is in the index space of its kind.
type Export struct {
	Name  string
	Kind  Kind
	Index uint32
}

// Section is one section's place in the module. Offset is that of its id byte,
// Body that of its content, and End that of the byte after it.
type Section struct {
	ID                byte
	Name              string // of a custom section
	Offset, Body, End int
}

// Info is the outline of a module.
type Info struct {
	Sections  []Section
	Imports   []Import
	Exports   []Export
	Functions uint32 // defined here, imports not counted
	Pages     uint64 // least memory it starts with, in pages
	TableSize uint64 // least number of elements in all its tables
	HasStart  bool   // it has a start function, run on instantiation
}

// Section numbers of the binary format.
const (
	idCustom, idType, idImport, idFunction = 0, 1, 2, 3
	idTable, idMemory, idGlobal, idExport  = 4, 5, 6, 7
	idStart, idElement, idCode, idData     = 8, 9, 10, 11
	idDataCount, idTag                     = 12, 13
)

// SharedMemory returns the import of a memory that threads share.
func (i *Info) SharedMemory() (Import, bool) {
	for _, m := range i.Imports {
		if m.Kind == Memory && m.Memory.Shared {
			return m, true
		}
	}
	return Import{}, false
}

// Export returns the export of the given name.
func (i *Info) Export(name string) (Export, bool) {
	for _, e := range i.Exports {
		if e.Name == name {
			return e, true
		}
	}
	return Export{}, false
}
