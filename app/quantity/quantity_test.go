package quantity

import "testing"

func TestBytes(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.00 kB", 9994: "9.99 kB", 9996: "10.0 kB", 99_960: "100 kB",
		999_499: "999 kB", 999_500: "1.00 MB", 1 << 40: "1.10 TB", 1<<63 - 1: "9.22 EB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %s, want %s", n, got, want)
		}
	}
}

func TestScaled(t *testing.T) {
	for f, want := range map[float64]string{41.4: "41 bit/s", 1.25e9: "1.25 Gbit/s", 999.6e12: "1.00 Pbit/s"} {
		if got := Scaled(f, "bit/s"); got != want {
			t.Errorf("Scaled(%g) = %s, want %s", f, got, want)
		}
	}
}

func TestCountOf(t *testing.T) {
	for n, want := range map[int64]string{
		1: "1 entry", 2: "2 entries", 1234567: "1,234,567 entries", 0: "0 entries", -123: "-123 entries", -1234: "-1,234 entries",
	} {
		if got := CountOf(n, "entry"); got != want {
			t.Errorf("CountOf(%d) = %s, want %s", n, got, want)
		}
	}
	if got := CountOf(1204, "file"); got != "1,204 files" {
		t.Errorf("CountOf(1204) = %s", got)
	}
}
