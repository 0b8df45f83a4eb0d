// SPDX-License-Identifier: Apache-2.0

package native

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sort"
	"strings"

	wasys "github.com/tetratelabs/wazero/sys"

	"loam/internal/wasmrv64"
	"loam/user/sys"
)

// Sizes in bytes. Untouched parts of the stack cost nothing.
const (
	stackSize = 16 << 20
	slack     = 4096 // of the stack, below the limit, for code without a check
)

// area returns the words through which arguments and results pass.
func (i *Instance) area() []uint64 { return i.context[i.layout.Area:] }

// call calls a function of the module and executes what its code leaves to Go.
func (i *Instance) call(ctx context.Context, function uint32, args ...uint64) ([]uint64, error) {
	c, base := i.context, sys.Address(i.code)
	copy(i.area(), args)
	c[wasmrv64.CtxTarget] = base + uint64(i.image.Funcs[function].Offset)
	c[wasmrv64.CtxEnter] = base + uint64(i.image.Thunks[i.m.Funcs[function]])
	c[wasmrv64.CtxSP] = sys.Address(i.stack) + stackSize
	for {
		sys.EnterCode(c)
		switch exit := wasmrv64.Exit(c[wasmrv64.CtxExit]); exit {
		case wasmrv64.ExitDone:
			runtime.KeepAlive(i)
			return narrow(i.m.TypeOf(function).Results, i.area()), nil
		case wasmrv64.ExitHost:
			if err := i.host(ctx, int(c[wasmrv64.CtxInfo])); err != nil {
				return nil, err
			}
		case wasmrv64.ExitBuiltin:
			if trap, ok := i.builtin(c[wasmrv64.CtxInfo]); !ok {
				return nil, i.trapped(trap.String(), c[wasmrv64.CtxRA])
			}
		default:
			return nil, i.trapped(wasmrv64.Trap(exit-wasmrv64.ExitTrap).String(), c[wasmrv64.CtxInfo])
		}
		c[wasmrv64.CtxEnter] = base + uint64(i.image.Resume)
	}
}

// narrow copies values, whose upper halves code leaves undefined if they have
// 32 bits.
func narrow(types []wasmrv64.Type, words []uint64) []uint64 {
	list := make([]uint64, len(types))
	for n, t := range types {
		list[n] = words[n]
		if t == wasmrv64.I32 || t == wasmrv64.F32 {
			list[n] = uint64(uint32(words[n]))
		}
	}
	return list
}

// host calls an imported function.
func (i *Instance) host(ctx context.Context, n int) error {
	t := i.m.TypeOf(uint32(n))
	stack := narrow(t.Params, i.area())
	for len(stack) < len(t.Results) {
		stack = append(stack, 0)
	}
	if err := i.hosts[n].CallWithStack(ctx, stack); err != nil {
		if exit := (*wasys.ExitError)(nil); errors.As(err, &exit) {
			return err
		}
		why, _, _ := strings.Cut(err.Error(), "\n")
		return i.trapped(strings.TrimPrefix(why, "wasm error: "), i.context[wasmrv64.CtxRA])
	}
	copy(i.area(), stack[:len(t.Results)])
	return nil
}

// maxFrames is how many calls a trap's error names, as wazero's.
const maxFrames = 30

// trapped makes a trap's error: why, and the functions that were active when
// code left from pc.
func (i *Instance) trapped(why string, pc uint64) error {
	var b strings.Builder
	sp := i.context[wasmrv64.CtxSP]
	for n := 0; ; n++ {
		f, ok := i.function(pc)
		if !ok {
			break
		}
		if n == maxFrames {
			b.WriteString("\n\t... maybe followed by omitted frames")
			break
		}
		b.WriteString("\n\t" + i.m.Name(uint32(f)))
		frame := i.image.Funcs[f]
		if pc, ok = i.word(sp + uint64(frame.Return)); !ok {
			break
		}
		sp += uint64(frame.Frame)
	}
	return fmt.Errorf("wasm error: %s\nwasm stack trace:%s", why, b.String())
}

// function returns the function that an address of code is in.
func (i *Instance) function(pc uint64) (int, bool) {
	at := pc - sys.Address(i.code)
	if len(i.image.Thunks) == 0 || at >= uint64(i.image.Thunks[0]) {
		return 0, false
	}
	n := sort.Search(len(i.image.Funcs), func(n int) bool { return uint64(i.image.Funcs[n].Offset) > at })
	return n - 1, n > 0
}
