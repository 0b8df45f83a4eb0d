// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"loam/host/ps"
	"loam/internal/proglist"
	"loam/test/vm/vmtest"
)

// TestModulePaths gives a module a folder as its "/": it can do there what WASI has, and nothing beside it, where links
// in the folder lead.
func TestModulePaths(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	dir, untouched := grantedFolder(t)
	vmtest.Run(t, "-m", "256M", "--arch", vmtest.Arch(), "--dir", dir+"::/", vmtest.Foreign(t, "wasip1", "wasm", "modulepaths")).Cases(t)
	untouched()
	// What isn't a module has a root already.
	r := vmtest.Run(t, "--dir", dir+"::/", vmtest.Program(t, "hello"))
	r.Want(t, 125)
}

// grantedFolder is a folder beside a secret, with links that lead out of it, and what checks that there is nothing new
// beside it afterwards.
func grantedFolder(t *testing.T) (dir string, untouched func()) {
	t.Helper()
	all := t.TempDir()
	dir = filepath.Join(all, "granted")
	if err := os.MkdirAll(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(all, "secret"), []byte("secret\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"up": "..", "absolute": filepath.Join(all, "secret"), "sub/up2": "../.."} {
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir, func() {
		t.Helper()
		list, err := os.ReadDir(all)
		if b, err2 := os.ReadFile(filepath.Join(all, "secret")); len(list) != 2 || string(b) != "secret\n" {
			t.Errorf("beside the folder: %v, %v; %q, %v", list, err, b, err2)
		}
	}
}

// TestHostileModule: a module that wants what it wasn't granted, and more than there is, gets errors and ends by
// itself.
func TestHostileModule(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	dir, untouched := grantedFolder(t)
	vmtest.Run(t, "-m", "256M", "--arch", vmtest.Arch(), "--dir", dir+"::/", vmtest.Foreign(t, "wasip1", "wasm", "modulehostile")).Cases(t)
	untouched()
}

// TestModuleServer has a module serve HTTP at two ports of the host, with a folder besides: many at once, and when
// nobody asks it sleeps.
func TestModuleServer(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	var g guestPorts
	g.flags(t) // for ports that are free
	listen := func(port int) string { return fmt.Sprintf("--listen=127.0.0.1:%d", port) }
	s := start(t, "run", "--arch", vmtest.Arch(), "--dir", t.TempDir()+"::/", listen(g.http), listen(g.stream), vmtest.Foreign(t, "wasip1", "wasm", "moduleserver"))
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}
	for _, port := range []int{g.http, g.stream} {
		if text := g.get(t, client, fmt.Sprintf("http://127.0.0.1:%d/", port)); text != "hello by HTTP/1.1" {
			t.Error(text)
		}
	}
	manyRequests(t, &g, 4, 4)
	wantIdle(t, s.cmd.Process.Pid)
	_, _ = client.Get(g.url("/quit"))
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("%v\n%s", err, s.stderr.String())
	}
}

// wantIdle wants that the program, and those that serve it, use no CPU for a second once they have come to rest. An
// init that tells so uses some itself.
func wantIdle(t *testing.T, loam int) {
	t.Helper()
	used := map[string]uint64{}
	for try := 0; ; try++ {
		before := maps.Clone(used)
		for _, p := range listed(t, loam) {
			used[p.Name] = p.CPU
		}
		delete(used, "init")
		if used["program"] == 0 || used["linux"] == 0 {
			t.Fatalf("not listed: %v", used)
		}
		if maps.Equal(before, used) {
			return
		}
		if try == 20 {
			t.Fatalf("nobody asks it, and a second took ns of CPU from %v to %v", before, used)
		}
		time.Sleep(time.Second)
	}
}

// listed are the programs in the machine of a loam.
func listed(t *testing.T, loam int) []proglist.Entry {
	t.Helper()
	out, err := exec.Command(vmtest.Loam(t), "ps", "--json").Output()
	var machines []ps.Machine
	if err == nil {
		err = json.Unmarshal(out, &machines)
	}
	for _, m := range machines {
		if m.PID == loam {
			return m.Programs
		}
	}
	t.Fatalf("loam ps doesn't list %d: %v\n%s", loam, err, out)
	return nil
}

// TestModuleCache has a program of the machine start modules: the second start finds the code that the first one made.
func TestModuleCache(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	dir := t.TempDir()
	if err := vmtest.Go("linux", vmtest.Arch(), "build", "-trimpath", "-o", filepath.Join(dir, "wasi"), "./user/wasi"); err != nil {
		t.Fatal(err)
	}
	r := vmtest.Run(t, "-m", "512M", "--dir", dir+"::/w", vmtest.Program(t, "modulecache"))
	r.Cases(t)
	t.Logf("%s", r.Stderr)
}
