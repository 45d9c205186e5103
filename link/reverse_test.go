package link_test

import (
	"net/netip"
	"testing"
	"time"

	"dialtone/link"
)

func TestReverseAsksAndIsTold(t *testing.T) {
	server := link.ReverseServer{MAC: peer, IP: peerIP, Known: map[link.MAC]netip.Addr{own: ownIP}}
	r := link.AskReverse(time.Second, own)
	if _, ok := r.Expire(0); ok || r.Deadline() != time.Second {
		t.Error("asked before it was time")
	}
	p, ok := r.Expire(time.Second)
	if !ok || p.String() != "who is 02:00:00:00:00:01? tell 02:00:00:00:00:01" || p.EtherType() != link.TypeRARP {
		t.Fatalf("%v, %v", &p, ok)
	}
	answer, ok := server.Input(&p)
	if !ok || answer.String() != "02:00:00:00:00:01 is 10.0.0.1" || answer.EtherType() != link.TypeRARP {
		t.Fatalf("%v, %v", &answer, ok)
	}
	for _, wrong := range []link.ARP{
		{Op: link.OpReverseReply, TargetMAC: other, TargetIP: ownIP.As4()},
		{Op: link.OpReply, TargetMAC: own, TargetIP: ownIP.As4()},
		{Op: link.OpReverseReply, TargetMAC: own},
	} {
		r.Input(&wrong)
	}
	if ip, _, ok := r.Address(); ok {
		t.Errorf("%v believed", ip)
	}
	r.Input(&answer)
	if ip, by, ok := r.Address(); ip != ownIP || by != peerIP || !ok || r.Deadline() != link.Never {
		t.Errorf("%v by %v, %v, deadline %v", ip, by, ok, r.Deadline())
	}
	if _, ok := server.Input(&link.ARP{Op: link.OpReverseRequest, TargetMAC: other}); ok {
		t.Error("told a stranger who he is")
	}
	if _, ok := server.Input(&answer); ok {
		t.Error("answered an answer")
	}
}

func TestReverseGivesUp(t *testing.T) {
	r := link.AskReverse(0, own)
	var at []float64
	for r.Deadline() != link.Never {
		now := r.Deadline()
		if _, ok := r.Expire(now); ok {
			at = append(at, now.Seconds())
		}
	}
	want := []float64{0, 1, 3, 7, 15, 31}
	if len(at) != len(want) {
		t.Fatalf("asked at %v, want %v", at, want)
	}
	for i := range want {
		if at[i] != want[i] {
			t.Errorf("asked at %v, want %v", at, want)
		}
	}
}
