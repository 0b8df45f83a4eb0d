// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"testing"

	"github.com/tetratelabs/wazero"

	"loam/internal/wasmrv64"
	"loam/test/wasm"
)

// TestContext holds the context's layout to what user/sys.EnterCode wants.
func TestContext(t *testing.T) {
	if wasmrv64.CtxGoSP != 0 || wasmrv64.CtxGoRA != 1 || wasmrv64.CtxEnter != 2 {
		t.Error("sys.EnterCode wants Go's stack pointer, its return address and the entry first")
	}
}

// TestCompanion checks that companions are valid modules, with the imports and
// the memory of theirs.
func TestCompanion(t *testing.T) {
	ctx := context.Background()
	rt := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer rt.Close(ctx)
	for name, module := range map[string][]byte{
		"hello": wasm.Hello(), "echo": wasm.Echo(), "grow": wasm.Grow(), "no memory": wasm.NoMemory(),
		"nothing": wasm.Library(), "clock": wasm.Clock(0), "missing": wasm.MissingImport(),
	} {
		m, err := wasmrv64.Decode(module)
		if err != nil {
			t.Fatal(err)
		}
		c, err := rt.CompileModule(ctx, companion(m))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got := len(c.ImportedFunctions()); got != len(m.Imports) || len(c.ExportedFunctions()) != got {
			t.Errorf("%s: %d imports, %d exports, want %d", name, got, len(c.ExportedFunctions()), len(m.Imports))
		}
		memory, ok := c.ExportedMemories()["memory"]
		if ok != (m.Memory != nil) || ok && memory.Min() != m.Memory.Min {
			t.Errorf("%s: memory %v, want %v", name, memory, m.Memory)
		}
	}
}
