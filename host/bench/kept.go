// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"loam/host/vm"
)

// Files of the repository.
const (
	rivalsFile = "bench/rivals.txt"
	document   = "docs/benchmarks.md"
)

// keptFile has the kept figures of an architecture.
func keptFile(arch string) string { return "bench/" + arch + ".txt" }

// keptHead begins the file of kept figures; flag is what a command needs for that
// architecture.
const keptHead = `# Loam's figures under instruction counting (ns: instructions), as ./x bench%[1]s
# measures them. ./x bench%[1]s --check fails where one is worse by more than 3 %%;
# ./x bench%[1]s --keep writes this file: say why in the commit.
`

func flagOf(arch string) string {
	if arch == vm.AMD64 {
		return ""
	}
	return " --arch " + arch
}

// Kept reads the kept figures of the repository at root for an architecture. There
// may be none.
func Kept(root, arch string) (Figures, error) {
	text, err := os.ReadFile(filepath.Join(root, keptFile(arch)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keptFile(arch), err)
	}
	return f, nil
}

// ReadRivals reads the other systems' figures of the repository at root.
func ReadRivals(root string) (Rivals, error) {
	text, err := os.ReadFile(filepath.Join(root, rivalsFile))
	if err != nil {
		return nil, err
	}
	r, err := ParseRivals(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", rivalsFile, err)
	}
	return r, nil
}

// Keep makes now the kept figures of an architecture and renews its table in the
// document. What was not measured now stays as it was kept.
func Keep(root, arch string, now Figures, rivals Rivals) error {
	old, err := Kept(root, arch)
	if err != nil {
		return err
	}
	all := append(Figures(nil), now...)
	for _, f := range old {
		if _, measured := now.Get(f.Name); !measured {
			all = append(all, f)
		}
	}
	all, _ = inOrder(arch, all) // a figure that is no longer measured goes
	doc, err := os.ReadFile(filepath.Join(root, document))
	if err != nil {
		return err
	}
	doc, err = Document(doc, arch, Markdown(arch, all, rivals))
	if err != nil {
		return fmt.Errorf("%s: %w", document, err)
	}
	if err := os.WriteFile(filepath.Join(root, document), doc, 0o644); err != nil {
		return err
	}
	text := fmt.Appendf(nil, keptHead, flagOf(arch))
	return os.WriteFile(filepath.Join(root, keptFile(arch)), append(text, all.Format()...), 0o644)
}
