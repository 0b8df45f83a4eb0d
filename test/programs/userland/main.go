// SPDX-License-Identifier: Apache-2.0

// Command userland is the few tools that tests of Go's standard library look for in PATH: it does what
// the name says that it is started by.
package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	if err := do(filepath.Base(os.Args[0]), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "userland:", err)
		os.Exit(1)
	}
}

func do(name string, args []string) error {
	switch name {
	case "cat":
		return cat(args)
	case "echo":
		_, err := fmt.Println(strings.Join(args, " "))
		return err
	case "hostname":
		name, err := os.Hostname()
		if err == nil {
			_, err = fmt.Println(name)
		}
		return err
	case "id":
		return id()
	case "nohup":
		return nohup(args)
	case "pwd":
		dir, err := os.Getwd()
		if err == nil {
			_, err = fmt.Println(dir)
		}
		return err
	case "sleep":
		return sleep(args)
	case "whoami":
		_, err := fmt.Println(userName(os.Geteuid()))
		return err
	}
	return fmt.Errorf("%s is not one of its names", name)
}

// id tells who runs it.
func id() error {
	groups, err := os.Getgroups()
	if err != nil {
		return err
	}
	var names []string
	for _, gid := range append([]int{os.Getegid()}, groups...) {
		if name := fmt.Sprintf("%d(%s)", gid, groupName(gid)); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	uid := os.Geteuid()
	_, err = fmt.Printf("uid=%d(%s) gid=%s groups=%s\n", uid, userName(uid), names[0], strings.Join(names, ","))
	return err
}

// userName and groupName are the names that /etc has for a number, or that of user 0 without it.
func userName(uid int) string {
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return "root"
	}
	return u.Username
}

func groupName(gid int) string {
	g, err := user.LookupGroupId(strconv.Itoa(gid))
	if err != nil {
		return "root"
	}
	return g.Name
}

// sleep waits for a number of seconds, or without end.
func sleep(args []string) error {
	if len(args) == 1 && args[0] == "infinity" {
		time.Sleep(math.MaxInt64)
	}
	seconds, err := strconv.ParseFloat(strings.Join(args, " "), 64)
	if err == nil {
		time.Sleep(time.Duration(seconds * float64(time.Second)))
	}
	return err
}

// nohup runs a program that SIGHUP doesn't end.
func nohup(args []string) error {
	if len(args) == 0 {
		return errors.New("nohup: which program?")
	}
	path, err := exec.LookPath(args[0])
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGHUP)
	return syscall.Exec(path, args, os.Environ())
}

// cat writes the files, or what comes if there are none.
func cat(files []string) error {
	if len(files) == 0 {
		_, err := io.Copy(os.Stdout, os.Stdin)
		return err
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		_, err = io.Copy(os.Stdout, f)
		f.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
