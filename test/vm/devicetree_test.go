// SPDX-License-Identifier: Apache-2.0

package vm

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	hostvm "loam/host/vm"
	"loam/test/vm/vmtest"
)

// What is wrong with a devicetree, or with the machine that it describes, is told on
// the console, and the machine ends. A loader of these tests' own gives the kernel
// QEMU's tree, changed; QEMU itself would refuse some of them.

// lie is a devicetree that is not as it should be, or one that the kernel is fine with.
type lie struct {
	name   string
	change func(root *vmtest.Tree)
	spoil  func(b []byte) []byte // after that
	tree   int                   // harts in the tree, 0: 1
	harts  int                   // harts of the machine, 0: as the tree has
	port   bool                  // the machine has a port for the host channel
	at     uint64                // what the kernel is told of where the tree lies, 0: there
	bios   string                // for one way to start alone

	runs  bool   // the kernel gets to its end of boot
	want  string // on the console
	stage string // what it is there under -bios none: machine mode sees the tree first
	halts bool   // under -bios none nothing ends the machine
	zero  bool   // under OpenSBI that does, which has no status for failures
}

// TestDevicetree starts the kernel with each of the trees, by itself and by OpenSBI; or, where not all is wanted
// (vmtest.WholeVariable), with one of them each in turn.
func TestDevicetree(t *testing.T) {
	t.Parallel()
	qemu := riscvQEMU(t)
	for _, list := range [][]lie{goodTrees, spoiltTrees, memoryLies, hartLies, deviceLies, chosenLies} {
		for i, c := range list {
			for j, bios := range []string{"none", "default"} {
				if c.bios != "" && c.bios != bios || c.bios == "" && i%2 != j && os.Getenv(vmtest.WholeVariable) == "" {
					continue
				}
				t.Run(c.name+"/"+bios, func(t *testing.T) {
					t.Parallel()
					c.try(t, qemu, bios)
				})
			}
		}
	}
}

func (c *lie) try(t *testing.T, qemu, bios string) {
	harts := max(c.tree, 1)
	tree := virtTree(t, qemu, harts)
	if bios != "none" { // what OpenSBI adds to the tree, for its own memory
		reserved(ramAt, 0x80000)(tree)
	}
	if c.change != nil {
		c.change(tree)
	}
	b := tree.Bytes()
	if c.spoil != nil {
		b = c.spoil(b)
	}
	at := uint64(treeAt)
	if c.at == atZero {
		at = 0
	} else if c.at != 0 {
		at = c.at
	}
	if c.harts != 0 {
		harts = c.harts
	}
	m := bare{qemu: qemu, bios: bios, args: append(loaded(t, b, at), "-smp", fmt.Sprint(harts))}
	if c.port {
		m.args = append(m.args, hostPort...)
	}
	status, words, last := hostvm.StatusPanic, c.want, ""
	if c.runs { // there is nothing to be run
		status, last = hostvm.StatusEnded, noProgram
	}
	switch {
	case bios != "none" && c.zero:
		status = 0
	case bios == "none" && c.halts:
		m.until, status = halted, -1 // it is taken away
	}
	if bios == "none" && c.stage != "" {
		words = c.stage
	}
	m.run(t).want(t, status, words, last)
}

// TestDevicetreeChance: whatever a few words of the tree are, the machine ends. There is
// no port for the host channel, so none gets to its end of boot.
func TestDevicetreeChance(t *testing.T) {
	t.Parallel()
	qemu := riscvQEMU(t)
	const trees = 32
	for i := range trees {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			bios := []string{"none", "default"}[i%2]
			tree := virtTree(t, qemu, 1)
			reserved(ramAt, 0x80000)(tree)
			runMode(tree)
			b := tree.Bytes()
			changed := scramble(b, rand.New(rand.NewPCG(uint64(i), 5)))
			m := bare{qemu: qemu, bios: bios, args: append(loaded(t, b, treeAt), "-smp", "1"), until: halted}
			got := m.run(t)
			told := strings.Contains(got.log, halted) || got.status == 0 && strings.Contains(got.log, "loam: kernel panic: ") // firmware's status
			if got.status != hostvm.StatusPanic && !told {
				t.Errorf("%s: status %d\n%s", changed, got.status, got.log)
			}
		})
	}
}

// scramble changes a few words of a tree and tells which.
func scramble(b []byte, r *rand.Rand) (changed string) {
	for range 1 + r.IntN(4) {
		at := 4 * r.IntN(len(b)/4)
		v := [...]uint32{0, 1, ^uint32(0), 1 << 31, ramAt + 1<<20, treeAt, r.Uint32(), r.Uint32N(32)}[r.IntN(8)]
		changed += fmt.Sprintf("%#x: %#x ", at, v)
		put(at, v)(b)
	}
	return changed
}

