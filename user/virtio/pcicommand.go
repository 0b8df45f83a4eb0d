// SPDX-License-Identifier: Apache-2.0

package virtio

// EnablePCI has the function answer at its BARs of memory, and reach memory. Without it
// neither registers nor queues work. Its ports are off: nothing is driven by them.
func EnablePCI(c ConfigSpace) { command(c, commandMemory|commandMaster, commandIO) }

// AnswerPCI has the function answer at its BARs of memory, and neither reach memory nor raise
// INTx.
func AnswerPCI(c ConfigSpace) { command(c, commandMemory|commandNoINTx, commandMaster|commandIO) }

// command turns bits of the command on, and others off.
func command(c ConfigSpace, on, off uint32) {
	c.Write(pciCommand, 2, c.Read(pciCommand, 2)&commandBits&^off|on)
}

// SetBAR gives the range of a BAR another address, a multiple of its size. The function
// must not answer there meanwhile, and doesn't afterwards, until EnablePCI or AnswerPCI.
func SetBAR(c ConfigSpace, i int, b BAR, address uint64) {
	command(c, 0, commandIO|commandMemory|commandMaster)
	at := pciBAR + 4*i
	c.Write(at, 4, uint32(address))
	if b.Wide {
		c.Write(at+4, 4, uint32(address>>32))
	}
}
