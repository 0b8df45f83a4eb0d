// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"loam/host/exit"
	"loam/host/run"
	"loam/host/vm"
)

func TestLeast(t *testing.T) {
	for low := 1; low < 6; low++ {
		for high := low; high < 40; high++ {
			for want := low; want <= high; want++ {
				asked := 0
				got, err := least(low, high, func(n int) (bool, error) { asked++; return n >= want, nil })
				if err != nil || got != want || asked > 12 {
					t.Fatalf("%d..%d: %d, want %d, after %d questions, %v", low, high, got, want, asked, err)
				}
			}
			if n, err := least(low, high, func(int) (bool, error) { return false, nil }); err == nil {
				t.Fatalf("%d..%d: %d though nothing works", low, high, n)
			}
		}
	}
	broken := errors.New("broken")
	if _, err := least(1, 9, func(n int) (bool, error) { return n == 4, map[bool]error{true: broken}[n == 2] }); err != broken {
		t.Fatal(err)
	}
}

func TestFirstStamp(t *testing.T) {
	if us, err := firstStamp("[   0.000252] processor\n[   0.1] x"); err != nil || us != 252 {
		t.Errorf("%v %v", us, err)
	}
	for _, bad := range []string{"", "no stamp", "[x] y", "[ 1.0", "[-1] x"} {
		if us, err := firstStamp(bad); err == nil {
			t.Errorf("%q: %v", bad, us)
		}
	}
}

// TestLargeSpace: times that can't be are no figures.
func TestLargeSpace(t *testing.T) {
	inRoot(t)
	for _, told := range []string{"unmap 6 ns\npages 2 pages\n", "unmap 6 ns\nexit_begins 4 ns\npages 2 pages\n", "unmap 6 ns\nexit_begins 1 ns\n", "unmap FAIL no\n"} {
		s := &session{start: func(_ context.Context, o run.Options) (run.Result, error) {
			if o.MemoryMiB != 1536 || !slices.Equal(o.Args, []string{"1024"}) {
				t.Errorf("1 GiB in a machine of %d MiB, %q", o.MemoryMiB, o.Args)
			}
			_, _ = io.WriteString(o.Stdout, told)
			return run.Result{Stats: []byte("exit_time 3 ns\n")}, nil
		}}
		if f, err := largeSpace(1024, "")(s, context.Background()); err == nil {
			t.Errorf("%q gives %v", told, f)
		}
	}
}

func TestLogged(t *testing.T) {
	f, err := logged([]string{"[0.1] bench frame_pair 50 ns", "[0.2] FAIL bench: x", "bench heap_pair 1 ns"})
	if len(f) != 1 || err == nil || !strings.Contains(err.Error(), "FAIL bench: x") {
		t.Errorf("%v %v", f, err)
	}
	if _, err := logged([]string{"[0.1] bench frame_pair soon", "[0.2] ok bench"}); err == nil {
		t.Error("garbage was taken")
	}
	if _, err := logged(nil); err == nil {
		t.Error("an empty log is no failure")
	}
}

func TestReported(t *testing.T) {
	f, err := reported("null_call 1 ns\npage_fault FAIL no memory\n", errors.New("exit status 1"))
	if len(f) != 1 || err == nil || err.Error() != "page_fault FAIL no memory" {
		t.Errorf("%v %v", f, err)
	}
	if _, err := reported("hello\n", nil); err == nil {
		t.Error("garbage was taken")
	}
	if _, err := reported("null_call 1 ns\n", errors.New("killed")); err == nil {
		t.Error("an error is lost")
	}
}

// fake plays the machine: least memory 8 MiB, everything else as told.
func fake(t *testing.T, o run.Options) (run.Result, error) {
	t.Helper()
	if !o.Deterministic && !o.Counted || !o.Statistics || o.Arch == "" || !strings.Contains(o.Path, outDir(o.Arch)+"/") {
		t.Errorf("%s is not counted", o.Path)
	}
	if o.MemoryMiB < 8 {
		return run.Result{Code: 125}, exit.Errorf(exit.Loam, "no memory")
	}
	switch filepath.Base(o.Path) {
	case progProbe:
		for _, name := range probed {
			if len(o.Args) == 0 || slices.Contains(o.Args, name) {
				_, _ = io.WriteString(o.Stdout, name+" 5 "+metric(name).Unit+"\n")
			}
		}
	case progProcess:
		if o.Files["tiny"] == nil {
			t.Error("no tiny program")
		}
		_, _ = io.WriteString(o.Stdout, "spawn_tiny 1 ns\nspawn_hello 2 ns\nfutex_processes 3 ns\n")
	case progMessage:
		for _, name := range messaged {
			_, _ = io.WriteString(o.Stdout, name+" 7 ns\n")
		}
	case progWrite:
		if o.Deterministic || !o.Counted || !o.Discard {
			t.Error("the host's time is in it")
		}
		_, _ = io.WriteString(o.Stderr, "write_4kib 8 ns\nwrite_4kib_asleep 9 ns\nfstat_forwarded 8 ns\ntmpfs_file_4kib 9 ns\ntmpfs_read_64mib 9 ns\npipe_processes 9 ns\n")
	case progLoopback:
		_, _ = io.WriteString(o.Stderr, "tcp_loopback 8 ns\nhttp_sequential 9 ns\n")
	case progWASICalls:
		if o.Files["runner"] == nil || o.Deterministic || !o.Counted {
			t.Error("no runner, or nobody serves it")
		}
		for _, name := range wasiCalls {
			_, _ = io.WriteString(o.Stderr, name+" 5 ns\n")
		}
	case progCompute:
		for _, name := range computed {
			_, _ = io.WriteString(o.Stdout, name+" 5 ms\n")
		}
	case progCrowd:
		if !slices.Contains(o.Params, vm.Param{Key: "collect", Value: "1"}) {
			t.Error("the collector doesn't run")
		}
		_, _ = io.WriteString(o.Stdout, "alive 1000 processes\n")
	case progMemory:
		_, _ = io.WriteString(o.Stdout, "unmap 6 ns\nexit_begins 1 ns\npages 2 pages\n")
	default:
		if !o.Discard {
			_, _ = io.WriteString(o.Stdout, "hello, world\n")
		}
	}
	if o.Log != nil {
		_, _ = io.WriteString(o.Log, "[   0.000250] first\n")
	}
	return run.Result{Stats: []byte("kernel_entry 1 ns\nfirst_user_instruction 2 ns\nexit_time 3 ns\npeak_resident 4 KiB\n" +
		"kernel_heap 5 KiB\nframes_free_at_start 131070 frames\ncollections 2 collections\npause_longest 6 ns\npause_average 5 ns\nunknown_call_x 1 calls\n")}, nil
}

