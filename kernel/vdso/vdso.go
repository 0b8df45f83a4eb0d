// SPDX-License-Identifier: Apache-2.0

// Package vdso makes the page of code by which a program reads the clock
// without a call into the kernel: what Linux's vDSO is to a libc or to Go's
// runtime (vdso(7); runtime/vdso_linux.go), and found the same way, by
// AT_SYSINFO_EHDR in the auxiliary vector.
//
// # What a process sees
//
// Two pages side by side, the same frames in every process: data, readable,
// and behind it text, readable and executable, an ELF image of one page with
// one symbol, __vdso_clock_gettime. The kernel writes both once at start. The
// clock is the time stamp counter, scaled by what Data holds, by the same
// formula as the kernel's own (metal.Now), so that the two ways never disagree.
// Clocks other than CLOCK_REALTIME and CLOCK_MONOTONIC go on to the call.
//
// # Why by hand
//
// The code must run at any address and reach the data page by a distance, for
// which the Go assembler has no words; it is 23 instructions. No symbol has a
// version, which Go and musl take as it is; but Go's runtime wants to see a
// table of versions all the same (vdsoFindVersion), so there is one that only
// names the file.
//
// Rejected: gettimeofday and time besides (Go and musl ask for clock_gettime
// only); a sequence count around the data (nothing changes it after start).
package vdso

import "encoding/binary"

// PageSize is the size in bytes of each of the two pages.
const PageSize = 4096

// Symbol is the one function's name.
const Symbol = "__vdso_clock_gettime"

// Data is what the data page holds, from its start.
type Data struct {
	Scale uint64 // ns = TSC * Scale >> 32, since power-on
	Wall  int64  // Unix time in ns at power-on
}

// Offsets in the data page, in bytes.
const (
	scaleAt = 0
	wallAt  = 8
)

// Put writes d to the start of the data page.
func (d Data) Put(page *[PageSize]byte) {
	binary.LittleEndian.PutUint64(page[scaleAt:], d.Scale)
	binary.LittleEndian.PutUint64(page[wallAt:], uint64(d.Wall))
}

// The image's parts, as offsets in the text page, which are its addresses too.
const (
	headersAt = 64
	dynamicAt = headersAt + 2*56
	symbolsAt = dynamicAt + 7*16
	versionAt = symbolsAt + 2*24
	hashAt    = versionAt + 20 + 8
	stringsAt = hashAt + 5*4
	codeAt    = 512
)

// Build writes the image to the text page, whose data page is the one before.
func Build(page *[PageSize]byte) {
	clear(page[:])
	size := putCode(page)
	putELF(page)
	putDynamic(page, size)
}

// putELF writes the file header and two program headers (System V ABI, gABI
// 4.1, chapters 4 and 5).
func putELF(page *[PageSize]byte) {
	const (
		dyn, amd64     = 3, 62
		load, dynamic  = 1, 2
		readable, exec = 4, 1
	)
	w := writer{page: page}
	w.bytes("\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00")
	w.u16(dyn)
	w.u16(amd64)
	w.u32(1)
	w.u64(0)         // entry
	w.u64(headersAt) // program headers
	w.u64(0)         // section headers
	w.u32(0)
	for _, v := range [...]uint16{64, 56, 2, 0, 0, 0} {
		w.u16(v)
	}
	w.header(load, readable|exec, 0, PageSize, PageSize)
	w.header(dynamic, readable, dynamicAt, symbolsAt-dynamicAt, 8)
}

// putDynamic writes the dynamic section and what it points to.
func putDynamic(page *[PageSize]byte, codeSize uint64) {
	const (
		hash, strings, symbols, stringsSize, symbolSize = 4, 5, 6, 10, 11
		versions                                        = 0x6ffffffc

		globalFunction = 1<<4 | 2
		someSection    = 1 // anything but 0, undefined
	)
	w := writer{page: page, at: dynamicAt}
	for _, d := range [...][2]uint64{{hash, hashAt}, {strings, stringsAt}, {symbols, symbolsAt},
		{stringsSize, uint64(len(Symbol) + 2)}, {symbolSize, 24}, {versions, versionAt}, {0, 0}} {
		w.u64(d[0])
		w.u64(d[1])
	}
	w.at += 24 // symbol 0 is no symbol
	w.u32(1)   // its name, in strings
	w.bytes(string([]byte{globalFunction, 0}))
	w.u16(someSection)
	w.u64(codeAt)
	w.u64(codeSize)
	for _, v := range [...]uint16{1, 1, 1, 1} { // version 1, of the file itself, number 1, one name
		w.u16(v)
	}
	for _, v := range [...]uint32{0, 20, 0, 0, 0} { // hash, where the name's entry is, no next; name, no next
		w.u32(v)
	}
	for _, v := range [...]uint32{1, 2, 1, 0, 0} { // one bucket, two symbols in its chain
		w.u32(v)
	}
	w.bytes("\x00" + Symbol)
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
