// SPDX-License-Identifier: Apache-2.0

// Command demo is the module that "./x run" runs: it greets, and shows what of
// the outside a program sees. Arguments: -stdin reads stdin to its end and
// counts it, -exit N ends with exit code N; the rest is shown.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

func main() {
	code := flag.Int("exit", 0, "end with this exit `code`")
	stdin := flag.Bool("stdin", false, "read stdin to its end and count it")
	flag.Parse()

	fmt.Printf("Hello from a %s/%s module, compiled by %s.\n", runtime.GOOS, runtime.GOARCH, runtime.Version())
	fmt.Println("Under loam it runs in user mode, on a kernel written in Go, in a machine of its own.")
	fmt.Println()
	fmt.Printf("  arguments    %s\n", listing(flag.Args()))
	fmt.Printf("  environment  %s\n", listing(os.Environ()))
	fmt.Printf("  stdin        %s\n", input(*stdin))
	fmt.Printf("  clock        %s\n", time.Now().UTC().Format(time.DateTime))
	fmt.Printf("  exit code    %d\n", *code)
	os.Exit(*code)
}

// listing shows strings on one line.
func listing(s []string) string {
	if len(s) == 0 {
		return "none"
	}
	return fmt.Sprintf("%d: %s", len(s), strings.Join(s, " "))
}

// input counts stdin, if that was asked for: a terminal would be waited on.
func input(read bool) string {
	if !read {
		return "not read (-stdin reads it)"
	}
	n, err := io.Copy(io.Discard, os.Stdin)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d bytes", n)
}
