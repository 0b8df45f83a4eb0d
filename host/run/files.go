// SPDX-License-Identifier: Apache-2.0

package run

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"os"
	"slices"

	"loam/archive"
	"loam/host/exit"
	"loam/host/program"
	"loam/host/vm"
	"loam/payload"
	"loam/user/wasi/preview1"
	"loam/user/wasi/runner"
)

// Names in the boot archive that the kernel looks for.
const (
	fileProgram = "program" // static ELF to start
	fileArgs    = "args"    // argv, each string NUL-terminated
	fileEnv     = "env"     // environment, likewise
)

// guestFile is a file of the boot archive. Its data is read when the archive is
// written: what loam carries is not copied before, which would be most of what
// loam allocates and the only reason to collect garbage before the machine
// runs.
type guestFile struct {
	name string
	size int64
	data io.Reader
}

func fileOf(name string, data []byte) guestFile {
	return guestFile{name, int64(len(data)), bytes.NewReader(data)}
}

// guestFiles returns what goes into the boot archive for a program.
func (m *machine) guestFiles(ctx context.Context, prog *program.Program) ([]guestFile, error) {
	args, err := terminated(append([]string{prog.Path}, m.Args...))
	if err != nil {
		return nil, err
	}
	env, err := terminated(m.Env)
	if err != nil {
		return nil, err
	}
	files := []guestFile{fileOf(fileArgs, args), fileOf(fileEnv, env)}
	for _, name := range slices.Sorted(maps.Keys(m.Files)) {
		files = append(files, fileOf(name, m.Files[name]))
	}
	first, err := m.initFiles()
	if err != nil {
		return nil, err
	}
	files = append(files, first...)
	if prog.Kind == program.Native {
		return append(files, fileOf(fileProgram, prog.Data)), nil
	}
	wasi, err := wasiRunner(m.Arch)
	if err != nil {
		return nil, err
	}
	conf := runner.Config{Verbose: m.Verbose, Memory: uint64(m.programMiB()) << 20, Listeners: m.listeners()}
	for _, f := range m.Folders {
		conf.Folders = append(conf.Folders, preview1.Folder{Path: f.mount(), Name: f.Guest})
	}
	if m.Temp {
		for _, f := range []string{"/tmp", "/dev"} {
			conf.Folders = append(conf.Folders, preview1.Folder{Path: f, Name: f})
		}
	}
	files = append(files, wasi,
		fileOf(runner.FileModule, prog.Data), fileOf(runner.FileConfig, conf.Encode()))
	code, err := m.compile(ctx, prog)
	if err != nil {
		return nil, err
	}
	if code != nil {
		files = append(files, fileOf(runner.FileCode, code))
	}
	return files, nil
}

// wasiRunner is the program that runs modules.
func wasiRunner(arch string) (guestFile, error) { return carried("wasi", arch, fileProgram) }

// carried is a system program that loam carries, under another name.
func carried(name, arch, as string) (guestFile, error) {
	f, err := payload.OpenProgram(name, arch)
	if err != nil {
		return guestFile{}, notBuilt(err)
	}
	st, err := f.Stat()
	if err != nil {
		return guestFile{}, exit.Errorf(exit.Loam, "%v", err)
	}
	return guestFile{as, st.Size(), f}, nil // of memory: needs no Close
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

// programMiB is the memory that the program may count on at most.
func (o *Options) programMiB() int {
	if o.MemoryLimitMiB > 0 {
		return min(o.MemoryMiB, o.MemoryLimitMiB)
	}
	return o.MemoryMiB
}

// pack writes the boot archive. An archive that leaves the guest no memory is
// refused here: in the machine it would be an obscure failure of the loader.
func (o *Options) pack(files []guestFile) (*os.File, error) {
	size := int64(0)
	for _, f := range files {
		size += f.size
	}
	if size >= int64(o.MemoryMiB)<<20 {
		return nil, exit.Errorf(exit.Loam, "the program has %d MiB and the machine only %d MiB of memory: -m gives it more",
			size>>20, o.MemoryMiB)
	}
	f, err := vm.MemFile("archive")
	if err != nil {
		return nil, exit.Errorf(exit.Loam, "%v", err)
	}
	w := archive.NewWriter(f)
	for _, g := range files {
		if err := w.Add(g.name, g.size, g.data); err != nil {
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
func (o *Options) kernelFile() (*os.File, error) { return KernelFile(o.Arch, o.Kernel) }

// KernelFile returns image, or if it is nil the kernel that loam carries for an
// architecture, as a file.
func KernelFile(arch string, image []byte) (*os.File, error) {
	var from io.Reader = bytes.NewReader(image)
	if image == nil {
		f, err := payload.OpenKernel(arch)
		if err != nil {
			return nil, notBuilt(err)
		}
		defer f.Close()
		from = f
	}
	f, err := vm.MemFileOf("kernel", from)
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
