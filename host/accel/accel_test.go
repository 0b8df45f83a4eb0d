// SPDX-License-Identifier: Apache-2.0

package accel

import (
	"bytes"
	"context"
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"loam/host/setup"
	"loam/host/vm"
)

func TestMissingFeatures(t *testing.T) {
	said := `qemu-system-x86_64: warning: host doesn't support requested feature: CPUID.01H:ECX.pni [bit 0]
qemu-system-x86_64: warning: host doesn't support requested feature: CPUID.01H:ECX.sse4.1 [bit 19]
qemu-system-x86_64: warning: TCG doesn't support requested feature: CPUID.07H:EBX.rdseed [bit 18]
qemu-system-x86_64: warning: TCG doesn't support requested feature: CPUID.07H:EBX.rdseed [bit 18]
qemu-system-x86_64: warning: host doesn't support requested feature: CPUID.0DH:EAX.xsaveopt [bit 0]
`
	want := []string{"pni", "sse4.1", "rdseed", "xsaveopt"}
	if got := missingFeatures(said); !reflect.DeepEqual(got, want) {
		t.Fatalf("got %q, want %q", got, want)
	}
	if got := vm.Needed(want); !reflect.DeepEqual(got, []string{"pni", "sse4.1"}) {
		t.Fatalf("needed: %q", got)
	}
}

// TestStub holds the image against an independent reader of the format.
func TestStub(t *testing.T) {
	f, err := elf.NewFile(bytes.NewReader(stubImage()))
	if err != nil {
		t.Fatal(err)
	}
	if f.Entry != stubBase || f.Machine != elf.EM_X86_64 || len(f.Progs) != 2 {
		t.Fatalf("header %+v", f.FileHeader)
	}
	if len(stub32) > stubLong-stubBase || len(stub64) > stubUser-stubLong ||
		len(stubRing3) > stubBack-stubUser || len(stubEnd) > stubGDT-stubBack {
		t.Fatal("code overlaps")
	}
}

// fakeQEMU writes a script that stands in for QEMU.
func fakeQEMU(t *testing.T, version, body string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "qemu")
	script := "#!/bin/sh\nif [ \"$1\" = --version ]; then echo 'QEMU emulator version " + version + "'; exit; fi\n" + body + "\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// good answers like the probe guest: the channel is the second socket.
const good = `for a; do case "$a" in socket,id=out,fd=*) fd=${a##*=};; esac; done
eval "printf LONG >&$fd"; exit 33`

func TestFallBack(t *testing.T) {
	onKVM := func(then string) string {
		return `case "$*" in *"-accel kvm"*) ` + then + ";; esac\n" + good
	}
	for name, c := range map[string]struct{ body, accel, reason string }{
		"works":        {good, "kvm", ""},
		"fails":        {onKVM("echo 'qemu: no luck' >&2; exit 1"), "tcg", "no luck"},
		"hangs":        {onKVM("sleep 30"), "tcg", "did not end"},
		"internal":     {onKVM("echo 'KVM internal error. Suberror: 1' >&2; sleep 30"), "tcg", "KVM internal error"},
		"resets":       {onKVM("exit 0"), "tcg", "failed"},
		"says nothing": {onKVM("exit 33"), "tcg", "ring 3"},
		"bare CPU": {onKVM("echo \"w: host doesn't support requested feature: CPUID.01H:ECX.ssse3 [bit 9]\" >&2") +
			"", "tcg", "without ssse3"},
		"lesser CPU": {onKVM("echo \"w: host doesn't support requested feature: CPUID.07H:EBX.smap [bit 20]\" >&2"), "kvm", ""},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Now()
			f, err := probeAll(context.Background(), vm.AMD64, fakeQEMU(t, "9.1.0", c.body), vm.KVM)
			if err != nil {
				t.Fatal(err)
			}
			if f.Accel != c.accel || !strings.Contains(f.Reason, c.reason) || (c.reason == "") != (f.Reason == "") {
				t.Fatalf("%+v", f)
			}
			if d := time.Since(start); d > 10*time.Second {
				t.Fatalf("took %v", d)
			}
		})
	}
}

func TestVersions(t *testing.T) {
	for v, ok := range map[string]bool{"7.2.22 (Debian)": true, "7.2": true, "10.0.1": true, "6.9.9": false, "7.1.0": false, "nonsense": false} {
		_, err := version(context.Background(), fakeQEMU(t, v, "exit 1"))
		if (err == nil) != ok {
			t.Errorf("version %q: %v", v, err)
		}
	}
	if _, err := version(context.Background(), "/nonexistent"); err == nil {
		t.Error("a missing QEMU has a version")
	}
}

