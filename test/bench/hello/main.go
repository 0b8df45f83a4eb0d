// SPDX-License-Identifier: Apache-2.0

// Command hello is the least that a Go program does: one line, and the end. It
// is measured as a native program and as a WASI module; package os alone, so
// that what is measured is the way to a program and not the program.
package main

import "os"

func main() { os.Stdout.WriteString("hello, world\n") }
