package tcp

import (
	"encoding/binary"
	"testing"
	"time"
)

// An attack reads from a fuzzer's bytes what befalls a connection.
type attack struct {
	*bare
	rest []byte
}

// choose is 0 to n-1; 0 when nothing is left.
func (a *attack) choose(n int) int {
	if len(a.rest) == 0 {
		return 0
	}
	v := int(a.rest[0])
	a.rest = a.rest[1:]
	return v % n
}

func (a *attack) word() uint32 {
	if len(a.rest) < 4 {
		a.rest = nil
		return 0
	}
	v := binary.BigEndian.Uint32(a.rest)
	a.rest = a.rest[4:]
	return v
}

// near is a number at or beside one that matters, or any.
func (a *attack) near(marks ...Seq) Seq {
	i := a.choose(len(marks) + 1)
	if i == len(marks) {
		return Seq(a.word())
	}
	return marks[i].Add(a.choose(5) - 2)
}

// segment lets any segment arrive.
func (a *attack) segment() {
	c := a.c
	h := Header{SrcPort: 2, DstPort: 1, Window: uint16(a.choose(256) << a.choose(9)), Urgent: uint16(a.choose(256))}
	h.Flags = []Flags{ACK, ACK | PSH, SYN, SYN | ACK, FIN | ACK, RST, RST | ACK, 0, Flags(a.choose(256))}[a.choose(9)]
	h.Seq = a.near(c.rcv.nxt, c.rcv.nxt, c.rcv.edge, c.rcv.irs, c.rcv.fin, c.rcv.ring.base, c.rcv.nxt.Add(a.choose(256)*20))
	h.Ack = a.near(c.snd.una, c.snd.nxt, c.snd.nxt, c.snd.iss, c.snd.una.Add(a.choose(256)*20))
	h.Options = a.options()
	data := make([]byte, []int{0, 0, 1, a.choose(256), 1460, a.choose(256) * 20}[a.choose(6)])
	c.Input(a.now, &h, data)
}

func (a *attack) options() (o Options) {
	switch a.choose(5) {
	case 1:
		for n := a.choose(4); n >= 0; n-- {
			from := a.near(a.c.snd.una, a.c.snd.nxt, a.c.snd.una.Add(a.choose(256)*20))
			o = o.AppendSACK([2]Seq{from, from.Add(a.choose(256) * (1 + a.choose(20)))})
		}
	case 2:
		o = o.AppendNop(2).AppendTimestamps(a.c.stamps.recent+uint32(a.choose(5))-2, a.c.stamps.val(a.now)-uint32(a.choose(256)))
	case 3:
		o = o.AppendMSS(uint16(a.word())).AppendSACKPermitted().AppendTimestamps(a.word(), a.word()).AppendWindowScale(uint8(a.choose(256)))
	case 4:
		n := min(a.choose(MaxOptions+1), len(a.rest))
		o, a.rest = Options(a.rest[:n:n]), a.rest[n:]
	}
	return o
}

// call is what the user may do meanwhile.
func (a *attack) call() {
	c := a.c
	switch a.choose(14) {
	case 0, 1, 2:
		c.Write(a.now, make([]byte, a.choose(256)*20))
	case 3, 4:
		c.Read(a.now, make([]byte, a.choose(256)*20))
	case 5:
		c.CloseWrite(a.now)
	case 6:
		c.CloseRead(a.now)
	case 7:
		c.Close(a.now)
	case 8:
		c.SetMaxSegment(a.now, int(a.word()>>16))
	case 9:
		c.SetBuffers(a.choose(256)<<9, a.choose(256)<<9)
	case 10:
		c.SetKeepAlive(KeepAlive{Idle: time.Duration(a.choose(256)) * time.Second, Count: 2})
	case 11:
		c.Info()
		c.TimeWait()
	case 12:
		c.Commit(a.now, len(c.Reserve(a.choose(256)*20)))
	case 13:
		c.Discard(a.now, min(len(c.Peek()), a.choose(256)*20))
	}
}

// FuzzStates lets anything happen to a connection in any state, with segments that come
// near what matters, and looks after each step whether all holds that must.
func FuzzStates(f *testing.F) {
	for i := range allStates() {
		f.Add(byte(i), byte(i), []byte("some segments, calls of the user and time that passes, all of them chosen by these bytes"))
		f.Add(byte(i), byte(0xff), []byte{0, 0, 0, 1, 2, 3, 4, 0, 5, 0, 1, 255, 0, 2, 3, 200, 9, 9, 0, 7, 8, 1, 1, 1, 0, 0, 0, 0, 6, 100, 100})
	}
	f.Fuzz(func(t *testing.T, state, config byte, steps []byte) {
		states := allStates()
		a := &attack{rest: steps, bare: reach(t, states[int(state)%len(states)], func(c *Config) {
			c.NoSACK, c.NoTimestamps, c.NoWindowScale, c.NoDelay = config&1 != 0, config&2 != 0, config&4 != 0, config&8 != 0
			c.SendBuffer, c.RecvBuffer = int(config&16)<<12, int(config&32)<<12
			if config&64 != 0 {
				c.Congestion = "reno"
			}
		})}
		for len(a.rest) > 0 {
			switch a.choose(5) {
			case 0, 1, 2:
				a.segment()
			case 3:
				a.call()
			case 4:
				a.wait(time.Duration(a.choose(256)) << (10 + a.choose(30)))
			}
			a.output()
			a.look()
		}
		a.end()
	})
}

// end: whatever has befallen it, a connection that its user closes and whose peer is
// silent comes to its end in time.
func (a *attack) end() {
	a.c.Close(a.now)
	a.output()
	for begin, timers := a.now, 0; a.c.State() != Closed; timers++ {
		at := a.c.Deadline()
		if at == Never || a.now-begin > 2*time.Hour || timers > 10_000 {
			a.t.Fatalf("%v after its user has closed it waits until %v: %s", a.now-begin, at, a.c.dump())
		}
		a.now = max(a.now, at)
		a.c.Expire(a.now)
		a.output()
		a.look()
	}
}
