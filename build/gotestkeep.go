// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"time"
)

// kept is what a campaign keeps of a package's result, beside what its tests wrote: a campaign takes hours, and one
// that was cut short, or whose failures were mended, goes on with -resume.
type kept struct {
	Revision string // of Loam's sources
	Took     time.Duration
	Status   int      // of the program in the machine
	Listed   []string // the tests that it has, where it failed
	Err      string   // why the package couldn't be run
}

// keep writes what resume reads.
func (g *gotest) keep(r result) error {
	k := kept{Revision: r.revision, Took: r.took, Status: r.loam.status, Listed: r.listed}
	if r.err != nil {
		k.Err = r.err.Error()
	}
	data, err := json.Marshal(k)
	if err != nil {
		return err
	}
	return os.WriteFile(g.file(r.pkg, "json"), data, 0o666)
}

// resume gives the result that is kept of a package, if there is one without failures.
func (g *gotest) resume(pkg string) (result, bool) {
	r := result{pkg: pkg, left: g.left(pkg)}
	data, err := os.ReadFile(g.file(pkg, "json"))
	if err != nil {
		return r, false
	}
	var k kept
	if err := json.Unmarshal(data, &k); err != nil {
		return r, false
	}
	log, err := os.ReadFile(g.file(pkg, "log"))
	if err != nil {
		return r, false
	}
	r.revision, r.took, r.listed, r.loam = k.Revision, k.Took, k.Listed, readOutcomes(log)
	r.loam.status = k.Status
	r.loam.expect(k.Listed)
	if k.Err != "" {
		r.err = errors.New(k.Err)
	}
	if host, err := os.ReadFile(g.file(pkg, "host")); err == nil {
		r.host = readOutcomes(host)
	}
	return r, r.failed() == 0
}

// forget removes what is kept of a package that is about to be run.
func (g *gotest) forget(pkg string) error {
	if err := os.Remove(g.file(pkg, "json")); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// revision names the sources that bin/loam is built from.
func (b *builder) revision() string {
	out, err := b.output(nil, "git", "describe", "--always", "--dirty=+")
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(out)
}

// at says how many packages were run with each revision.
func (t *table) at() string {
	var parts []string
	for _, rev := range t.revisions {
		parts = append(parts, fmt.Sprintf("%s (%d)", rev, t.byRevision[rev]))
	}
	return strings.Join(parts, ", ")
}
