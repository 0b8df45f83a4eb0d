// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"loam/host/exit"
	"loam/host/run"
	"loam/host/vm"
)

// Options say what to measure and where.
type Options struct {
	Root string   // the repository
	Arch string   // of the machines: vm.AMD64 or vm.RISCV64
	Only []string // names of figures; none means all
	// Progress gets a line for each step.
	Progress io.Writer
	// Interrupt ends the measurement, as run.Options has it.
	Interrupt <-chan int
}

// session is a measurement that is going on.
type session struct {
	Options
	cache string // folder of compiled modules
	// start runs a program; run.Run but for tests.
	start func(context.Context, run.Options) (run.Result, error)
	// boot runs the test kernel and returns its log; bootFloor but for tests.
	boot func(context.Context, <-chan int) ([]string, error)
}

// step is something that gives figures.
type step struct {
	name    string
	figures []string // what it gives
	do      func(*session, context.Context) (Figures, error)
}

var steps = []step{
	{"hello, OpenSBI", []string{"first_user_opensbi"}, (*session).helloOpenSBI},
	{"hello", []string{"first_user", "hello_end", "hello_memory", "kernel_memory", "kernel_heap", "kernel_entry"}, (*session).hello},
	{"hello, served", []string{"hello_served_first_user", "hello_served_end"}, (*session).helloServed},
	{"log", []string{"kernel_first_line"}, (*session).firstLine},
	{"hello.wasm", []string{"hello_wasm_end"}, wasmEnd("hello_wasm_end", progHelloWasm, false)},
	{"hello.wasm, cold", []string{"hello_wasm_cold_end"}, wasmEnd("hello_wasm_cold_end", progHelloWasm, true)},
	{"Go hello.wasm", []string{"go_hello_wasm_end"}, wasmEnd("go_hello_wasm_end", progGoWasm, false)},
	{"Go hello.wasm, cold", []string{"go_hello_wasm_cold_end"}, wasmEnd("go_hello_wasm_cold_end", progGoWasm, true)},
	{"calls", probed, (*session).probe},
	{"processes", []string{"spawn_tiny", "spawn_hello", "futex_processes"}, (*session).processes},
	{"messages", messaged, (*session).messages},
	{"writes", []string{"write_4kib", "write_4kib_asleep", "fstat_forwarded", "tmpfs_file_4kib", "tmpfs_read_64mib", "pipe_processes"}, (*session).writes},
	{"loopback", []string{"tcp_loopback", "http_sequential"}, (*session).loopback},
	{"calls of WASI", wasiCalls, (*session).wasiCalls},
	{"modules that compute", computed, (*session).compute},
	{"large space", []string{"unmap_page", "exit_page"}, largeSpace(1024, "")},
	{"large space, 64 MiB", []string{"unmap_page_64mib", "exit_page_64mib"}, largeSpace(64, "_64mib")},
	{"1,000 processes", []string{"kernel_heap_1000", "kernel_pause_1000", "kernel_pause_1000_mean"}, (*session).crowd},
	{"machine floor", floored, (*session).machineFloor},
	{"kernel image", []string{"kernel_image"}, (*session).kernelImage},
	{"least memory, hello", []string{"hello_least_ram"}, leastRAM("hello_least_ram", progHello, nil)},
	{"least memory, hello, served", []string{"hello_served_least_ram"}, leastRAM("hello_served_least_ram", progHello, withServices)},
	{"least memory, hello.wasm", []string{"hello_wasm_least_ram"}, leastRAM("hello_wasm_least_ram", progHelloWasm, nil)},
}

// messaged are the figures of test/bench/ipc.
var messaged = []string{"ipc_call", "ipc_typed", "ipc_typed_1kib", "forwarded_call", "forwarded_4kib", "notify_driver", "notify_driver_fixed", "interrupt_driver", "switch_threads", "switch_processes"}

// probed are the figures of test/bench/probe.
var probed = []string{
	"null_call", "clock_call", "time_now", "sched_yield", "mmap_munmap", "page_fault", "fault_large", "futex_threads",
	"chan_goroutines", "chan_threads", "thread_create", "thread_raw", "pipe_threads", "signal_self", "alloc_64b", "gc_cycle",
	"sleep_1ms", "sha256_16mib",
}

