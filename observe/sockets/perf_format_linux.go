package sockets

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// perfField is where a field lies in a record.
type perfField struct{ offset, size int }

// perfFormat are the fields that count.
type perfFormat struct {
	handle, from, to, family, protocol                       perfField
	sourcePort, targetPort, source, target, source6, target6 perfField
	length                                                   int // at least
}

// tracepoint reads a tracepoint's number and its fields from its folder in tracefs.
func tracepoint(dir string) (id uint64, f perfFormat, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "id"))
	if err != nil {
		return 0, f, err
	}
	if id, err = strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err != nil {
		return 0, f, err
	}
	format, err := os.ReadFile(filepath.Join(dir, "format"))
	if err != nil {
		return 0, f, err
	}
	return id, f, f.parse(string(format))
}

// parse reads what parseFormat found.
func (f *perfFormat) parse(text string) error {
	fields := parseFormat(text)
	for name, to := range map[string]*perfField{
		"skaddr": &f.handle, "oldstate": &f.from, "newstate": &f.to, "family": &f.family, "protocol": &f.protocol, "sport": &f.sourcePort,
		"dport": &f.targetPort, "saddr": &f.source, "daddr": &f.target, "saddr_v6": &f.source6, "daddr_v6": &f.target6,
	} {
		ok := false
		if *to, ok = fields[name]; !ok {
			return fmt.Errorf("tracepoint has no field %s", name)
		}
		f.length = max(f.length, to.offset+to.size)
	}
	if f.source.size < 4 || f.target.size < 4 || f.source6.size < 16 || f.target6.size < 16 {
		return errors.New("tracepoint has addresses that are none")
	}
	return nil
}

// parseFormat reads lines such as
//
//	field:__u8 saddr[4];	offset:32;	size:4;	signed:0;
func parseFormat(text string) map[string]perfField {
	fields := map[string]perfField{}
	for line := range strings.Lines(text) {
		declared, rest, ok := strings.Cut(strings.TrimSpace(line), ";")
		words := strings.Fields(strings.TrimPrefix(declared, "field:"))
		if !ok || len(words) < 2 {
			continue
		}
		name, _, _ := strings.Cut(words[len(words)-1], "[")
		var f perfField
		if n, _ := fmt.Sscanf(strings.Join(strings.Fields(rest), " "), "offset:%d; size:%d;", &f.offset, &f.size); n == 2 && f.offset >= 0 && f.size > 0 && f.offset+f.size < 1<<12 {
			fields[name] = f
		}
	}
	return fields
}

func (f perfField) bytes(b []byte) []byte { return b[f.offset : f.offset+f.size] }

func (f perfField) number(b []byte) (n uint64) {
	for i, octet := range f.bytes(b) { // little-endian, as all that we build for
		n |= uint64(octet) << (8 * i)
	}
	return n
}
