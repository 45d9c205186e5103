package internet_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/gopacket/gopacket"
	"github.com/gopacket/gopacket/layers"
	"pgregory.net/rapid"

	"dialtone/internet"
)

// The oracle is gopacket, which was written by others: both read the same bytes
// and must see the same fields.

// mutated draws bytes that start as head says, with up to four changed, and are
// sometimes cut short.
func mutated(t *rapid.T, head []byte, behind int) []byte {
	b := append(bytes.Clone(head), rapid.SliceOfN(rapid.Byte(), behind, behind).Draw(t, "behind")...)
	for range rapid.IntRange(0, 4).Draw(t, "changes") {
		b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "to")
	}
	if rapid.IntRange(0, 4).Draw(t, "cut") == 0 {
		b = b[:rapid.IntRange(0, len(b)).Draw(t, "length")]
	}
	return b
}

func address4(t *rapid.T) [4]byte {
	return [4]byte(rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "address"))
}

func address16(t *rapid.T) [16]byte {
	return [16]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "address"))
}

func same[T comparable](t *rapid.T, field string, ours, theirs T) {
	t.Helper()
	if ours != theirs {
		t.Fatalf("%s: we read %v, gopacket %v", field, ours, theirs)
	}
}

func TestIPv4AsGopacketReadsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := internet.IPv4{
			TOS: rapid.Byte().Draw(t, "TOS"), ID: rapid.Uint16().Draw(t, "ID"),
			Flags: rapid.Uint8Max(7).Draw(t, "flags"), Offset: rapid.Uint16Max(0x1fff).Draw(t, "offset"),
			TTL: rapid.Byte().Draw(t, "TTL"), Protocol: internet.Protocol(rapid.Byte().Draw(t, "protocol")),
			Src: address4(t), Dst: address4(t),
			Options: rapid.SliceOfN(rapid.SampledFrom([]byte{0, 1, 1, 2, 3, 4, 7, 68, 131, 148}), 0, 40).Draw(t, "options"),
		}
		packet := append(h.Append(nil), "payload"...)
		internet.FillIPv4(packet)
		b := mutated(t, packet, rapid.IntRange(0, 4).Draw(t, "padding"))

		got, payload, err := internet.ParseIPv4(b)
		var theirs layers.IPv4
		theirErr := theirs.DecodeFromBytes(b, gopacket.NilDecodeFeedback)
		if len(b) > 0 && b[0]>>4 != 4 { // gopacket does not look
			if err == nil {
				t.Fatal("a version that is not 4 is taken")
			}
			return
		}
		optionErr := walk4(got.Options, func(o internet.IPv4Option) error {
			if o.Kind > internet.NoOperation && len(o.Data) == 0 {
				return errBare
			}
			return nil
		})
		if errors.Is(optionErr, errBare) {
			return
		}
		same(t, "refused", err != nil || optionErr != nil, theirErr != nil)
		if theirErr != nil {
			return
		}
		same(t, "header length", uint8(got.Size()/4), theirs.IHL)
		same(t, "TOS", got.TOS, theirs.TOS)
		if got.TotalLength != 0 { // gopacket puts its own there
			same(t, "total length", got.TotalLength, theirs.Length)
		}
		same(t, "ID", got.ID, theirs.Id)
		same(t, "flags", got.Flags, uint8(theirs.Flags))
		same(t, "offset", got.Offset, theirs.FragOffset)
		same(t, "TTL", got.TTL, theirs.TTL)
		same(t, "protocol", uint8(got.Protocol), uint8(theirs.Protocol))
		same(t, "checksum", got.Checksum, theirs.Checksum)
		same(t, "source", string(got.Src[:]), string(theirs.SrcIP))
		same(t, "destination", string(got.Dst[:]), string(theirs.DstIP))
		same(t, "payload", string(payload), string(theirs.Payload))

		i := 0
		_ = walk4(got.Options, func(o internet.IPv4Option) error {
			same(t, "option", uint8(o.Kind), theirs.Options[i].OptionType)
			if o.Kind != internet.EndOfOptions {
				same(t, "option data", string(o.Data), string(theirs.Options[i].OptionData))
			}
			i++
			return nil
		})
		same(t, "options", i, len(theirs.Options))
	})
}

