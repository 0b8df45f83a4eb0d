// SPDX-License-Identifier: Apache-2.0

//go:build linux && !amd64 && !riscv64

package main

import (
	"errors"
	"time"
)

func threadRaw(int) (time.Duration, error) { return 0, errors.New("not for this architecture") }
