// SPDX-License-Identifier: Apache-2.0

package run

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"loam/abi"
	"loam/host/exit"
	"loam/host/program"
	"loam/internal/manifest"
	"loam/payload"
	"loam/user/wasi/runner"
)

// MaxServicesSize is the most bytes that the files of a folder of services have
// together.
const MaxServicesSize = 1 << 30

// taken are the names of files of the boot archive that loam itself puts there.
var taken = []string{manifest.SystemImage, fileProgram, fileArgs, fileEnv, runner.FileModule, runner.FileConfig, runner.FileCode, networkFile, abi.RootsFile}

// ServiceFiles gives what goes into the boot archive of a machine with services: the
// files of the folder dir, the manifest among them, which is checked. The system
// image is not among them. add, if not nil, adds to the manifest, whose sections it is
// told.
func ServiceFiles(dir, arch string, add func(text []byte, m *manifest.Manifest) ([]byte, error)) (map[string][]byte, error) {
	found, err := os.ReadDir(dir)
	if err != nil {
		return nil, services(dir, err)
	}
	files, size := map[string][]byte{}, 0
	for _, f := range found {
		path := filepath.Join(dir, f.Name())
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return nil, services(dir, err)
		case strings.HasPrefix(f.Name(), ".") || !info.Mode().IsRegular():
			continue
		case slices.Contains(taken, f.Name()):
			return nil, exit.Errorf(exit.Loam, "--services: %s: the name is taken by loam itself", path)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, services(dir, err)
		}
		if size += len(data); size > MaxServicesSize {
			return nil, exit.Errorf(exit.Loam, "--services: the files of %s are larger than %d MiB", dir, MaxServicesSize>>20)
		}
		files[f.Name()] = data
	}
	text, there := files[manifest.File]
	if !there {
		return nil, exit.Errorf(exit.Loam, "--services: %s has no file manifest", dir)
	}
	if m, err := manifest.Sections(text); err == nil && add != nil {
		if files[manifest.File], err = add(text, m); err != nil {
			return nil, err
		}
	}
	return files, checkServices(dir, arch, files)
}

func services(dir string, err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return exit.Errorf(exit.Loam, "--services: %s: %v", dir, err)
}

// checkServices looks at the manifest, and at the programs that it names.
func checkServices(dir, arch string, files map[string][]byte) error {
	m, err := manifest.Parse(files[manifest.File])
	if err != nil {
		return exit.Errorf(exit.Loam, "--services: %s", filepath.Join(dir, err.Error()))
	}
	for _, s := range m.Services {
		if s.System || s.File == networkFile { // loam carries it
			continue
		}
		why := ""
		kind, its, err := program.Sniff(files[s.File])
		switch {
		case files[s.File] == nil:
			why = "is not in " + dir
		case kind != program.Native:
			why = "is a WebAssembly module, not a static executable"
		case err != nil:
			why = err.Error()
		case its != arch:
			why = "is for " + its + ", not " + arch
		}
		if why != "" {
			return exit.Errorf(exit.Loam, "--services: %s:%d: the file %s of service %s %s",
				filepath.Join(dir, manifest.File), s.Line, s.File, s.Name, why)
		}
	}
	return nil
}

// SystemFile gives the system image for an architecture.
func SystemFile(arch string) ([]byte, error) {
	b, err := payload.Program("system", arch)
	if err != nil {
		return nil, notBuilt(err)
	}
	return b, nil
}

// initFiles are what makes init the first process of the machine; none if it isn't.
func (m *machine) initFiles() ([]guestFile, error) {
	if !m.hasInit() {
		return nil, nil
	}
	image, err := SystemFile(m.Arch)
	if err != nil {
		return nil, err
	}
	files := []guestFile{fileOf(manifest.SystemImage, image)}
	given := map[string][]byte{}
	switch {
	case m.Services != "":
		given, err = ServiceFiles(m.Services, m.Arch, m.withDevices)
	case len(m.devices) > 0 || m.personality:
		given[manifest.File], err = m.withDevices([]byte(manifestHead), &manifest.Manifest{})
	}
	if err != nil {
		return nil, err
	}
	for name, data := range given {
		files = append(files, fileOf(name, data))
	}
	if m.network {
		f, err := carried(networkName, m.Arch, networkFile)
		if err != nil {
			return nil, err
		}
		files = append(files, f, roots())
	}
	slices.SortFunc(files[1:], func(a, b guestFile) int { return strings.Compare(a.name, b.name) })
	return files, nil
}

// hasInit reports whether init is the first process.
func (o *Options) hasInit() bool {
	return o.Init || o.Services != "" || o.numDevices() > 0 || o.personality
}
