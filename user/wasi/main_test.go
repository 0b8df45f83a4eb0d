// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestMain makes the test binary able to be the program itself.
func TestMain(m *testing.M) {
	if os.Getenv("LOAM_TEST_WASI") == "1" {
		main()
	}
	os.Exit(m.Run())
}

// TestOnAnotherKernel starts the program where it does not belong.
func TestOnAnotherKernel(t *testing.T) {
	var out, errs bytes.Buffer
	c := exec.Command(os.Args[0])
	c.Env = []string{"LOAM_TEST_WASI=1"}
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	if c.ProcessState == nil || c.ProcessState.ExitCode() != 125 {
		t.Fatalf("%v, want exit code 125", err)
	}
	if s := errs.String(); out.Len() != 0 || !strings.Contains(s, "boot archive") || strings.Count(s, "\n") != 1 {
		t.Errorf("stdout %q, stderr %q", out.String(), s)
	}
}

func TestRandom(t *testing.T) {
	a, b := make([]byte, 64), make([]byte, 64)
	for _, p := range [][]byte{a, b} {
		if n, err := (random{}).Read(p); n != len(p) || err != nil {
			t.Fatal(n, err)
		}
	}
	if bytes.Equal(a, b) {
		t.Error("twice the same")
	}
}
