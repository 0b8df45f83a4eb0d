// SPDX-License-Identifier: Apache-2.0

// Command gogit keeps a repository of git's in a folder, by go-git: commits, branches, a clone, what has been changed,
// and going back. Who commits and when is fixed, so that names of commits are the same wherever it runs.
//
//	gogit DIR      makes DIR/repo and DIR/clone
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/plumbing/transport/client"
	"github.com/go-git/go-git/v5/plumbing/transport/server"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: gogit DIR")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "gogit:", err)
		os.Exit(1)
	}
}

func run(dir string) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	// By itself the library runs git for repositories beside its own.
	client.InstallProtocol("file", server.DefaultServer)
	repo, err := git.PlainInit(filepath.Join(dir, "repo"), false)
	if err != nil {
		return err
	}
	w := &work{dir: filepath.Join(dir, "repo"), repo: repo}
	if w.tree, err = repo.Worktree(); err != nil {
		return err
	}
	for _, step := range []func() error{w.commits, w.branch, w.status, w.back, w.log} {
		if err := step(); err != nil {
			return err
		}
	}
	return w.clone(filepath.Join(dir, "clone"))
}

type work struct {
	dir   string
	repo  *git.Repository
	tree  *git.Worktree
	first plumbing.Hash
	made  int
}

// write writes a file of the work tree and adds it.
func (w *work) write(name, text string) error {
	path := filepath.Join(w.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		return err
	}
	_, err := w.tree.Add(name)
	return err
}

// commit commits what has been added, an hour after the last one.
func (w *work) commit(message string) (plumbing.Hash, error) {
	who := &object.Signature{Name: "A. Writer", Email: "writer@example.com",
		When: time.Unix(1_700_000_000+int64(w.made)*3600, 0).UTC()}
	w.made++
	hash, err := w.tree.Commit(message, &git.CommitOptions{Author: who, Committer: who})
	fmt.Println(message, hash)
	return hash, err
}

func (w *work) commits() (err error) {
	for i := range 20 {
		if err := w.write(fmt.Sprintf("src/d%d/f%d.txt", i%5, i), fmt.Sprintf("file %d\nof many\n", i)); err != nil {
			return err
		}
	}
	if w.first, err = w.commit("first"); err != nil {
		return err
	}
	for i := range 3 {
		if err := w.write("src/d0/f0.txt", fmt.Sprintf("change %d\n", i)); err != nil {
			return err
		}
		if _, err := w.tree.Remove(fmt.Sprintf("src/d1/f%d.txt", 1+5*i)); err != nil {
			return err
		}
		if _, err := w.commit(fmt.Sprint("change ", i)); err != nil {
			return err
		}
	}
	return nil
}

// branch commits on another branch, and comes back.
func (w *work) branch() error {
	name := plumbing.NewBranchReferenceName("side")
	if err := w.tree.Checkout(&git.CheckoutOptions{Branch: name, Create: true}); err != nil {
		return err
	}
	if err := os.Symlink("d0/f0.txt", filepath.Join(w.dir, "src/link")); err != nil {
		return err
	}
	if _, err := w.tree.Add("src/link"); err != nil {
		return err
	}
	if _, err := w.commit("side"); err != nil {
		return err
	}
	if err := w.tree.Checkout(&git.CheckoutOptions{Branch: plumbing.Master}); err != nil {
		return err
	}
	_, err := os.Lstat(filepath.Join(w.dir, "src/link"))
	fmt.Println("gone with its branch:", errors.Is(err, os.ErrNotExist))
	return nil
}

// status changes files without adding them, and takes it back.
func (w *work) status() error {
	if err := os.WriteFile(filepath.Join(w.dir, "src/d2/f2.txt"), []byte("other\n"), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(w.dir, "new"), []byte("new\n"), 0o644); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(w.dir, "src/d3/f3.txt")); err != nil {
		return err
	}
	for range 2 {
		status, err := w.tree.Status()
		if err != nil {
			return err
		}
		for _, name := range []string{"new", "src/d2/f2.txt", "src/d3/f3.txt"} {
			fmt.Printf("%c %s\n", status.File(name).Worktree, name)
		}
		fmt.Println("clean", status.IsClean())
		if err := w.tree.Reset(&git.ResetOptions{Mode: git.HardReset}); err != nil {
			return err
		}
		if err := w.tree.Clean(&git.CleanOptions{}); err != nil {
			return err
		}
	}
	return nil
}

// back looks at the first commit.
func (w *work) back() error {
	if err := w.tree.Checkout(&git.CheckoutOptions{Hash: w.first}); err != nil {
		return err
	}
	b, err := os.ReadFile(filepath.Join(w.dir, "src/d0/f0.txt"))
	fmt.Printf("%q\n", b)
	return errors.Join(err, w.tree.Checkout(&git.CheckoutOptions{Branch: plumbing.Master}))
}

func (w *work) log() error {
	commits, err := w.repo.Log(&git.LogOptions{})
	if err != nil {
		return err
	}
	return commits.ForEach(func(c *object.Commit) error {
		stats, err := c.Stats()
		fmt.Println(c.Hash, c.Author.When.Unix(), c.Message, len(stats))
		return err
	})
}

// clone makes another repository of this one.
func (w *work) clone(to string) error {
	repo, err := git.PlainClone(to, false, &git.CloneOptions{URL: filepath.Join(w.dir, ".git")})
	if err != nil {
		return err
	}
	head, err := repo.Head()
	if err != nil {
		return err
	}
	fmt.Println("cloned", head.Hash(), head.Name())
	tree, err := repo.Worktree()
	if err != nil {
		return err
	}
	status, err := tree.Status()
	fmt.Println("clean", status.IsClean())
	return err
}
