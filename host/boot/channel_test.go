// SPDX-License-Identifier: Apache-2.0

package boot

import (
	"bytes"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"loam/abi/channel"
	"loam/abi/channel/stream"
	"loam/host/run"
)

// TestPump: what the machine sends.
func TestPump(t *testing.T) {
	var hello [channel.HelloSize]byte
	channel.PutHello(&hello, channel.Version)
	for _, c := range []struct {
		name          string
		send          func(w *stream.Writer)
		hello         bool
		exit, message string
	}{
		{"nothing", func(*stream.Writer) {}, false, "", ""},
		{"no Hello", func(w *stream.Writer) { _ = w.Write(channel.Notice, []byte("a")) }, false, "", ""},
		{"all", func(w *stream.Writer) {
			_ = w.Write(channel.Hello, hello[:])
			_ = w.Write(channel.Notice, []byte("out of memory\x1b"))
			_ = w.Write(channel.Exit, make([]byte, channel.ExitSize))
		}, true, strings.Repeat("\x00", channel.ExitSize), "loam: out of memory\n"},
		{"Hello twice", func(w *stream.Writer) {
			_ = w.Write(channel.Hello, hello[:])
			_ = w.Write(channel.Hello, hello[:])
			_ = w.Write(channel.Notice, []byte("a"))
		}, true, "", ""},
		{"an answer that is none", func(w *stream.Writer) {
			_ = w.Write(channel.Hello, hello[:])
			_ = w.Write(channel.Answer, []byte{1})
			_ = w.Write(channel.Notice, []byte("a"))
		}, true, "", ""},
		{"many notices", func(w *stream.Writer) {
			_ = w.Write(channel.Hello, hello[:])
			for range 2 * maxNotices {
				_ = w.Write(channel.Notice, []byte("a"))
			}
		}, true, "", strings.Repeat("loam: a\n", maxNotices)},
	} {
		var sent, messages bytes.Buffer
		c.send(stream.NewWriter(&sent))
		end := &channelEnd{asker: run.NewAsker(io.Discard), hello: make(chan struct{})}
		o := Options{Messages: &messages}
		o.pump(stream.NewReader(&sent, channel.ToHost), end)
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		_, err := end.ask(ctx, []byte("a")) // nobody answers, listening or not
		cancel()
		heard := false
		select {
		case <-end.hello:
			heard = true
		default:
		}
		if heard != c.hello || string(end.exit) != c.exit || messages.String() != c.message || err == nil {
			t.Errorf("%s: %v, %q, %q, %v", c.name, heard, end.exit, messages.String(), err)
		}
	}
}
