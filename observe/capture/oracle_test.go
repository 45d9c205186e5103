package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"dialtone/internet"
	"dialtone/link"

	"github.com/google/go-cmp/cmp"
	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"github.com/gopacket/gopacket/pcapgo"
	"pgregory.net/rapid"
)

// TestGopacketReadsWhatWeWrite, in both formats.
func TestGopacketReadsWhatWeWrite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := records(t, false)
		var pcap, ng bytes.Buffer
		p, err := NewPcapWriter(&pcap, LinkEthernet)
		g, err2 := NewPcapngWriter(&ng, "a test")
		err = errors.Join(err, err2, g.Describe(0, Interface{Link: LinkEthernet}))
		for i := range want {
			err = errors.Join(err, p.Write(&want[i]), g.Write(&want[i]))
		}
		if err := errors.Join(err, p.Flush(), g.Flush()); err != nil {
			t.Fatal(err)
		}
		r, err := pcapgo.NewReader(&pcap)
		if err != nil {
			t.Fatal(err)
		}
		r.SetSnaplen(1 << 20)
		n, err := pcapgo.NewNgReader(&ng, pcapgo.DefaultNgReaderOptions)
		if err != nil {
			t.Fatal(err)
		}
		for name, read := range map[string]func() ([]byte, gopacket.CaptureInfo, error){"pcap": r.ReadPacketData, "pcapng": n.ReadPacketData} {
			for i, w := range want {
				data, info, err := read()
				if err != nil || !bytes.Equal(data, w.Data) || info.Length != w.Wire || info.Timestamp.UnixNano() != w.Time {
					t.Fatalf("%s, record %d: %x, %+v, %v; want %+v", name, i, data, info, err, w)
				}
			}
			if _, _, err := read(); err != io.EOF {
				t.Fatalf("%s: %v at the end", name, err)
			}
		}
	})
}

