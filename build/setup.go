// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"loam/host/setup"
)

// setupTarget is "setup": it installs what is missing.
func setupTarget(b *builder, _ []string) error {
	h := setup.ThisHost()
	steps, err := h.Plan()
	if err != nil || steps == nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "setup  installing QEMU: %s\n", setup.Shell(steps))
	for i, s := range steps {
		// A package list that can't be refreshed may still serve; only the
		// last command decides.
		err := b.run([]string{"DEBIAN_FRONTEND=noninteractive"}, s[0], s[1:]...)
		if err != nil && i == len(steps)-1 {
			return fmt.Errorf("could not install QEMU; when it is mended, or by hand, type:\n\t%s\n%w", setup.Shell(steps), err)
		}
	}
	if missing := h.Missing(); missing != nil {
		return errors.New("the package manager reported success, but there is no " + strings.Join(missing, " and no ") + " in PATH")
	}
	return nil
}
