// SPDX-License-Identifier: Apache-2.0

package tables

import "unsafe"

// Make returns a table of n elements, all zero. Its entries aren't touched. It
// panics if T has pointers, n is negative, or the size overflows.
func Make[T any](from *Source, n int) []T {
	var zero T
	each := unsafe.Sizeof(zero)
	if n < 0 || each != 0 && uint64(n) > 1<<46/uint64(each) {
		panic("tables: a table of that length can't be")
	}
	if pointers[T]() {
		panic("tables: the elements of a table have pointers, which the collector would not see")
	}
	if from == nil || n == 0 || each == 0 {
		return make([]T, n)
	}
	at := from.Range(uint64(n) * uint64(each))
	return unsafe.Slice((*T)(unsafe.Add(unsafe.Pointer(nil), at)), n)
}

// typeHead is how internal/abi.Type begins, and ptrType internal/abi.PtrType.
type typeHead struct {
	size     uintptr
	pointers uintptr // bytes from the start to the end of the last pointer
}

type ptrType struct {
	_    [48]byte // a type's description, which typeHead begins
	elem *typeHead
}

// pointers reports whether a T has pointers, from what the compiler tells the
// collector. (Package reflect says the same at a hundred times the cost, and may
// not be used on this floor.)
func pointers[T any]() bool {
	var zero T
	var p any = (*T)(nil)
	t := (**(**ptrType)(unsafe.Pointer(&p))).elem
	if t.size != unsafe.Sizeof(zero) {
		panic("tables: Go describes its types in another way now")
	}
	return t.pointers != 0
}
