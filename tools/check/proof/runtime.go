// SPDX-License-Identifier: Apache-2.0

package proof

import "strings"

// isPanic reports whether symbol is where the runtime turns a failed check or
// a panic statement into the end of the kernel: a proof stops there. The
// kernel's own panic path prints and halts; nothing returns from it.
func isPanic(symbol string) bool {
	symbol = strings.TrimSuffix(symbol, ".abi0")
	return oneOf(symbol, "runtime.panic*", "runtime.goPanic*", "runtime.gopanic", "runtime.sigpanic*",
		"runtime.throw", "runtime.fatalthrow", "runtime.fatalpanic", "runtime.fatal", "runtime.abort",
		"runtime.exit", "runtime.badsystemstack", "runtime.badmorestackg0", "runtime.badmorestackgsignal",
		"internal/runtime/maps.fatal", "internal/runtime/cgroup.throw", "internal/sync.throw", "internal/sync.fatal", "sync.throw", "sync.fatal")
}

// isDeliberate reports whether symbol is a panic that somebody wrote, rather
// than a check that the compiler put in. Trap handlers may not have one.
func isDeliberate(symbol string) bool {
	return oneOf(symbol, "runtime.gopanic", "runtime.throw", "runtime.fatal", "runtime.fatalthrow")
}

// isAllocator reports whether symbol is an entry to the Go heap. All of them
// reach mallocgc; naming them keeps the way that a finding prints short.
func isAllocator(symbol string) bool {
	return oneOf(symbol, "runtime.mallocgc*", "runtime.newobject", "runtime.newarray", "runtime.makeslice*",
		"runtime.growslice*", "runtime.makemap*", "runtime.makechan*", "runtime.mapassign*", "runtime.concatstring*",
		"runtime.concatbyte*", "runtime.convT*", "runtime.rawstring*", "runtime.rawbyteslice", "runtime.rawruneslice",
		"runtime.slicebytetostring", "runtime.slicerunetostring", "runtime.stringtoslice*", "runtime.intstring",
		"runtime.newproc*", "runtime.deferproc", "runtime.persistentalloc*", "runtime.moveSlice*", "runtime.makeslicecopy",
		"reflect.unsafe_New*", "internal/runtime/maps.New*", "internal/runtime/maps.new*", "runtime.addcleanup*",
		"runtime.acquireSudog", "runtime.malg", "runtime.bytealg_MakeNoZero", "internal/bytealg.MakeNoZero")
}

// isBarrier reports whether symbol belongs to the write barrier: it fills
// buffers that the collector owns, by the P of the running goroutine, and a
// trap handler has none.
func isBarrier(symbol string) bool {
	return oneOf(strings.TrimSuffix(symbol, ".abi0"), "runtime.gcWriteBarrier*", "runtime.wbZero", "runtime.wbMove",
		"runtime.typedmemmove*", "runtime.typedmemclr*", "runtime.typedslicecopy", "runtime.bulkBarrier*",
		"runtime.wbBufFlush*", "runtime.wbZeroBarrier", "runtime.memclrHasPointers")
}

// trapRuntime reports whether a trap handler may call symbol, a function of
// the runtime that uses neither g nor P nor memory other than its operands.
func trapRuntime(symbol string) bool {
	return oneOf(strings.TrimSuffix(symbol, ".abi0"), "runtime.memmove", "runtime.memclrNoHeapPointers", "runtime.memequal*",
		"runtime.duffzero", "runtime.duffcopy", "memeqbody", "cmpbody", "runtime.cmpstring", "internal/bytealg.Compare*")
}

// quiet reports whether symbol does not allocate although the graph can't
// show it, since it calls through pointers: hash and equality functions of
// types, or the system stack.
func quiet(symbol string) bool {
	return isBarrier(symbol) || oneOf(strings.TrimSuffix(symbol, ".abi0"),
		// Lookups call the key type's hash and equality.
		"runtime.mapaccess*", "internal/runtime/maps.runtime_mapaccess*",
		"runtime.memhash*", "runtime.strhash*", "runtime.efaceeq", "runtime.ifaceeq",
		// Clocks go through the vDSO's pointers, which are nil here.
		"runtime.nanotime*", "runtime.walltime*", "time.now", "time.runtimeNow",
		// Around enter: they hand the P over, on the system stack.
		"runtime.entersyscall*", "runtime.exitsyscall*", "runtime.reentersyscall",
		// Type assertions that fail to find their cached itab build
		// it outside the heap, once for each pair of types.
		"runtime.typeAssert*", "runtime.interfaceSwitch*", "runtime.assertE2I*",
		// Printing by println goes straight to write.
		"runtime.print*", "runtime.gwrite")
}

// oneOf reports whether symbol is in the list, whose entries may end in "*".
func oneOf(symbol string, list ...string) bool {
	for _, want := range list {
		prefix, open := strings.CutSuffix(want, "*")
		if symbol == want || open && strings.HasPrefix(symbol, prefix) {
			return true
		}
	}
	return false
}
