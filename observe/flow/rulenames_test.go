package flow

import "testing"

func TestEveryRuleHasANameOfItsOwn(t *testing.T) {
	seen := map[string]Rule{}
	for r := RuleNone + 1; r < rules; r++ {
		name := r.String()
		if other, twice := seen[name]; name == "" || twice {
			t.Errorf("rule %d is called %q, as is %d", r, name, other)
		}
		seen[name] = r
	}
}
