// SPDX-License-Identifier: Apache-2.0

package run

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"loam/abi"
	"loam/host/exit"
	"loam/host/program"
	"loam/host/vm"
	"loam/internal/manifest"
)

// image makes a file of a size.
func image(t *testing.T, size int64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image")
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestParseDisk(t *testing.T) {
	for text, want := range map[string]Disk{
		"a.img":    {"a.img", false},
		"a.img:ro": {"a.img", true},
		"a:b":      {"a:b", false},
	} {
		if d, err := ParseDisk(text); err != nil || d != want {
			t.Errorf("%s: %+v, %v", text, d, err)
		}
	}
	for _, text := range []string{"", ":ro"} {
		if _, err := ParseDisk(text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

// TestDiskRefused: files that can't be disks, and why.
func TestDiskRefused(t *testing.T) {
	used := image(t, 512)
	f, err := (&Disk{Path: used}).open()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for want, path := range map[string]string{
		"no such file":    filepath.Join(t.TempDir(), "missing"),
		"is empty":        image(t, 0),
		"has 1000 bytes,": image(t, 1000),
		"is in use":       used,
		"neither a file":  os.DevNull,
		"a directory":     t.TempDir(),
	} {
		_, err := (&Disk{Path: path}).open()
		if err == nil || exit.Code(err) != exit.Loam || !strings.HasPrefix(err.Error(), "--disk: "+path) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if _, err := (&Disk{Path: t.TempDir(), ReadOnly: true}).open(); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Error(err)
	}
}

// TestDiskShared: several may read a disk that nobody writes.
func TestDiskShared(t *testing.T) {
	d := Disk{Path: image(t, 1024), ReadOnly: true}
	for range 2 {
		f, err := d.open()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
	}
	if _, err := (&Disk{Path: d.Path}).open(); err == nil {
		t.Error("it is written and read")
	}
}

func TestParseFolder(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]Folder{
		"a::/b":         {"a", "/b", false},
		"a::/b:ro":      {"a", "/b", true},
		"a::b::/c d":    {"a::b", "/c d", false},
		"a":             {"a", here + "/a", false},
		".:ro":          {".", here, true},
		"/x/../y":       {"/x/../y", "/y", false},
		"a:ro/::/b:ro":  {"a:ro/", "/b", true},
		"a::/devices":   {"a", "/devices", false},
		"a,b::/comma,s": {"a,b", "/comma,s", false},
		"a::/":          {"a", "/", false},
	} {
		if f, err := ParseFolder(text); err != nil || f != want {
			t.Errorf("%s: %+v, %v", text, f, err)
		}
	}
	for _, text := range []string{"", ":ro", "::/a", "a::", "a::b", "a::/b/", "a::/b/../c", "a:://b", "a::/b\n", "a::/b\x7f", "a::/dev", "/dev/shm", "a::/proc/x"} {
		if f, err := ParseFolder(text); err == nil {
			t.Errorf("%q became %+v", text, f)
		}
	}
}

func TestCheckFolders(t *testing.T) {
	dir, file := t.TempDir(), image(t, 0)
	if err := checkFolders([]Folder{{dir, "/a", false}, {dir, "/a/b", true}, {dir, "/c", true}}); err != nil {
		t.Error(err)
	}
	for want, f := range map[string][]Folder{
		"is not a folder":       {{file, "/a", false}},
		"no such file":          {{filepath.Join(dir, "missing"), "/a", false}},
		"are both to be /a in":  {{dir, "/a", false}, {dir, "/a", true}},
		"are both to be /mnt/r": {{dir, "/", false}, {dir, "/mnt/root", true}},
		"does not begin with /": {{dir, "a", false}},
	} {
		if err := checkFolders(f); err == nil || exit.Code(err) != exit.Loam || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestRootFolder is for modules alone, whose names for folders are their own.
func TestRootFolder(t *testing.T) {
	root := []Folder{{t.TempDir(), "/", false}}
	if err := checkRoot(root, program.Wasm); err != nil {
		t.Error(err)
	}
	if err := checkRoot(root, program.Native); err == nil || !strings.Contains(err.Error(), "machine's own") {
		t.Errorf("a program: %v", err)
	}
	if err := checkRoot([]Folder{{t.TempDir(), "/a", false}}, program.Native); err != nil {
		t.Error(err)
	}
	if m := machineWith(t, vm.MicroVM, Options{Folders: root}); !strings.Contains(m.personalitySection(), "mount=0:/mnt/root") {
		t.Error(m.personalitySection())
	}
}

// machineWith is one with devices, ready to make its manifest.
func machineWith(t *testing.T, on vm.Machine, o Options) *machine {
	t.Helper()
	o.Machine, o.personality = on, len(o.Folders) > 0
	m := &machine{Options: &o}
	var err error
	if m.devices, err = o.openDevices(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(m.close)
	if len(m.devices) != o.numDevices() {
		t.Error(len(m.devices), o.numDevices())
	}
	return m
}

// TestDeviceSections: what the manifest says of disks, and what QEMU is told.
func TestDeviceSections(t *testing.T) {
	for on, registers := range map[vm.Machine]manifest.Grant{
		vm.MicroVM: {Kind: manifest.GrantRegisters, First: 0xfeb00200, Size: 0x200},
		vm.Virt:    {Kind: manifest.GrantMemory, First: 0x10002000, Size: 0x1000},
	} {
		m := machineWith(t, on, Options{Disks: []Disk{{Path: image(t, 512)}, {Path: image(t, 512), ReadOnly: true}}})
		text := "loam-manifest 1\nservice a\nsystem a\nprogram\nuses disk1" // no end of line
		has, err := manifest.Sections([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		all, err := m.withDevices([]byte(text), has)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := manifest.Parse(all)
		if err != nil || len(whole.Services) != 3 {
			t.Fatalf("%v\n%s", err, all)
		}
		s := whole.Services[2]
		if s.Name != "disk1" || !s.System || strings.Join(s.Args, " ") != "disk" || len(s.Grants) != 5 || s.Policy.Restart != manifest.Always {
			t.Errorf("%+v", s)
		}
		line, _ := on.Place(1)
		if g := s.Grants; g[0].Name != "disk1" || g[1].First != uint64(line.Interrupt) || g[1].Flags != abi.InterruptLevel ||
			g[2].Kind != registers.Kind || g[2].First != registers.First || g[2].Size != registers.Size ||
			g[3].Kind != manifest.GrantDMA || g[4].Size != 4<<20 {
			t.Errorf("%+v", g)
		}
		d, err := m.devices[1].attach()
		if err != nil || d.Model != "virtio-blk" || d.Props != "drive=disk1" || d.Needs[0].File == nil ||
			!strings.HasSuffix(d.Needs[1].Value, "file=/dev/fdset/1,readonly=on") {
			t.Errorf("%+v, %v", d, err)
		}
	}
}

// TestPCISections: on q35 the bus service has the devices, and hands each to its service.
func TestPCISections(t *testing.T) {
	m := machineWith(t, vm.Q35, Options{Disks: []Disk{{Path: image(t, 512)}, {Path: image(t, 512)}}, Services: "dir"})
	text := "loam-manifest 1\nservice a\nsystem a\n"
	has, err := manifest.Sections([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	all, err := m.withDevices([]byte(text), has)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := manifest.Sections(all)
	if err != nil || len(whole.Services) != 4 {
		t.Fatalf("%v\n%s", err, all)
	}
	bus := whole.Services[1]
	if bus.Name != "pci" || strings.Join(bus.Args, " ") != "pci grant=3:4 grant=4:5" || bus.Grants[0].Name != "pci" || bus.Grants[1].Kind != manifest.GrantMachine {
		t.Errorf("%+v", bus)
	}
	for i, name := range []string{2: "disk0", 3: "disk1"} {
		if s := whole.Services[i]; name != "" && (s.Name != name || s.Grants[1].Kind != manifest.GrantUses || s.Grants[1].Name != "pci" || s.Grants[2].Kind != manifest.GrantDMA) {
			t.Errorf("%+v", s)
		}
	}
	text = "loam-manifest 1\nservice b\nsystem a\nprovides pci\n"
	if has, err = manifest.Sections([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if _, err := m.withDevices([]byte(text), has); err == nil || !strings.Contains(err.Error(), "b provides the endpoint pci, which loam makes for --disk") {
		t.Error(err)
	}
	m = machineWith(t, vm.Q35, Options{Folders: []Folder{{t.TempDir(), "/a", false}}})
	all, err = m.withDevices([]byte(manifestHead), &manifest.Manifest{})
	if s := string(all); err != nil || !strings.Contains(s, "args grant=2:4\n") || !strings.Contains(s, "\"grant=3\"\n  provides folder0\n  uses pci\n  dma") {
		t.Errorf("%v\n%s", err, s)
	}
}

// TestFolderSections: what the manifest says of folders, and of who mounts them.
func TestFolderSections(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a,b")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	m := machineWith(t, vm.MicroVM, Options{Folders: []Folder{{dir, `/b "c`, true}, {dir, "/a", false}}})
	const tail = "service linux\n  system linux\n  args \"mount=1:/a\" \"mount=0:/b \\\"c:ro\"\n  provides linux\n  uses folder0\n  uses folder1\n  slack 10ms\n"
	for text, want := range map[string]struct{ begins, badge string }{
		"loam-manifest 1\n": {"loam-manifest 1\n\nprogram\n  under linux\nservice folder0\n", "3"},
		"loam-manifest 1\nprogram\nservice a\n  system a\n": {"loam-manifest 1\nprogram\n  under linux\nservice a\n  system a\nservice folder0\n", "4"},
		"loam-manifest 1\nprogram":                          {"loam-manifest 1\nprogram\n  under linux\nservice folder0\n", "3"},
	} {
		has, err := manifest.Sections([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		all, err := m.withDevices([]byte(text), has)
		if err != nil {
			t.Fatal(err)
		}
		if s := string(all); !strings.HasPrefix(s, want.begins) || !strings.HasSuffix(s, tail) ||
			!strings.Contains(s, "args \"tag=folder1\" \"grant="+want.badge+"\"\n") ||
			!strings.Contains(s, "args \"tag=folder0\" \"ro\" \"grant="+want.badge+"\"\n") {
			t.Errorf("%s", s)
		}
	}
	d, err := m.devices[0].attach()
	wantPath := ",path=" + strings.ReplaceAll(dir, ",", ",,") + ",readonly=on"
	if err != nil || d.Model != "virtio-9p" || d.Props != "fsdev=folder0,mount_tag=folder0" || !strings.HasSuffix(d.Needs[0].Value, wantPath) {
		t.Errorf("%+v, %v", d, err)
	}
}

// TestInTheWay: services of one's own that have what loam's need.
func TestInTheWay(t *testing.T) {
	m := machineWith(t, vm.MicroVM, Options{Disks: []Disk{{Path: image(t, 512)}}, Services: "dir"})
	for section, want := range map[string]string{
		"service disk0\nsystem a":                       "dir/manifest:2: disk0 has the name of the service, which loam makes for --disk",
		"service a\nsystem a\nprovides disk0":           "dir/manifest:2: a provides the endpoint disk0",
		"service a\nsystem a\ninterrupt 5":              "has the interrupt 5",
		"program\nregisters 0xfeb00100 0x200":           "program has the registers 0xfeb00100",
		"service a\nsystem a\nmemory 0xfeb00000 4K":     "has the memory 0xfeb00000",
		"service a\nsystem a\nregisters 0xfeb00200 512": "",
		"service a\nsystem a\nuses disk0\ninterrupt 6":  "",
	} {
		text := []byte(manifestHead + section)
		has, err := manifest.Sections(text)
		if err != nil {
			t.Fatal(err)
		}
		_, err = m.withDevices(text, has)
		if want == "" && err != nil || want != "" && (err == nil || exit.Code(err) != exit.Loam || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", section, err, want)
		}
	}
}

// TestDevicesOfMachines: machines that can't have a disk say so before a file is opened.
func TestDevicesOfMachines(t *testing.T) {
	for want, change := range map[string]func(*Options){
		"a deterministic machine": func(o *Options) { o.Deterministic, o.Machine = true, vm.MicroVM },
		"9 devices":               func(o *Options) { o.Disks, o.Machine = make([]Disk, 9), vm.MicroVM },
	} {
		o := Options{Disks: []Disk{{Path: "/nowhere"}}, Accel: vm.TCG, CPUs: 1, MemoryMiB: 64}
		change(&o)
		if err := o.checkMachine(); err == nil || exit.Code(err) != exit.Loam || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	o := Options{Disks: make([]Disk, 8), CPUs: 1, MemoryMiB: 64, Machine: vm.Virt}
	o.setDefaults()
	var e *exit.Error
	if err := o.checkMachine(); !errors.As(err, &e) || !strings.Contains(e.Hint, "--bare") {
		t.Errorf("%+v", err)
	}
}

// TestWord: a word of a manifest comes back as it was.
func TestWord(t *testing.T) {
	for _, w := range []string{"a", "", "a b", `a"b\c`, "#", "ä"} {
		m, err := manifest.Sections([]byte(manifestHead + "service a\nargs " + word(w) + "\n"))
		if err != nil || !reflect.DeepEqual(m.Services[0].Args, []string{w}) {
			t.Errorf("%q: %v, %+v", w, err, m)
		}
	}
}
