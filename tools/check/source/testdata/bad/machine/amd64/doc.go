// SPDX-License-Identifier: Apache-2.0

// Package amd64 is for mirrors.
package amd64
