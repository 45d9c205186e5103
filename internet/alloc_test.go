package internet_test

import (
	"testing"

	"dialtone/internet"
)

// TestNothingIsAllocated takes messages of every kind apart and puts them together
// again, good and bad ones, in one buffer.
func TestNothingIsAllocated(t *testing.T) {
	ipv4 := append((&internet.IPv4{Protocol: internet.UDP, Options: []byte{148, 4, 0, 0}}).Append(nil), "data"...)
	internet.FillIPv4(ipv4)
	ipv6 := append((&internet.IPv6{NextHeader: internet.UDP}).Append(nil), "data"...)
	hopByHop := (&internet.Extension{Kind: internet.HopByHop, Body: []byte{5, 2, 0, 0, 1, 0}}).Append(nil)
	ns := (&internet.NDP{ICMPHeader: internet.ICMPHeader{Type: internet.ICMPv6NeighborSolicitation}}).Append(nil)
	ns = internet.NDPOption{Kind: internet.SourceLinkAddress, Data: make([]byte, 6)}.Append(ns)
	report := (&internet.GroupRecord{Kind: internet.ChangeToExclude, Group: make([]byte, 4)}).Append(nil)
	query := (&internet.MLD{ICMPHeader: internet.ICMPHeader{Type: internet.MLDQuery}}).Append(nil)
	buffer := make([]byte, 0, 256)

	for name, work := range map[string]func(){
		"IPv4": func() {
			h, _, _ := internet.ParseIPv4(ipv4)
			option, _, _ := internet.IPv4Options(h.Options).Next()
			buffer = option.Append(h.Append(buffer[:0]))
			internet.FillIPv4(buffer)
			internet.CheckIPv4(buffer)
		},
		"IPv6": func() {
			h, _, _ := internet.ParseIPv6(ipv6)
			buffer = h.Append(buffer[:0])
		},
		"extension": func() {
			e, _, _ := internet.ParseExtension(internet.HopByHop, hopByHop)
			option, _, _ := e.Options().Next()
			f, _, _ := internet.ParseFragment(hopByHop)
			buffer = internet.AppendPad(option.Append(f.Append(e.Append(buffer[:0]))))
		},
		"ICMP": func() {
			h, payload, _ := internet.ParseICMP(ns)
			h.Quoted(internet.ICMP, payload)
			buffer = append(h.Append(buffer[:0]), payload...)
			internet.FillICMPv4(buffer)
			internet.CheckICMPv4(buffer)
			internet.FillICMPv6(1, buffer)
			internet.CheckICMPv6(1, buffer)
		},
		"NDP": func() {
			m, options, _ := internet.ParseNDP(ns)
			option, _, _ := options.Next()
			buffer = option.Append(m.Append(buffer[:0]))
		},
		"groups": func() {
			h, _, _ := internet.ParseIGMP(ipv4)
			m, _, _ := internet.ParseMLD(query)
			r, _, _ := internet.ParseGroupRecord(internet.IGMP, report)
			q, _, _ := internet.ParseGroupQuery(internet.IGMP, report[2:])
			buffer = q.Append(r.Append(m.Append(h.Append(buffer[:0]))))
		},
		"bad headers": func() {
			internet.ParseIPv4(ipv6)
			internet.ParseIPv6(ipv4)
			internet.ParseExtension(internet.AH, hopByHop)
			internet.IPv4Options(ipv4[3:4]).Next()
			internet.ParseNDP(ipv4)
		},
	} {
		if n := testing.AllocsPerRun(100, work); n != 0 {
			t.Errorf("%s: %v allocations", name, n)
		}
	}
}

func BenchmarkParseIPv4(b *testing.B) {
	packet := append((&internet.IPv4{Protocol: internet.TCP}).Append(nil), make([]byte, 100)...)
	internet.FillIPv4(packet)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := internet.ParseIPv4(packet); err != nil {
			b.Fatal(err)
		}
	}
}
