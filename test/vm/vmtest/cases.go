// SPDX-License-Identifier: Apache-2.0

package vmtest

import (
	"fmt"
	"strings"
	"testing"
)

// Cases reports what an assistant printed (package test/programs/cases), each
// case as a subtest.
func (r *Result) Cases(t *testing.T) {
	t.Helper()
	n, failed, done := 0, 0, -1
	for line := range strings.Lines(string(r.Stdout)) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "ok "); ok {
			n++
			t.Run(name, func(*testing.T) {})
		} else if rest, ok := strings.CutPrefix(line, "FAIL "); ok {
			n++
			failed++
			name, why, _ := strings.Cut(rest, ": ")
			t.Run(name, func(t *testing.T) { t.Error(why) })
		} else if _, err := fmt.Sscanf(line, "done %d", &done); err != nil {
			t.Errorf("the assistant said %q", line)
		}
	}
	switch {
	case done < 0:
		t.Errorf("the assistant did not get to its end\n%s", r)
	case done != n || n == 0:
		t.Errorf("%d cases reported, %d run", n, done)
	case failed == 0 && r.Code != 0 || failed > 0 && r.Code != 1:
		t.Errorf("%d cases failed, exit status %d", failed, r.Code)
	}
}
