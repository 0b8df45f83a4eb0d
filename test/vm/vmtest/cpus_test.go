// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"strings"
	"testing"
)

func TestWithCPUs(t *testing.T) {
	for in, want := range map[string]string{
		"":                         "",
		"run prog":                 "run --cpus 4 prog",
		"run -v prog --x":          "run --cpus 4 -v prog --x",
		"run --cpus 2 prog":        "run --cpus 2 prog",
		"run --cpus=2 prog":        "run --cpus=2 prog",
		"run --deterministic prog": "run --deterministic prog",
		"boot --for 1s":            "boot --for 1s",
	} {
		args := strings.Fields(in)
		if got := strings.Join(withCPUs(args, "4"), " "); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
		if got := strings.Join(withCPUs(args, ""), " "); got != in {
			t.Errorf("%q became %q without a number", in, got)
		}
	}
}
