// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// read gives a file's text, or why it can't be had.
func read(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error() + "\n"
	}
	return string(b)
}

// shape is a text with all its numbers the same.
var numbers = regexp.MustCompile(`[0-9]+`)

func shape(text string) string { return numbers.ReplaceAllString(text, "N") }

// testProc reads what /proc tells of this process, and compares it with what is known otherwise.
func testProc() error {
	pid := strconv.Itoa(os.Getpid())
	link, err := os.Readlink("/proc/self")
	fmt.Println("self", link == pid, err)
	stat := strings.Fields(read("/proc/self/stat"))
	fmt.Println("stat", len(stat), stat[0] == pid, stat[1], strings.Contains("RS", stat[2]), stat[3] == strconv.Itoa(os.Getppid()), stat[4] == strconv.Itoa(syscall.Getpgrp()), stat[37])
	fmt.Print("statm ", shape(read("/proc/self/statm")))
	fmt.Print("loadavg ", shape(read("/proc/loadavg")), "uptime ", shape(read("/proc/uptime")))
	fmt.Print("comm ", read("/proc/self/comm"))
	fmt.Println("cmdline", read("/proc/self/cmdline") == strings.Join(os.Args, "\x00")+"\x00")
	env := strings.TrimSuffix(read("/proc/self/environ"), "\x00")
	fmt.Println("environ", env == strings.Join(os.Environ(), "\x00"))
	procStatus()
	procLimits()
	procMaps()
	procTasks()
	procDescriptors()
	procIO()
	procOthers()
	return nil
}

// procStatus prints the names of status that both have, in their order, and what they say.
func procStatus() {
	known := map[string]bool{}
	for _, name := range strings.Fields("Name Umask State Tgid Ngid Pid PPid TracerPid Uid Gid FDSize Groups CoreDumping THP_enabled Threads SigQ SigPnd ShdPnd SigBlk SigIgn SigCgt CapInh CapEff CapAmb VmPeak VmSize VmRSS VmData VmStk Seccomp Cpus_allowed_list Mems_allowed_list") {
		known[name] = true
	}
	for line := range strings.Lines(read("/proc/self/status")) {
		name, value, _ := strings.Cut(line, ":\t")
		switch {
		case !known[name]:
		case strings.HasPrefix(name, "Vm"):
			fmt.Println(name, strings.HasSuffix(value, " kB\n"), strings.TrimSpace(value) != "0 kB")
		case name == "State": // another thread than the first may ask
			fmt.Println(name, value == "R (running)\n" || value == "S (sleeping)\n")
		case name == "Uid" || name == "Gid" || name == "Umask" || name == "CapInh" || name == "CapAmb" ||
			name == "SigPnd" || name == "SigBlk" || name == "SigIgn" || name == "SigCgt": // Go's runtime handles the same ones everywhere
			fmt.Printf("%s %q\n", name, value)
		case name == "Pid" || name == "Tgid":
			fmt.Println(name, value == fmt.Sprintln(os.Getpid()))
		default:
			fmt.Println(name)
		}
	}
}

// procLimits prints the limits, after all were given values.
func procLimits() {
	const processes = 6
	for i := range 16 {
		var l syscall.Rlimit
		if i != syscall.RLIMIT_NOFILE && i != processes && syscall.Getrlimit(i, &l) == nil {
			l.Cur = l.Max
			if i == syscall.RLIMIT_CORE {
				l.Cur = 0
			}
			_ = syscall.Setrlimit(i, &l)
		}
	}
	for line := range strings.Lines(read("/proc/self/limits")) {
		fmt.Println(len(line), line[:26], strings.TrimSpace(line[68:]))
	}
	var l syscall.Rlimit
	err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l)
	fmt.Println(err, strings.Contains(read("/proc/self/limits"), fmt.Sprintf("Max open files            %-20d %-20d files     \n", l.Cur, l.Max)))
}

