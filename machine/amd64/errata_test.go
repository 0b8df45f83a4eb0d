// SPDX-License-Identifier: Apache-2.0

package amd64

import "testing"

func TestGlobalSurvives(t *testing.T) {
	for _, c := range []struct {
		name      string
		signature uint32
		intel     bool
		want      bool
	}{
		{"Alder Lake S", 0x90672, true, true},
		{"Alder Lake P", 0x906a3, true, true},
		{"Raptor Lake S", 0xb0671, true, true},
		{"Raptor Lake P", 0xb06a2, true, true},
		{"Raptor Lake, Alder Lake's dies", 0xb06f2, true, true},
		{"Processor N", 0xb06e0, true, true},
		{"Skylake", 0x506e3, true, false},
		{"Emerald Rapids", 0xc06f2, true, false},
		{"the same numbers, not Intel's", 0x90672, false, false},
		{"another family", 0x90f72, true, false},
	} {
		if got := GlobalSurvives(c.signature, c.intel); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
