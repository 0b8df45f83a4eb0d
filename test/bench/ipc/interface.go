// SPDX-License-Identifier: Apache-2.0

package main

import "context"

//go:generate go run loam/tools/ipcgen Work

// Work is what the server of typed.go does.
type Work interface {
	Add(ctx context.Context, a, b uint64) (sum uint64, err error)
	Copy(ctx context.Context, text []byte) (back []byte, err error)
}
