// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"loam/internal/wasmcode"
)

// child compiles in a child process and returns the encoded code.
func child(ctx context.Context, o *Options) ([]byte, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrCrashed, err)
	}
	ctx, cancel := context.WithTimeout(ctx, o.Timeout)
	defer cancel()
	// The child dies with the thread that started it (Pdeathsig), so keep it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	var head bytes.Buffer
	_ = binary.Write(&head, binary.LittleEndian, request{
		CPU: uint64(o.CPU), Memory: o.Memory, Size: uint64(len(o.Module)),
		Seconds: uint64(o.Timeout/time.Second)*uint64(runtime.NumCPU()) + 1,
		RISCV64: o.Arch == wasmcode.RISCV64,
	})
	out, errs := &bounded{most: int(min(o.Memory, 1<<40))}, &bounded{most: 64 << 10}
	c := exec.CommandContext(ctx, self, childArg)
	c.Env = []string{childEnv + "=1"}
	c.Stdin = io.MultiReader(&head, bytes.NewReader(o.Module))
	c.Stdout, c.Stderr = out, errs
	c.SysProcAttr = attributes()
	c.WaitDelay = time.Second
	err = c.Run()
	if ctx.Err() != nil {
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			return nil, fmt.Errorf("%w: it took longer than %v", ErrLimit, o.Timeout)
		}
		return nil, ctx.Err()
	}
	return verdict(out.b, errs.b, err)
}

// verdict reads a child's answer, which may be anything.
func verdict(out, errs []byte, err error) ([]byte, error) {
	if err != nil || len(out) == 0 {
		switch text := string(errs); {
		case strings.Contains(text, "out of memory"), strings.Contains(text, "cannot allocate memory"),
			strings.Contains(text, "failed to create new OS thread"), strings.Contains(text, "pthread_create failed"):
			return nil, fmt.Errorf("%w: memory", ErrLimit)
		case strings.Contains(text, "SIGXCPU"):
			return nil, fmt.Errorf("%w: CPU time", ErrLimit)
		}
		return nil, fmt.Errorf("%w: %v: %s", ErrCrashed, err, firstLine(errs))
	}
	switch text := out[1:]; out[0] {
	case answerCode:
		if _, err := wasmcode.Decode(text); err != nil {
			return nil, fmt.Errorf("%w: %v", ErrCrashed, err)
		}
		return text, nil
	case answerInvalid:
		return nil, fmt.Errorf("%w: %s", ErrInvalid, firstLine(text))
	case answerUnsupported:
		return nil, fmt.Errorf("%w: %s", ErrUnsupported, firstLine(text))
	case answerLimit:
		return nil, fmt.Errorf("%w: %s", ErrLimit, firstLine(text))
	default:
		return nil, fmt.Errorf("%w: %s", ErrCrashed, firstLine(text))
	}
}

// firstLine is the beginning of a text from a child, fit for a terminal.
func firstLine(b []byte) string {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	const most = 300
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, string(line[:min(len(line), most)]))
}

// bounded collects output up to a size, and refuses more.
type bounded struct {
	b    []byte
	most int
}

// Write implements io.Writer.
func (w *bounded) Write(p []byte) (int, error) {
	if len(p) > w.most-len(w.b) {
		return 0, io.ErrShortBuffer
	}
	w.b = append(w.b, p...)
	return len(p), nil
}
