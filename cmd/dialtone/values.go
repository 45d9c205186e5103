package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// byteSize is a flag: a number of bytes with an optional unit: 512, 64KiB, 10MB.
type byteSize int64

func (b *byteSize) Type() string   { return "SIZE" }
func (b *byteSize) String() string { return formatSize(int64(*b)) }

func (b *byteSize) Set(s string) error {
	n, err := parseSize(s)
	*b = byteSize(n)
	return err
}

// byteRate is a flag: bytes per second: 10MB/s, 64KiB. 0 means no limit.
type byteRate int64

func (r *byteRate) Type() string { return "RATE" }

func (r *byteRate) String() string {
	if *r == 0 {
		return "0"
	}
	return formatSize(int64(*r)) + "/s"
}

func (r *byteRate) Set(s string) error {
	n, err := parseSize(strings.TrimSuffix(s, "/s"))
	*r = byteRate(n)
	return err
}

// units are the decimal (SI) and binary (IEC 80000-13) ones, longest first.
var units = []struct {
	name string
	size float64
}{
	{"TiB", 1 << 40},
	{"GiB", 1 << 30},
	{"MiB", 1 << 20},
	{"KiB", 1 << 10},
	{"TB", 1e12},
	{"GB", 1e9},
	{"MB", 1e6},
	{"kB", 1e3},
	{"KB", 1e3},
	{"B", 1},
}

func parseSize(s string) (int64, error) {
	number, unit := s, 1.0
	for _, u := range units {
		if n, ok := strings.CutSuffix(s, u.name); ok {
			number, unit = n, u.size
			break
		}
	}
	f, err := strconv.ParseFloat(number, 64)
	if err != nil || f < 0 || math.IsNaN(f) || f*unit > math.MaxInt64/2 {
		return 0, fmt.Errorf("%q is not a size: write bytes, or a number with B, kB, MB, GB, KiB, MiB or GiB", s)
	}
	return int64(f * unit), nil
}

// formatSize writes n with the largest unit that leaves it whole.
func formatSize(n int64) string {
	for _, u := range units {
		if size := int64(u.size); n >= size && n%size == 0 && size > 1 {
			return strconv.FormatInt(n/size, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10)
}
