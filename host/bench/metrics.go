// SPDX-License-Identifier: Apache-2.0

package bench

import "loam/host/vm"

// Metric is one thing that is measured.
type Metric struct {
	Name, Unit string
	What       string  // for people
	Target     float64 // at most this is wanted; 0: no target
}

// Metrics lists everything that is measured, in the order of tables and files.
// Targets are the project's goals for amd64 in this version.
var Metrics = []Metric{
	// The way to a program, from power-on.
	{"kernel_entry", "ns", "power-on to the kernel's entry (QEMU's firmware)", 0},
	{"kernel_first_line", "ns", "power-on to the first line of the kernel's log", 0},
	{"first_user", "ns", "power-on to the first user instruction of a Go hello", 5e6},
	{"first_user_opensbi", "ns", "the same, the kernel started by OpenSBI", 0},
	{"hello_end", "ns", "power-on to the end of a Go hello", 8e6},
	{"hello_served_first_user", "ns", "power-on to the first user instruction, with services: it is init's", 5e6},
	{"hello_served_end", "ns", "power-on to the end of a Go hello that the personality and the console driver serve", 15e6},
	{"hello_wasm_end", "ns", "power-on to the end of a C-sized hello.wasm, compiled on the host", 0},
	{"hello_wasm_cold_end", "ns", "the same, compiled in the guest", 0},
	{"go_hello_wasm_end", "ns", "power-on to the end of a Go hello.wasm, compiled on the host", 0},
	{"go_hello_wasm_cold_end", "ns", "the same, compiled in the guest", 0},

	// What kernel calls cost.
	{"null_call", "ns", "gettid", 150},
	{"clock_call", "ns", "clock_gettime by a call", 180},
	{"time_now", "ns", "time.Now", 0},
	{"sched_yield", "ns", "sched_yield with nobody else to run", 0},
	{"mmap_munmap", "ns", "mmap and munmap of 64 KiB, untouched", 0},
	{"page_fault", "ns", "a demand-zero page: mapped, touched, unmapped", 1200},
	{"fault_large", "ns", "the same, where large pages are asked for", 0},
	{"unmap_page", "ns", "munmap of 1 GiB that was touched, for each page", 150},
	{"unmap_page_64mib", "ns", "munmap of 64 MiB, for each page", 150},
	{"exit_page", "ns", "end of a process with 1 GiB that was touched, for each page", 150},
	{"exit_page_64mib", "ns", "end of a process with 64 MiB, for each page", 0},
	{"futex_threads", "ns", "futex round trip between two threads", 3000},
	{"futex_processes", "ns", "futex round trip between two processes", 0},
	{"pipe_threads", "ns", "a byte to another thread through a pipe, and back", 0},
	{"ipc_call", "ns", "a call of eight words to another process, and the answer", 500},
	{"ipc_typed", "ns", "a typed call of package user/ipc, two words and one back", 0},
	{"ipc_typed_1kib", "ns", "the same, with 1 KiB in each direction", 0},
	{"forwarded_call", "ns", "a Linux call that another process answers (process_forward)", 0},
	{"forwarded_4kib", "ns", "the same, and 4 KiB of the caller's copied to the other process", 0},
	{"write_4kib", "ns", "a write of 4 KiB to stdout by way of personality and console driver, one behind the other, all in", 12_000},
	{"write_4kib_asleep", "ns", "the same, all asleep who have to do with it", 12_000},
	{"fstat_forwarded", "ns", "fstat of a file in memory, which the personality answers", 2000},
	{"tmpfs_file_4kib", "ns", "a file in memory made, 4 KiB written, read, closed and removed", 36_000},
	{"tmpfs_read_64mib", "ns", "a file of 64 MiB in memory, read by 64 KiB at a time", 36_000_000},
	{"pipe_processes", "ns", "a byte to another process through a pipe, and back through another, by way of the personality", 12_000},
	{"tcp_loopback", "ns", "a byte to another goroutine over a TCP connection on loopback, and back", 32_800},
	{"http_sequential", "ns", "a request of package net/http to a server of the same process, one behind the other", 137_500},
	{"wasi_fd_write", "ns", "a module's fd_write of 64 bytes to a file in memory", 3072},
	{"wasi_fd_write_null", "ns", "the same, to /dev/null", 1814},
	{"wasi_path_open", "ns", "path_open of a file in memory, and fd_close", 16269},
	{"wasi_clock_time_get", "ns", "clock_time_get, monotonic", 531},
	{"wasi_random_get", "ns", "random_get of 64 bytes", 4391},
	{"notify_driver", "ns", "from a notification's signal to the other process's thread that waits for it", 0},
	{"notify_driver_fixed", "ns", "the same, if that thread has a fixed priority, as drivers have", 600},
	{"interrupt_driver", "ns", "from a timer's interrupt to the thread that waits for its bits, the CPU being idle", 900},
	{"switch_threads", "ns", "sched_yield to another thread of the process", 350},
	{"switch_processes", "ns", "sched_yield to a thread of another process", 450},
	{"signal_self", "ns", "a signal to the own thread, through Go's handler", 0},
	{"thread_create", "ns", "start and end of a thread, by Go's runtime", 15000},
	{"thread_raw", "ns", "start and end of a thread, by calls alone", 6000},
	{"spawn_tiny", "ns", "start and end of a process that only exits", 60000},
	{"spawn_hello", "ns", "start and end of a Go program that only returns", 0},

	// What the machine floor costs the kernel.
	{"frame_pair", "ns", "a page frame taken and freed", 60},
	{"heap_pair", "ns", "64 bytes of a size class taken and freed", 70},
	{"heap_pair_4kib", "ns", "the same, of 4 KiB", 70},

	// What a Go program sees.
	{"chan_goroutines", "ns", "channel round trip between goroutines", 0},
	{"chan_threads", "ns", "channel round trip between threads", 0},
	{"alloc_64b", "ns", "new, of 64 bytes", 0},
	{"gc_cycle", "us", "runtime.GC with 4 MiB live", 0},
	{"sleep_1ms", "us", "time.Sleep of 1 ms", 0},
	{"sha256_16mib", "ms", "control: no kernel in it", 0},
	{"wasm_sha256", "ms", "SHA-256 of 256 KiB by a Go module, compiled on the host", 0},
	{"wasm_sieve", "ms", "a sieve to 300,000 by the same", 0},

	// Memory.
	{"hello_memory", "KiB", "peak resident memory of a Go hello", 0},
	{"kernel_memory", "KiB", "taken by the kernel when the first program starts", 0},
	{"kernel_heap", "KiB", "behind the kernel's Go heap after a Go hello", 0},
	{"kernel_heap_1000", "KiB", "the same, with 1,000 processes", 8192},
	{"kernel_pause_1000", "ns", "longest pause for the kernel's collector, with 1,000 processes", 100_000},
	{"kernel_pause_1000_mean", "ns", "the same, the mean of all", 0},
	{"kernel_image", "KiB", "the kernel's image file", 0},
	{"hello_least_ram", "MiB", "the smallest machine for a Go hello", 12},
	{"hello_served_least_ram", "MiB", "the same, with what serves it", 24},
	{"hello_wasm_least_ram", "MiB", "the smallest machine for a C-sized hello.wasm", 40},
}

