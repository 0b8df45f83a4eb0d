// SPDX-License-Identifier: Apache-2.0

package frame

import (
	"flag"
	"fmt"
	"os"
	"testing"
	"text/tabwriter"
)

var table = flag.Bool("rivals", false, "compare the allocator with its rivals and print tables")

// TestTable prints what docs/campaigns/memory.txt keeps.
func TestTable(t *testing.T) {
	if !*table {
		t.Skip("takes a minute; asked for by -rivals")
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	rounds := func(n int) func() bool { return func() bool { n--; return n >= 0 } }
	pair := turnsOf(rounds(200), 20_000, pairAndPool(t))
	fmt.Fprintf(w, "# A frame taken and freed: %.1f ns; sync.Pool's Get and Put: %.1f ns; ratio %.2f\n", pair[1], pair[0], pair[1]/pair[0])
	for _, m := range mixes {
		fmt.Fprintf(w, "\n# %s: a run of 1 to 512 frames freed and another taken, slots for 90%% of memory\n", m.name)
		fmt.Fprintln(w, "allocator\tns\tto loam's\theld\trefused\t")
		churns, ways := m.churns(t)
		costs := turnsOf(rounds(60), 5000, ways)
		for k, u := range churns {
			held, refused := u.quality(m.frames)
			fmt.Fprintf(w, "%s\t%.0f\t%.2f\t%.1f%%\t%.2f%%\t\n", ways[k].name, costs[k], costs[k]/costs[0], held*100, refused*100)
		}
		flush(t, w)
	}
	fmt.Fprintln(w, "\n# uniform, 1 GiB and 64 GiB: all slots come and go, or the same number in both")
	fmt.Fprintln(w, "allocator\tall, 1 GiB\t64 GiB\tratio\tsame, 1 GiB\t64 GiB\tratio\t")
	for _, c := range contestants[:4] {
		all := turnsOf(rounds(60), 10_000, bySize(t, c.make, 0))
		same := turnsOf(rounds(60), 10_000, bySize(t, c.make, sameSlots))
		fmt.Fprintf(w, "%s\t%.0f\t%.0f\t%.2f\t%.0f\t%.0f\t%.2f\t\n", c.name, all[0], all[1], all[1]/all[0], same[0], same[1], same[1]/same[0])
	}
	flush(t, w)
	dayTable(t, w)
}

func dayTable(t *testing.T, w *tabwriter.Writer) {
	fmt.Fprintln(w, "\n# a day of a machine of 512 MiB, looked at every ten minutes from 6 o'clock on: mean (worst) of parts of free memory")
	fmt.Fprintln(w, "allocator\tlargest block\t(worst)\tin 2 MiB blocks\t(worst)\tlarge pages splintered\trefused\twasted\tfullest\tns\t")
	requests := 0
	for _, c := range livers {
		o := replay(c.make(t, dayFrames), dayFrames, 6, 24)
		fmt.Fprintf(w, "%s\t%.3f\t%.3f\t%.3f\t%.3f\t%.1f%%\t%d\t%.1f%%\t%.1f%%\t%.0f\t\n", c.name,
			o.mean.largest, o.worst.largest, o.mean.usable, o.worst.usable, o.splintered()*100, o.refused,
			o.wasted*100, o.fullest*100, o.cost())
		requests = max(requests, o.requests+o.refused)
	}
	fmt.Fprintf(w, "# %d requests and their ends\n", requests)
	flush(t, w)
}

func flush(t *testing.T, w *tabwriter.Writer) {
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
}
