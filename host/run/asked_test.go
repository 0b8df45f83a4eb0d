// SPDX-License-Identifier: Apache-2.0

package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"loam/internal/manifest"
)

// TestAsked: which services of its own loam adds to those of a manifest.
func TestAsked(t *testing.T) {
	dir := t.TempDir()
	for text, want := range map[string]struct{ bare, served string }{
		"loam-manifest 1\n":                                   {"", "linux streams own"},
		"loam-manifest 1\nprogram\nuses init\n":               {"", "linux streams own"},
		"not a manifest":                                      {"", "linux streams own"},
		"loam-manifest 1\nprogram\nuses random\n":             {"random", "linux streams own random"},
		"loam-manifest 1\nservice a\nsystem a\nuses random\n": {"random", "linux streams own random"},
		"loam-manifest 1\nservice a\nsystem a\nprovides random\nprogram\nuses random":                        {"", "linux streams own"},
		"loam-manifest 1\nprogram\nuses streams\n":                                                           {"streams", "linux streams"},
		"loam-manifest 1\nservice a\nsystem a\nprovides streams\nprogram\nuses streams":                      {"", "linux"},
		"loam-manifest 1\nservice a\nsystem linux\nprovides a\nprogram\nunder a":                             {"", ""},
		"loam-manifest 1\nservice a\nsystem linux\nargs streams\nprovides a\nuses streams\nprogram\nunder a": {"streams", "streams"},
	} {
		if err := os.WriteFile(filepath.Join(dir, manifest.File), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		for o, want := range map[*Options]string{{Services: dir}: want.served, {Services: dir, Bare: true}: want.bare} {
			o.setDefaults()
			var got []string
			for _, x := range []struct {
				is   bool
				name string
			}{{o.personality, "linux"}, {o.streams, "streams"}, {o.ownStreams, "own"}, {o.manifest.wants(random), "random"}} {
				if x.is {
					got = append(got, x.name)
				}
			}
			if g := strings.Join(got, " "); g != want || !o.hasInit() {
				t.Errorf("%q, bare %v: %q, want %q", text, o.Bare, g, want)
			}
		}
	}
	for o, want := range map[*Options]int{{}: 1, {Bare: true}: 0, {Deterministic: true}: 0, {Services: filepath.Join(dir, "none")}: 1} {
		if o.setDefaults(); o.numDevices() != want || o.personality != (want == 1) || o.hasInit() != (want == 1) {
			t.Errorf("%+v: %d devices", o, o.numDevices())
		}
	}
}
