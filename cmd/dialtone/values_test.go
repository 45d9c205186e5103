package main

import "testing"

func TestSizesAndRates(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "512": 512, "1B": 1, "64KiB": 65536, "10MB": 10_000_000, "1.5kB": 1500, "2GiB": 2 << 30,
	} {
		var b byteSize
		if err := b.Set(text); err != nil || int64(b) != want {
			t.Errorf("size %q = %d, %v; want %d", text, b, err, want)
		}
		var r byteRate
		if err := r.Set(text + "/s"); err != nil || int64(r) != want {
			t.Errorf("rate %q/s = %d, %v; want %d", text, r, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "1XB", "NaN", "1e30", "Inf", "MB"} {
		var b byteSize
		if err := b.Set(text); err == nil {
			t.Errorf("size %q = %d, want an error", text, b)
		}
	}
}
