// SPDX-License-Identifier: Apache-2.0

// Command folders uses folders that `loam run --dir` gives it: /ours, and /only/read, which it can't
// change. It is a program of Linux's and a module.
package main

import (
	"fmt"
	"os"
)

func main() {
	text, err := os.ReadFile("/only/read/in")
	check(err)
	check(os.MkdirAll("/ours/a/b", 0o755))
	check(os.WriteFile("/ours/a/b/new", append(text, "copied\n"...), 0o644))
	check(os.Rename("/ours/a/b/new", "/ours/a/out"))
	check(os.Remove("/ours/a/b"))
	list, err := os.ReadDir("/ours")
	check(err)
	for _, e := range list {
		fmt.Println(e.Name(), e.IsDir())
	}
	refuse("a new file", os.WriteFile("/only/read/new", nil, 0o644))
	refuse("a file", os.WriteFile("/only/read/in", nil, 0o644))
	refuse("a folder", os.Mkdir("/only/read/folder", 0o755))
	refuse("a removal", os.Remove("/only/read/in"))
	refuse("a name", os.Rename("/only/read/in", "/only/read/other"))
	_, err = os.ReadFile("/ours/link") // to a file beside the folder
	refuse("a way out", err)
}

func check(err error) {
	if err != nil {
		fmt.Println("FAIL", err)
		os.Exit(1)
	}
}

// refuse is for what may not be.
func refuse(what string, err error) {
	if err == nil {
		fmt.Println("FAIL not refused:", what)
		os.Exit(1)
	}
}
