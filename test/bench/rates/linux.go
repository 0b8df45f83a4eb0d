// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// begin does on Linux what its first program has to do.
func begin(args []string) {
	modules, err := filepath.Glob("/modules/*")
	check(err)
	for _, path := range modules {
		f, err := os.Open(path)
		check(err)
		if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil && err != syscall.EEXIST {
			fmt.Println("rates:", path, err)
		}
		_ = f.Close()
	}
	if args[0] == "network" || args[0] == "answer" {
		check(linkUp())
	}
	if args[0] == "folder" && len(args) == 3 {
		check(os.MkdirAll(args[1], 0o755))
		check(syscall.Mount(args[2], args[1], "9p", 0, "trans=virtio,version=9p2000.L,msize=524288,cache=none"))
	}
}

// awaitDevice opens a device of Linux's, which may be there some time after its module.
func awaitDevice(path string, flags int) (*os.File, error) {
	if _, err := os.Stat("/dev/zero"); err != nil {
		if err := syscall.Mount("dev", "/dev", "devtmpfs", 0, ""); err != nil {
			return nil, err
		}
	}
	for begun := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		f, err := os.OpenFile(path, flags, 0)
		if err == nil || time.Since(begun) > 10*time.Second {
			return f, err
		}
	}
}

func check(err error) {
	if err != nil {
		fmt.Println("rates:", err)
		powerOff()
	}
}

func powerOff() {
	_ = syscall.Reboot(syscall.LINUX_REBOOT_CMD_RESTART)
}
