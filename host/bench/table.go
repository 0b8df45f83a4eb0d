// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
)

// Columns of other systems, in this order, with their titles.
var rivalColumns = []struct{ system, title string }{
	{"linux", "Linux"}, {"linux_v3", "Linux, v3"}, {"nanos", "Nanos"},
}

// grid is a table of texts: a row of titles and those of the metrics.
type grid [][]string

// build makes the table of the metrics that have a figure in now or kept.
// withKept adds the columns of the kept figures and the change.
func build(now, kept Figures, rivals Rivals, withKept bool) grid {
	title := []string{"figure", "now"}
	if withKept {
		title = append(title, "kept", "change")
	}
	for _, c := range rivalColumns {
		title = append(title, c.title)
	}
	out := grid{append(title, "target", "unit")}
	for _, m := range Metrics {
		n, haveNow := now.Get(m.Name)
		k, haveKept := kept.Get(m.Name)
		if !haveNow && !haveKept {
			continue
		}
		row := []string{m.Name, shown(n.Value, haveNow)}
		if withKept {
			row = append(row, shown(k.Value, haveKept), "")
			if haveNow && haveKept {
				row[3] = change(n.Value, k.Value)
			}
		}
		for _, c := range rivalColumns {
			f, ok := rivals[c.system].Get(m.Name)
			row = append(row, shown(f.Value, ok && f.Unit == m.Unit))
		}
		out = append(out, append(row, target(m, n.Value, haveNow), m.Unit))
	}
	return out
}

// shown is a value for people: its thousands apart, no decimal from 1000 on.
func shown(v float64, there bool) string {
	if !there {
		return ""
	}
	if v < 1000 {
		return value(v)
	}
	s := fmt.Sprintf("%.0f", v)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// target is a metric's target, and whether it is missed.
func target(m Metric, now float64, measured bool) string {
	s := shown(m.Target, m.Target > 0)
	if measured && m.Target > 0 && now > m.Target {
		s += " missed"
	}
	return s
}

// Table writes figures beside the kept ones and the rivals', for a terminal.
func Table(now, kept Figures, rivals Rivals) []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range build(now, kept, rivals, true) {
		// The first column is flush left: padded here, the writer can't.
		row = slices.Clone(row)
		row[0] = fmt.Sprintf("%-22s", row[0])
		fmt.Fprintln(w, strings.Join(row, "\t")+"\t")
	}
	_ = w.Flush() // to memory
	lines := bytes.Split(b.Bytes(), []byte("\n"))
	for i := range lines {
		lines[i] = bytes.TrimRight(lines[i], " ")
	}
	return bytes.Join(lines, []byte("\n"))
}

// Markdown writes figures beside the rivals' as a table of Markdown, with what
// each is.
func Markdown(kept Figures, rivals Rivals) []byte {
	var b bytes.Buffer
	for i, row := range build(kept, nil, rivals, false) {
		what := "what"
		if i > 0 {
			what = metric(row[0]).What
			row = slices.Clone(row)
			row[0] = "`" + row[0] + "`"
		} else {
			row = slices.Clone(row)
			row[1] = "Loam"
		}
		fmt.Fprintf(&b, "| %s | %s |\n", strings.Join(row, " | "), what)
		if i == 0 {
			fmt.Fprintf(&b, "|---|%s---|---|\n", strings.Repeat("---:|", len(row)-2))
		}
	}
	return b.Bytes()
}
