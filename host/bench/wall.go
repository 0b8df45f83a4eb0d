// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// WallOptions say what to time.
type WallOptions struct {
	Root   string // the repository
	Arch   string // of the machines: vm.AMD64 or vm.RISCV64
	Loam   string // path of the loam command
	Rounds int    // how often the ways take turns

	// Only names the groups to time, see WallGroups; empty: all but those that want to be named.
	Only []string

	// Linux is a Linux kernel (bzImage, for riscv64 Image) that boots with nothing but an
	// initramfs and a serial console; empty: none.
	Linux string
	// Rival is a shell command that prints "hello, world" in its own way;
	// empty: none.
	Rival string

	Out      io.Writer // gets the results
	Progress io.Writer
}

// way is one of the things that are timed in turns.
type way struct {
	name string
	run  func(context.Context) (time.Duration, error)
	took []time.Duration
}

func (w *way) median() time.Duration {
	s := slices.Sorted(slices.Values(w.took))
	return s[len(s)/2]
}

// Wall times whole commands from start to end and writes ratios. Times depend
// on the host and what else it does, so the ways take turns, round by round,
// and medians are compared. A rival's clock stops when its greeting appears,
// Loam's when the command has ended.
func Wall(ctx context.Context, o WallOptions) error {
	for _, name := range o.Only {
		if !slices.Contains(WallGroups, name) {
			return fmt.Errorf("nothing that is timed is named %s (there are %s)", name, strings.Join(WallGroups, ", "))
		}
	}
	if err := buildPrograms(ctx, o.Root, o.Arch); err != nil {
		return err
	}
	temp, err := os.MkdirTemp("", "loam-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	w := &wall{WallOptions: o, temp: temp}
	// Finding out what the computer can do is done once in its life, not timed.
	if _, err := w.loam(ctx, "ready", bare, progHello); err != nil {
		return err
	}
	for i, run := range []func(context.Context) error{w.hello, w.secondRuns, w.twoCPUs, w.pairs, w.pause, w.folders, w.disks, w.streams, w.network, w.modules} {
		name := WallGroups[i]
		if !slices.Contains(o.Only, name) && (len(o.Only) > 0 || slices.Contains(named, name)) {
			continue
		}
		if err := run(ctx); err != nil {
			return err
		}
	}
	return nil
}

const (
	groupPause   = "pause"   // a table of times, not of ratios
	groupFolders = "folders" // needs Linux's modules
	groupDisks   = "disks"   // likewise
	groupStreams = "streams" // likewise
	groupNetwork = "network" // likewise
	groupModules = "modules" // instructions, of Linux alone
)

// named are timed only if they are named.
var named = []string{groupPause, groupFolders, groupDisks, groupStreams, groupNetwork, groupModules}

// WallGroups are the names of what is timed: a Go hello, the second run of a
// module, two programs on two CPUs, calls of one pair of processes and of two on two
// CPUs, the pauses of the kernel's collector, a folder of the host's, a disk, the
// console streams, the network, and the calls of modules.
var WallGroups = []string{"hello", "second_run", "two_cpus", "pairs", groupPause, groupFolders, groupDisks, groupStreams, groupNetwork, groupModules}

// bare has the kernel alone answer the program: what is compared is the kernel's.
var bare = []string{"--bare"}

type wall struct {
	WallOptions
	temp string
}

// hello times a Go hello on Loam and its rivals.
func (w *wall) hello(ctx context.Context) error {
	ways := []*way{{name: "loam", run: func(ctx context.Context) (time.Duration, error) {
		return w.loam(ctx, "ready", nil, progHello)
	}}, {name: "loam --bare", run: func(ctx context.Context) (time.Duration, error) {
		return w.loam(ctx, "ready", bare, progHello)
	}}}
	if w.Linux != "" {
		command, err := w.linuxCommand()
		if err != nil {
			return err
		}
		ways = append(ways, &way{name: "linux", run: func(ctx context.Context) (time.Duration, error) {
			return untilHello(ctx, command)
		}})
	}
	if w.Rival != "" {
		ways = append(ways, &way{name: "rival", run: func(ctx context.Context) (time.Duration, error) {
			return untilHello(ctx, []string{"sh", "-c", w.Rival})
		}})
	}
	if err := w.turns(ctx, "a Go hello", ways); err != nil {
		return err
	}
	for _, x := range ways[1:] {
		fmt.Fprintf(w.Out, "a Go hello: loam takes %.3f of %s's time (medians of %d: %v, %v)\n", ratio(ways[0], x), x.name,
			w.Rounds, ways[0].median().Round(time.Millisecond), x.median().Round(time.Millisecond))
	}
	return nil
}

func (w *wall) secondRuns(ctx context.Context) error {
	for _, module := range []string{progGoWasm, progLarge} {
		if err := w.secondRun(ctx, module); err != nil {
			return err
		}
	}
	return nil
}

// secondRun compares the first run of a module with the second, which finds it
// compiled in the cache.
func (w *wall) secondRun(ctx context.Context, module string) error {
	first := &way{name: "first run", run: func(ctx context.Context) (time.Duration, error) {
		if err := os.RemoveAll(filepath.Join(w.cache("ready"), "code")); err != nil {
			return 0, err
		}
		return w.loam(ctx, "ready", bare, module)
	}}
	second := &way{name: "second run", run: func(ctx context.Context) (time.Duration, error) {
		return w.loam(ctx, "ready", bare, module)
	}}
	if err := w.turns(ctx, module, []*way{first, second}); err != nil {
		return err
	}
	fmt.Fprintf(w.Out, "%s: the second run is %.1f times faster than the first (medians of %d: %v, %v)\n", module,
		ratio(first, second), w.Rounds, first.median().Round(time.Millisecond), second.median().Round(time.Millisecond))
	return nil
}

func ratio(a, b *way) float64 { return float64(a.median()) / float64(b.median()) }

// turns has each way run once a round.
func (w *wall) turns(ctx context.Context, what string, ways []*way) error {
	for round := range w.Rounds {
		var line strings.Builder
		for _, x := range ways {
			d, err := x.run(ctx)
			if err != nil {
				return fmt.Errorf("%s: %s: %w", what, x.name, err)
			}
			x.took = append(x.took, d)
			fmt.Fprintf(&line, "  %s %v", x.name, d.Round(time.Millisecond))
		}
		fmt.Fprintf(w.Progress, "bench  %s, round %d:%s\n", what, round+1, line.String())
	}
	return nil
}

func (w *wall) cache(name string) string { return filepath.Join(w.temp, name) }

// loam times loam run of a measured program, with a cache folder of that name.
func (w *wall) loam(ctx context.Context, cache string, flags []string, prog string, args ...string) (time.Duration, error) {
	start := time.Now()
	_, err := w.output(ctx, cache, flags, prog, args...)
	return time.Since(start), err
}

// output is what a measured program says, of which loam takes the time.
func (w *wall) output(ctx context.Context, cache string, flags []string, prog string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, w.Loam, slices.Concat([]string{"run", "--arch", w.Arch, "--timeout", "5m"}, flags, []string{program(w.Arch, prog)}, args)...)
	cmd.Dir = w.Root
	cmd.Env = append(os.Environ(), "LOAM_CACHE="+w.cache(cache))
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("loam run %s: %w\n%s%.500s", prog, err, stderr.String(), out)
	}
	return out, nil
}

// untilHello times a command from its start until it has written the greeting,
// and then ends it.
func untilHello(ctx context.Context, command []string) (time.Duration, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.WaitDelay = time.Second // for pipes that a child of it holds
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	found, last := greeting(out)
	took := time.Since(start)
	cancel()
	_ = cmd.Wait() // it was killed
	if !found {
		return 0, fmt.Errorf("%s: no greeting; it wrote %q", command[0], last)
	}
	return took, nil
}

// greeting reads until "hello, world" has come, or returns the last bytes of
// what came instead.
func greeting(r io.Reader) (found bool, last []byte) {
	const keep = 500
	b := make([]byte, 4096)
	for {
		n, err := r.Read(b)
		last = append(last, b[:n]...)
		if bytes.Contains(last, []byte("hello, world")) {
			return true, nil
		}
		last = last[max(0, len(last)-keep):]
		if err != nil {
			return false, last
		}
	}
}
