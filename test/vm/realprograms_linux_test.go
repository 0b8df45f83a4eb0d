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
			want, got := p.contents(t, onHost), p.contents(t, inMachine)
			all := maps.Clone(want)
			maps.Copy(all, got)
			for _, name := range slices.Sorted(maps.Keys(all)) {
				if want[name] != got[name] {
					t.Errorf("%s is %.300q, on the host %.300q", name, got[name], want[name])
				}
			}
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

// contents gives what is in a folder: of each name what it is, and its content or where it leads.
func (p realProgram) contents(t *testing.T, dir string) map[string]string {
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
		all[name] = info.Mode().String()
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
	var stdout, stderr bytes.Buffer
	cmd.Dir, cmd.Env = dir, []string{"PATH=" + programs, "HOME=" + home}
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
	c := vmtest.Command{Served: true, Dir: dir, Args: append(args, s.args[1:]...), Stdin: strings.NewReader(s.stdin), Limit: 20 * time.Minute}
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
	building.Lock()
	defer building.Unlock()
	dir := filepath.Join(vmtest.Dir(), "real", arch, p.name)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	args := []string{"build", "-trimpath", "-o", dir + "/"}
	if err := vmtest.GoIn(p.module, "linux", arch, append(args, p.pkgs...)...); err != nil {
		t.Fatal(fmt.Errorf("building %s: %w", p.name, err))
	}
	return dir
}
