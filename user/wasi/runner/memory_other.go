// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package runner

const mapNoReserve = 0