// errBare is an option of two bytes, without data: RFC 791 allows it, gopacket does not.
var errBare = errors.New("option without data")

func walk4(b []byte, visit func(internet.IPv4Option) error) error {
	for list := internet.IPv4Options(b); ; {
		option, rest, err := list.Next()
		if errors.Is(err, internet.ErrEnd) {
			return nil
		} else if err != nil {
			return err
		}
		if err := visit(option); err != nil {
			return err
		}
		list = rest
	}
}

func TestIPv4ChecksumAsGopacketComputesIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		theirs := layers.IPv4{
			Version: 4, TTL: rapid.Byte().Draw(t, "TTL"), Id: rapid.Uint16().Draw(t, "ID"),
			Protocol: layers.IPProtocolTCP, SrcIP: append([]byte(nil), slice4(t)...), DstIP: append([]byte(nil), slice4(t)...),
		}
		buffer := gopacket.NewSerializeBuffer()
		payload := gopacket.Payload(rapid.SliceOfN(rapid.Byte(), 0, 50).Draw(t, "payload"))
		fix := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
		if err := gopacket.SerializeLayers(buffer, fix, &theirs, payload); err != nil {
			t.Fatal(err)
		}
		b := buffer.Bytes()
		if !internet.CheckIPv4(b) {
			t.Fatalf("% x: checksum is not right for us", b)
		}
		ours := bytes.Clone(b)
		binary.BigEndian.PutUint64(ours[4:], binary.BigEndian.Uint64(ours[4:])&^0xffff) // no checksum
		ours[2], ours[3] = 0, 0
		internet.FillIPv4(ours)
		same(t, "packet", string(ours), string(b))
	})
}

func slice4(t *rapid.T) []byte { a := address4(t); return a[:] }

func TestIPv6AsGopacketReadsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := internet.IPv6{
			TrafficClass: rapid.Byte().Draw(t, "class"), FlowLabel: rapid.Uint32Max(0xfffff).Draw(t, "label"),
			NextHeader: internet.Protocol(rapid.Uint8Range(1, 255).Draw(t, "next")), HopLimit: rapid.Byte().Draw(t, "hops"),
			Src: address16(t), Dst: address16(t),
		}
		packet := append(h.Append(nil), "payload"...)
		internet.FillIPv6(packet)
		b := append(packet, rapid.SliceOfN(rapid.Byte(), 0, 8).Draw(t, "padding")...)
		got, payload, err := internet.ParseIPv6(b)
		var theirs layers.IPv6
		if theirErr := theirs.DecodeFromBytes(b, gopacket.NilDecodeFeedback); err != nil || theirErr != nil {
			t.Fatal(err, theirErr)
		}
		same(t, "class", got.TrafficClass, theirs.TrafficClass)
		same(t, "label", got.FlowLabel, theirs.FlowLabel)
		same(t, "length", got.PayloadLength, theirs.Length)
		same(t, "next", uint8(got.NextHeader), uint8(theirs.NextHeader))
		same(t, "hops", got.HopLimit, theirs.HopLimit)
		same(t, "source", string(got.Src[:]), string(theirs.SrcIP))
		same(t, "destination", string(got.Dst[:]), string(theirs.DstIP))
		same(t, "payload", string(payload), string(theirs.Payload))
	})
}

func TestHopByHopAsGopacketReadsIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var options []byte
		for range rapid.IntRange(0, 5).Draw(t, "options") {
			o := internet.IPv6Option{Kind: internet.IPv6OptionKind(rapid.SampledFrom([]byte{0, 1, 4, 5, 0xc9}).Draw(t, "kind"))}
			if o.Kind != internet.Pad1 {
				o.Data = rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "data")
			}
			options = o.Append(options)
		}
		e := internet.Extension{Kind: internet.HopByHop, Next: internet.UDP, Body: internet.AppendPad(options)}
		b := append(e.Append(nil), "payload"...)
		got, payload, err := internet.ParseExtension(internet.HopByHop, b)
		var theirs layers.IPv6HopByHop
		if theirErr := theirs.DecodeFromBytes(b, gopacket.NilDecodeFeedback); err != nil || theirErr != nil {
			t.Fatal(err, theirErr)
		}
		same(t, "next", uint8(got.Next), uint8(theirs.NextHeader))
		same(t, "length", len(got.Body)+2, theirs.ActualLength)
		same(t, "payload", string(payload), string(theirs.Payload))
		i := 0
		for o, rest, err := got.Options().Next(); err == nil; o, rest, err = rest.Next() {
			same(t, "option", uint8(o.Kind), theirs.Options[i].OptionType)
			same(t, "option data", string(o.Data), string(theirs.Options[i].OptionData))
			i++
		}
		same(t, "options", i, len(theirs.Options))
	})
}

func decodeLayer[T any](t *rapid.T, b []byte, first gopacket.Decoder, kind gopacket.LayerType) (layer T) {
	packet := gopacket.NewPacket(b, first, gopacket.Default)
	layer, ok := packet.Layer(kind).(T)
	if !ok {
		t.Fatalf("gopacket finds no %v: %v", kind, packet)
	}
	return layer
}

func TestExtensionsAsGopacketReadsThem(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := internet.Fragment{
			Next: internet.UDP, Reserved: rapid.Byte().Draw(t, "reserved"), Offset: rapid.Uint16Max(0x1fff).Draw(t, "offset"),
			Flags: rapid.Uint8Max(7).Draw(t, "flags"), ID: rapid.Uint32().Draw(t, "ID"),
		}
		theirs := decodeLayer[*layers.IPv6Fragment](t, append(f.Append(nil), "behind"...), layers.LayerTypeIPv6Fragment, layers.LayerTypeIPv6Fragment)
		same(t, "reserved", f.Reserved, theirs.Reserved1)
		same(t, "offset", f.Offset, theirs.FragmentOffset)
		same(t, "reserved bits", f.Flags>>1, theirs.Reserved2)
		same(t, "more", f.Flags&internet.MoreFragments != 0, theirs.MoreFragments)
		same(t, "ID", f.ID, theirs.Identification)

		e := internet.Extension{Next: internet.NoNext, Kind: internet.AH, Body: rapid.SliceOfN(rapid.Byte(), 22, 22).Draw(t, "AH")}
		auth, _ := e.Auth()
		ah := decodeLayer[*layers.IPSecAH](t, e.Append(nil), layers.LayerTypeIPSecAH, layers.LayerTypeIPSecAH)
		same(t, "SPI", auth.SPI, ah.SPI)
		same(t, "sequence number", auth.Seq, ah.Seq)
		same(t, "ICV", string(auth.ICV), string(ah.AuthenticationData))

		e = internet.Extension{Next: internet.NoNext, Kind: internet.Routing, Body: append([]byte{0, 1, 0, 0, 0, 0}, slice16(t)...)}
		route, _ := e.Route()
		routing := decodeLayer[*layers.IPv6Routing](t, e.Append(nil), layers.LayerTypeIPv6Routing, layers.LayerTypeIPv6Routing)
		same(t, "routing type", route.Type, routing.RoutingType)
		same(t, "segments left", route.Left, routing.SegmentsLeft)
		same(t, "addresses", string(route.Addresses()), string(routing.SourceRoutingIPs[0]))
	})
}

func slice16(t *rapid.T) []byte { a := address16(t); return a[:] }
