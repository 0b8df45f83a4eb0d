// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"loam/host/vm"
)

// rivalColumns are the columns of other systems, in this order, with their titles.
var rivalColumns = map[string][]struct{ system, title string }{
	vm.AMD64:   {{"linux", "Linux"}, {"linux_v3", "Linux, v3"}, {"nanos", "Nanos"}},
	vm.RISCV64: {{"linux_riscv64", "Linux"}},
}

// grid is a table of texts: a row of titles and those of the metrics.
type grid [][]string

// build makes the table of the metrics that have a figure in now or kept.
// withKept adds the columns of the kept figures and the change.
func build(arch string, now, kept Figures, rivals Rivals, withKept bool) grid {
	title := []string{"figure", "now"}
	if withKept {
		title = append(title, "kept", "change")
	}
	for _, c := range rivalColumns[arch] {
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
		for _, c := range rivalColumns[arch] {
			f, ok := rivals[c.system].Get(m.Name)
			row = append(row, shown(f.Value, ok && f.Unit == m.Unit))
		}
		out = append(out, append(row, target(m.target(arch, rivals), n.Value, haveNow), m.Unit))
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

// target is a target, 0 for none, and whether it is missed.
func target(wanted, now float64, measured bool) string {
	s := shown(wanted, wanted > 0)
	if measured && wanted > 0 && now > wanted {
		s += " missed"
	}
	return s
}

// Table writes an architecture's figures beside the kept ones and the rivals', for a
// terminal.
func Table(arch string, now, kept Figures, rivals Rivals) []byte {
	var b bytes.Buffer
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range build(arch, now, kept, rivals, true) {
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

// Markdown writes an architecture's figures beside the rivals' as a table of
// Markdown, with what each is.
func Markdown(arch string, kept Figures, rivals Rivals) []byte {
	if len(kept) == 0 {
		return []byte("Not measured.\n")
	}
	var b bytes.Buffer
	for i, row := range build(arch, kept, nil, rivals, false) {
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
