//go:build loam && !loamcheck

// SPDX-License-Identifier: Apache-2.0

package core

// audited: the kernel looks at its invariants while it runs (check_on.go).
const audited = false

func setUpAudit() {}

func (r *runner) audit() {}

func walk() {}
