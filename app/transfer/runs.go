package transfer

import "sort"

// runs is a set of chunk numbers, as ascending runs [from, to). Its size follows
// the disorder in which chunks come, not their number.
type runs [][2]int64

// add puts i into the set and reports whether it was not in it.
func (r *runs) add(i int64) bool {
	s := *r
	at := sort.Search(len(s), func(k int) bool { return s[k][1] >= i }) // first that ends at i or later
	switch {
	case at < len(s) && s[at][0] <= i && i < s[at][1]:
		return false
	case at < len(s) && s[at][1] == i:
		s[at][1]++
		if at+1 < len(s) && s[at+1][0] == i+1 {
			s[at][1] = s[at+1][1]
			*r = append(s[:at+1], s[at+2:]...)
		}
	case at < len(s) && s[at][0] == i+1:
		s[at][0] = i
	default:
		s = append(s, [2]int64{})
		copy(s[at+1:], s[at:])
		s[at] = [2]int64{i, i + 1}
		*r = s
	}
	return true
}

// has reports whether i is in the set.
func (r runs) has(i int64) bool {
	at := sort.Search(len(r), func(k int) bool { return r[k][1] > i })
	return at < len(r) && r[at][0] <= i
}

// full reports whether the set is 0 to n-1.
func (r runs) full(n int64) bool {
	return n == 0 && len(r) == 0 || len(r) == 1 && r[0] == [2]int64{0, n}
}

// missing returns the runs below n that are not in the set.
func (r runs) missing(n int64) (gaps [][2]int64) {
	at := int64(0)
	for _, x := range r {
		if x[0] > at {
			gaps = append(gaps, [2]int64{at, x[0]})
		}
		at = x[1]
	}
	if at < n {
		gaps = append(gaps, [2]int64{at, n})
	}
	return gaps
}
