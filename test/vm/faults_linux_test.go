// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"loam/test/vm/vmtest"
)

// faultsVariable is set for the campaign `./x faults`, to how many seconds TestPersonalityKilled goes on. The tests
// of this file take too long for every change.
const faultsVariable = "LOAM_FAULTS_SECONDS"

// campaign skips a test but in the campaign, and gives the seconds.
func campaign(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(os.Getenv(faultsVariable))
	if err != nil {
		t.Skip("is a campaign: ./x faults")
	}
	return n
}

// TestFaults has programs at the edges of what there is: what comes of it is what comes of it on the host.
func TestFaults(t *testing.T) {
	t.Parallel()
	campaign(t)
	vmtest.Loam(t)
	onHost := vmtest.Foreign(t, runtime.GOOS, runtime.GOARCH, "faults")
	for _, args := range [][]string{{"pipes"}, {"writers"}, {"signals"}, {"open", "10000"}} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			var stdout, stderr bytes.Buffer
			cmd := exec.Command(onHost, args...)
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Run(); err != nil {
				t.Fatalf("on the host: %v\n%s%s", err, &stdout, &stderr)
			}
			for _, cpus := range vmtest.CPUs("1", "4") {
				r := vmtest.Run(t, append([]string{"-t=false", "--cpus", cpus, "-v", vmtest.Program(t, "faults")}, args...)...)
				r.WantStdout(t, 0, stdout.String())
				wantNothingLeft(t, r)
			}
		})
	}
}

// TestFull: where there is no room, that is said, what is there stays as it is, and what is removed is room for others.
func TestFull(t *testing.T) {
	t.Parallel()
	campaign(t)
	vmtest.Loam(t)
	r := vmtest.Run(t, "-t=false", "-m", "128M", "-v", vmtest.Program(t, "faults"), "full", "/tmp")
	r.WantStdout(t, 0, strings.Repeat("no room true no space left on device\nnor for a small one true\n"+
		"unharmed true <nil>\nunharmed true <nil>\nroom again <nil> <nil>\n", 3))
	wantNothingLeft(t, r)
}

// TestFolderGone: a folder of the host's is taken away while a program uses it. All that it asks for there has an end, and the
// rest of its world is as it was.
func TestFolderGone(t *testing.T) {
	t.Parallel()
	campaign(t)
	vmtest.Loam(t)
	for _, name := range []string{"what is in it", "all of it", "renamed"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "folder")
			if err := os.Mkdir(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			take := map[string]func() error{
				"what is in it": func() error { return os.RemoveAll(filepath.Join(dir, "sub")) },
				"all of it":     func() error { return os.RemoveAll(dir) },
				"renamed":       func() error { return os.Rename(dir, dir+" elsewhere") },
			}[name]
			defer vmtest.Slot()()
			got := runGone(t, dir, take)
			if want := goneWants[name]; got != want {
				t.Errorf("%s\nwant %s", got, want)
			}
		})
	}
}

// runGone runs the program, and takes the folder away when it says that it is ready.
func runGone(t *testing.T, dir string, take func() error) string {
	t.Helper()
	cmd := exec.Command(vmtest.Loam(t), "run", "--arch", vmtest.Arch(), "--dir", dir+"::/data", vmtest.Program(t, "faults"), "gone", "/data")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(vmtest.Limit, func() { _ = cmd.Process.Kill() }).Stop()
	ready := make([]byte, len("ready\n"))
	if _, err := io.ReadFull(out, ready); err != nil || string(ready) != "ready\n" {
		t.Fatalf("%q, %v\n%s", ready, err, &stderr)
	}
	if err := take(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(in, "go on\n"); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(out)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, &stderr)
	}
	if err != nil {
		t.Error(err)
	}
	return string(rest)
}

// goneWants is what the program says. Its file was open: that is one still, wherever its name is.
var goneWants = map[string]string{
	"what is in it": fmt.Sprintf(goneText, enoent, "<nil>", enoent, enoent),
	"all of it":     fmt.Sprintf(goneText, enoent, enoent, enoent, enoent),
	"renamed":       fmt.Sprintf(goneText, "<nil>", "<nil>", "<nil>", "<nil>"), // the folder itself is what is mounted
}

