// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command wasicalls measures what calls of WASI cost a module, by the program that it is given to run modules: on Loam its
// own runner, from the boot archive, on Linux wazero's command. Both get the same modules (test/wasm, Timed), a folder in
// memory, and /dev/null for stdout. It tells a line "wasi_CALL value ns" for each on stderr, of CALL without what is around it
// but for the loop of a module.
//
// On Linux it is the first program, with wasi=calls among the kernel's parameters. With wasi=compute a module /compute.wasm is run
// there instead, whose output is told as it comes.
package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"syscall"

	"loam/test/wasm"
	"loam/user/sys"
)

// calls is how many a part has.
const calls = 1000

// folder is what the modules are granted: it is in memory.
const folder = "/tmp"

func main() {
	var err error
	if os.Getenv("wasi") != "" {
		err = onLinux()
	} else {
		err = onLoam()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "wasi_calls FAIL", err)
	}
	if os.Getenv("wasi") != "" {
		_ = syscall.Reboot(syscall.LINUX_REBOOT_CMD_RESTART)
	}
	if err != nil {
		os.Exit(1)
	}
}

// onLoam writes the runner to where it can be started.
func onLoam() error {
	b, err := sys.BootFile("runner")
	if err != nil {
		return err
	}
	const runner = "/tmp/wasi"
	if err := os.WriteFile(runner, b, 0o755); err != nil {
		return err
	}
	return all(runner, "--dir", folder+"::/")
}

func onLinux() error {
	if err := errors.Join(syscall.Mount("tmp", folder, "tmpfs", 0, ""), syscall.Mount("dev", "/dev", "devtmpfs", 0, "")); err != nil {
		return err
	}
	wazero := []string{"/wazero", "run", "-mount=" + folder + ":/"}
	if os.Getenv("wasi") == "calls" {
		return all(wazero...)
	}
	c := exec.Command(wazero[0], append(wazero[1:], "/compute.wasm")...)
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	return c.Run()
}

// all measures all calls, each by a module of its own.
func all(runner ...string) error {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	for _, name := range wasm.TimedCalls {
		const module = "/tmp/module.wasm"
		if err := os.WriteFile(module, wasm.Timed(name, calls), 0o644); err != nil {
			return err
		}
		var told bytes.Buffer
		c := exec.Command(runner[0], append(runner[1:], module)...)
		c.Stdout, c.Stderr = null, &told
		if err := c.Run(); err != nil {
			return fmt.Errorf("%s: %w: %.200q", name, err, told.Bytes())
		}
		ns, err := cost(&told)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		fmt.Fprintf(os.Stderr, "wasi_%s %.1f ns\n", name, ns)
	}
	return nil
}

// cost is the median of what a call took in the parts behind the first.
func cost(told io.Reader) (float64, error) {
	var times [wasm.TimedParts][2]uint64
	if err := binary.Read(told, binary.LittleEndian, &times); err != nil {
		return 0, err
	}
	var took []uint64
	for _, part := range times[1:] {
		took = append(took, part[1]-part[0])
	}
	slices.Sort(took)
	return float64(took[len(took)/2]) / calls, nil
}
