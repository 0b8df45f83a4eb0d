// SPDX-License-Identifier: Apache-2.0

package run

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"os"
	"slices"

	"loam/archive"
	"loam/host/exit"
	"loam/host/program"
	"loam/host/vm"
	"loam/payload"
	"loam/user/wasi/runner"
)

// arch is the guest's architecture.
const arch = "amd64"

// Names in the boot archive that the kernel looks for.
const (
	fileProgram = "program" // static ELF to start
	fileArgs    = "args"    // argv, each string NUL-terminated
	fileEnv     = "env"     // environment, likewise
)

// guestFile is a file of the boot archive.
type guestFile struct {
	name string
	data []byte
}

// guestFiles returns what goes into the boot archive for a program.
func (o *Options) guestFiles(ctx context.Context, prog *program.Program) ([]guestFile, error) {
	args, err := terminated(append([]string{prog.Path}, o.Args...))
	if err != nil {
		return nil, err
	}
	env, err := terminated(o.Env)
	if err != nil {
		return nil, err
	}
	files := []guestFile{{fileArgs, args}, {fileEnv, env}}
	for _, name := range slices.Sorted(maps.Keys(o.Files)) {
		files = append(files, guestFile{name, o.Files[name]})
	}
	if prog.Kind == program.Native {
		return append(files, guestFile{fileProgram, prog.Data}), nil
	}
	elf, err := payload.Program("wasi", arch)
	if err != nil {
		return nil, notBuilt(err)
	}
	conf := runner.Config{Verbose: o.Verbose, Memory: uint64(o.MemoryMiB) << 20}
	files = append(files, guestFile{fileProgram, elf},
		guestFile{runner.FileModule, prog.Data}, guestFile{runner.FileConfig, conf.Encode()})
	code, err := o.compile(ctx, prog)
	if err != nil {
		return nil, err
	}
	if code != nil {
		files = append(files, guestFile{runner.FileCode, code})
	}
	return files, nil
}

// terminated joins strings, each with a NUL behind it.
func terminated(ss []string) ([]byte, error) {
	var b bytes.Buffer
	for _, s := range ss {
		if bytes.IndexByte([]byte(s), 0) >= 0 {
			return nil, exit.Errorf(exit.Loam, "a NUL byte in the argument or variable %q", s)
		}
		b.WriteString(s)
		b.WriteByte(0)
	}
	return b.Bytes(), nil
}

// pack writes the boot archive. An archive that leaves the guest no memory is
// refused here: in the machine it would be an obscure failure of the loader.
func (o *Options) pack(files []guestFile) (*os.File, error) {
	size := 0
	for _, f := range files {
		size += len(f.data)
	}
	if size >= o.MemoryMiB<<20 {
		return nil, exit.Errorf(exit.Loam, "the program has %d MiB and the machine only %d: -m gives it more",
			size>>20, o.MemoryMiB)
	}
	f, err := vm.MemFile("archive")
	if err != nil {
		return nil, exit.Errorf(exit.Loam, "%v", err)
	}
	w := archive.NewWriter(f)
	for _, g := range files {
		if err := w.AddBytes(g.name, g.data); err != nil {
			_ = f.Close()
			return nil, exit.Errorf(exit.Loam, "packing the boot archive: %v", err)
		}
	}
	if err := w.Close(); err != nil {
		_ = f.Close()
		return nil, exit.Errorf(exit.Loam, "packing the boot archive: %v", err)
	}
	return f, nil
}

// kernelFile returns the kernel image as a file.
func (o *Options) kernelFile() (*os.File, error) { return KernelFile(o.Kernel) }

// KernelFile returns image, or if it is nil the kernel that loam carries, as a
// file.
func KernelFile(image []byte) (*os.File, error) {
	if image == nil {
		var err error
		if image, err = payload.Kernel(arch); err != nil {
			return nil, notBuilt(err)
		}
	}
	f, err := vm.MemFileOf("kernel", image)
	if err != nil {
		return nil, exit.Errorf(exit.Loam, "%v", err)
	}
	return f, nil
}

func notBuilt(err error) error {
	e := &exit.Error{Code: exit.Loam, Text: err.Error()}
	if errors.Is(err, payload.ErrNotBuilt) {
		e.Hint = "in Loam's source folder: ./x build"
	}
	return e
}
