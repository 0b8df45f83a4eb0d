//go:build loam && amd64

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

// symbolOf names the function of a code address by the runtime's own tables.
// runtime.FuncForPC would allocate for an inlined call; this names the
// function that the call was inlined into.
func symbolOf(pc uintptr) (name, file string, line int32) {
	f := findfunc(pc)
	if f.f == nil {
		return "?", "?", 0
	}
	file, line = funcline(f, pc)
	return funcname(f), file, line
}
