package sockets

import (
	"encoding/binary"
	"time"

	"github.com/cilium/ebpf/asm"
)

// probed is the raw tracepoint tcp_probe, which each segment that arrives on an established
// connection passes, before it is looked at.
type probed struct{ *traced }

// probeRing is room for 3,600 samples that nobody has read; what has no room is no harm.
const probeRing = 256 << 10

// The record of a sample; four bytes each but for the time.
const (
	sampleTime             = 0 // ns, monotonic
	sampleNext             = 8 // SND.NXT
	sampleUnacked          = 12
	sampleCongestion       = 16
	sampleThreshold        = 20
	samplePeer             = 24
	sampleOwn              = 28
	sampleRTT              = 32 // in eighths of a microsecond
	sampleMSS              = 36
	sampleLen        int16 = 40
)

func openProbed(row *Socket) (Probe, error) {
	t, err := openTraced("tcp_probe", probeRing, func(a *assembly) { a.windows(row.Cookie) })
	if err != nil {
		return nil, err
	}
	return &probed{t}, nil
}

// windows writes the program:
//
//	on (sk, segment):
//		if sk has another cookie: return
//		record := {ktime, figures of sk}
func (a *assembly) windows(cookie uint64) {
	const sk = asm.R6
	a.add(asm.LoadMem(sk, asm.R1, 0, asm.DWord))
	a.add(asm.Mov.Reg(asm.R1, sk), asm.FnGetSocketCookie.Call(), asm.LoadImm(asm.R1, int64(cookie), asm.DWord), asm.JNE.Reg(asm.R0, asm.R1, "exit"))
	a.add(asm.Mov.Reg(asm.R1, sk), asm.FnSkcToTcpSock.Call(), asm.JEq.Imm(asm.R0, 0, "exit"), asm.Mov.Reg(sk, asm.R0))
	a.begin(sampleLen)
	a.add(asm.FnKtimeGetNs.Call())
	a.store(asm.R0, sampleTime, asm.DWord)
	for _, f := range []struct {
		name string
		at   int16
	}{
		{"snd_nxt", sampleNext},
		{"snd_una", sampleUnacked},
		{"snd_cwnd", sampleCongestion},
		{"snd_ssthresh", sampleThreshold},
		{"snd_wnd", samplePeer},
		{"rcv_wnd", sampleOwn},
		{"srtt_us", sampleRTT},
		{"mss_cache", sampleMSS},
	} {
		a.keep(sk, "tcp_sock", f.name, asm.Word, f.at)
	}
	a.finish()
}

func (p *probed) Close() error { return p.close() }

func (p *probed) Sampled() Sampled {
	return Sampled{Name: TracedProbe, About: "each segment that arrives"}
}

func (p *probed) Read(until time.Time, each func(Sample)) error {
	return p.read(until, func(b []byte) {
		if len(b) < int(sampleLen) {
			return
		}
		u32 := func(at int) uint32 { return binary.NativeEndian.Uint32(b[at:]) }
		each(Sample{
			At: p.at(b), Congestion: u32(sampleCongestion), Threshold: u32(sampleThreshold), InFlight: u32(sampleNext) - u32(sampleUnacked),
			Peer: u32(samplePeer), Own: u32(sampleOwn), MSS: u32(sampleMSS), RTT: time.Duration(u32(sampleRTT)/8) * time.Microsecond,
		})
	})
}
