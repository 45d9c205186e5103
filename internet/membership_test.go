package internet

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// talk is a Membership whose messages are noted as text.
type talk struct {
	*testing.T
	m    Membership
	said []string
}

func newTalk(t *testing.T) *talk {
	return &talk{T: t, m: Membership{Random: func(most time.Duration) time.Duration { return most / 2 }}}
}

func (t *talk) send(dst netip.Addr, message []byte) {
	t.Helper()
	h, rest, err := ParseIGMP(message)
	if err != nil || !CheckIGMP(message) {
		t.Fatalf("%x: %v", message, err)
	}
	text := fmt.Sprint(h.Name(), " to ", dst)
	if h.Type != IGMPv3Report {
		text += fmt.Sprint(" of ", netip.AddrFrom4(h.Group))
	}
	for range map[bool]int{true: h.Records()}[h.Type == IGMPv3Report] {
		var r GroupRecord
		if r, rest, err = ParseGroupRecord(IGMP, rest); err != nil {
			t.Fatal(err)
		}
		a, _ := netip.AddrFromSlice(r.Group)
		text += fmt.Sprint(", ", r.Kind, " ", a)
	}
	t.said = append(t.said, text)
}

// until lets time pass, and returns what was said.
func (t *talk) until(now time.Duration) []string {
	for at := t.m.Deadline(); at <= now; at = t.m.Deadline() {
		t.m.Expire(at, t.send)
	}
	said := t.said
	t.said = nil
	return said
}

func (t *talk) want(now time.Duration, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, t.until(now)); diff != "" {
		t.Error(now, diff)
	}
}

func (t *talk) query(now time.Duration, group string, version int) {
	h := IGMPHeader{Type: IGMPQuery, MaxResp: 100, Group: netip.MustParseAddr(group).As4()}
	if version == 1 {
		h.MaxResp = 0
	}
	b := h.Append(nil)
	if version == 3 {
		b = append(b, 2, 125, 0, 0)
	}
	FillIGMP(b)
	t.m.Input(now, b)
}

var (
	group1 = netip.MustParseAddr("239.1.1.1")
	group2 = netip.MustParseAddr("239.2.2.2")
)

const v3 = "membership report v3 to 224.0.0.22, "

func TestJoinAndLeave(t *testing.T) {
	talk := newTalk(t)
	talk.m.Join(0, AllSystems, talk.send)
	talk.m.Join(0, group1, talk.send)
	talk.m.Join(0, group1, talk.send)
	talk.want(0, v3+"change to exclude 239.1.1.1")
	talk.want(time.Second, v3+"change to exclude 239.1.1.1")
	talk.want(time.Hour)
	talk.m.Leave(time.Hour, group2, talk.send)
	talk.m.Leave(time.Hour, group1, talk.send)
	talk.want(2*time.Hour, v3+"change to include 239.1.1.1", v3+"change to include 239.1.1.1")
	if len(talk.m.groups) != 0 {
		t.Errorf("%+v is left", talk.m.groups)
	}
}

func TestAnswersToQueries(t *testing.T) {
	talk := newTalk(t)
	talk.m.Join(0, group1, talk.send)
	talk.m.Join(0, group2, talk.send)
	talk.until(time.Minute)
	talk.query(time.Minute, "0.0.0.0", 3)
	talk.want(time.Minute + 4*time.Second)
	talk.query(time.Minute+4*time.Second, "0.0.0.0", 3) // the answer to the first stands
	talk.want(time.Minute+5*time.Second, v3+"mode is exclude 239.1.1.1, mode is exclude 239.2.2.2")
	talk.want(time.Hour)
	talk.query(time.Hour, "239.2.2.2", 3)
	talk.query(time.Hour, "239.9.9.9", 3)
	talk.want(2*time.Hour, v3+"mode is exclude 239.2.2.2")
}

func TestOlderRouters(t *testing.T) {
	talk := newTalk(t)
	talk.m.Join(0, group1, talk.send)
	talk.until(time.Minute)
	talk.query(time.Minute, "0.0.0.0", 2)
	talk.want(2*time.Minute, "membership report v2 to 239.1.1.1 of 239.1.1.1")
	// Another host's report will do.
	talk.query(2*time.Minute, "0.0.0.0", 2)
	h := IGMPHeader{Type: IGMPv2Report, Group: group1.As4()}
	talk.m.Input(2*time.Minute, h.Append(nil))
	talk.want(3 * time.Minute)
	talk.m.Leave(3*time.Minute, group1, talk.send) // nor need we say that we go
	talk.want(3 * time.Minute)
	talk.m.Join(3*time.Minute, group2, talk.send)
	talk.m.Leave(4*time.Minute, group2, talk.send)
	talk.want(4*time.Minute, "membership report v2 to 239.2.2.2 of 239.2.2.2", "leave group to 224.0.0.2 of 239.2.2.2")
	// The older router is gone after 260 seconds.
	talk.m.Join(7*time.Minute, group1, talk.send)
	talk.want(8*time.Minute, v3+"change to exclude 239.1.1.1", v3+"change to exclude 239.1.1.1")
	talk.query(8*time.Minute, "0.0.0.0", 1)
	talk.want(9*time.Minute, "membership report v1 to 239.1.1.1 of 239.1.1.1")
}

func FuzzMembership(f *testing.F) {
	f.Add([]byte{0x11, 100, 0, 0, 0, 0, 0, 0, 2, 125, 0, 0}, uint8(3))
	f.Fuzz(func(t *testing.T, b []byte, seconds uint8) {
		m := Membership{Random: func(most time.Duration) time.Duration { return most / 2 }}
		now := time.Duration(seconds) * time.Second
		messages := 0
		send := func(netip.Addr, []byte) { messages++ }
		m.Join(0, group1, send)
		m.Input(now, b)
		m.Input(now, b)
		m.Leave(now, group1, send)
		for range 10 {
			if at := m.Deadline(); at != never {
				m.Expire(at, send)
			}
		}
		if messages > 10 || m.Deadline() != never || len(m.groups) != 0 {
			t.Fatalf("%d messages, next at %v", messages, m.Deadline())
		}
	})
}
