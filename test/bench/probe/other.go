// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package main

import (
	"errors"
	"time"
)

// The calls are Linux's; this file only lets the package build elsewhere.

func needsLinux(int) (time.Duration, error) { return 0, errors.New("needs Linux's calls") }

var (
	nullCall, clockCall, timeNow, schedYield  = needsLinux, needsLinux, needsLinux, needsLinux
	mmapMunmap, pageFault, futexThreads       = needsLinux, needsLinux, needsLinux
	chanGoroutines, chanThreads, threadCreate = needsLinux, needsLinux, needsLinux
	pipeThreads, signalSelf, threadRaw        = needsLinux, needsLinux, needsLinux
	faultLarge                                = needsLinux
)
