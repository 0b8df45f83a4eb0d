// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"loam/test/vm/vmtest"
)

// table is what of a map's text the tests look at: how much each owner has, and
// what is free, in frames.
type table struct {
	frames map[string]uint64
	sum    uint64 // of the owners in a region, and of the free
}

// readTable reads a map's text and checks that it adds up.
func readTable(t *testing.T, text string) table {
	t.Helper()
	tb := table{frames: map[string]uint64{}}
	owners, blocks := false, false
	var free, listed uint64
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "owner "):
			owners = true
		case strings.HasPrefix(line, "region "):
			blocks = true
		case strings.TrimSpace(line) == "":
			owners = false
		case owners:
			var n uint64
			name, rest := strings.TrimSpace(line[:24]), strings.Fields(line[24:])
			if len(rest) < 5 {
				t.Fatalf("%q", line)
			}
			if _, err := fmt.Sscan(rest[4], &n); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			tb.frames[name] = n
			if name == "free" {
				free = n
			}
			if !strings.Contains(name, "no region") {
				tb.sum += n
			}
		case blocks:
			for i, f := range strings.Fields(line)[1:] {
				var n uint64
				if _, err := fmt.Sscan(f, &n); err != nil {
					t.Fatalf("%q: %v", line, err)
				}
				listed += n << max(i-1, 0) // the caches stand before order 0
			}
		}
	}
	if free == 0 || free != listed {
		t.Errorf("%d frames free, by their blocks %d:\n%s", free, listed, text)
	}
	return tb
}

// TestMemoryMap draws the memory of machines at all moments: it adds up, has in it
// what must be there, and the program does not notice.
func TestMemoryMap(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	tool := vmtest.Program(t, "tool")
	for _, kind := range vmtest.Machines(kinds()...) {
		for _, cpus := range vmtest.CPUs("1", "2") {
			t.Run(kind+"/"+cpus, func(t *testing.T) {
				at := func(when string) table {
					name := filepath.Join(t.TempDir(), "map.txt")
					vmtest.Run(t, on(kind, "--cpus", cpus, "-m", "64M", "--memory-map", name, "--memory-map-at", when,
						tool, "args", "x")...).WantStdout(t, 0, "x\x00")
					b, err := os.ReadFile(name)
					if err != nil {
						t.Fatal(err)
					}
					return readTable(t, string(b))
				}
				start, end := at("start"), at("end")
				for _, tb := range []table{start, end} {
					if tb.sum < 12000 || tb.sum > 16384 {
						t.Errorf("%d frames in a machine of 16384", tb.sum)
					}
					for _, owner := range []string{"kernel", "records", "kernel heap", "page table", "archive (no region)"} {
						if tb.frames[owner] == 0 {
							t.Errorf("%s has nothing", owner)
						}
					}
				}
				if start.frames["user"] >= end.frames["user"] || start.sum != end.sum {
					t.Errorf("at the start %+v, at the end %+v", start, end)
				}
			})
		}
	}
}

// TestMemoryMapPicture: a machine with memory above 4 GiB and a hole below has both
// in the picture, which is XML of a bounded size.
func TestMemoryMapPicture(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	onlyAMD64(t, "hole in their memory")
	name := filepath.Join(t.TempDir(), "map.svg")
	vmtest.Run(t, "--machine", "q35", "-m", "4G", "--memory-map", name, vmtest.Program(t, "hello")).Want(t, 0)
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) > 1<<20 {
		t.Errorf("%d bytes", len(b))
	}
	for d := xml.NewDecoder(strings.NewReader(string(b))); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"Physical memory of hello", "q35, 4096 MiB", "Below 16 MiB", "16 MiB to 4 GiB", "Above 4 GiB",
		"2 GiB without memory", "0x100000000", "1 GiB", "archive"} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %q", want)
		}
	}
}

// TestMemoryMapAgain: a deterministic machine makes the same picture each time.
func TestMemoryMapAgain(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	var last []byte
	for range 2 {
		onlyAMD64(t, "hole in their memory")
		name := filepath.Join(t.TempDir(), "map.svg")
		vmtest.Run(t, "--deterministic", "-m", "48M", "--memory-map", name, "--memory-map-at", "100ms",
			vmtest.Program(t, "smpstress"), "-seconds", "0.2").Want(t, 0)
		b, err := os.ReadFile(name)
		if err != nil || len(b) == 0 {
			t.Fatal(err)
		}
		if last != nil && !bytes.Equal(b, last) {
			t.Error("two runs, two pictures")
		}
		last = b
	}
}

// TestMemoryMapMoment: a time that comes while threads and children run is in the
// middle of it, with all of them stopped; one that comes too late is the end, also
// of a program that is killed; and what is refused starts no machine.
func TestMemoryMapMoment(t *testing.T) {
	t.Parallel()
	vmtest.Loam(t)
	for _, cpus := range vmtest.CPUs("1", "2") {
		r := vmtest.Run(t, "--cpus", cpus, "-v", "--memory-map", "-", "--memory-map-at", "300ms", vmtest.Program(t, "smpstress"), "-seconds", "0.8")
		r.Want(t, 0)
		text := string(r.Stdout)
		if !strings.Contains(text, "stress: done") || !strings.Contains(text, "while it ran") {
			t.Errorf("%s CPUs: %s", cpus, r)
		}
		if tb := readTable(t, text); tb.frames["user"] < 50 || tb.frames["slab"] < 10 {
			t.Errorf("%s CPUs: %+v", cpus, tb)
		}
		for _, want := range []string{"kernel: frames_leaked 0 ", "kernel: left 0 "} {
			if !strings.Contains(string(r.Stderr), want) {
				t.Errorf("%s CPUs: no %q: %s", cpus, want, r)
			}
		}
	}
	r := vmtest.Run(t, "--memory-map", "-", "--memory-map-at", "1h", vmtest.Program(t, "hello"))
	r.WantReason(t, 0, "ended before")
	if !strings.Contains(string(r.Stdout), "when it had ended") {
		t.Error(r)
	}
	r = vmtest.Run(t, "-m", "64M", "--memory-map", "-", vmtest.Program(t, "tool"), "eat")
	r.WantReason(t, 137, "out of memory")
	if tb := readTable(t, string(r.Stdout)); tb.frames["user"] < tb.frames["free"] {
		t.Errorf("of a program that has eaten everything: %+v", tb)
	}
	vmtest.Run(t, "--memory-map", "/nonexistent/map.svg", vmtest.Program(t, "hello")).WantReason(t, 125, "/nonexistent/map.svg")
}
