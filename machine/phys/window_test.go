// SPDX-License-Identifier: Apache-2.0

package phys

import "testing"

func TestWindow(t *testing.T) {
	const top = ^uint64(0)
	b := []byte("0123456789")
	w := WindowOf(b)
	for _, c := range []struct {
		pa, n uint64
		want  string
	}{
		{0, 10, "0123456789"}, {9, 1, "9"}, {3, 2, "34"},
		{0, 0, ""}, {0, 11, ""}, {9, 2, ""}, {10, 1, ""}, {top, 1, ""}, {1, top, ""}, {top, top, ""},
	} {
		got := w.Bytes(c.pa, c.n)
		if string(got) != c.want || c.want == "" && got != nil {
			t.Errorf("Bytes(%d, %d) = %q", c.pa, c.n, got)
		}
	}
	if (Window{}).Bytes(0, 1) != nil {
		t.Error("the zero window is not empty")
	}
}