// of reports whether a metric is one of an architecture.
func (m *Metric) of(arch string) bool { return arch == vm.RISCV64 || m.Name != "first_user_opensbi" }

// What differs on riscv64. The targets are the goals there; where there is none,
// Linux's figure on the same QEMU is.
var riscv64Targets = map[string]float64{
	"first_user": 5e6, "first_user_opensbi": 18e6, "null_call": 200, "hello_least_ram": 16,
	"kernel_heap_1000": 8192, "kernel_pause_1000": 100_000,
	"ipc_call": 600, "notify_driver_fixed": 600, "interrupt_driver": 900, "switch_threads": 350, "switch_processes": 450,
	"thread_raw": 6000, "spawn_tiny": 60_000,
}

// target is what is wanted on an architecture at most; 0: no target.
func (m *Metric) target(arch string, rivals Rivals) float64 {
	if arch != vm.RISCV64 {
		return m.Target
	}
	if t := riscv64Targets[m.Name]; t > 0 {
		return t
	}
	if f, ok := rivals["linux_riscv64"].Get(m.Name); ok && f.Unit == m.Unit && m.Name != controlFigure {
		return f.Value
	}
	return 0
}

// controlFigure is what no kernel has a part in.
const controlFigure = "sha256_16mib"

// metric returns the metric of a name, or nil.
func metric(name string) *Metric {
	for i := range Metrics {
		if Metrics[i].Name == name {
			return &Metrics[i]
		}
	}
	return nil
}

// inOrder puts an architecture's figures into the order of Metrics; one that is no
// metric there or has another unit is dropped and named.
func inOrder(arch string, f Figures) (ordered Figures, strange []string) {
	for _, m := range Metrics {
		if x, ok := f.Get(m.Name); ok && x.Unit == m.Unit && m.of(arch) {
			ordered = append(ordered, x)
		}
	}
	for _, x := range f {
		if m := metric(x.Name); m == nil || m.Unit != x.Unit || !m.of(arch) {
			strange = append(strange, x.Name+" "+x.Unit)
		}
	}
	return ordered, strange
}