func TestNoSandbox(t *testing.T) {
	f, err := probeAll(context.Background(), vm.AMD64, fakeQEMU(t, "8.0.0",
		`case "$*" in *-sandbox*) echo 'qemu: -sandbox support is not enabled in this QEMU binary' >&2; exit 1;; esac`+"\n"+good), "")
	if err != nil || f.Sandbox || f.Accel != vm.TCG {
		t.Fatalf("%+v, %v", f, err)
	}
}

func TestCache(t *testing.T) {
	dir := t.TempDir()
	qemu := fakeQEMU(t, "8.0.0", good)
	f, err := Find(context.Background(), vm.AMD64, qemu, vm.TCG, dir)
	if err != nil || f.Cached {
		t.Fatalf("first: %+v, %v", f, err)
	}
	if f, err = Find(context.Background(), vm.AMD64, qemu, vm.TCG, dir); err != nil || !f.Cached || f.Version != "8.0.0" {
		t.Fatalf("second: %+v, %v", f, err)
	}
	if err := os.WriteFile(qemu, []byte("#!/bin/sh\necho QEMU emulator version 8.1.0\n"+good), 0o755); err != nil {
		t.Fatal(err)
	}
	if f, err = Find(context.Background(), vm.AMD64, qemu, vm.TCG, dir); err == nil && f.Cached {
		t.Fatalf("after a change of QEMU: %+v, %v", f, err)
	}
	for _, bad := range []string{"", "{", `{"version":"1","accel":"magic"}`, `[]`} {
		key := cacheKey(vm.AMD64, qemu, "")
		if err := os.WriteFile(entry(dir, key), []byte(bad), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, ok := load(dir, key); ok {
			t.Errorf("accepted the entry %q", bad)
		}
	}
	Distrust(qemu, dir, Facts{Version: "8.0.0", Accel: vm.KVM}, "froze")
	if f, ok := load(dir, cacheKey(vm.AMD64, qemu, vm.KVM)); !ok || f.Accel != vm.TCG || !strings.Contains(f.Reason, "froze") {
		t.Fatalf("distrusted: %+v", f)
	}
}

// TestNoAcceleration: there is none for riscv64, whatever the host has.
func TestNoAcceleration(t *testing.T) {
	for _, want := range []string{vm.KVM, vm.HVF, "magic"} {
		if f, err := Find(context.Background(), vm.RISCV64, "/nonexistent", want, ""); err == nil || !strings.Contains(err.Error(), vm.RISCV64) {
			t.Errorf("%s: %+v, %v", want, f, err)
		}
	}
	const speaks = `for a; do case "$a" in socket,id=log,fd=*) fd=${a##*=};; esac; done
eval "printf RISC >&$fd"; exit 33`
	dir, qemu := t.TempDir(), fakeQEMU(t, "8.0.0", speaks)
	f, err := Find(context.Background(), vm.RISCV64, qemu, Auto, dir)
	if err != nil || f.Accel != vm.TCG || f.Reason == "" {
		t.Fatalf("%+v, %v", f, err)
	}
	if f, err = Find(context.Background(), vm.RISCV64, qemu, Auto, dir); err != nil || !f.Cached {
		t.Fatalf("second: %+v, %v", f, err)
	}
	if f, err = Find(context.Background(), vm.AMD64, qemu, vm.TCG, dir); err == nil {
		t.Fatalf("it is no QEMU for amd64: %+v", f)
	}
	if f, err := Find(context.Background(), vm.RISCV64, fakeQEMU(t, "8.0.0", good), Auto, ""); err == nil {
		t.Fatalf("nor this one for riscv64: %+v", f)
	}
}

func TestRealQEMU(t *testing.T) {
	for _, arch := range vm.Arches {
		path, err := exec.LookPath(setup.QEMU(arch))
		if err != nil {
			t.Log("no QEMU for ", arch, " here")
			continue
		}
		f, err := Find(context.Background(), arch, path, vm.TCG, "")
		if err != nil {
			t.Fatal(err)
		}
		if f.Missing != nil {
			t.Errorf("emulation lacks %q", f.Missing)
		}
		if f, err = Find(context.Background(), arch, path, Auto, ""); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %+v", arch, f)
	}
}
