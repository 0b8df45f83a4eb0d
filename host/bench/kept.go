// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Files of the repository.
const (
	keptFile   = "bench/amd64.txt"
	rivalsFile = "bench/rivals.txt"
	document   = "docs/benchmarks.md"
)

// keptHead begins the file of kept figures.
const keptHead = `# Loam's figures under instruction counting (ns: instructions), as ./x bench
# measures them. ./x bench --check fails where one is worse by more than 3 %;
# ./x bench --keep writes this file: say why in the commit.
`

// Kept reads the kept figures of the repository at root. There may be none.
func Kept(root string) (Figures, error) {
	text, err := os.ReadFile(filepath.Join(root, keptFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f, err := Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", keptFile, err)
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

// Keep makes now the kept figures and renews the table of the document. What
// was not measured now stays as it was kept.
func Keep(root string, now Figures, rivals Rivals) error {
	old, err := Kept(root)
	if err != nil {
		return err
	}
	all := append(Figures(nil), now...)
	for _, f := range old {
		if _, measured := now.Get(f.Name); !measured {
			all = append(all, f)
		}
	}
	all, _ = inOrder(all) // a figure that is no longer measured goes
	doc, err := os.ReadFile(filepath.Join(root, document))
	if err != nil {
		return err
	}
	doc, err = Document(doc, Markdown(all, rivals))
	if err != nil {
		return fmt.Errorf("%s: %w", document, err)
	}
	if err := os.WriteFile(filepath.Join(root, document), doc, 0o644); err != nil {
		return err
	}
	text := bytes.Join([][]byte{[]byte(keptHead), all.Format()}, nil)
	return os.WriteFile(filepath.Join(root, keptFile), text, 0o644)
}
