package internet

import (
	"encoding/binary"
	"strconv"

	"dialtone/link"
)

// GroupQuery is what a query of IGMPv3 (RFC 3376 §4.1) or MLDv2 (RFC 3810 §5.1)
// has behind the group. The two differ in the size of an address alone: functions
// that need to know take the protocol, IGMP or ICMPv6.
type GroupQuery struct {
	Flags    uint8  // 4 reserved bits, suppress router processing, 3 bits of robustness
	Interval uint8  // querier's query interval code, seconds up to 127
	Count    uint16 // of sources
	Sources  []byte // addresses of 4 or 16 bytes each
}

// GroupRecord says what a host hears of one group (RFC 3376 §4.2.4, RFC 3810 §5.2.4).
type GroupRecord struct {
	Kind     GroupRecordKind
	AuxWords uint8  // length of Aux, in units of 4 bytes
	Count    uint16 // of sources
	Group    []byte // an address of 4 or 16 bytes
	Sources  []byte // addresses of 4 or 16 bytes each
	Aux      []byte // not used by IGMPv3 nor MLDv2
}

// GroupRecordKind says what a record means (RFC 3376 §4.2.12).
type GroupRecordKind uint8

// The kinds of records.
const (
	ModeIsInclude GroupRecordKind = 1 + iota
	ModeIsExclude
	ChangeToInclude
	ChangeToExclude
	AllowNewSources
	BlockOldSources
)

const groupQuerySize = 4 // without sources

var (
	errGroupQueryCut    = &link.HeaderError{Layer: "group query", Offset: 0, Rule: "cut short: fewer than 4 bytes"}
	errGroupQueryCount  = &link.HeaderError{Layer: "group query", Offset: 2, Rule: "more sources than bytes that are there"}
	errGroupRecordCut   = &link.HeaderError{Layer: "group record", Offset: 0, Rule: "cut short: ends before its sources"}
	errGroupRecordCount = &link.HeaderError{Layer: "group record", Offset: 2, Rule: "more sources and auxiliary data than bytes that are there"}
)

// addressSize returns the bytes of an address in messages of p.
func addressSize(p Protocol) int {
	if p == ICMPv6 {
		return 16
	}
	return 4
}

// ParseGroupQuery takes what is behind the group of a query apart.
func ParseGroupQuery(p Protocol, b []byte) (q GroupQuery, payload []byte, err error) {
	if len(b) < groupQuerySize {
		return q, nil, errGroupQueryCut
	}
	q = GroupQuery{Flags: b[0], Interval: b[1], Count: binary.BigEndian.Uint16(b[2:])}
	size := groupQuerySize + int(q.Count)*addressSize(p)
	if size > len(b) {
		return GroupQuery{}, nil, errGroupQueryCount
	}
	q.Sources = b[groupQuerySize:size:size]
	return q, b[size:], nil
}

// Append puts the query behind b, as its fields are: Count must agree with Sources.
func (q *GroupQuery) Append(b []byte) []byte {
	b = append(b, q.Flags, q.Interval)
	b = binary.BigEndian.AppendUint16(b, q.Count)
	return append(b, q.Sources...)
}

// ParseGroupRecord takes the first record off b, the payload of a report. There are
// as many as the report's Records says.
func ParseGroupRecord(p Protocol, b []byte) (r GroupRecord, rest []byte, err error) {
	address := addressSize(p)
	sources := 4 + address
	if len(b) < sources {
		return r, nil, errGroupRecordCut
	}
	count := binary.BigEndian.Uint16(b[2:])
	aux := sources + int(count)*address
	end := aux + int(b[1])*4
	if end > len(b) {
		return r, nil, errGroupRecordCount
	}
	return GroupRecord{
		Kind:     GroupRecordKind(b[0]),
		AuxWords: b[1],
		Count:    count,
		Group:    b[4:sources:sources],
		Sources:  b[sources:aux:aux],
		Aux:      b[aux:end:end],
	}, b[end:], nil
}

// Append puts the record behind b, as its fields are: Count and AuxWords must agree
// with Sources and Aux.
func (r *GroupRecord) Append(b []byte) []byte {
	b = append(b, byte(r.Kind), r.AuxWords)
	b = binary.BigEndian.AppendUint16(b, r.Count)
	b = append(b, r.Group...)
	b = append(b, r.Sources...)
	return append(b, r.Aux...)
}

// String says what the record means in words: "change to exclude", or "record 9".
func (k GroupRecordKind) String() string {
	switch k {
	case ModeIsInclude:
		return "mode is include"
	case ModeIsExclude:
		return "mode is exclude"
	case ChangeToInclude:
		return "change to include"
	case ChangeToExclude:
		return "change to exclude"
	case AllowNewSources:
		return "allow new sources"
	case BlockOldSources:
		return "block old sources"
	}
	return "record " + strconv.Itoa(int(k))
}