// area is a line of maps.
type area struct {
	start, end uint64
	prot, name string
	offset     uint64
	ino        uint64
}

func areas() (all []area) {
	for line := range strings.Lines(read("/proc/self/maps")) {
		var a area
		var major, minor int
		if _, err := fmt.Sscanf(line, "%x-%x %s %x %x:%x %d", &a.start, &a.end, &a.prot, &a.offset, &major, &minor, &a.ino); err != nil {
			fmt.Printf("a bad line: %q %v\n", line, err)
		}
		if len(line) > 74 {
			a.name = line[73 : len(line)-1]
		}
		all = append(all, a)
	}
	return all
}

func areaOf(addr uint64) area {
	for _, a := range areas() {
		if addr >= a.start && addr < a.end {
			return a
		}
	}
	return area{}
}

var inData = 1

// procMaps looks for what lies where.
func procMaps() {
	exe, _ := os.Readlink("/proc/self/exe")
	code := areaOf(uint64(reflect.ValueOf(procMaps).Pointer()))
	fmt.Println("code", code.prot, code.name == exe, code.ino != 0)
	data := areaOf(uint64(reflect.ValueOf(&inData).Pointer()))
	fmt.Println("data", data.prot, data.name == exe)
	heap := areaOf(uint64(reflect.ValueOf(new([1 << 20]byte)).Pointer()))
	fmt.Printf("heap %s %q %d\n", heap.prot, heap.name, heap.ino)
	all := areas()
	stack := slices.ContainsFunc(all, func(a area) bool { return a.name == "[stack]" && a.prot == "rw-p" })
	fmt.Println("stack", stack, "in order", slices.IsSortedFunc(all, func(a, b area) int { return int(a.end>>12) - int(b.start>>12) }))

	path := os.TempDir() + "/mapped" + strconv.Itoa(os.Getpid())
	f, err := os.Create(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer f.Close()
	_ = f.Truncate(5 * 4096)
	shared, err := syscall.Mmap(int(f.Fd()), 4096, 8192, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	a := areaOf(uint64(reflect.ValueOf(shared).Pointer()))
	var st syscall.Stat_t
	_ = syscall.Fstat(int(f.Fd()), &st)
	fmt.Println("shared", err, a.prot, a.name == path, a.offset, a.end-a.start, a.ino == st.Ino)
	private, err := syscall.Mmap(int(f.Fd()), 8192, 4096, syscall.PROT_READ, syscall.MAP_PRIVATE)
	a = areaOf(uint64(reflect.ValueOf(private).Pointer()))
	fmt.Println("private", err, a.prot, a.name == path, a.offset)
	anonymous, err := syscall.Mmap(-1, 0, 4096, syscall.PROT_READ, syscall.MAP_SHARED|syscall.MAP_ANON)
	fmt.Println("anonymous", err, areaOf(uint64(reflect.ValueOf(anonymous).Pointer())).name)
	_ = syscall.Munmap(private)
	fmt.Println("unmapped", areaOf(uint64(reflect.ValueOf(private).Pointer())).name == path)
	_ = os.Remove(path)
}

// procTasks looks for this process's threads.
func procTasks() {
	stop, begun := make(chan bool), make(chan int)
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			runtime.LockOSThread()
			begun <- syscall.Gettid()
			<-stop
		})
	}
	for range 3 {
		id := <-begun
		dir := fmt.Sprintf("/proc/self/task/%d/", id)
		stat := strings.Fields(read(dir + "stat"))
		fmt.Println("thread", stat[0] == strconv.Itoa(id), stat[1], read(dir+"comm") == read("/proc/self/comm"))
	}
	entries, err := os.ReadDir("/proc/self/task")
	fmt.Println("threads", err, len(entries) >= 4, strings.Contains(read("/proc/self/status"), fmt.Sprintf("Threads:\t%d\n", len(entries))))
	close(stop)
	group.Wait()
	runtime.LockOSThread()
	link, err := os.Readlink("/proc/thread-self")
	fmt.Println(link == fmt.Sprintf("%d/task/%d", os.Getpid(), syscall.Gettid()), err)
	runtime.UnlockOSThread()
	fmt.Print(read("/proc/self/task/1000000/stat"))
}

