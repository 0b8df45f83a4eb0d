// SPDX-License-Identifier: Apache-2.0

package goexec

import (
	"slices"
	"testing"

	"loam/host/run"
)

func read(path string) run.Folder  { return run.Folder{Host: path, Guest: path, ReadOnly: true} }
func write(path string) run.Folder { return run.Folder{Host: path, Guest: path} }

// TestFolders has command lines that the go command makes.
func TestFolders(t *testing.T) {
	const work = "/tmp/go-build123/b001"
	test := []string{"-test.paniconexit0", "-test.timeout=10m0s"}
	with := func(more ...string) []string { return append(slices.Clone(test), more...) }
	goroot := []run.Folder{read("/go/src"), read("/go/lib")}
	for name, c := range map[string]struct {
		c    Command
		want []run.Folder
	}{
		"test":          {Command{Program: work + "/a.test", Args: test, Dir: "/m/pkg"}, append([]run.Folder{read("/m/pkg"), read(work)}, goroot...)},
		"of GOROOT":     {Command{Program: work + "/a.test", Args: test, Dir: "/go/src/strings"}, append([]run.Folder{read(work)}, goroot...)},
		"beside GOROOT": {Command{Program: work + "/a.test", Args: test, Dir: "/go/src2"}, append([]run.Folder{read("/go/src2"), read(work)}, goroot...)},
		"coverage": {Command{Program: work + "/a.test", Dir: "/p", Args: with("-test.coverprofile="+work+"/_cover_.out", "-test.gocoverdir="+work+"/gocoverdir")},
			append([]run.Folder{read("/p"), write(work)}, goroot...)},
		"profile":       {Command{Program: work + "/a.test", Dir: "/m/p", Args: with("-test.cpuprofile=cpu.out", "-test.outputdir=/m")}, append([]run.Folder{write("/m"), read("/m/p"), read(work)}, goroot...)},
		"profile there": {Command{Program: "/p/a.test", Dir: "/p", Args: with("-test.cpuprofile=cpu.out")}, append([]run.Folder{write("/p")}, goroot...)},
		"fuzzing": {Command{Program: work + "/a.test", Dir: "/p", Args: with("-test.fuzz=F", "-test.fuzzcachedir=/cache/fuzz/p")},
			append([]run.Folder{write("/p"), read(work), write("/cache/fuzz/p")}, goroot...)},
		"two dashes": {Command{Program: "/p/a.test", Dir: "/p", Args: []string{"--test.v"}}, append([]run.Folder{read("/p")}, goroot...)},
		"program":    {Command{Program: work + "/exe/a", Dir: "/p"}, append([]run.Folder{write("/p"), read(work + "/exe")}, goroot...)},
		"built before": {Command{Program: "/bin/a", Dir: "/p", Args: []string{"-v", "x-test.v", "test.v", "---test.v"}},
			append([]run.Folder{write("/p")}, goroot...)},
		"at the root":      {Command{Program: "/bin/a", Dir: "/"}, goroot},
		"among own of Go":  {Command{Program: "/bin/a", Dir: "/go/src/strings"}, append([]run.Folder{write("/go/src/strings")}, goroot...)},
		"no place for it":  {Command{Program: "/bin/a", Dir: "/proc/1/cwd"}, goroot},
		"GOCOVERDIR given": {Command{Program: "/bin/a", Dir: "/p", Getenv: func(k string) string { return map[string]string{"GOCOVERDIR": "/cover"}[k] }}, append([]run.Folder{write("/p"), write("/cover")}, goroot...)},
	} {
		c.c.GOROOT = "/go"
		if c.c.Getenv == nil {
			c.c.Getenv = func(string) string { return "" }
		}
		got := c.c.Folders()
		byPath := func(a, b run.Folder) int { return slices.Compare([]byte(a.Host), []byte(b.Host)) }
		slices.SortFunc(c.want, byPath)
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, not %v", name, got, c.want)
		}
	}
}

// TestEnv: nothing but what is named.
func TestEnv(t *testing.T) {
	c := Command{Dir: "/p", Getenv: func(k string) string {
		return map[string]string{"GODEBUG": "x=1", "SECRET": "s", "PATH": "/elsewhere/bin", "HOME": "/elsewhere"}[k]
	}}
	if got, want := c.Env(), []string{"PWD=/p", "TMPDIR=/tmp", "HOME=/tmp", "PATH=/usr/bin:/bin", "GODEBUG=x=1"}; !slices.Equal(got, want) {
		t.Errorf("%q, not %q", got, want)
	}
}
