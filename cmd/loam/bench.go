// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"loam/host/bench"
	"loam/host/exit"
	"loam/host/vm"
)

// benchFlags are those of loam bench.
type benchFlags struct {
	check, keep, wall bool
	rounds            int
	arch              string
	linux, rival      string
}

func benchCommand() *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench [flags] [FIGURE...]",
		Short: "Measure Loam, in its source folder",
		Long: `Measure what Loam costs, in guest instructions, and show the figures beside the
kept ones, other systems' and the targets. All figures, or those that are named.
It runs in Loam's source folder (./x bench does), since it builds what it
measures with Go, and compares with bench/ARCH.txt there.`,
		Example: `  ./x bench
  ./x bench --check
  ./x bench null_call page_fault
  ./x bench --arch riscv64 --check
  ./x bench --wall two_cpus`,
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args) },
	}
	fl := cmd.Flags()
	fl.BoolVar(&f.check, "check", false, "fail if a figure is worse than the kept one by more than 3 %")
	fl.BoolVar(&f.keep, "keep", false, "keep the figures: rewrite bench/ARCH.txt and its table in docs/benchmarks.md")
	fl.StringVar(&f.arch, "arch", vm.AMD64, "architecture of the machines: "+strings.Join(vm.Arches, " or "))
	fl.BoolVar(&f.wall, "wall", false, "time whole runs on this computer instead, and show ratios (or of these only: "+strings.Join(bench.WallGroups, ", ")+")")
	fl.IntVar(&f.rounds, "rounds", 5, "with --wall: how often the ways take turns")
	fl.StringVar(&f.linux, "linux", "", "with --wall: compare with the Linux kernel `IMAGE` in the same QEMU")
	fl.StringVar(&f.rival, "rival", "", "with --wall: compare with a shell `COMMAND` that prints \"hello, world\"")
	cmd.MarkFlagsMutuallyExclusive("check", "keep", "wall")
	return cmd
}

func (f *benchFlags) run(cmd *cobra.Command, only []string) error {
	if err := checkArch(f.arch); err != nil {
		return err
	}
	root, err := sourceFolder()
	if err != nil {
		return err
	}
	if f.wall {
		return f.time(cmd, root, only)
	}
	kept, err := bench.Kept(root, f.arch)
	if err != nil {
		return err
	}
	rivals, err := bench.ReadRivals(root)
	if err != nil {
		return err
	}
	stop := interrupts()
	defer stop.close()
	now, failure := bench.Measure(cmd.Context(), bench.Options{
		Root: root, Arch: f.arch, Only: only, Progress: cmd.ErrOrStderr(), Interrupt: stop.code,
	})
	if len(now) > 0 {
		if _, err := cmd.OutOrStdout().Write(bench.Table(f.arch, now, kept.Only(only), rivals)); err != nil {
			return err
		}
	}
	if failure != nil {
		return failure
	}
	if f.keep {
		return bench.Keep(root, f.arch, now, rivals)
	}
	worse := bench.Compare(now, kept, only)
	if f.check && len(worse) > 0 {
		for _, line := range worse {
			fmt.Fprintln(cmd.ErrOrStderr(), "loam: worse:", line)
		}
		fmt.Fprintln(cmd.ErrOrStderr(), "loam: mend it, or keep the new figures with ./x bench --keep and say why in the commit")
		return statusError(1)
	}
	return nil
}

// time is loam bench --wall.
func (f *benchFlags) time(cmd *cobra.Command, root string, only []string) error {
	if f.rounds < 1 {
		return usageError{fmt.Errorf("--rounds %d: at least one is needed", f.rounds)}
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	stop := interrupts()
	defer stop.close()
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	go func() {
		select {
		case <-stop.code:
			cancel()
		case <-ctx.Done():
		}
	}()
	return bench.Wall(ctx, bench.WallOptions{
		Root: root, Arch: f.arch, Loam: self, Rounds: f.rounds, Only: only, Linux: f.linux, Rival: f.rival,
		Out: cmd.OutOrStdout(), Progress: cmd.ErrOrStderr(),
	})
}

// sourceFolder is where Loam's sources are: $LOAM_ROOT, or here.
func sourceFolder() (string, error) {
	root := os.Getenv("LOAM_ROOT")
	if root == "" {
		var err error
		if root, err = os.Getwd(); err != nil {
			return "", err
		}
	}
	if _, err := os.Stat(root + "/bench/rivals.txt"); errors.Is(err, os.ErrNotExist) {
		return "", &exit.Error{Code: exit.Loam, Text: "not in Loam's source folder, whose programs are measured", Hint: "there: ./x bench"}
	}
	return root, nil
}
