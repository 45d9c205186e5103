package flow

import "testing"

func TestTimesHaveThreeDigits(t *testing.T) {
	for ns, want := range map[int64]string{
		0: "0 ns", 497: "497 ns", 999: "999 ns", 1790: "1.79 µs", 11_800: "11.8 µs", 999_400: "999 µs",
		999_600: "1.00 ms", 10_151_000: "10.2 ms", 1_031_596_000: "1.03 s", 312e9: "312 s", -2_500_000: "-2.50 ms",
	} {
		if got := shortTime(ns); got != want {
			t.Errorf("%d: %q, wanted %q", ns, got, want)
		}
	}
}

func TestEveryRuleHasASentence(t *testing.T) {
	for r := RuleNone + 1; r < rules; r++ {
		if (Finding{Rule: r}).Why() == "" {
			t.Errorf("rule %s has none", r)
		}
	}
}
