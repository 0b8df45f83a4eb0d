// SPDX-License-Identifier: Apache-2.0

package run

import (
	"os"
	"path/filepath"
	"testing"

	"loam/internal/manifest"
)

// TestWantsRandom: who asks for random bytes of the host's, and provides none, gets the device.
func TestWantsRandom(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]bool{
		"loam-manifest 1\nprogram\nuses random\n":                                     true,
		"loam-manifest 1\nservice a\nsystem a\nuses random\n":                         true,
		"loam-manifest 1\nservice a\nsystem a\nprovides random\nprogram\nuses random": false,
		"loam-manifest 1\nprogram\nuses init\n":                                       false,
		"not a manifest":                                                              false,
	} {
		if err := os.WriteFile(filepath.Join(dir, manifest.File), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		o := Options{Services: dir}
		o.setDefaults()
		if o.wantsRandom() != want || o.numDevices() == 1 != want {
			t.Errorf("%q: not %v", text, want)
		}
	}
	if (&Options{Services: filepath.Join(dir, "none")}).wantsRandom() || (&Options{}).wantsRandom() {
		t.Error("without a manifest")
	}
}
