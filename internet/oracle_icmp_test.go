package internet_test

import (
	"testing"
	"time"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"pgregory.net/rapid"

	"dialtone/internet"
)

func TestICMPv4AsGopacketReadsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := rapid.SliceOfN(rapid.Byte(), 8, 64).Draw(t, "message")
		internet.FillICMPv4(b)
		h, payload, err := internet.ParseICMP(b)
		var theirs layers.ICMPv4
		if theirErr := theirs.DecodeFromBytes(b, gopacket.NilDecodeFeedback); err != nil || theirErr != nil {
			t.Fatal(err, theirErr)
		}
		id, seq := h.Echo()
		same(t, "type", h.Type, theirs.TypeCode.Type())
		same(t, "code", h.Code, theirs.TypeCode.Code())
		same(t, "checksum", h.Checksum, theirs.Checksum)
		same(t, "ID", id, theirs.Id)
		same(t, "sequence number", seq, theirs.Seq)
		same(t, "payload", string(payload), string(theirs.Payload))

		buffer := gopacket.NewSerializeBuffer()
		fix := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
		if err := gopacket.SerializeLayers(buffer, fix, &theirs, gopacket.Payload(payload)); err != nil {
			t.Fatal(err)
		}
		same(t, "message", string(b), string(buffer.Bytes()))
	})
}

func TestICMPv6ChecksumAsGopacketComputesIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		network := &layers.IPv6{Version: 6, NextHeader: layers.IPProtocolICMPv6, SrcIP: slice16(t), DstIP: slice16(t)}
		message := &layers.ICMPv6{TypeCode: layers.CreateICMPv6TypeCode(128, 0)}
		if err := message.SetNetworkLayerForChecksum(network); err != nil {
			t.Fatal(err)
		}
		buffer := gopacket.NewSerializeBuffer()
		fix := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
		payload := gopacket.Payload(rapid.SliceOfN(rapid.Byte(), 4, 50).Draw(t, "payload"))
		if err := gopacket.SerializeLayers(buffer, fix, network, message, payload); err != nil {
			t.Fatal(err)
		}
		h, msg, err := internet.ParseIPv6(buffer.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		// RFC 8200 §8.1: addresses, length, three zero bytes, next header.
		pseudo := internet.Sum(h.Dst[:], internet.Sum(h.Src[:], uint32(len(msg))+uint32(internet.ICMPv6)))
		if !internet.CheckICMPv6(pseudo, msg) {
			t.Fatalf("% x: checksum is not right for us", msg)
		}
		msg[5] ^= 1
		if internet.CheckICMPv6(pseudo, msg) {
			t.Fatal("a changed bit keeps the checksum right")
		}
	})
}

func TestNDPAsGopacketReadsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := internet.NDP{
			ICMPHeader: internet.ICMPHeader{Type: rapid.Uint8Range(133, 137).Draw(t, "type"), Rest: address4(t)},
			Reachable:  rapid.Uint32().Draw(t, "reachable"), Retransmit: rapid.Uint32().Draw(t, "retransmit"),
			Target: address16(t), Destination: address16(t),
		}
		option := internet.NDPOption{Kind: internet.LinkMTU, Data: append([]byte{0, 0}, slice4(t)...)}
		b := option.Append(m.Append(nil))
		mtu, _ := option.MTU()

		got, options, err := internet.ParseNDP(b)
		if err != nil {
			t.Fatal(err)
		}
		our, _, err := options.Next()
		if err != nil {
			t.Fatal(err)
		}
		ourMTU, _ := our.MTU()
		same(t, "MTU", ourMTU, mtu)

		var theirs layers.ICMPv6Options
		switch m.Type {
		case internet.ICMPv6RouterSolicitation:
			theirs = decodeLayer[*layers.ICMPv6RouterSolicitation](t, b, layers.LayerTypeICMPv6, layers.LayerTypeICMPv6RouterSolicitation).Options
		case internet.ICMPv6RouterAdvertisement:
			o := decodeLayer[*layers.ICMPv6RouterAdvertisement](t, b, layers.LayerTypeICMPv6, layers.LayerTypeICMPv6RouterAdvertisement)
			hops, flags, lifetime, _ := got.Router()
			same(t, "hop limit", hops, o.HopLimit)
			same(t, "flags", flags, o.Flags)
			same(t, "lifetime", lifetime, o.RouterLifetime)
			same(t, "reachable", got.Reachable, o.ReachableTime)
			same(t, "retransmit", got.Retransmit, o.RetransTimer)
			theirs = o.Options
		case internet.ICMPv6NeighborSolicitation:
			o := decodeLayer[*layers.ICMPv6NeighborSolicitation](t, b, layers.LayerTypeICMPv6, layers.LayerTypeICMPv6NeighborSolicitation)
			same(t, "target", string(got.Target[:]), string(o.TargetAddress))
			theirs = o.Options
		case internet.ICMPv6NeighborAdvertisement:
			o := decodeLayer[*layers.ICMPv6NeighborAdvertisement](t, b, layers.LayerTypeICMPv6, layers.LayerTypeICMPv6NeighborAdvertisement)
			flags, _ := got.Flags()
			same(t, "flags", flags, o.Flags)
			same(t, "target", string(got.Target[:]), string(o.TargetAddress))
			theirs = o.Options
		case internet.ICMPv6Redirect:
			o := decodeLayer[*layers.ICMPv6Redirect](t, b, layers.LayerTypeICMPv6, layers.LayerTypeICMPv6Redirect)
			same(t, "target", string(got.Target[:]), string(o.TargetAddress))
			same(t, "destination", string(got.Destination[:]), string(o.DestinationAddress))
			theirs = o.Options
		}
		same(t, "options", len(theirs), 1)
		same(t, "option", uint8(our.Kind), uint8(theirs[0].Type))
		same(t, "option data", string(our.Data), string(theirs[0].Data))
	})
}

