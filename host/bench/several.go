// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"time"
)

// wantedSpeedup is the most that two programs may take on two CPUs, as a part
// of what they take on one.
const wantedSpeedup = 0.6

// twoCPUs times two CPU-bound programs that are started together: on a machine
// with one CPU, with two, and with two of which both use the first alone. The
// last differs from the second in nothing that QEMU knows of.
func (w *wall) twoCPUs(ctx context.Context) error {
	if n := runtime.NumCPU(); n < 2 {
		fmt.Fprintf(w.Out, "two CPU-bound programs: not timed, this computer has %d CPU\n", n)
		return nil
	}
	pair := func(name, cpus string, args ...string) *way {
		return &way{name: name, run: func(ctx context.Context) (time.Duration, error) {
			return w.loam(ctx, "ready", []string{"--bare", "--cpus", cpus}, progPair, args...)
		}}
	}
	one, two, pinned := pair("1 CPU", "1"), pair("2 CPUs", "2"), pair("1 of 2 CPUs", "2", "pinned")
	if err := w.turns(ctx, "two CPU-bound programs", []*way{one, two, pinned}); err != nil {
		return err
	}
	for _, x := range []*way{one, pinned} {
		low, high := spread(two, x)
		fmt.Fprintf(w.Out, "two CPU-bound programs: on 2 CPUs %.3f of the time on %s (medians of %d: %v, %v; by rounds %.3f to %.3f), wanted %.1f: %s\n",
			ratio(two, x), x.name, w.Rounds, two.median().Round(time.Millisecond), x.median().Round(time.Millisecond),
			low, high, wantedSpeedup, verdict(ratio(two, x) <= wantedSpeedup))
	}
	return nil
}

// wantedGrowth is how many more calls two pairs of processes make on two CPUs, at least,
// than one pair does there.
const wantedGrowth = 1.8

// pairs shows how calls between processes grow with CPUs: the program has one pair of a
// client and a server call, then two, in turns.
func (w *wall) pairs(ctx context.Context) error {
	if n := runtime.NumCPU(); n < 2 {
		fmt.Fprintf(w.Out, "pairs that call: not timed, this computer has %d CPU\n", n)
		return nil
	}
	var ratios []float64
	for round := range w.Rounds {
		out, err := w.output(ctx, "ready", []string{"--bare", "--cpus", "2"}, progPairs)
		if err != nil {
			return err
		}
		r, err := pairsRatio(out)
		if err != nil {
			return err
		}
		ratios = append(ratios, r)
		fmt.Fprintf(w.Progress, "bench  pairs that call, round %d:  2 to 1 pair %.2f\n", round+1, r)
	}
	slices.Sort(ratios)
	middle := ratios[len(ratios)/2]
	fmt.Fprintf(w.Out, "pairs that call: on 2 CPUs two make %.2f times the calls of one (median of %d, %.2f to %.2f), wanted %.1f: %s\n",
		middle, w.Rounds, ratios[0], ratios[len(ratios)-1], wantedGrowth, verdict(middle >= wantedGrowth))
	return nil
}

// pairsRatio reads what the program says in the end.
func pairsRatio(out []byte) (float64, error) {
	for line := range bytes.Lines(out) {
		if text, ok := bytes.CutPrefix(line, []byte("pairs_ratio ")); ok {
			return strconv.ParseFloat(string(bytes.TrimSpace(text)), 64)
		}
	}
	return 0, fmt.Errorf("the pairs don't tell their ratio: %q", out)
}

func verdict(ok bool) string {
	if ok {
		return "ok"
	}
	return "missed"
}

// spread gives the least and the greatest ratio of a to b in one round.
func spread(a, b *way) (low, high float64) {
	var r []float64
	for i := range a.took {
		r = append(r, float64(a.took[i])/float64(b.took[i]))
	}
	return slices.Min(r), slices.Max(r)
}

// pauseCPUs are the sizes of machines whose pauses are measured.
var pauseCPUs = []string{"1", "2", "4"}

// pause shows how long the kernel's own collector stops the world while all
// CPUs are in loops in user mode: the kernel measures, and tells at the end.
func (w *wall) pause(ctx context.Context) error {
	fmt.Fprintf(w.Out, "%6s %6s %12s %14s %14s %18s\n", "CPUs", "round", "collections", "average pause", "longest pause", "interrupts off")
	for _, cpus := range pauseCPUs {
		for round := range w.Rounds {
			f, err := w.collecting(ctx, cpus)
			if err != nil {
				return fmt.Errorf("pauses on %s CPUs: %w", cpus, err)
			}
			fmt.Fprintf(w.Out, "%6s %6d", cpus, round+1)
			for i, name := range []string{"collections", "pause_average", "pause_longest", "irqoff_longest"} {
				x, ok := f.Get(name)
				text := time.Duration(x.Value).Round(time.Microsecond / 10).String()
				switch {
				case !ok && name != "irqoff_longest":
					return fmt.Errorf("the kernel does not tell %s", name)
				case !ok:
					text = "not measured" // but by a kernel with checks
				case x.Unit != "ns":
					text = value(x.Value)
				}
				fmt.Fprintf(w.Out, " %*s", []int{12, 14, 14, 18}[i], text)
			}
			fmt.Fprintln(w.Out)
		}
	}
	return nil
}

// collecting runs a program that keeps all CPUs in user mode while the kernel's
// collector runs all the time, and gives the kernel's figures.
func (w *wall) collecting(ctx context.Context, cpus string) (Figures, error) {
	stats := filepath.Join(w.temp, "stats")
	flags := []string{"--bare", "--cpus", cpus, "--param", "collect=1", "--stats", stats}
	if _, err := w.loam(ctx, "ready", flags, progSpin, "3s"); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(stats)
	if err != nil {
		return nil, err
	}
	return KernelFigures(b)
}

// KernelFigures reads what the kernel tells at the end of a run. A unit there
// may be explained in further words.
func KernelFigures(text []byte) (Figures, error) {
	var b bytes.Buffer
	for line := range bytes.Lines(text) {
		words := bytes.Fields(line)
		if len(words) > 3 {
			words = append(words[:2], []byte("explained"))
		}
		b.Write(append(bytes.Join(words, []byte(" ")), '\n'))
	}
	return Parse(b.Bytes())
}
