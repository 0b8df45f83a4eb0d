// SPDX-License-Identifier: Apache-2.0

// Package codecache keeps compiled WebAssembly modules in a folder: those of the
// host's user for package host/compile, and in a machine those of whoever starts
// modules there by the program user/wasi.
//
// Each entry carries a keyed checksum (HMAC-SHA256, the key random and readable by
// its user only) over the entry's name and content; one that is stale, truncated,
// corrupted, renamed or not from here is deleted. Entries are named by all that the
// code depends on (package wasmcode's ID), so nothing is ever updated in place, and
// written under another name and renamed, so that runs at the same time need no
// lock.
//
// The key lies in the folder. So the checksum finds damage, and whoever can read and
// write the folder as its user can write code that is run.
package codecache

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Cache is a folder of authenticated entries. An entry's file is its checksum
// followed by its content; its name is its id in hexadecimal.
type Cache struct {
	dir string
	key []byte
}

const (
	keyFile  = "key"
	tempName = "tmp-"
	stale    = time.Hour // age at which someone else's temporary file is litter
)

// Open opens, or makes, the cache in a folder.
func Open(dir string) (*Cache, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	c := &Cache{dir: dir}
	key, err := c.readKey()
	if err != nil {
		if err = c.makeKey(); err != nil {
			return nil, err
		}
		if key, err = c.readKey(); err != nil {
			return nil, err
		}
	}
	c.key = key
	return c, nil
}

// errKey says that the key file is not one that others can't have read or written.
var errKey = errors.New("its key is damaged or open to others")

func (c *Cache) readKey() ([]byte, error) {
	path := filepath.Join(c.dir, keyFile)
	info, err := os.Lstat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 || info.Size() != sha256.Size || !mine(info) {
		return nil, errKey
	}
	key, err := os.ReadFile(path)
	if err == nil && len(key) != sha256.Size {
		err = errKey
	}
	return key, err
}

// makeKey puts a new key in place of an absent or bad one. Of several at the
// same time the last wins, and what the others wrote is compiled again.
func (c *Cache) makeKey() error {
	key := make([]byte, sha256.Size)
	if _, err := rand.Read(key); err != nil {
		return err
	}
	return c.replace(keyFile, key)
}

// replace writes a file of mode 0600 whole or not at all.
func (c *Cache) replace(name string, parts ...[]byte) error {
	f, err := os.CreateTemp(c.dir, tempName)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if err == nil {
			_, err = f.Write(p)
		}
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = os.Rename(f.Name(), filepath.Join(c.dir, name))
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// checksum authenticates an entry's content under its id.
func (c *Cache) checksum(id [sha256.Size]byte, content []byte) []byte {
	h := hmac.New(sha256.New, c.key)
	h.Write(id[:])
	h.Write(content)
	return h.Sum(nil)
}

// Get returns an entry's content, and deletes what should be the entry but was
// not written by Put with this key.
func (c *Cache) Get(id [sha256.Size]byte) ([]byte, bool) {
	path := filepath.Join(c.dir, hex.EncodeToString(id[:]))
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, false
	}
	if len(b) < sha256.Size || !hmac.Equal(b[:sha256.Size], c.checksum(id, b[sha256.Size:])) {
		_ = os.Remove(path)
		return nil, false
	}
	now := time.Now()
	_ = os.Chtimes(path, now, now) // the time of last use orders eviction
	return b[sha256.Size:], true
}

// Put stores an entry and makes room for it. An entry that is bigger than the
// whole cache may be is not stored.
func (c *Cache) Put(id [sha256.Size]byte, content []byte, most int64) error {
	if size := int64(len(content)) + sha256.Size; size > most {
		return fmt.Errorf("%d MiB are more than the cache may hold", size>>20)
	}
	err := c.replace(hex.EncodeToString(id[:]), c.checksum(id, content), content)
	if err == nil {
		c.evict(most)
	}
	return err
}

// evict removes litter and then the entries used longest ago, until the rest
// fits. Other runs do the same; who finds a file gone goes on.
func (c *Cache) evict(most int64) {
	list, err := os.ReadDir(c.dir)
	if err != nil {
		return
	}
	var entries []fs.FileInfo
	total := int64(0)
	for _, e := range list {
		info, err := e.Info()
		switch {
		case err != nil || !info.Mode().IsRegular():
		case strings.HasPrefix(e.Name(), tempName):
			if time.Since(info.ModTime()) > stale {
				_ = os.Remove(filepath.Join(c.dir, e.Name()))
			}
		case len(e.Name()) == hex.EncodedLen(sha256.Size):
			entries = append(entries, info)
			total += info.Size()
		}
	}
	slices.SortFunc(entries, func(a, b fs.FileInfo) int { return a.ModTime().Compare(b.ModTime()) })
	for _, e := range entries {
		if total <= most {
			return
		}
		_ = os.Remove(filepath.Join(c.dir, e.Name()))
		total -= e.Size()
	}
}
