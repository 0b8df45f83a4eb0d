// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// jobs is what a shell does with a terminal, which is standard input: a job in the foreground reads a line, one in
// the background is stopped when it wants to, and reads when it is in the foreground.
func jobs() error {
	group, err := foreground(0)
	fmt.Println("mine", group == syscall.Getpgrp(), err)
	front := me("line")
	front.Stdin, front.Stdout = os.Stdin, os.Stdout
	front.SysProcAttr = &syscall.SysProcAttr{Foreground: true, Ctty: 0}
	if err := front.Run(); err != nil {
		return err
	}
	signal.Ignore(syscall.SIGTTOU)
	fmt.Println("taken back", setForeground(0, syscall.Getpgrp()))
	back := me("line")
	back.Stdin, back.Stdout = os.Stdin, os.Stdout
	back.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := back.Start(); err != nil {
		return err
	}
	fmt.Println(wait(back.Process.Pid, syscall.WUNTRACED))
	fmt.Println("given", setForeground(0, back.Process.Pid), syscall.Kill(-back.Process.Pid, syscall.SIGCONT))
	fmt.Println(wait(back.Process.Pid, 0))
	fmt.Println("taken back", setForeground(0, syscall.Getpgrp()))
	interrupted := me("sleep")
	interrupted.Stdin = os.Stdin
	interrupted.SysProcAttr = &syscall.SysProcAttr{Foreground: true, Ctty: 0}
	if err := interrupted.Start(); err != nil {
		return err
	}
	fmt.Println("interrupt it")
	fmt.Println(wait(interrupted.Process.Pid, 0))
	fmt.Println("taken back", setForeground(0, syscall.Getpgrp()))
	return nil
}
