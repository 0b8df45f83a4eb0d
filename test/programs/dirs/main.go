// SPDX-License-Identifier: Apache-2.0

//go:build linux && (amd64 || riscv64)

// Command dirs does with a folder of the host's, at /data, what programs do, and what they had better not. It
// is an ordinary Go program.
//
//	dirs tree        reads all files of tree, and writes each to copy, turned round
//	dirs large       reads the file large in several ways, alone and two at once, and copies it
//	dirs escape      tries every way out that there is (escape.go)
//	dirs race        opens race/d/secret while the host makes d something else, and swaps things itself
//	dirs where       says where relative paths begin
//	dirs readonly    tries everything that would change anything
package main

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"loam/test/programs/cases"
)

const data = "/data"

func main() {
	if len(os.Args) < 2 {
		fail(fmt.Errorf("usage: dirs tree, large, escape, race, where or readonly"))
	}
	mode := os.Args[1]
	os.Args = os.Args[:1]
	switch mode {
	case "tree":
		fail(tree())
	case "large":
		fail(large())
	case "escape":
		cases.Main(escapes())
	case "race":
		fail(race())
	case "where":
		where, err := os.Getwd()
		fail(err)
		_, err = os.Stat("dirs_linux_test.go")
		fmt.Println(where, err)
	case "readonly":
		cases.Main(changes())
	}
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "dirs:", err)
		os.Exit(1)
	}
}

// tree prints how many files there were and a sum over names and contents.
func tree() error {
	sum, files := sha256.New(), 0
	from, to := filepath.Join(data, "tree"), filepath.Join(data, "copy")
	err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.Mkdir(filepath.Join(to, below), 0o755)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		files++
		fmt.Fprintf(sum, "%s %d\n", below, len(b))
		sum.Write(b)
		slices.Reverse(b)
		return os.WriteFile(filepath.Join(to, below), b, 0o644)
	})
	fmt.Printf("%d files, %x\n", files, sum.Sum(nil))
	return err
}
