// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"regexp"
	"strings"

	"loam/tools/check/finding"
)

// hostPath matches absolute paths that exist on one person's machine only.
// A path component must begin there, so that "a/work/b" and the home folder
// itself pass.
var hostPath = regexp.MustCompile(`(^|[^\w.~/-])/(work|root|home|Users)/[\w.{$]`)

// Words reports text that ties the tree to one place: absolute paths into
// somebody's home, and the extra words that the caller keeps outside of the
// tree (matched in any case, at word boundaries).
func Words(t *Tree, extra []string) []finding.Finding {
	rules := []*regexp.Regexp{hostPath}
	for _, w := range extra {
		rules = append(rules, regexp.MustCompile(`(?i)\b`+regexp.QuoteMeta(w)+`\b`))
	}
	var out []finding.Finding
	for _, f := range t.Files {
		if f.Path == "LICENSE" || f.Path == "go.sum" {
			continue
		}
		n := 0
		for line := range strings.Lines(string(f.Text)) {
			n++
			for i, re := range rules {
				hit := re.FindString(line)
				if hit == "" {
					continue
				}
				text := "is on the list of words to avoid; say it without"
				if i == 0 {
					text = "begins a path of one machine; name it relative to the tree, or ~/ for a home"
				}
				out = append(out, finding.Finding{File: f.Path, Line: n, Rule: "words",
					Text: fmt.Sprintf("%q %s", strings.TrimSpace(hit), text)})
			}
		}
	}
	return out
}
