// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"loam/internal/wasmcode"
	"loam/internal/wasmrv64"
)

// A child is told by both that it is one: people type arguments, and the
// environment is inherited, but not together by accident.
const (
	childArg = "__compile"
	childEnv = "LOAM_COMPILE_CHILD"
)

// request is what a child reads before the module, of fixed size.
type request struct {
	CPU     uint64
	Memory  uint64 // bytes
	Seconds uint64 // of CPU time
	Size    uint64 // of the module that follows
	RISCV64 bool   // compile for riscv64, not for this architecture
}

// The first byte of a child's answer says what the rest is.
const (
	answerCode        = 'C' // encoded code
	answerInvalid     = 'I' // why the module is invalid
	answerLimit       = 'L' // which limit was exceeded
	answerUnsupported = 'U' // what the compiler does not know
	answerFailure     = 'F' // what went wrong
)

// ChildMain is to be called first thing in main. In a child that [Module]
// started it compiles and exits; in any other process it returns at once.
func ChildMain() {
	if len(os.Args) == 2 && os.Args[1] == childArg && os.Getenv(childEnv) == "1" {
		os.Exit(serve(os.Stdin, os.Stdout))
	}
}

// serve answers one request and returns the process's exit code.
func serve(in io.Reader, out io.Writer) int {
	var q request
	if err := binary.Read(in, binary.LittleEndian, &q); err != nil {
		return 1
	}
	if err := limit(&q); err != nil {
		return answer(out, answerFailure, []byte("limits: "+err.Error()))
	}
	debug.SetMemoryLimit(int64(q.Memory / 4 * 3))
	go watch(out, q.Memory)
	module := make([]byte, q.Size)
	if _, err := io.ReadFull(in, module); err != nil {
		return 1
	}
	code, err := q.compile(module)
	switch {
	case errors.Is(err, wasmrv64.ErrUnsupported):
		return answer(out, answerUnsupported, []byte(err.Error()))
	case errors.Is(err, wasmcode.ErrMisfit):
		return answer(out, answerFailure, []byte(err.Error()))
	case err != nil:
		return answer(out, answerInvalid, []byte(err.Error()))
	}
	return answer(out, answerCode, code.Encode())
}

// compile compiles the module as the request says.
func (q *request) compile(module []byte) (*wasmcode.Code, error) {
	if q.RISCV64 {
		return wasmcode.CompileRISCV64(context.Background(), module, wasmrv64.CPU(q.CPU), runtime.GOMAXPROCS(0))
	}
	return wasmcode.Compile(context.Background(), module, wasmcode.CPU(q.CPU), runtime.GOMAXPROCS(0))
}

func answer(out io.Writer, kind byte, text []byte) int {
	if _, err := out.Write([]byte{kind}); err != nil {
		return 1
	}
	if _, err := out.Write(text); err != nil {
		return 1
	}
	return 0
}

// watch ends the process when it uses more memory than it may: the limit that
// works on every operating system, and ends with words.
func watch(out io.Writer, memory uint64) {
	sample := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	for range time.Tick(10 * time.Millisecond) {
		metrics.Read(sample)
		if sample[0].Value.Uint64()-sample[1].Value.Uint64() > memory {
			os.Exit(answer(out, answerLimit, []byte("memory")))
		}
	}
}
