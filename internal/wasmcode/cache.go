// SPDX-License-Identifier: Apache-2.0

package wasmcode

import (
	"bytes"
	"errors"
	"io"

	"github.com/tetratelabs/wazero"

	"loam/user/sys"
)

// collector is wazero's filecache.Cache, by structure: it misses always, and
// keeps what the engine adds.
type collector struct{ entry []byte }

// Get implements filecache.Cache.
func (*collector) Get([32]byte) (io.ReadCloser, bool, error) { return nil, false, nil }

// Add implements filecache.Cache.
func (c *collector) Add(_ [32]byte, content io.Reader) (err error) {
	c.entry, err = io.ReadAll(content)
	return err
}

// Delete implements filecache.Cache.
func (*collector) Delete([32]byte) error { return nil }

// Errors of a supplier, which the engine passes on.
var (
	errKey   = errors.New("wasmcode: code for another CPU or another version of the engine")
	errStale = errors.New("wasmcode: code of another version of the engine")
)

// supplier is a filecache.Cache that has one entry. A miss is an error: the
// engine would otherwise compile a module whose functions are traps. When the
// entry has been taken there are only the runner's own modules, without code.
type supplier struct {
	key    [32]byte
	entry  []byte
	anyKey bool // answer whatever the key is, and note it
	taken  bool
}

// Get implements filecache.Cache.
func (s *supplier) Get(key [32]byte) (io.ReadCloser, bool, error) {
	if s.taken {
		return nil, false, nil
	}
	if s.anyKey {
		s.key = key
	}
	if key != s.key {
		return nil, false, errKey
	}
	s.taken = true
	return io.NopCloser(bytes.NewReader(s.entry)), true, nil
}

// Add implements filecache.Cache.
func (s *supplier) Add([32]byte, io.Reader) error {
	if !s.taken {
		return errStale
	}
	return nil
}

// Delete implements filecache.Cache.
func (*supplier) Delete([32]byte) error { return errStale }

// newCache returns a wazero cache that stores in files.
func newCache(files any) (wazero.CompilationCache, error) {
	c := wazero.NewCompilationCache()
	if err := sys.SetField(c, "fileCache", files); err != nil {
		return nil, err
	}
	return c, nil
}

// Cache returns the cache through which the code enters an engine: compiling
// c.Module with it loads c.Entry, or fails, when the engine wants other code.
func (c *Code) Cache() (wazero.CompilationCache, error) {
	return newCache(&supplier{key: c.Key, entry: c.Entry})
}
