//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import "unsafe"

// funcInfo has the layout of runtime.funcInfo.
type funcInfo struct{ f, datap unsafe.Pointer }

//go:linkname findfunc runtime.findfunc
func findfunc(pc uintptr) funcInfo

//go:linkname funcname runtime.funcname
func funcname(f funcInfo) string

//go:linkname funcline runtime.funcline
func funcline(f funcInfo, pc uintptr) (file string, line int32)

//go:linkname funcspdelta runtime.funcspdelta
func funcspdelta(f funcInfo, pc uintptr) int32

// fakeM stands for the runtime's m while symbolOf runs: looking up a line
// goes through a cache in it. runtime.g has its m behind two stack bounds, two
// guards, and the panic and defer lists (runtime2.go).
var fakeM [8192]byte

const gM = 6 // in words

// symbolOf names the function of a code address by the runtime's own tables.
// runtime.FuncForPC would allocate for an inlined call; this names the
// function that the call was inlined into.
func symbolOf(pc uintptr) (name, file string, line int32) {
	fakeGoroutine()[gM] = addr(&fakeM)
	f := findfunc(pc)
	if f.f == nil {
		return "?", "?", 0
	}
	file, line = funcline(f, pc)
	return funcname(f), file, line
}

// frameSize is the size of the frame that the function at pc has made by then.
func frameSize(pc uintptr) uint64 {
	fakeGoroutine()[gM] = addr(&fakeM)
	f := findfunc(pc)
	if f.f == nil {
		return 0
	}
	return uint64(funcspdelta(f, pc))
}