// procDescriptors reads what is known of descriptors.
func procDescriptors() {
	f, err := os.CreateTemp("", "fd")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(f.Name())
	_, _ = f.WriteString("12345")
	info := func(fd int) string {
		text := read(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
		return regexp.MustCompile(`(mnt_id|ino|eventfd-id|Pid|NSpid):\s*[0-9]+`).ReplaceAllString(text, "$1 N")
	}
	fmt.Print(info(int(f.Fd())))
	e, _, _ := syscall.RawSyscall(syscall.SYS_EVENTFD2, 77, syscall.O_CLOEXEC, 0)
	fmt.Print(info(int(e)))
	fmt.Print(info(1000))
	_ = syscall.Close(int(e))
	f.Close()
}

// procIO counts what this process reads and writes.
func procIO() {
	before := procNumbers("/proc/self/io")
	f, err := os.CreateTemp("", "io")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.Remove(f.Name())
	b := make([]byte, 100_000)
	_, _ = f.Write(b)
	_, _ = f.ReadAt(b[:50_000], 0)
	after := procNumbers("/proc/self/io")
	read := after["rchar"] - before["rchar"]
	fmt.Println("io", len(after), after["wchar"]-before["wchar"], after["syscw"]-before["syscw"], read >= 50_000 && read < 60_000)
}

// procNumbers reads a file of names and numbers.
func procNumbers(path string) map[string]int {
	all := map[string]int{}
	for line := range strings.Lines(read(path)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		all[name], _ = strconv.Atoi(strings.Fields(value)[0])
	}
	return all
}

// procOthers looks at a child, while it lives, is stopped, and is a zombie; and at the machine.
func procOthers() {
	child := me("cat")
	in, _ := child.StdinPipe()
	if err := child.Start(); err != nil {
		fmt.Println(err)
		return
	}
	dir := fmt.Sprintf("/proc/%d/", child.Process.Pid)
	state := func(want string) {
		got := ""
		for range 500 {
			if got = strings.Fields(read(dir + "stat"))[2]; got == want {
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
		fmt.Println("a child", got)
	}
	state("S")
	fmt.Printf("%q\n", strings.ReplaceAll(read(dir+"cmdline"), "\x00", " "))
	_ = child.Process.Signal(syscall.SIGSTOP)
	state("T")
	_ = child.Process.Signal(syscall.SIGCONT)
	in.Close()
	state("Z")
	fmt.Printf("%q %q\n", read(dir+"cmdline"), read(dir+"maps"))
	_ = child.Wait()
	_, err := os.Stat(dir)
	fmt.Println(os.IsNotExist(err))

	memory := procNumbers("/proc/meminfo")
	fmt.Println("memory", memory["MemTotal"] > memory["MemFree"], memory["MemFree"] > 0)
	r := bufio.NewScanner(bytes.NewBufferString(read("/proc/stat")))
	r.Scan()
	fmt.Println("cpu", len(strings.Fields(r.Text())))
	for _, path := range []string{"kernel/ostype", "vm/overcommit_memory", "net/core/somaxconn", "kernel/cap_last_cap"} {
		fmt.Println(path, shape(read("/proc/sys/"+path)))
	}
	one, other := read("/proc/sys/kernel/random/uuid"), read("/proc/sys/kernel/random/uuid")
	fmt.Println(len(one), one != other)
	st, err := os.Stat("/dev/shm")
	fmt.Println("shm", st.Mode(), err, os.WriteFile("/dev/shm/loam-test", []byte("x"), 0o600), os.Remove("/dev/shm/loam-test"))
}
