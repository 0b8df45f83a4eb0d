// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// oneChild runs a program that reads and writes its streams.
func oneChild(n int) error {
	c := exec.Command("/proc/self/exe", "child", fmt.Sprint(n))
	out, err := c.Output()
	if err != nil || string(out) != fmt.Sprintln("child", n) {
		return fmt.Errorf("a child: %q, %w", out, err)
	}
	return nil
}

// chaos makes calls of all kinds at once, for as long as somebody answers them: some are always waiting, some
// copy memory, some make processes.
func chaos() {
	for i := range 4 {
		dir := filepath.Join(os.TempDir(), fmt.Sprint(i))
		fail(os.MkdirAll(dir, 0o700))
		go func() {
			for {
				fail(rounds(dir))
			}
		}()
	}
	for range 2 {
		go func() {
			for i := 0; ; i++ {
				fail(oneChild(i))
			}
		}()
	}
	for _, w := range pipeWaits {
		m := &maker{}
		waiting, _ := w.prepare(m)
		go func() { _, _ = waiting(); m.close() }()
	}
	for {
		r, w, err := newPipe(0)
		fail(err)
		file, from := os.NewFile(uintptr(w), "w"), os.NewFile(uintptr(r), "r")
		go func() { _, _ = file.Write(pattern(1 << 20)); file.Close() }()
		_, _ = from.Read(make([]byte, 1<<19))
		from.Close()
	}
}
