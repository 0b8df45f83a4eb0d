// SPDX-License-Identifier: Apache-2.0

// Package finding holds the one thing every check produces: a place in the
// tree, the rule that is broken there, and how to mend it.
package finding

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// Finding is one violation of one rule.
type Finding struct {
	File string // slash-separated, relative to the module's root
	Line int    // 1-based; 0 when the finding is about the file as a whole
	Rule string // short lower-case name, as in docs/checks.md
	Text string // what is wrong, then "; " and how to mend it
}

// String returns the finding as one line, in the form editors can jump to.
func (f Finding) String() string {
	if f.Line == 0 {
		return fmt.Sprintf("%s: %s: %s", f.File, f.Rule, f.Text)
	}
	return fmt.Sprintf("%s:%d: %s: %s", f.File, f.Line, f.Rule, f.Text)
}

// Sort orders findings by file, line, rule and text, and drops exact repeats.
func Sort(fs []Finding) []Finding {
	slices.SortFunc(fs, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Text, b.Text))
	})
	return slices.Compact(fs)
}

// Print writes one line per finding.
func Print(w io.Writer, fs []Finding) error {
	for _, f := range fs {
		if _, err := fmt.Fprintln(w, f); err != nil {
			return err
		}
	}
	return nil
}
