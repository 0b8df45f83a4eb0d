// SPDX-License-Identifier: Apache-2.0

package bench

import "fmt"

// Tolerance is the part of a kept figure by which a new one may exceed it.
const Tolerance = 0.03

// Compare says which of the measured figures are worse than the kept ones, one
// line each; a kept figure that was not measured is worse, too. wanted limits
// the comparison to those names; none means all.
func Compare(now, kept Figures, wanted []string) []string {
	var out []string
	for _, k := range kept {
		if !chosen(k.Name, wanted) {
			continue
		}
		n, ok := now.Get(k.Name)
		switch {
		case !ok:
			out = append(out, fmt.Sprintf("%s: kept %s %s, not measured", k.Name, value(k.Value), k.Unit))
		case n.Unit != k.Unit:
			out = append(out, fmt.Sprintf("%s: kept in %s, measured in %s", k.Name, k.Unit, n.Unit))
		case Worse(n.Value, k.Value):
			out = append(out, fmt.Sprintf("%s: %s %s, kept %s (%s)", k.Name, value(n.Value), n.Unit, value(k.Value), change(n.Value, k.Value)))
		}
	}
	return out
}

// Worse reports whether a measured value is worse than the kept one.
func Worse(now, kept float64) bool { return rounded(now) > rounded(kept)*(1+Tolerance) }

// change is the change from kept to now in percent.
func change(now, kept float64) string {
	now, kept = rounded(now), rounded(kept)
	switch {
	case now == kept:
		return "="
	case kept == 0:
		return "new"
	}
	return fmt.Sprintf("%+.1f%%", (now/kept-1)*100)
}
