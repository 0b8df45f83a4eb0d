//go:build loam

// SPDX-License-Identifier: Apache-2.0

package core

import (
	"loam/abi"
	"loam/kernel/ipc"
	"loam/kernel/pool"
	"loam/machine/metal"
)

// What happens to processes whose calls are forwarded, for who answers them: that they end,
// are stopped, and go on. Who wants to know is signalled (CallProcessWatch), and asks
// (CallProcessNews). A process that has ended is kept until then, as for a parent that may wait for it.

// managed gives the process with that id whose calls are forwarded to the endpoint that a handle names.
func (r *runner) managed(h, pid uint64) (*Process, abi.Errno) {
	i, e := r.object(h, abi.KindEndpoint, abi.RightWait)
	if e != 0 {
		return nil, e
	}
	t := k.find(uint32(pid))
	if t == nil || pid>>32 != 0 {
		return nil, abi.ESRCH
	}
	p := k.processes.Index(t.process)
	if p.pid != uint32(pid) || p.ended || p.forward.endpoint != i+1 {
		return nil, abi.ESRCH
	}
	return p, 0
}

// watched gives the endpoint whose receivers want news of p, nil: there is none.
func (p *Process) watched() *ipc.Endpoint {
	if p.forward.endpoint == 0 {
		return nil
	}
	o := k.objects.At(p.forward.endpoint - 1)
	if ep := k.ipc.Endpoint(o.Record); ep.News != 0 && o.Receivers() > 0 {
		return ep
	}
	return nil
}

// tellNews notes what has happened to p, if somebody wants to know.
func (r *runner) tellNews(p *Process, what uint8) {
	ep := p.watched()
	if ep == nil {
		return
	}
	if p.news == 0 {
		k.news.PushBack(k.newsLinks, p.handle.Index)
	}
	if what&(abi.NewsStopped|abi.NewsContinued) != 0 {
		p.news &^= abi.NewsStopped | abi.NewsContinued // the last one of the two
	}
	p.news |= what
	r.signal(ep.News-1, ep.NewsBits)
}

// keepNews is tellNews for p's end. It reports whether p is to be kept.
func (r *runner) keepNews(p *Process) bool {
	if p.handle.Index == k.first || k.ending {
		r.unlinkNews(p)
		return false
	}
	r.tellNews(p, abi.NewsEnded)
	return p.news != 0
}

// unlinkNews forgets what has happened to p.
func (r *runner) unlinkNews(p *Process) {
	if p.news != 0 {
		p.news = 0
		k.news.Remove(k.newsLinks, p.handle.Index)
	}
}

// dropNews is unlinkNews for a process that has been kept for it.
func (r *runner) dropNews(p *Process) {
	r.unlinkNews(p)
	r.dropForward(p)
}

// forgetNews forgets what has happened to processes whose calls are forwarded to endpoint i, where nobody can
// receive any more.
func (r *runner) forgetNews(i int32) {
	for at := k.news.First(); at != pool.Nil; {
		next := k.news.Next(k.newsLinks, at)
		if p := k.processes.Index(at); p.forward.endpoint == i+1 {
			r.unlinkNews(p)
			if p.zombie {
				p.forward = forwardTo{}
				if k.objects.Release(i) {
					panic("core: an endpoint is gone before its last reference")
				}
				k.freeProcess(p)
			}
		}
		at = next
	}
}

// endNews has nobody told any more.
func (r *runner) endNews(ep *ipc.Endpoint) {
	if note := ep.News - 1; note >= 0 {
		ep.News = 0
		r.unrefer(note)
	}
}

// loamProcessWatch: endpoint, notification or 0, bits.
func loamProcessWatch(r *runner, c *metal.Context) uint64 {
	i, e, note, errno := r.watched(c)
	if errno != 0 {
		return errno.Result()
	}
	ep := k.ipc.Endpoint(e)
	r.endNews(ep)
	if note == pool.Nil {
		r.forgetNews(i)
		return 0
	}
	k.objects.Refer(note)
	ep.News, ep.NewsBits = note+1, c.Arg2()
	return 0
}

