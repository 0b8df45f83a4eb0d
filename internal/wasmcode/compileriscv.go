// SPDX-License-Identifier: Apache-2.0

package wasmcode

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/tetratelabs/wazero"

	"loam/internal/wasmfile"
	"loam/internal/wasmrv64"
)

// RISCV64 is the architecture that every host compiles for.
const RISCV64 = "riscv64"

// compilerRISCV64 identifies the compiler for riscv64. Whoever changes the code
// that it makes, or what the code expects of who runs it, changes the number.
const compilerRISCV64 = "wasmrv64 2"

// keyRISCV64 is the key of code for riscv64.
var keyRISCV64 = sha256.Sum256([]byte(compilerRISCV64))

// CompileRISCV64 compiles a module for a riscv64 CPU, by the given number of
// workers, after the engine has validated it. The error wraps one of package wasmfile's,
// or wasmrv64.ErrUnsupported, or is the engine's, about the module.
func CompileRISCV64(ctx context.Context, module []byte, cpu wasmrv64.CPU, workers int) (*Code, error) {
	info, err := wasmfile.Check(module)
	if err != nil {
		return nil, err
	}
	clean := wasmfile.Clean(module, info)
	rt := wazero.NewRuntimeWithConfig(ctx, InterpreterConfig())
	defer rt.Close(ctx)
	valid, err := rt.CompileModule(ctx, clean)
	if err != nil {
		return nil, err
	}
	_ = valid.Close(ctx) // before the compiler needs memory
	image, err := wasmrv64.Compile(clean, cpu, workers)
	if err != nil {
		return nil, err
	}
	stripped, data := wasmfile.Strip(module, info)
	entry := image.Encode()
	entry = binary.LittleEndian.AppendUint32(entry, crc32.ChecksumIEEE(entry))
	return &Code{Key: keyRISCV64, Module: stripped, Data: data, Entry: entry}, nil
}

// Image returns the code of a module compiled for riscv64, or ErrFormat if it
// is anything else or damaged.
func (c *Code) Image() (*wasmrv64.Image, error) {
	n := len(c.Entry) - 4
	if !bytes.Equal(c.Key[:], keyRISCV64[:]) || n < 0 ||
		crc32.ChecksumIEEE(c.Entry[:n]) != binary.LittleEndian.Uint32(c.Entry[n:]) {
		return nil, ErrFormat
	}
	image, err := wasmrv64.DecodeImage(c.Entry[:n:n])
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return image, nil
}
