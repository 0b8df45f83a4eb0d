// SPDX-License-Identifier: Apache-2.0

// Package wasmcode is what the host and the guest must agree on so that one
// can compile a WebAssembly module for the other: the engine's configuration,
// the cache through which compiled code leaves one engine and enters the
// other, and the form it travels in.
//
// # How it works
//
// The engine is wazero. With a compilation cache set, it asks the cache for a
// module's code under a key made of the module's hash, the CPU's features and
// its own magic, before it compiles, and offers the code after. The cache here
// holds one entry in memory. On the host, [Compile] collects the entry; in
// the guest, [Code.Cache] supplies it.
//
// With the code travels a stripped module, and its data beside it: compiled
// functions need no bodies, and a guest that neither copies, decodes, validates
// nor hashes bodies and data starts several times faster. The host loads the stripped module once with the
// collected entry, which proves that the pair fits and tells the key under
// which the guest's engine will ask. A guest whose key differs (another CPU,
// another wazero) gets a miss and compiles the module itself.
//
// For riscv64, for which wazero has no compiler, the entry is package
// wasmrv64's image with a checksum, the key says which version of that package
// made it, and any host compiles ([CompileRISCV64]).
//
// # Trust
//
// Code is machine code: whoever writes it controls the process that runs it.
// The guest takes it from the host that started it, or from a folder that who
// started the module named, and the host only from its own compiler or its own
// authenticated cache (packages host/compile and codecache). Decode checks framing,
// not honesty.
package wasmcode

import (
	"crypto/sha256"
	"encoding/binary"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"loam/internal/wasmrv64"
)

// CPU is a set of CPU features in the compiler's encoding for the architecture.
type CPU uint64

// Features of amd64. Without SSE41 the engine can only interpret.
const (
	SSE41 CPU = 1 << iota // SSE4.1
	BMI1                  // TZCNT and its kin
	LZCNT                 // LZCNT; wazero infers it from BMI1, BMI2 and POPCNT
)

// X86_64v3 is what every CPU of the x86-64-v3 level has, QEMU's fixed guest
// model among them.
const X86_64v3 = SSE41 | BMI1 | LZCNT

// RVA22 is what Loam's machines for riscv64 have beyond RV64GC and code uses,
// in package wasmrv64's encoding.
const RVA22 = CPU(wasmrv64.Zba | wasmrv64.Zbb)

// Features of WebAssembly that modules may use.
const features = api.CoreFeaturesV2 | experimental.CoreFeaturesThreads

// Config returns the engine's configuration, the same wherever a module is
// compiled or run: some of it is burnt into the code. Debug information is
// off: stack traces keep function names and lose line numbers, which would
// cost two reads per instruction at each start.
func Config() wazero.RuntimeConfig {
	return wazero.NewRuntimeConfigCompiler().WithCoreFeatures(features).WithDebugInfoEnabled(false)
}

// InterpreterConfig is Config for a machine whose CPU the compiler can't serve.
func InterpreterConfig() wazero.RuntimeConfig {
	return wazero.NewRuntimeConfigInterpreter().WithCoreFeatures(features).WithDebugInfoEnabled(false)
}

// Build identifies everything that code for an architecture depends on besides
// the module and the CPU: this package's format, the compiler's version, Go's
// and the architecture.
func Build(arch string) string {
	return "loam-code-2 " + Engine(arch) + " " + runtime.Version() + " " + arch
}

// ID names the code of a module by all that it depends on.
func ID(arch string, cpu CPU, module []byte) (id [sha256.Size]byte) {
	h := sha256.New()
	build := Build(arch)
	var n [16]byte
	binary.LittleEndian.PutUint64(n[:], uint64(len(build)))
	binary.LittleEndian.PutUint64(n[8:], uint64(cpu))
	h.Write(n[:])
	h.Write([]byte(build))
	h.Write(module)
	h.Sum(id[:0])
	return id
}

// Engine names the compiler for an architecture and its version, for people.
func Engine(arch string) string {
	if arch == RISCV64 {
		return compilerRISCV64
	}
	return "wazero " + wazeroVersion()
}

// wazeroVersion is the version of wazero in this program, as its own cache has
// it, and "dev" where the build does not say, as in test binaries.
func wazeroVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if strings.HasPrefix(d.Path, "github.com/tetratelabs/wazero") {
				return d.Version
			}
		}
	}
	return "dev"
}
