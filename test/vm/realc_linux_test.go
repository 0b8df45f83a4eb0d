// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"loam/test/vm/vmtest"
)

// debianSource is the upstream source in a package of Debian's: apt fetches it, and checks Debian's signature.
type debianSource struct {
	name   string
	sum    string // SHA-256 of the file *.orig.tar.*
	tools  []string
	needed string // packages, beside those of all modules in C
}

// wasiHere is what makes modules of C, as Debian has it: packages, and a file or command of each.
const (
	wasiPackages = "clang lld wasi-libc libclang-rt-dev-wasm32 dpkg-dev"
	wasiLibrary  = "/usr/lib/wasm32-wasi/libc.a"
)

var wasiTools = []string{"apt-get", "clang", "wasm-ld", "dpkg-source", "make"}

// cSource gives the folder of a source, unpacked, or skips the test where there is no compiler for it.
func cSource(t *testing.T, s debianSource) string {
	t.Helper()
	for _, tool := range append(slices.Clone(wasiTools), s.tools...) {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("no %s here: apt-get install %s %s", tool, wasiPackages, s.needed)
		}
	}
	if _, err := os.Stat(wasiLibrary); err != nil {
		t.Skipf("no %s here: apt-get install %s", wasiLibrary, wasiPackages)
	}
	dir := filepath.Join(vmtest.Dir(), "source", s.name)
	if err := os.MkdirAll(filepath.Join(dir, "state", "lists", "partial"), 0o755); err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "sources.list")
	if err := os.WriteFile(list, []byte("deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian bookworm main\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	apt := []string{"-q", "-o", "Dir::Etc::SourceList=" + list, "-o", "Dir::Etc::SourceParts=-", "-o", "Dir::State=" + filepath.Join(dir, "state"),
		"-o", "Dir::Cache=" + filepath.Join(dir, "cache"), "-o", "APT::Sandbox::User="}
	inFolder(t, dir, "apt-get", append(slices.Clone(apt), "update")...)
	inFolder(t, dir, "apt-get", append(apt, "source", "--download-only", s.name)...)
	files, err := filepath.Glob(filepath.Join(dir, s.name+"_*.orig.tar.?z"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no source came: %v", err)
	}
	b, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != s.sum {
		t.Fatalf("%s has the SHA-256 %x, not %s", filepath.Base(files[0]), sum, s.sum)
	}
	unpacked := filepath.Join(dir, "unpacked")
	if err := os.MkdirAll(unpacked, 0o755); err != nil {
		t.Fatal(err)
	}
	inFolder(t, unpacked, "tar", "-x", "--strip-components=1", "-f", files[0])
	return unpacked
}

// inFolder runs a command of the host's.
func inFolder(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "LC_ALL=C")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatal(fmt.Errorf("%s %s: %w\n%.5000s", name, strings.Join(args, " "), err, out))
	}
}