// loamProcessNews: endpoint, where to put a ProcessNews.
func loamProcessNews(r *runner, c *metal.Context) uint64 {
	i, e := r.object(c.Arg0(), abi.KindEndpoint, abi.RightWait)
	if e != 0 {
		return e.Result()
	}
	at := k.news.First()
	for at != pool.Nil && k.processes.Index(at).forward.endpoint != i+1 {
		at = k.news.Next(k.newsLinks, at)
	}
	if at == pool.Nil {
		return abi.EAGAIN.Result()
	}
	p := k.processes.Index(at)
	n := abi.ProcessNews{Badge: p.forward.badge, PID: p.pid, What: uint32(p.news), Signal: p.stopSignal, Time: uint64(processTime(p, r.time()))}
	if p.news&abi.NewsEnded != 0 {
		n.What, n.Status = abi.NewsEnded, p.status
	}
	var b [abi.ProcessNewsSize]byte
	n.Put(b[:])
	if e := r.put(c.Arg1(), b[:]); e != 0 {
		return e
	}
	r.unlinkNews(p)
	if p.zombie {
		r.dropForward(p)
		k.freeProcess(p)
	}
	return 0
}

// loamProcessOpen: endpoint, process id, kind.
func loamProcessOpen(r *runner, c *metal.Context) uint64 {
	p, e := r.managed(c.Arg0(), c.Arg1())
	if e != 0 {
		return e.Result()
	}
	var header int32
	switch c.Arg2() {
	case uint64(abi.KindProcess):
		header = p.objects.Object
	case uint64(abi.KindSpace):
		header = p.objects.Space
	case uint64(abi.KindThread):
		header = k.threads.Index(p.leader).object
	default:
		return abi.EINVAL.Result()
	}
	if r.handles().Room() == 0 {
		return abi.EMFILE.Result()
	}
	return uint64(r.handleTo(header))
}

// loamProcessWrite: endpoint, process id, address there, address here, length.
func loamProcessWrite(r *runner, c *metal.Context) uint64 {
	p, e := r.managed(c.Arg0(), c.Arg1())
	switch {
	case e != 0:
		return e.Result()
	case c.Arg4() > abi.MaxMessageBytes:
		return abi.EINVAL.Result()
	}
	return r.moveForwarded(p, c.Arg2(), c.Arg3(), c.Arg4(), true)
}

// thread gives the thread of p with an id.
func (p *Process) thread(tid uint64) (int32, bool) {
	t := k.find(uint32(tid))
	if t == nil || tid>>32 != 0 || t.process != p.handle.Index || t.gone {
		return pool.Nil, false
	}
	return t.handle.Index, true
}

// loamProcessPost: endpoint, process id, thread id or 0, siginfo_t.
func loamProcessPost(r *runner, c *metal.Context) uint64 {
	p, e := r.managed(c.Arg0(), c.Arg1())
	if e != 0 {
		return e.Result()
	}
	i := pool.Nil
	if c.Arg2() != 0 {
		var ok bool
		if i, ok = p.thread(c.Arg2()); !ok {
			return abi.ESRCH.Result()
		}
	}
	var b [abi.SiginfoSize]byte
	if e := r.as.ReadUser(abi.UserAddr(c.Arg3()), b[:]); e != 0 {
		return e.Result()
	}
	info := abi.GetSiginfo(b[:])
	if !info.Signo.Valid() {
		return abi.EINVAL.Result()
	}
	result := uint64(0)
	if info.Signo == abi.SIGCHLD {
		ignored, noWait, noStop := p.sig.OfChildren()
		if ignored {
			result |= abi.PostIgnored
		}
		if noWait {
			result |= abi.PostNoWait
		}
		if noStop && (info.Code == abi.CLD_STOPPED || info.Code == abi.CLD_CONTINUED) {
			return result
		}
	}
	if i != pool.Nil && (info.Signo == abi.SIGTTIN || info.Signo == abi.SIGTTOU) {
		if p.sig.Refuses(&k.threads.Index(i).sig, info.Signo) {
			return abi.PostIgnored
		}
		i = pool.Nil
	}
	if i != pool.Nil {
		r.postThread(i, info)
	} else {
		r.postProcess(p, info)
	}
	return result
}
