// SPDX-License-Identifier: Apache-2.0

package vdso

import "encoding/binary"

// name is what the image calls itself (DT_SONAME), as Linux's does.
const (
	name     = "linux-vdso.so.1"
	nameHash = 0xdeebfa1 // as in a hash table of symbols
)

// codeAt is where the first function lies, behind the largest image's tables.
const codeAt = 1024

// symbol is a function of the image.
type symbol struct {
	name     string
	at, size uint64 // bytes from the page's start, which is address 0
}

// image is what the ELF tables say, but for the code.
type image struct {
	machine uint16 // e_machine
	flags   uint32 // e_flags
	version string // of every symbol
	hash    uint32 // of version
	symbols []symbol
}

// Sizes of the ELF structures (System V ABI, gABI 4.1, chapters 4 and 5; GNU
// symbol versions: LSB core specification, "Symbol Versioning").
const (
	fileHeader    = 64
	programHeader = 56
	dynamicEntry  = 16
	symbolEntry   = 24
	versionEntry  = 20 + 8 // Verdef with one Verdaux

	dynamics  = 10
	dynamicAt = fileHeader + 2*programHeader
	symbolsAt = dynamicAt + dynamics*dynamicEntry
)

// put writes the file header, two program headers, and the dynamic section with
// what it points to.
func (im *image) put(page *[PageSize]byte) {
	const (
		dyn           = 3
		load, dynamic = 1, 2
		readable      = 4
		executable    = 1
	)
	w := writer{page: page}
	w.bytes("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	w.u16(dyn)
	w.u16(im.machine)
	w.u32(1)
	w.u64(0)          // entry
	w.u64(fileHeader) // program headers
	w.u64(0)          // section headers
	w.u32(im.flags)
	for _, v := range [...]uint16{fileHeader, programHeader, 2, 0, 0, 0} {
		w.u16(v)
	}
	w.header(load, readable|executable, 0, PageSize, PageSize)
	w.header(dynamic, readable, dynamicAt, symbolsAt-dynamicAt, 8)
	im.putDynamic(&w)
}

// putDynamic writes the dynamic section and, behind it, symbols, their versions,
// definitions of the versions, a hash table of one bucket, and strings.
func (im *image) putDynamic(w *writer) {
	const (
		hash, strings, symbols, stringsSize, symbolSize, soname = 4, 5, 6, 10, 11, 14
		versionOf, versions, versionCount                       = 0x6ffffff0, 0x6ffffffc, 0x6ffffffd
	)
	n := len(im.symbols) + 1 // the first is none
	versionOfAt := symbolsAt + n*symbolEntry
	versionsAt := (versionOfAt + 2*n + 3) &^ 3
	hashAt := versionsAt + 2*versionEntry
	stringsAt := hashAt + (3+n)*4
	size := 1 + len(name) + 1 + len(im.version) + 1
	for i := range im.symbols {
		size += len(im.symbols[i].name) + 1
	}
	for _, d := range [dynamics][2]int{{hash, hashAt}, {strings, stringsAt}, {symbols, symbolsAt},
		{stringsSize, size}, {symbolSize, symbolEntry}, {soname, 1},
		{versionOf, versionOfAt}, {versions, versionsAt}, {versionCount, 2}} {
		w.u64(uint64(d[0]))
		w.u64(uint64(d[1]))
	}
	versionName := 1 + len(name) + 1
	im.putSymbols(w, versionName+len(im.version)+1)
	w.at = versionsAt
	im.putVersions(w, versionName)
	w.u32(1) // one bucket, whose chain has all symbols, the last first
	w.u32(uint32(n))
	w.u32(uint32(n - 1))
	for i := range n {
		w.u32(uint32(max(i-1, 0)))
	}
	w.bytes("\x00" + name + "\x00")
	w.bytes(im.version)
	for i := range im.symbols {
		w.bytes("\x00")
		w.bytes(im.symbols[i].name)
	}
}

// putSymbols writes the symbols, the first of whose names lies at the given offset
// in the strings, and the number of the version of each.
func (im *image) putSymbols(w *writer, at int) {
	const (
		globalFunction = 1<<4 | 2
		someSection    = 1 // anything but 0, undefined
	)
	w.at = symbolsAt + symbolEntry
	for i := range im.symbols {
		s := &im.symbols[i]
		w.u32(uint32(at))
		w.u16(globalFunction)
		w.u16(someSection)
		w.u64(s.at)
		w.u64(s.size)
		at += len(s.name) + 1
	}
	w.u16(0) // of no symbol: local
	for range im.symbols {
		w.u16(2)
	}
}

// putVersions writes two definitions: number 1 is the file's name, number 2 the
// version, whose name lies at the given offset in the strings.
func (im *image) putVersions(w *writer, at int) {
	const base = 1
	for i, v := range [...]struct {
		flags      uint16
		hash, next uint32
		name       int
	}{{base, nameHash, versionEntry, 1}, {0, im.hash, 0, at}} {
		for _, half := range [...]uint16{1, v.flags, uint16(i + 1), 1} { // revision, flags, number, names
			w.u16(half)
		}
		for _, word := range [...]uint32{v.hash, 20, v.next, uint32(v.name), 0} {
			w.u32(word)
		}
	}
}

// writer appends little-endian values to a page.
type writer struct {
	page *[PageSize]byte
	at   int
}

func (w *writer) bytes(s string) { w.at += copy(w.page[w.at:], s) }

func (w *writer) u16(v uint16) { binary.LittleEndian.PutUint16(w.page[w.at:], v); w.at += 2 }

func (w *writer) u32(v uint32) { binary.LittleEndian.PutUint32(w.page[w.at:], v); w.at += 4 }

func (w *writer) u64(v uint64) { binary.LittleEndian.PutUint64(w.page[w.at:], v); w.at += 8 }

func (w *writer) header(kind, flags uint32, at, size, align uint64) {
	w.u32(kind)
	w.u32(flags)
	for _, v := range [...]uint64{at, at, at, size, size, align} {
		w.u64(v)
	}
}
