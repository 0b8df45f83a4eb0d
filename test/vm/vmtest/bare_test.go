// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"strings"
	"testing"
)

func TestBare(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "",
		"boot --for 1s":            "boot --for 1s",
		"run x --y":                "run --bare x --y",
		"run --bare x":             "run --bare x",
		"run --deterministic prog": "run --deterministic prog",
		"run --dir=a::/b prog":     "run --dir=a::/b prog",
	} {
		t.Setenv(ServedVariable, "")
		if got := strings.Join(Bare(strings.Fields(in)), " "); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
		t.Setenv(ServedVariable, "1")
		if got := strings.Join(Bare(strings.Fields(in)), " "); got != in {
			t.Errorf("%q became %q with services", in, got)
		}
	}
}
