//go:build loam

// SPDX-License-Identifier: Apache-2.0

package metal

const (
	tableAlign = 64 // of every table of the kernel floor: a cache line
	pageSize   = 4096
	hugePage   = 2 << 20
)

// Stacks of one CPU, in pages; a guard page lies below each.
const (
	trapStackPages    = 1
	machineStackPages = 8
	panicStackPages   = 8
	faultStackPages   = 2 // NMI, double fault, machine check: one each

	stackEach = 1 << 20 // of address space a CPU

	// MaxCPUs bounds the static per-CPU table.
	MaxCPUs = 64
)

var _ [kernelStacks - MaxCPUs*stackEach]struct{}

// space says where the parts of the kernel's half lie.
var space KernelSpace

// place chooses where.
func place() {
	var b [32]byte
	Random(b[:])
	var words [4]uint64
	for i, v := range b {
		words[i/8] |= uint64(v) << (i % 8 * 8)
	}
	end := uint64(firmwareEnd)
	for i := range ram.Len() {
		end = max(end, directEnd(ram.At(i)))
	}
	space = placeKernel(&words, end)
	heap.start, heap.next, heap.end = space.Heap, space.Heap, space.Heap+kernelHeap
	tables.start, tables.next, tables.end = space.Tables, space.Tables, space.Tables+kernelTables
}

// Places tells where the parts of the kernel's half lie: for tests.
func Places() KernelSpace { return space }
