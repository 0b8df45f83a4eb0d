// SPDX-License-Identifier: Apache-2.0

package main

import "fmt"

// verdicts are those of a campaign's parts, each some tests of the machine. Each is told on stdout, a line.
type verdicts struct {
	b            *builder
	of           string // what all lines begin with
	told, failed int
}

// run runs the tests that match, count times, and tells how that part ended.
func (v *verdicts) run(part, test string, count int, env []string) {
	verdict := "ok"
	err := v.b.run(env, "go", "test", "-v", fmt.Sprintf("-count=%d", count), "-timeout=24h", "-run", "^("+test+")$", "./test/vm/")
	if err != nil {
		verdict = "FAILED"
		v.failed++
	}
	v.told++
	fmt.Printf("%s, %s: %s\n", v.of, part, verdict)
}

// err says how many parts failed, if any.
func (v *verdicts) err() error {
	if v.failed > 0 {
		return fmt.Errorf("%d of %d failed", v.failed, v.told)
	}
	return nil
}
