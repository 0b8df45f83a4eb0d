// SPDX-License-Identifier: Apache-2.0

// Package mmode is what runs in machine mode when there is no firmware.
package mmode
