// SPDX-License-Identifier: Apache-2.0

package bench

import "fmt"

// Tolerance is the part of a kept figure by which a new one may exceed it, unless
// it is one of chances.
const Tolerance = 0.03

// chances are the tolerances of figures that change with where code lies and when things begin,
// though nothing costs more: each a little more than what kernels that differ in nothing else
// were seen to differ by.
var chances = map[string]float64{
	"interrupt_driver":  0.06, // by 38 instructions, with another time to wake at waiting or without
	"write_4kib":        0.05,
	"write_4kib_asleep": 0.12, // by when the personality gives its place on the CPU away
	"ipc_typed_1kib":    0.08, // by where its buffers lie in pages
	"pipe_processes":    0.05, // by what else the personality has been changed in: 10,776 to 11,471
	"kernel_heap_1000":  0.12, // it grows by pieces
	// The worst of some 80, in which a program ran or not while the world was being stopped: 40,355 to 426,000 were seen. It is the
	// mean that tells of changes.
	"kernel_pause_1000":      9,
	"kernel_pause_1000_mean": 0.06,
}

// tolerance is that of a figure.
func tolerance(name string) float64 {
	if t, ok := chances[name]; ok {
		return t
	}
	return Tolerance
}

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
		case Worse(k.Name, n.Value, k.Value):
			out = append(out, fmt.Sprintf("%s: %s %s, kept %s (%s)", k.Name, value(n.Value), n.Unit, value(k.Value), change(n.Value, k.Value)))
		}
	}
	return out
}

// Worse reports whether a figure's measured value is worse than the kept one.
func Worse(name string, now, kept float64) bool {
	return rounded(now) > rounded(kept)*(1+tolerance(name))
}

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
