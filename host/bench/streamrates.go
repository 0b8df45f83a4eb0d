// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"loam/host/vm"
)

// streamSize is how many bytes go from stdin to stdout.
const streamSize = 256 << 20

// streams compares how fast a program copies what comes at a port of a virtio console to another one.
func (w *wall) streams(ctx context.Context) error {
	if w.Linux == "" || w.Arch != vm.AMD64 {
		return errNoLinux
	}
	services := filepath.Join(w.temp, "streams")
	if err := errors.Join(os.Mkdir(services, 0o755),
		os.WriteFile(filepath.Join(services, "manifest"), []byte("loam-manifest 1\nprogram\n  uses streams\n"), 0o644)); err != nil {
		return err
	}
	initrd, err := w.linuxInitrd([]string{"virtio", "virtio_ring", "virtio_mmio", "virtio_console"})
	if err != nil {
		return err
	}
	loam := func(ctx context.Context) (rates, error) {
		cmd := exec.CommandContext(ctx, w.Loam, "run", "--bare", "--arch", w.Arch, "--accel", "tcg", "--services", services,
			filepath.Join(w.Root, program(w.Arch, progRates)), "streams", fmt.Sprint(streamSize))
		cmd.Env = append(os.Environ(), "LOAM_CACHE="+w.cache("ready"))
		in, err1 := cmd.StdinPipe()
		out, err2 := cmd.StdoutPipe()
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		return streamRate(cmd, in, out)
	}
	linux := func(ctx context.Context) (rates, error) {
		in, theirIn, err := vm.SocketPair("in")
		if err != nil {
			return nil, err
		}
		out, theirOut, err := vm.SocketPair("out")
		if err != nil {
			return nil, errors.Join(err, in.Close(), theirIn.Close())
		}
		defer func() { _, _ = in.Close(), out.Close() }()
		defer func() { _, _ = theirIn.Close(), theirOut.Close() }()
		command, err := w.linuxMachine(initrd, fmt.Sprintf("rates=streams,%d,/dev/vport0p1,/dev/vport0p2", streamSize),
			"-chardev", "socket,id=in,fd=3", "-chardev", "socket,id=out,fd=4", "-device", "virtio-serial-device",
			"-device", "virtserialport,nr=1,chardev=in", "-device", "virtserialport,nr=2,chardev=out")
		if err != nil {
			return nil, err
		}
		cmd := exec.CommandContext(ctx, command[0], command[1:]...)
		cmd.ExtraFiles = []*os.File{theirIn, theirOut}
		return streamRate(cmd, in, out)
	}
	return w.compareRates(ctx, "streams", loam, linux)
}

// streamRate starts a machine, sends it bytes, and wants them back. The time begins with the first.
func streamRate(cmd *exec.Cmd, in io.WriteCloser, out io.Reader) (rates, error) {
	var said bytes.Buffer
	cmd.Stderr = &said
	if cmd.Stdout == nil && cmd.ExtraFiles != nil { // the console's, not what is measured
		cmd.Stdout = &said
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	block := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{4}).Read(block)
	go func() {
		for range streamSize / len(block) {
			if _, err := in.Write(block); err != nil {
				break
			}
		}
	}()
	total, b := 0, make([]byte, 256<<10)
	var begun time.Time
	for total < streamSize {
		n, err := out.Read(b)
		if err != nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			return nil, fmt.Errorf("after %d bytes: %w\n%.500s", total, err, said.String())
		}
		if total == 0 {
			begun = time.Now()
		}
		for rest := b[:n]; len(rest) > 0; {
			at := total % len(block)
			k := min(len(rest), len(block)-at)
			if !bytes.Equal(rest[:k], block[at:at+k]) {
				_ = cmd.Process.Kill()
				_ = cmd.Wait()
				return nil, fmt.Errorf("not what was sent, after %d bytes", total)
			}
			rest, total = rest[k:], total+k
		}
	}
	rate := float64(total) / time.Since(begun).Seconds()
	if err := errors.Join(in.Close(), cmd.Wait()); err != nil {
		return nil, fmt.Errorf("%w\n%.500s", err, said.String())
	}
	return rates{"streams_copy": rate}, nil
}
