// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"context"

	"loam/user/wasi/preview1"
)

// wasi makes the WASI functions, those that the module imports.
func (r *run) wasi(ctx context.Context) error {
	wanted := map[string]bool{}
	for _, m := range r.info.Imports {
		if m.Module == preview1.ModuleName {
			wanted[m.Name] = true
		}
	}
	r.ofThread = func(ctx context.Context) context.Context { return ctx }
	if len(wanted) == 0 {
		return nil
	}
	s, err := preview1.New(preview1.Config{Args: r.Args, Env: r.Env, Stdin: r.Stdin, Stdout: r.Stdout, Stderr: r.Stderr,
		Random: r.Random, Folders: r.conf.Folders, Listeners: r.conf.Listeners, Threads: r.spawns()})
	if err != nil {
		return failure(err.Error())
	}
	if err := s.Instantiate(ctx, r.rt, func(name string) bool { return wanted[name] }); err != nil {
		return failure(oneLine(err))
	}
	r.ofThread = func(ctx context.Context) context.Context { return preview1.WithThread(ctx, s.Thread()) }
	return nil
}