const (
	enoent   = "no such file or directory"
	goneText = "write to a file that was open <nil>\nit has \"beafter\"\nclose <nil>\nstat %[1]s\nread %[1]s\nwrite %[1]s\n" +
		"write below %[2]s\nmkdir %[3]s\nrename %[3]s\nremove " + enoent + "\nwrite in the working directory %[4]s\nlink %[4]s\n"
)

// killedManifest has a sandbox whose server is killed again and again, with a program that makes calls of all kinds, beside
// another whose program checks that its own are answered as ever.
const killedManifest = `service linux
  file services
  args linux %d
  provides linux
  limit process 100
  limit space 100
  limit thread 400
  restart always after 1ms to 1ms without limit
service victim
  file faults
  args chaos
  under linux
  restart always after 1ms to 1ms without limit
service safe
  system linux
  provides safe
  restart never
program
  under safe
`

// TestPersonalityKilled kills a personality server in the middle of calls, many times: nobody but its own programs is harmed,
// those are ended, the next ones live, and nothing is left of all of them.
func TestPersonalityKilled(t *testing.T) {
	t.Parallel()
	seconds := campaign(t)
	vmtest.Loam(t)
	limit := time.Hour + time.Duration(seconds)*time.Second
	for _, cpus := range vmtest.CPUs("1", "4") {
		t.Run(cpus+" CPUs", func(t *testing.T) {
			t.Parallel()
			dir := services(t, fmt.Sprintf(killedManifest, 400))
			addService(t, dir, "faults")
			c := vmtest.Command{Limit: limit, Args: []string{"run", "-m", "512M", "--cpus", cpus, "-v", "--services", dir,
				vmtest.Program(t, "faults"), "beside", strconv.Itoa(seconds)}}
			r := c.Do(t)
			r.WantStdout(t, 0, "unharmed true\n")
			wantNothingLeft(t, r)
			kills := bytes.Count(r.Stderr, []byte("init: service linux: killed by signal 9"))
			t.Logf("the server was killed %d times in %v", kills, r.Took.Round(time.Second))
			if kills < 3 {
				t.Errorf("the server was killed %d times\n%s", kills, r)
			}
		})
	}
}

// besideManifest has a sandbox whose program takes all that it can get, again and again, beside another one.
const besideManifest = `service linux
  system linux
  provides linux
  restart never
service victim
  file %s
  args %s
  under linux
  restart always after 1ms to 1ms without limit
service safe
  system linux
  provides safe
  restart never
program
  under safe
`

// TestBesideGreedy: who makes all the processes, has all the memory of files, or opens all the files that there may be in its
// sandbox takes nothing from another.
func TestBesideGreedy(t *testing.T) {
	t.Parallel()
	seconds := max(campaign(t), 120) // so that each comes to its end
	vmtest.Loam(t)
	for _, greedy := range []struct{ program, args string }{{"processes", "bomb told"}, {"faults", "full /tmp told"}, {"faults", "open 2000 told"}} {
		t.Run(greedy.args, func(t *testing.T) {
			t.Parallel()
			dir := services(t, fmt.Sprintf(besideManifest, greedy.program, greedy.args))
			addService(t, dir, greedy.program)
			c := vmtest.Command{Limit: time.Hour, Args: []string{"run", "-m", "512M", "--cpus", "2", "-v", "--services", dir,
				vmtest.Program(t, "faults"), "beside", strconv.Itoa(seconds)}}
			r := c.Do(t)
			r.Want(t, 0)
			if !bytes.HasSuffix(r.Stdout, []byte("unharmed true\n")) { // before that is what the other one prints
				t.Error(r)
			}
			wantNothingLeft(t, r)
			all, done := bytes.Count(r.Stderr, []byte("init: service victim: ")), bytes.Count(r.Stderr, []byte("init: service victim: exit code 3\n"))
			t.Logf("%s: %d times", greedy.args, done)
			if all != done || done == 0 {
				t.Errorf("%d ends, %d of them as they should be\n%s", all, done, r)
			}
		})
	}
}

// addService puts a program into a folder of services, by its name.
func addService(t *testing.T, dir, name string) {
	t.Helper()
	program, err := os.ReadFile(vmtest.Program(t, name))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name), program, 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
}
