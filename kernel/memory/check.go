// SPDX-License-Identifier: Apache-2.0

package memory

import "loam/kernel/pool"

// Check says what is wrong with the objects, "" if nothing is, and with which. named tells
// how many references the caller has given to one.
func (o *Objects) Check(named func(i int32) uint32) (broken string, at int32) {
	if !o.pool.Check() {
		return "memory: the pool", 0
	}
	dying, ok := o.dying.Check(o.links)
	if !ok {
		return "memory: the list of what is dying", 0
	}
	devices := o.devices
	for i := o.pool.Next(pool.Nil); i != pool.Nil; i = o.pool.Next(i) {
		x := o.pool.Index(i)
		if o.links[i].Linked() {
			dying--
		}
		if x.device != 0 {
			devices--
		}
		_, next := o.pool.HandleOf(x.next)
		switch {
		case x.refs != named(i):
			return "memory: the references to an object", i
		case x.writers > x.mapped:
			return "memory: more pages of an object are written than mapped", i
		case o.links[i].Linked() != (x.refs == 0 && x.mapped == 0):
			return "memory: an object that nobody names isn't dying, or one that somebody does", i
		case !next || o.pool.Index(x.next).prev != i:
			return "memory: the ring of an object's clones", i
		}
	}
	if dying != 0 {
		return "memory: what is dying is no object", int32(dying)
	}
	if devices != 0 {
		return "memory: the count of devices", int32(devices)
	}
	return "", 0
}
