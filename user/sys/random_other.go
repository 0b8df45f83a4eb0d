// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package sys

import "crypto/rand"

// Random fills p from the operating system's random source.
func Random(p []byte) error {
	_, err := rand.Read(p)
	return err
}