// inRoot makes a folder that looks like the repository, the working directory.
func inRoot(t *testing.T) {
	t.Helper()
	root := t.TempDir()
	for _, f := range []string{program(vm.AMD64, progTiny), "payload/files/kernel-amd64", program(vm.RISCV64, progTiny), "payload/files/kernel-riscv64"} {
		name := filepath.Join(root, f)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, make([]byte, 2048), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(root)
}

func TestMeasureAll(t *testing.T) {
	for _, arch := range vm.Arches {
		t.Run(arch, func(t *testing.T) { testMeasureAll(t, arch) })
	}
}

func testMeasureAll(t *testing.T, arch string) {
	inRoot(t)
	s := &session{Options: Options{Progress: io.Discard, Arch: arch}, start: func(_ context.Context, o run.Options) (run.Result, error) { return fake(t, o) }}
	s.boot = func(context.Context, <-chan int) ([]string, error) {
		return []string{"[   0.000100] processor", "[   0.000200] bench frame_pair 7 ns",
			"[   0.000210] bench heap_pair 8 ns", "[   0.000220] bench heap_pair_4kib 9 ns", "[   0.000300] ok bench", "[   0.0004] end"}, nil
	}
	got, err := s.measure(context.Background())
	want := 0
	for i := range Metrics {
		if Metrics[i].of(arch) {
			want++
		}
	}
	if err != nil || len(got) != want {
		t.Fatalf("%d figures of %d: %v\n%s", len(got), want, err, got.Format())
	}
	for name, want := range map[string]float64{
		"first_user": 2, "hello_end": 3, "kernel_memory": 8, "kernel_first_line": 250_000, "kernel_image": 2,
		"hello_least_ram": 8, "hello_served_least_ram": 8, "hello_served_first_user": 2, "hello_served_end": 3, "go_hello_wasm_end": 3, "futex_processes": 3, "page_fault": 5,
		"unmap_page": 6, "exit_page": 1, "exit_page_64mib": 1, "frame_pair": 7,
	} {
		if f, _ := got.Get(name); f.Value != want {
			t.Errorf("%s: %v, want %v", name, f.Value, want)
		}
	}
}

func TestMeasureSome(t *testing.T) {
	inRoot(t)
	runs := 0
	s := &session{Options: Options{Progress: io.Discard, Arch: vm.AMD64, Only: []string{"null_call", "hello_end"}}}
	s.start = func(_ context.Context, o run.Options) (run.Result, error) { runs++; return fake(t, o) }
	got, err := s.measure(context.Background())
	if err != nil || string(got.Format()) != "hello_end 3 ns\nnull_call 5 ns\n" || runs != 2 {
		t.Fatalf("%v after %d runs:\n%s", err, runs, got.Format())
	}
	for _, name := range []string{"nonsense", "first_user_opensbi"} {
		if _, err := Measure(context.Background(), Options{Arch: vm.AMD64, Only: []string{name}}); err == nil {
			t.Errorf("%s was measured", name)
		}
	}
}

func TestMeasureFailures(t *testing.T) {
	inRoot(t)
	runs := 0
	s := &session{Options: Options{Progress: io.Discard, Arch: vm.AMD64, Only: []string{"null_call", "hello_end", "spawn_tiny"}}}
	s.start = func(_ context.Context, o run.Options) (run.Result, error) {
		runs++
		if filepath.Base(o.Path) == progHello {
			return run.Result{Code: 139}, nil
		}
		return fake(t, o)
	}
	got, err := s.measure(context.Background())
	if err == nil || !strings.Contains(err.Error(), "hello: build") || !strings.Contains(err.Error(), "139") || len(got) != 2 || runs != 3 {
		t.Fatalf("%v after %d runs:\n%s", err, runs, got.Format())
	}
	runs = 0
	s.start = func(context.Context, run.Options) (run.Result, error) {
		runs++
		return run.Result{}, &exit.Error{Code: exit.Signal + 2}
	}
	if _, err := s.measure(context.Background()); err == nil || runs != 1 {
		t.Fatalf("an interrupt did not end it: %d runs, %v", runs, err)
	}
}
