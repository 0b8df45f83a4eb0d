// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"loam/test/vm/vmtest"
)

// programsVariable asks for all real programs: those that aren't quick to build or to run are a campaign, ./x programs.
const programsVariable = "LOAM_PROGRAMS"

// realProgram is programs that others have written, and what they are to do with a folder. They do it on the host and in
// the machine: what they print, how they end, and what is in the folder then must be the same.
type realProgram struct {
	name   string
	module string            // the folder of the module that the packages are of
	pkgs   []string          // what is built, each named by its last element
	files  map[string]string // what is in the folder before
	steps  []realStep
	except string                                      // matches the names of files that differ from run to run
	quick  bool                                        // is built and run in every test
	after  func(t *testing.T, folder, programs string) // looks at the machine's folder, with programs of the host's
}

// realStep is a command in the folder. Its environment has PATH, where the programs are, and HOME, a folder for
// what isn't compared: in the machine one in memory.
type realStep struct {
	args  []string
	stdin string
}

// TestRealPrograms runs programs that people use.
func TestRealPrograms(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, p := range realPrograms() {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			if !p.quick && os.Getenv(programsVariable) == "" {
				t.Skip("not quick: ./x programs")
			}
			host := builtPrograms(t, p, runtime.GOARCH)
			guest := builtPrograms(t, p, vmtest.Arch())
			onHost, inMachine := p.folder(t), p.folder(t)
			home := t.TempDir()
			for _, s := range p.steps {
				want := s.onHost(t, host, home, onHost)
				s.inMachine(t, guest, inMachine, want)
			}
			sameFiles(t, p.contents(t, onHost, fs.FileMode.String), p.contents(t, inMachine, fs.FileMode.String))
			if p.after != nil {
				p.after(t, inMachine, host)
			}
		})
	}
}

// folder makes the folder that a program works in.
func (p realProgram) folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range p.files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// sameFiles compares the contents of the host's folder and the machine's.
func sameFiles(t *testing.T, want, got map[string]string) {
	t.Helper()
	all := maps.Clone(want)
	maps.Copy(all, got)
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if want[name] != got[name] {
			t.Errorf("%s is %.300q, on the host %.300q", name, got[name], want[name])
		}
	}
}

// contents gives what is in a folder: of each name what is to be told of its mode, and its content or where it leads.
func (p realProgram) contents(t *testing.T, dir string, told func(fs.FileMode) string) map[string]string {
	t.Helper()
	except := regexp.MustCompile(cmp.Or(p.except, "^$"))
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if except.MatchString(name) {
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		all[name] = told(info.Mode())
		switch {
		case info.Mode().IsRegular():
			b, err := os.ReadFile(path)
			all[name] += " " + string(b)
			return err
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			all[name] += " " + target
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// ended is how a command has ended, and what it has printed.
type ended struct {
	stdout, stderr []byte
	code           int
}

func (s realStep) onHost(t *testing.T, programs, home, dir string) ended {
	t.Helper()
	cmd := exec.Command(filepath.Join(programs, s.args[0]), s.args[1:]...)
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + programs, "HOME=" + home}
	return s.end(t, cmd)
}

// end runs a command of the host's for a step.
func (s realStep) end(t *testing.T, cmd *exec.Cmd) ended {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(s.stdin), &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%q on the host: %v", s.args, err)
	}
	return ended{stdout.Bytes(), stderr.Bytes(), cmd.ProcessState.ExitCode()}
}

func (s realStep) inMachine(t *testing.T, programs, dir string, want ended) {
	t.Helper()
	args := []string{"run", "-m", "1G", "--dir", dir + "::/work", "--dir", programs + "::/programs:ro", "-e", "PATH=/programs", "-e", "HOME=/tmp",
		filepath.Join(programs, s.args[0])}
	s.compare(t, vmtest.Command{Dir: dir, Args: append(args, s.args[1:]...)}, want)
}

// compare runs a command of loam's for a step, which is to end as it did on the host.
func (s realStep) compare(t *testing.T, c vmtest.Command, want ended) {
	t.Helper()
	c.Served, c.Stdin, c.Limit = true, strings.NewReader(s.stdin), 20*time.Minute
	r := c.Do(t)
	if r.Code != want.code || !bytes.Equal(r.Stdout, want.stdout) || !bytes.Equal(r.Stderr, want.stderr) {
		t.Errorf("%q: %v\non the host: exit status %d\nstdout: %.3000s\nstderr: %.3000s", s.args, r, want.code, want.stdout, want.stderr)
	}
	t.Logf("%.60q: exit status %d after %v", s.args, r.Code, r.Took.Round(time.Millisecond))
}

// building keeps two tests from building the same packages at once, in vain.
var building sync.Mutex

// builtPrograms builds a program's packages for an architecture, and gives the folder where they are.
func builtPrograms(t *testing.T, p realProgram, arch string) string {
	t.Helper()
	return builtFor(t, p, "linux", arch)
}

// builtFor builds them for another system.
func builtFor(t *testing.T, p realProgram, goos, arch string) string {
	t.Helper()
	building.Lock()
	defer building.Unlock()
	dir := filepath.Join(vmtest.Dir(), "real", arch, p.name)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	args := []string{"build", "-trimpath", "-o", dir + "/"}
	if err := vmtest.GoIn(p.module, goos, arch, append(args, p.pkgs...)...); err != nil {
		t.Fatal(fmt.Errorf("building %s: %w", p.name, err))
	}
	return dir
}