// halted is the last line of a machine that nothing ends.
const halted = "nothing turns this machine off: halted"

// virtTree is QEMU's devicetree of virt with some harts, and mode=boot.
func virtTree(t *testing.T, qemu string, harts int) *vmtest.Tree {
	t.Helper()
	virtTrees.Lock()
	defer virtTrees.Unlock()
	file := filepath.Join(vmtest.Dir(), fmt.Sprintf("virt%d.dtb", harts))
	b, err := os.ReadFile(file)
	if err != nil {
		out, err := exec.Command(qemu, "-M", "virt,dumpdtb="+file, "-smp", fmt.Sprint(harts), "-m", fmt.Sprint(ramSize>>20),
			"-nodefaults", "-display", "none").CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if b, err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
	}
	tree, err := vmtest.ReadTree(b)
	if err != nil {
		t.Fatal(err)
	}
	tree.Node(chosen).SetText("bootargs", "mode=boot")
	return tree
}

var virtTrees sync.Mutex

// What follows changes trees: first those that are written, then those that aren't yet.

// put changes a word.
func put(at int, v uint32) func(b []byte) []byte {
	return func(b []byte) []byte {
		binary.BigEndian.PutUint32(b[at:], v)
		return b
	}
}

// shorten leaves the nodes without their end.
func shorten(b []byte) []byte {
	return put(vmtest.TreeStructsSize, binary.BigEndian.Uint32(b[vmtest.TreeStructsSize:])-4)(b)
}

// cut leaves the beginning, whose header says so.
func cut(part float64) func(b []byte) []byte {
	return func(b []byte) []byte {
		b = b[:int(float64(len(b))*part)]
		return put(vmtest.TreeSize, uint32(len(b)))(b)
	}
}

// without takes what has the name away, and anything of the same name at an address.
func without(name string) func(root *vmtest.Tree) {
	return func(root *vmtest.Tree) {
		if root.Remove(func(s string) bool { return s == name || strings.HasPrefix(s, name+"@") }) == 0 {
			panic("there is no " + name)
		}
	}
}

func both(changes ...func(root *vmtest.Tree)) func(root *vmtest.Tree) {
	return func(root *vmtest.Tree) {
		for _, c := range changes {
			c(root)
		}
	}
}

func cells(path, name string, words ...uint32) func(root *vmtest.Tree) {
	return func(root *vmtest.Tree) { root.Node(path).SetCells(name, words...) }
}

func text(path, name string, s ...string) func(root *vmtest.Tree) {
	return func(root *vmtest.Tree) { root.Node(path).SetText(name, s...) }
}

func value(path, name, v string) func(root *vmtest.Tree) {
	return func(root *vmtest.Tree) { root.Node(path).Set(name, []byte(v)) }
}

func memory(words ...uint32) func(root *vmtest.Tree) {
	return cells("memory@80000000", "reg", words...)
}

// reserved reserves memory.
func reserved(start, size uint32) func(root *vmtest.Tree) {
	return func(root *vmtest.Tree) {
		r := root.Node("reserved-memory")
		r.SetCells("#address-cells", 2)
		r.SetCells("#size-cells", 2)
		r.Node(fmt.Sprintf("taken@%x", start)).SetCells("reg", 0, start, 0, size)
	}
}

func initrd(start, end uint32) func(root *vmtest.Tree) {
	return both(cells(chosen, "linux,initrd-start", start), cells(chosen, "linux,initrd-end", end))
}

// circles has nodes refer to each other and to themselves.
func circles(r *vmtest.Tree) {
	x, y := r.Node("soc/x"), r.Node("soc/y")
	x.SetCells("phandle", 70)
	x.SetCells("interrupt-parent", 71)
	y.SetCells("phandle", 71)
	y.SetCells("interrupt-parent", 70)
	y.SetCells("interrupts-extended", 70, 1, 71, 1)
	r.SetCells("interrupt-parent", 70)
	r.SetCells("phandle", 70)
}

// itself has the interrupt controller interrupt itself.
func itself(r *vmtest.Tree) {
	p := r.Node(plicAt)
	p.Set("interrupts-extended", append(p.Value("phandle"), vmtest.Cells(9)...))
}

// hundred has memory in so many pieces that not all are taken.
func hundred(r *vmtest.Tree) {
	var w []uint32
	for i := range uint32(100) {
		w = append(w, 0, ramAt+i*0x80000, 0, 0x80000)
	}
	memory(w...)(r)
}
