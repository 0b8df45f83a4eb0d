// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"strings"
	"testing"
)

func TestWithInit(t *testing.T) {
	for in, want := range map[string]string{"": "", "boot --for 1s": "boot --for 1s", "run x --y": "run --init x --y"} {
		args := strings.Fields(in)
		if got := strings.Join(withInit(args, "1"), " "); got != want {
			t.Errorf("%q became %q", in, got)
		}
		if got := strings.Join(withInit(args, ""), " "); got != in {
			t.Errorf("%q became %q though nobody wants it", in, got)
		}
	}
}
