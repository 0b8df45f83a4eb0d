// SPDX-License-Identifier: Apache-2.0

package accel

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"loam/host/vm"
)

// cacheKey names everything that a verdict depends on. A change in any of it
// makes another key.
func cacheKey(arch, qemu, hard string) string {
	h := sha256.New()
	fmt.Fprintln(h, "facts 2", arch, hard, vm.CPU(nil))
	h.Write(guests[arch].image())
	for _, path := range []string{qemu, "/dev/kvm"} {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
		if st, err := os.Stat(path); err == nil {
			fmt.Fprintln(h, path, st.Mode(), st.Size(), st.ModTime().UnixNano())
		}
	}
	for _, path := range []string{
		"/proc/sys/kernel/osrelease", "/proc/sys/kernel/random/boot_id",
		"/sys/module/kvm_intel/parameters/nested", "/sys/module/kvm_amd/parameters/nested",
	} {
		b, _ := os.ReadFile(path)
		fmt.Fprintln(h, strings.TrimSpace(string(b)))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func entry(dir, key string) string { return filepath.Join(dir, "qemu-"+key+".json") }

// load returns the verdict kept under key. One that can't be read, or that
// names what a probe can't find, counts as not there.
func load(dir, key string) (f Facts, ok bool) {
	if dir == "" {
		return f, false
	}
	b, err := os.ReadFile(entry(dir, key))
	if err != nil || json.Unmarshal(b, &f) != nil || f.Version == "" {
		return Facts{}, false
	}
	switch f.Accel {
	case vm.TCG, vm.KVM, vm.HVF:
		return f, true
	}
	return Facts{}, false
}

// store keeps a verdict, and removes those of other keys that have become
// many. It is only a cache: failing to write it is no failure.
func store(dir, key string, f Facts) {
	if dir == "" || os.MkdirAll(dir, 0o700) != nil {
		return
	}
	if old, _ := filepath.Glob(entry(dir, "*")); len(old) > 16 {
		for _, o := range old {
			_ = os.Remove(o)
		}
	}
	b, err := json.Marshal(f)
	if err != nil {
		return
	}
	tmp, err := os.CreateTemp(dir, ".qemu-*")
	if err != nil {
		return
	}
	_, err = tmp.Write(b)
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil || os.Rename(tmp.Name(), entry(dir, key)) != nil {
		_ = os.Remove(tmp.Name())
	}
}

// Distrust records that an accelerator failed in a real run after its probe
// had passed, so that the next run does not try it again.
func Distrust(path, cache string, f Facts, why string) {
	key := cacheKey(vm.AMD64, path, f.Accel) // no other has one
	f.Reason = f.Accel + " does not work: " + why
	f.Accel, f.Missing = vm.TCG, nil
	store(cache, key, f)
}
