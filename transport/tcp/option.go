package tcp

import (
	"errors"

	"dialtone/link"
)

// Options are a header's options as on the wire, padded to 4 bytes, at most 40.
type Options []byte

// Option is one option of a header.
type Option struct {
	Kind OptionKind
	Data []byte // what is behind kind and length, a view; nil for KindNop
}

// ErrEnd is what Next returns behind the last option.
var ErrEnd = errors.New("no more TCP options")

// Next takes the first option from o; rest are those behind it. At the end, which is
// that of o or a KindEnd, the error is ErrEnd and rest the padding. At an option that
// is cut short or has an impossible length it is a [*link.HeaderError] and rest is
// nil; its offset is right where o are all options of the header.
func (o Options) Next() (opt Option, rest Options, err error) {
	opt, rest, wrong := o.next()
	switch wrong {
	case whole:
		return opt, rest, nil
	case end:
		return opt, rest, ErrEnd
	}
	return opt, nil, brokenOption(wrong, 0)
}

// next is Next with a flaw for its error.
func (o Options) next() (opt Option, rest Options, wrong flaw) {
	switch {
	case len(o) == 0 || OptionKind(o[0]) == KindEnd:
		return opt, o, end
	case OptionKind(o[0]) == KindNop:
		return Option{Kind: KindNop}, o[1:], whole
	case len(o) == 1:
		return opt, nil, noLength
	}
	n := int(o[1])
	switch {
	case n < 2:
		return opt, nil, lengthBelow2
	case n > len(o):
		return opt, nil, lengthBeyond
	}
	return Option{OptionKind(o[0]), o[2:n:n]}, o[n:], whole
}

// Check returns a [*link.HeaderError] for the first option that is cut short or whose
// length is not one that its kind has, with its offset in the header, where o are all
// options of that; nil if there is none.
func (o Options) Check() error {
	for rest := o; ; {
		at := len(o) - len(rest)
		opt, behind, wrong := rest.next()
		switch {
		case wrong == end:
			return nil
		case wrong == whole && !opt.Kind.allows(len(opt.Data)):
			wrong = lengthOfKind
		}
		if wrong != whole {
			return brokenOption(wrong, at)
		}
		rest = behind
	}
}

// last finds the last option of a kind that has size bytes of data, as Linux does
// where there are several; broken ones end the search.
func (o Options) last(kind OptionKind, size int) (data []byte) {
	for {
		opt, rest, wrong := o.next()
		if wrong != whole {
			return data
		}
		if opt.Kind == kind && len(opt.Data) == size {
			data = opt.Data
		}
		o = rest
	}
}

// flaw is what ends a walk through options.
type flaw int

const (
	whole flaw = iota
	end
	noLength
	lengthBelow2
	lengthBeyond
	lengthOfKind
	flaws
)

// brokenOptions has the error for each flaw and place, made once: bad segments come
// in floods.
var brokenOptions = func() (all [flaws][MaxOptions]link.HeaderError) {
	rules := [flaws]string{
		noLength:     "an option without a length",
		lengthBelow2: "an option's length below 2 bytes",
		lengthBeyond: "an option's length beyond the header",
		lengthOfKind: "an option's length is none that its kind has",
	}
	for wrong, rule := range rules {
		for at := range all[wrong] {
			all[wrong][at] = link.HeaderError{Layer: "TCP", Offset: HeaderLen + at, Rule: rule}
		}
	}
	return all
}()

// brokenOption is the error for an option at byte at of the options, of which there
// are no more than MaxOptions in a header.
func brokenOption(wrong flaw, at int) error {
	return &brokenOptions[wrong][min(at, MaxOptions-1)]
}