func TestIGMPv3AsGopacketReadsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := internet.IGMPHeader{Type: internet.IGMPv3Report, Group: [4]byte{3: 2}}
		b := h.Append(nil)
		var records []internet.GroupRecord
		for range 2 {
			sources := rapid.IntRange(0, 3).Draw(t, "sources")
			r := internet.GroupRecord{
				Kind: internet.GroupRecordKind(rapid.Uint8Range(1, 6).Draw(t, "kind")), Group: slice4(t), Count: uint16(sources),
				Sources: rapid.SliceOfN(rapid.Byte(), sources*4, sources*4).Draw(t, "addresses"),
			}
			b = r.Append(b)
			records = append(records, r)
		}
		internet.FillIGMP(b)
		theirs := decodeLayer[*layers.IGMP](t, b, layers.LayerTypeIGMP, layers.LayerTypeIGMP)
		got, payload, err := internet.ParseIGMP(b)
		if err != nil || !internet.CheckIGMP(b) {
			t.Fatal(err)
		}
		same(t, "version", got.Version(payload), int(theirs.Version))
		same(t, "records", got.Records(), int(theirs.NumberOfGroupRecords))
		for i, want := range records {
			r, rest, err := internet.ParseGroupRecord(internet.IGMP, payload)
			if err != nil {
				t.Fatal(err)
			}
			same(t, "kind", uint8(r.Kind), uint8(theirs.GroupRecords[i].Type))
			same(t, "group", string(r.Group), string(theirs.GroupRecords[i].MulticastAddress))
			same(t, "count", r.Count, theirs.GroupRecords[i].NumberOfSources)
			same(t, "sources", string(r.Sources), string(want.Sources))
			payload = rest
		}
	})
}

func TestMLDv2AsGopacketReadsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sources := rapid.IntRange(0, 3).Draw(t, "sources")
		m := internet.MLD{ICMPHeader: internet.ICMPHeader{Type: internet.MLDQuery, Rest: address4(t)}, Group: address16(t)}
		q := internet.GroupQuery{
			Flags: rapid.Byte().Draw(t, "flags"), Interval: rapid.Byte().Draw(t, "interval"), Count: uint16(sources),
			Sources: rapid.SliceOfN(rapid.Byte(), sources*16, sources*16).Draw(t, "addresses"),
		}
		b := q.Append(m.Append(nil))
		theirs := decodeLayer[*layers.MLDv2MulticastListenerQueryMessage](t, b, layers.LayerTypeICMPv6, layers.LayerTypeMLDv2MulticastListenerQuery)
		got, payload, err := internet.ParseMLD(b)
		if err != nil {
			t.Fatal(err)
		}
		query, _, err := internet.ParseGroupQuery(internet.ICMPv6, payload)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "version", got.Version(payload), 2)
		same(t, "group", string(got.Group[:]), string(theirs.MulticastAddress))
		same(t, "robustness", query.Flags&7, theirs.QueriersRobustnessVariable)
		same(t, "interval", query.Interval, theirs.QueriersQueryIntervalCode)
		same(t, "count", query.Count, theirs.NumberOfSources)
		for i, address := range theirs.SourceAddresses {
			same(t, "source", string(query.Sources[i*16:i*16+16]), string(address))
		}
	})
}

func TestResponseTimes(t *testing.T) {
	for _, test := range []struct {
		code    uint8
		version int
		want    time.Duration
	}{{100, 2, 10 * time.Second}, {255, 2, 25500 * time.Millisecond}, {127, 3, 12700 * time.Millisecond}, {128, 3, 12800 * time.Millisecond}, {255, 3, 3174400 * time.Millisecond}} {
		h := internet.IGMPHeader{Type: internet.IGMPQuery, MaxResp: test.code}
		if got := h.MaxResponse(test.version); got != test.want {
			t.Errorf("IGMPv%d code %d: %v, want %v", test.version, test.code, got, test.want)
		}
	}
	for _, test := range []struct {
		rest    [2]byte
		version int
		want    time.Duration
	}{{[2]byte{0x27, 0x10}, 1, 10 * time.Second}, {[2]byte{0xff, 0xff}, 1, 65535 * time.Millisecond}, {[2]byte{0x80, 0}, 2, 32768 * time.Millisecond}, {[2]byte{0xff, 0xff}, 2, 8387584 * time.Millisecond}} {
		m := internet.MLD{ICMPHeader: internet.ICMPHeader{Rest: [4]byte{test.rest[0], test.rest[1]}}}
		if got := m.MaxResponse(test.version); got != test.want {
			t.Errorf("MLDv%d code % x: %v, want %v", test.version, test.rest, got, test.want)
		}
	}
}