// TestWhatGopacketWritesIsRead, in both formats.
func TestWhatGopacketWritesIsRead(t *testing.T) {
	want := three()[:2]
	var pcap, ng bytes.Buffer
	p := pcapgo.NewWriterNanos(&pcap)
	must(t, p.WriteFileHeader(65536, layers.LinkTypeEthernet))
	n, err := pcapgo.NewNgWriter(&ng, layers.LinkTypeEthernet)
	must(t, err)
	for _, w := range want {
		info := gopacket.CaptureInfo{Timestamp: time.Unix(0, w.Time), CaptureLength: len(w.Data), Length: w.Wire}
		must(t, p.WritePacket(info, w.Data))
		must(t, n.WritePacket(info, w.Data))
	}
	must(t, n.Flush())
	for name, b := range map[string][]byte{"pcap": pcap.Bytes(), "pcapng": ng.Bytes()} {
		got, err := all(opened(t, b))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

// frames draws a frame of most shapes, with some of its bytes changed sometimes.
func frames() *rapid.Generator[[]byte] {
	return rapid.Custom(func(t *rapid.T) []byte {
		data := rapid.StringN(0, 40, -1).Draw(t, "data")
		var carried []byte
		protocol := rapid.SampledFrom([]internet.Protocol{internet.TCP, internet.UDP, internet.ICMP}).Draw(t, "protocol")
		six := protocol != internet.ICMP && rapid.Bool().Draw(t, "IPv6")
		pseudo := pseudo4(protocol)
		if six {
			pseudo = pseudo6(protocol)
		}
		switch protocol {
		case internet.TCP:
			carried = tcpSegment(pseudo, data)
		case internet.UDP:
			carried = udpDatagram(pseudo, data)
		default:
			carried = append([]byte{8, 0, 0, 0, 0, 1, 0, 2}, data...)
			internet.FillICMPv4(carried)
		}
		kind, packet := link.TypeIPv4, []byte(nil)
		if six {
			kind, packet = link.TypeIPv6, ip6(protocol, carried)
		} else {
			packet = ip4(protocol, carried)
		}
		tag := rapid.SampledFrom([][]byte{nil, {0x81, 0, 0x60, 5}}).Draw(t, "tag")
		b := ethernet(kind, packet, tag...)
		for range rapid.IntRange(0, 3).Draw(t, "changes") {
			b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
		}
		return append(b, make([]byte, rapid.IntRange(0, 4).Draw(t, "padding"))...)
	})
}

// told is what of a packet both sides tell.
type told struct {
	src, dst         netip.Addr
	protocol         int
	srcPort, dstPort uint16
	tcp              string
	payload          string
}

// TestDecodeAgreesWithGopacket on every frame that neither calls broken.
func TestDecodeAgreesWithGopacket(t *testing.T) {
	compared := 0
	rapid.Check(t, func(t *rapid.T) {
		b := frames().Draw(t, "frame")
		ours := decoded(t, LinkEthernet, b)
		theirs := gopacket.NewPacket(b, layers.LinkTypeEthernet, gopacket.Default)
		if ours.Err != nil || theirs.ErrorLayer() != nil || ours.FragOff > 0 || ours.More {
			return
		}
		if theirs.TransportLayer() == nil {
			return
		}
		compared++
		want, ok := tell(theirs)
		got := told{
			src: ours.Src, dst: ours.Dst, protocol: int(ours.Protocol),
			srcPort: ours.SrcPort, dstPort: ours.DstPort, payload: string(ours.Payload),
		}
		if h := ours.TCP; ours.HasTCP {
			got.tcp = fmt.Sprint(uint32(h.Seq), uint32(h.Ack), uint16(h.Flags&0x1ff), h.Window, h.Checksum, h.Urgent)
		}
		if ok && got != want {
			t.Fatalf("%x\nours   %+v\ntheirs %+v", b, got, want)
		}
	})
	if compared < 20 {
		t.Errorf("only %d frames were compared", compared)
	}
}

func tell(p gopacket.Packet) (w told, ok bool) {
	network := p.NetworkLayer()
	if network == nil {
		return w, false
	}
	w.src, _ = netip.AddrFromSlice(network.NetworkFlow().Src().Raw())
	w.dst, _ = netip.AddrFromSlice(network.NetworkFlow().Dst().Raw())
	switch l := p.TransportLayer().(type) {
	case *layers.TCP:
		flags := 0
		for i, set := range []bool{l.FIN, l.SYN, l.RST, l.PSH, l.ACK, l.URG, l.ECE, l.CWR, l.NS} {
			if set {
				flags |= 1 << i
			}
		}
		w.protocol, w.srcPort, w.dstPort, w.payload = 6, uint16(l.SrcPort), uint16(l.DstPort), string(l.Payload)
		w.tcp = fmt.Sprint(l.Seq, l.Ack, flags, l.Window, l.Checksum, l.Urgent)
	case *layers.UDP:
		w.protocol, w.srcPort, w.dstPort, w.payload = 17, uint16(l.SrcPort), uint16(l.DstPort), string(l.Payload)
	default:
		return w, false
	}
	return w, true
}

// TestTsharkAgrees on a file of ours: what was captured, and what is in it.
func TestTsharkAgrees(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed: apt install tshark")
	}
	var list []Record
	for i := range 300 {
		b := frames().Example(i)
		p := decoded(t, LinkEthernet, b)
		if p.Err != nil || p.ip < 0 || p.More || p.FragOff > 0 || p.Protocol != internet.TCP && p.Protocol != internet.UDP {
			continue
		}
		list = append(list, Record{
			Number: int64(len(list) + 1), Time: 1_700_000_000_000_000_001 + int64(i)*1e9, Data: b, Wire: len(b),
			Link: LinkEthernet, Comment: "number " + strconv.Itoa(len(list)+1),
		})
	}
	if len(list) < 50 {
		t.Fatalf("%d frames", len(list))
	}
	var ng bytes.Buffer
	w, err := NewPcapngWriter(&ng, "dialtone")
	must(t, err)
	for i := range list {
		must(t, w.Write(&list[i]))
	}
	must(t, w.Flush())
	fields := []string{
		"frame.number", "frame.time_epoch", "frame.len", "frame.comment", "vlan.id", "ip.src", "ip.dst", "ipv6.src", "ipv6.dst", "ip.checksum.status",
		"tcp.srcport", "tcp.seq_raw", "tcp.ack_raw", "tcp.window_size_value", "tcp.len", "tcp.checksum.status", "udp.srcport", "udp.checksum.status",
	}
	args := []string{"-n", "-r", save(t, ng.Bytes()), "-T", "fields", "-E", "separator=|", "-o", "ip.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-o", "tcp.relative_sequence_numbers:FALSE"}
	for _, f := range fields {
		args = append(args, "-e", f)
	}
	var stderr bytes.Buffer
	cmd := exec.Command(tshark, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("tshark: %v\n%s", err, &stderr)
	}
	lines := strings.Split(strings.TrimRight(string(out), "\n"), "\n")
	if len(lines) != len(list) {
		t.Fatalf("tshark has %d frames of %d", len(lines), len(list))
	}
	for i := range list {
		if want := asTshark(&list[i]); lines[i] != want {
			t.Errorf("frame %d: % x\ntshark %s\nours   %s", i+1, list[i].Data, lines[i], want)
		}
	}
}

// asTshark writes a frame as the line that tshark is asked for.
func asTshark(r *Record) string {
	p := new(Packet)
	Decode(r, p)
	p.Verify()
	status := func(v Verdict) string {
		return map[Verdict]string{ChecksumBad: "0", ChecksumGood: "1", ChecksumUnknown: "2", ChecksumPartial: "4"}[v]
	}
	vlan, four, six, ip := "", "|", "|", ""
	if p.VLAN != 0 {
		vlan = strconv.Itoa(int(p.VLAN&0xffff) - 1)
	}
	if p.Version == 4 {
		four, ip = fmt.Sprintf("%v|%v", p.Src, p.Dst), status(p.IPChecksum)
	} else {
		six = fmt.Sprintf("%v|%v", p.Src, p.Dst)
	}
	s := fmt.Sprintf("%d|%s|%d|%s|%s|%s|%s|%s|", r.Number, fmt.Sprintf("%d.%09d", r.Time/1e9, r.Time%1e9), r.Wire, r.Comment, vlan, four, six, ip)
	if p.HasTCP {
		return s + fmt.Sprintf("%d|%d|%d|%d|%d|%s||", p.SrcPort, p.TCP.Seq, p.TCP.Ack, p.TCP.Window, p.Len, status(p.Checksum))
	}
	return s + fmt.Sprintf("||||||%d|%s", p.SrcPort, status(p.Checksum))
}
