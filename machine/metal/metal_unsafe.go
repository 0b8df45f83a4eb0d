//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

import (
	"sync/atomic"
	"unsafe"
)

// contextAt views the Context whose address the CPU structure keeps.
func contextAt(addr uintptr) *Context {
	return (*Context)(unsafe.Add(unsafe.Pointer(nil), addr))
}

func addressOf(c *Context) uintptr { return uintptr(unsafe.Pointer(c)) }

// The arguments of Go's runtime's calls are addresses in the kernel's own
// half, the runtime's own memory: trusted, and backed on demand before use
// (runtimecall.go).

func load32(addr uint64) uint32     { return *(*uint32)(unsafe.Add(unsafe.Pointer(nil), addr)) }
func store64(addr uint64, v uint64) { *(*uint64)(unsafe.Add(unsafe.Pointer(nil), addr)) = v }
func load64(addr uint64) uint64     { return *(*uint64)(unsafe.Add(unsafe.Pointer(nil), addr)) }
func bytesAt(addr, n uint64) []byte {
	return unsafe.Slice((*byte)(unsafe.Add(unsafe.Pointer(nil), addr)), n)
}

// Words that the host or another CPU changes, or looks at, at any time.

func loadShared32(addr uint64) uint32 {
	return atomic.LoadUint32((*uint32)(unsafe.Add(unsafe.Pointer(nil), addr)))
}
func storeShared32(addr uint64, v uint32) {
	atomic.StoreUint32((*uint32)(unsafe.Add(unsafe.Pointer(nil), addr)), v)
}

// addr returns the address of any of the package's static objects.
func addr[T any](p *T) uint64 { return uint64(uintptr(unsafe.Pointer(p))) }

func swapShared32(addr uint64, v uint32) uint32 {
	return atomic.SwapUint32((*uint32)(unsafe.Add(unsafe.Pointer(nil), addr)), v)
}

// claimShared32 stores v if there is 0, in one step, and returns what was there.
func claimShared32(addr uint64, v uint32) uint32 {
	p := (*uint32)(unsafe.Add(unsafe.Pointer(nil), addr))
	if atomic.CompareAndSwapUint32(p, 0, v) {
		return 0
	}
	return atomic.LoadUint32(p)
}

// words4 views four words.
func words4(addr uint64) *[4]uint64 { return (*[4]uint64)(unsafe.Add(unsafe.Pointer(nil), addr)) }

func swapShared64(addr, v uint64) uint64 {
	return atomic.SwapUint64((*uint64)(unsafe.Add(unsafe.Pointer(nil), addr)), v)
}
