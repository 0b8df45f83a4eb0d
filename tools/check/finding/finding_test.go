// SPDX-License-Identifier: Apache-2.0

package finding

import (
	"strings"
	"testing"
)

func TestSortAndPrint(t *testing.T) {
	fs := Sort([]Finding{
		{File: "b.go", Line: 1, Rule: "words", Text: "x"},
		{File: "a.go", Line: 9, Rule: "floors", Text: "y"},
		{File: "a.go", Line: 2, Rule: "fence", Text: "z"},
		{File: "b.go", Line: 1, Rule: "words", Text: "x"},
		{File: "LICENSE", Rule: "headers", Text: "whole file"},
	})
	var out strings.Builder
	if err := Print(&out, fs); err != nil {
		t.Fatal(err)
	}
	want := "LICENSE: headers: whole file\na.go:2: fence: z\na.go:9: floors: y\nb.go:1: words: x\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}
