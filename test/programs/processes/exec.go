// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

const self = "/proc/self/exe"

// me makes a command of this program.
func me(args ...string) *exec.Cmd { return exec.Command(self, append([]string{"child"}, args...)...) }

// child is what a started process does.
func child(args []string) {
	switch args[0] {
	case "hello":
		fmt.Println("hello from a child", args[1:])
	case "exit":
		n, _ := strconv.Atoi(args[1])
		os.Exit(n)
	case "kill":
		n, _ := strconv.Atoi(args[1])
		_ = syscall.Kill(os.Getpid(), syscall.Signal(n))
		select {}
	case "cat":
		_, _ = io.Copy(os.Stdout, os.Stdin)
	case "env":
		for _, e := range os.Environ() {
			fmt.Println(e)
		}
		wd, _ := os.Getwd()
		fmt.Println(wd, os.Args)
	case "fds":
		for fd := range 4 { // others may be whose who started the test
			var st syscall.Stat_t
			if syscall.Fstat(fd, &st) == nil {
				fmt.Print(" ", fd)
			}
		}
		fmt.Println()
	case "ppid":
		fmt.Println(os.Getppid())
	default:
		childMore(args)
	}
}

// why prints what an error is, the same everywhere.
func why(what string, err error) {
	var e syscall.Errno
	var x *exec.ExitError
	switch {
	case err == nil:
		fmt.Printf("%s: fine\n", what)
	case errors.As(err, &x):
		fmt.Printf("%s: %v\n", what, x.ProcessState)
	case errors.As(err, &e):
		fmt.Printf("%s: %v\n", what, e)
	default:
		fmt.Printf("%s: %v\n", what, err)
	}
}

func testExec() error {
	out, err := me("hello", "a", "b").Output()
	fmt.Printf("%q %v\n", out, err)
	why("exit 0", me("exit", "0").Run())
	why("exit 7", me("exit", "7").Run())
	why("killed", me("kill", "9").Run())
	why("ended by a signal", me("kill", "15").Run())
	why("no file", exec.Command("/nowhere").Run())
	why("a directory", exec.Command("/tmp").Run())
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for name, text := range map[string]string{"plain": "text", "script": "#!" + self + " child\n", "lost": "#!/nowhere\n", "bad": "#!\n"} {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o755); err != nil {
			return err
		}
	}
	_ = os.WriteFile(dir+"/closed", []byte("#!/nowhere"), 0o644)
	for _, name := range []string{"plain", "lost", "bad", "closed"} {
		why(name, exec.Command(dir+"/"+name).Run())
	}
	cat := me("cat")
	text := strings.Repeat("through two pipes\n", 10_000)
	cat.Stdin = strings.NewReader(text)
	out, err = cat.Output()
	fmt.Println(string(out) == text, err)
	env := me("env", "x")
	env.Env, env.Dir = []string{"A=1", "EMPTY=", "B=two words"}, dir
	out, err = env.Output()
	fmt.Printf("%s%v\n", strings.ReplaceAll(string(out), dir, "DIR"), err)
	f, _ := os.Open("/dev/null")
	fds := me("fds")
	fds.ExtraFiles = []*os.File{f}
	out, err = fds.Output()
	f.Close()
	fmt.Printf("descriptors%s%v\n", out, err)
	out, err = me("ppid").Output()
	fmt.Println(strings.TrimSpace(string(out)) == strconv.Itoa(os.Getpid()), err)
	return nil
}