// Measure builds the programs of test/bench and measures. It changes the
// working directory to the repository. Figures that could be had are returned
// also with an error.
func Measure(ctx context.Context, o Options) (Figures, error) {
	for _, name := range o.Only {
		if m := metric(name); m == nil || !m.of(o.Arch) {
			return nil, exit.Errorf(exit.Loam, "there is no figure %q for %s", name, o.Arch)
		}
	}
	if err := buildPrograms(ctx, o.Root, o.Arch); err != nil {
		return nil, err
	}
	if err := os.Chdir(o.Root); err != nil {
		return nil, err
	}
	cache, err := os.MkdirTemp("", "loam-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(cache)
	s := &session{Options: o, cache: cache, start: run.Run}
	s.boot = func(ctx context.Context, interrupt <-chan int) ([]string, error) {
		return bootFloor(ctx, o.Arch, interrupt)
	}
	return s.measure(ctx)
}

func (s *session) measure(ctx context.Context) (Figures, error) {
	var all Figures
	var failures []error
	for _, st := range steps {
		if !slices.ContainsFunc(st.figures, func(f string) bool { return chosen(f, s.Only) && metric(f).of(s.Arch) }) {
			continue
		}
		began := time.Now()
		got, err := st.do(s, ctx)
		if err != nil {
			failures = append(failures, fmt.Errorf("%s: %w", st.name, err))
			if stopped(ctx, err) {
				break
			}
		}
		for _, f := range got {
			if chosen(f.Name, s.Only) {
				all = append(all, f)
			}
		}
		fmt.Fprintf(s.Progress, "bench  %-26s %6.1fs\n", st.name, time.Since(began).Seconds())
	}
	all, strange := inOrder(s.Arch, all)
	for _, x := range strange {
		failures = append(failures, fmt.Errorf("unknown figure %s", x))
	}
	return all, errors.Join(failures...)
}

// stopped reports whether an error means that somebody wants an end.
func stopped(ctx context.Context, err error) bool {
	var e *exit.Error
	return ctx.Err() != nil || errors.As(err, &e) && e.Code > exit.Signal && e.Code < exit.Trap
}

// chosen reports whether name is among wanted, or nothing in particular is.
func chosen(name string, wanted []string) bool {
	return len(wanted) == 0 || slices.Contains(wanted, name)
}

// memoryMiB is the machine's memory in all measurements but those of the least.
const memoryMiB = 512

// limit is the wall time that one run may take; instruction counting runs a
// few hundred million instructions a second.
const limit = 10 * time.Minute

// run runs a measured program and returns its output and the kernel's figures.
// Its exit status must be 0.
func (s *session) run(ctx context.Context, name string, change func(*run.Options)) (string, Figures, error) {
	var out, stderr bytes.Buffer
	o := run.Options{
		Path: program(s.Arch, name), Arch: s.Arch, MemoryMiB: memoryMiB, Timeout: limit, Deterministic: true, Statistics: true,
		Stdout: &out, Stderr: &stderr, Messages: &stderr, Cache: s.cache, Interrupt: s.Interrupt,
	}
	if change != nil {
		change(&o)
	}
	res, err := s.start(ctx, o)
	switch {
	case err != nil:
		return out.String(), nil, err
	case res.Code != 0:
		return out.String(), nil, fmt.Errorf("%s: exit status %d\n%s", o.Path, res.Code, stderr.String())
	}
	stats, err := Parse(res.Stats)
	if err != nil {
		err = fmt.Errorf("the kernel's figures: %w", err)
	}
	return out.String(), stats, err
}

// renamed picks figures of the kernel's under our names; one that the kernel
// doesn't give is left out.
func renamed(stats Figures, names map[string]string) Figures {
	var out Figures
	for theirs, ours := range names {
		if f, ok := stats.Get(theirs); ok {
			out = append(out, Figure{ours, f.Value, f.Unit})
		}
	}
	return out
}

func (s *session) hello(ctx context.Context) (Figures, error) {
	out, stats, err := s.run(ctx, progHello, nil)
	if err == nil {
		err = greeted(out)
	}
	if err != nil {
		return nil, err
	}
	f := renamed(stats, map[string]string{
		"kernel_entry": "kernel_entry", "first_user_instruction": "first_user", "exit_time": "hello_end",
		"peak_resident": "hello_memory", "kernel_heap": "kernel_heap",
	})
	if free, ok := stats.Get("frames_free_at_start"); ok {
		f = append(f, Figure{"kernel_memory", memoryMiB<<10 - free.Value*4, "KiB"})
	}
	return f, nil
}

// helloOpenSBI measures the way of a kernel that firmware starts.
func (s *session) helloOpenSBI(ctx context.Context) (Figures, error) {
	out, stats, err := s.run(ctx, progHello, func(o *run.Options) { o.Firmware = vm.OpenSBI })
	if err == nil {
		err = greeted(out)
	}
	if err != nil {
		return nil, err
	}
	return renamed(stats, map[string]string{"first_user_instruction": "first_user_opensbi"}), nil
}

// greeted checks the output of a hello.
func greeted(out string) error {
	if out != "hello, world\n" {
		return fmt.Errorf("wrong output %.60q", out)
	}
	return nil
}

// firstLine takes the time stamp of the first line of the kernel's log, which
// is made before the line is sent, to the microsecond.
func (s *session) firstLine(ctx context.Context) (Figures, error) {
	var log bytes.Buffer
	if _, _, err := s.run(ctx, progHello, func(o *run.Options) { o.Log = &log }); err != nil {
		return nil, err
	}
	us, err := firstStamp(log.String())
	return Figures{{"kernel_first_line", us * 1000, "ns"}}, err
}

// firstStamp is the time in us of the first line of a log, "[   0.000123] text".
func firstStamp(log string) (us float64, err error) {
	_, rest, _ := strings.Cut(log, "[")
	stamp, _, ok := strings.Cut(rest, "]")
	seconds, err := strconv.ParseFloat(strings.TrimSpace(stamp), 64)
	if !ok || err != nil || seconds < 0 {
		return 0, fmt.Errorf("no time stamp in the log: %.60q", log)
	}
	return rounded(seconds * 1e6), nil
}

// wasmEnd measures a module to its end.
func wasmEnd(figure, prog string, cold bool) func(*session, context.Context) (Figures, error) {
	return func(s *session, ctx context.Context) (Figures, error) {
		out, stats, err := s.run(ctx, prog, func(o *run.Options) { o.GuestCompiles = cold })
		if err == nil {
			err = greeted(out)
		}
		if err != nil {
			return nil, err
		}
		return renamed(stats, map[string]string{"exit_time": figure}), nil
	}
}

func (s *session) probe(ctx context.Context) (Figures, error) {
	var args []string
	if len(s.Only) > 0 {
		args = slices.DeleteFunc(slices.Clone(probed), func(f string) bool { return !chosen(f, s.Only) })
	}
	out, _, err := s.run(ctx, progProbe, func(o *run.Options) { o.Args = args })
	return reported(out, err)
}

func (s *session) processes(ctx context.Context) (Figures, error) {
	tiny, err := os.ReadFile(program(s.Arch, progTiny))
	if err != nil {
		return nil, err
	}
	out, _, err := s.run(ctx, progProcess, func(o *run.Options) { o.Files = map[string][]byte{"tiny": tiny} })
	return reported(out, err)
}

// crowd measures the kernel's own collector, which is made to run for once, while there
// are 1,000 processes.
func (s *session) crowd(ctx context.Context) (Figures, error) {
	out, stats, err := s.run(ctx, progCrowd, func(o *run.Options) {
		o.Args, o.Params = []string{"1000", "1000"}, []vm.Param{{Key: "collect", Value: "1"}}
	})
	told, err := reported(out, err)
	if err != nil {
		return nil, err
	}
	alive, _ := told.Get("alive")
	if n, _ := stats.Get("collections"); alive.Value != 1000 || n.Value == 0 {
		return nil, fmt.Errorf("%v collections with %v processes", n.Value, alive.Value)
	}
	return renamed(stats, map[string]string{
		"kernel_heap": "kernel_heap_1000", "pause_longest": "kernel_pause_1000", "pause_average": "kernel_pause_1000_mean",
	}), nil
}

func (s *session) messages(ctx context.Context) (Figures, error) {
	out, _, err := s.run(ctx, progMessage, nil)
	return reported(out, err)
}

// withServices has a program be served, as one of loam run is. The device takes all of its output at once, and away: else the
// host's time would be in it, which runs on while the machine waits.
func withServices(o *run.Options) { o.Deterministic, o.Counted, o.Discard = false, true, true }

func (s *session) helloServed(ctx context.Context) (Figures, error) {
	out, stats, err := s.run(ctx, progHello, withServices)
	if err == nil && out != "" {
		err = fmt.Errorf("output came: %.60q", out)
	}
	if err != nil {
		return nil, err
	}
	return renamed(stats, map[string]string{"first_user_instruction": "hello_served_first_user", "exit_time": "hello_served_end"}), nil
}

// writes measures the way of a program's output, and calls about files in memory and pipes.
func (s *session) writes(ctx context.Context) (Figures, error) {
	var told bytes.Buffer
	out, _, err := s.run(ctx, progWrite, func(o *run.Options) {
		withServices(o)
		o.Stderr = &told
	})
	if err != nil {
		return nil, err
	}
	if out != "" {
		return nil, fmt.Errorf("output came: %.60q", out)
	}
	return reported(told.String(), nil)
}

// loopback measures connections inside a sandbox.
func (s *session) loopback(ctx context.Context) (Figures, error) {
	var told bytes.Buffer
	_, _, err := s.run(ctx, progLoopback, func(o *run.Options) {
		withServices(o)
		o.Stderr = &told
	})
	return reported(told.String(), err)
}

// largeSpace measures what getting rid of so many MiB costs, for each page: by
// munmap, which the program times, and by the end of the process, from where the
// program says that it ends to where the machine has everything back.
func largeSpace(mib int, suffix string) func(*session, context.Context) (Figures, error) {
	return func(s *session, ctx context.Context) (Figures, error) {
		out, stats, err := s.run(ctx, progMemory, func(o *run.Options) {
			o.Args, o.MemoryMiB = []string{strconv.Itoa(mib)}, max(memoryMiB, mib*3/2)
		})
		told, err := reported(out, err)
		if err != nil {
			return nil, err
		}
		unmap, _ := told.Get("unmap")
		pages, _ := told.Get("pages")
		begins, _ := told.Get("exit_begins")
		ends, ok := stats.Get("exit_time")
		if !ok || pages.Value == 0 || begins.Value == 0 || begins.Value > ends.Value {
			return nil, fmt.Errorf("from %v to %v for %v pages: makes no sense", begins.Value, ends.Value, pages.Value)
		}
		return Figures{{"unmap_page" + suffix, unmap.Value, "ns"},
			{"exit_page" + suffix, (ends.Value - begins.Value) / pages.Value, "ns"}}, nil
	}
}

// reported reads a program's figures; lines that say what failed become errors,
// in place of the exit status that follows from them.
func reported(out string, err error) (Figures, error) {
	var lines strings.Builder
	var failures []error
	for line := range strings.Lines(out) {
		if strings.Contains(line, " FAIL ") {
			failures = append(failures, errors.New(strings.TrimSpace(line)))
			continue
		}
		lines.WriteString(line)
	}
	f, perr := Parse([]byte(lines.String()))
	if failures != nil && perr == nil {
		return f, errors.Join(failures...)
	}
	return f, errors.Join(err, perr)
}

func (s *session) kernelImage(context.Context) (Figures, error) {
	info, err := os.Stat(filepath.Join("payload", "files", "kernel-"+s.Arch))
	if err != nil {
		return nil, err
	}
	return Figures{{"kernel_image", float64(info.Size()) / 1024, "KiB"}}, nil
}

// leastRAM finds the smallest machine in which a hello still works, by
// bisection over whole MiB.
func leastRAM(figure, prog string, change func(*run.Options)) func(*session, context.Context) (Figures, error) {
	return func(s *session, ctx context.Context) (Figures, error) {
		works := func(mib int) (bool, error) {
			out, _, err := s.run(ctx, prog, func(o *run.Options) {
				o.MemoryMiB, o.Timeout = mib, time.Minute
				if change != nil {
					change(o)
				}
			})
			if err != nil && stopped(ctx, err) {
				return false, err
			}
			return err == nil && (change != nil && out == "" || greeted(out) == nil), nil
		}
		mib, err := least(minRAM, memoryMiB, works)
		return Figures{{figure, float64(mib), "MiB"}}, err
	}
}
