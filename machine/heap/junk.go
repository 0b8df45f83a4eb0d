//go:build !loamcheck

// SPDX-License-Identifier: Apache-2.0

package heap

func (h *Heap) soil(uint64, uint64) {}

func (h *Heap) clean(uint64, uint64) (uint64, bool) { return 0, true }
