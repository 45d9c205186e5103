package ladder

import (
	"encoding/json"
	"fmt"
)

// A shape is what frames of one kind have in common: which layers they have, which
// fields, and where. Thousands of segments share a few shapes, and differ in values.
type shape []shapeBox

// shapeBox is [name, depth, start, end, fields]; names are indexes of words.
type shapeBox struct {
	name, depth, start, end int
	fields                  []shapeField
}

// shapeField is [name, start, end, bits, bad, fields]: bits are told in words, 0 for
// a field of whole bytes; bad is 1 where its note says that something is wrong.
type shapeField struct {
	name, start, end, bits, bad int
	fields                      []shapeField
}

func (b shapeBox) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{b.name, b.depth, b.start, b.end, b.fields})
}

func (f shapeField) MarshalJSON() ([]byte, error) {
	return json.Marshal([]any{f.name, f.start, f.end, f.bits, f.bad, f.fields})
}

// layers returns a frame's shape and its values: of each box the summary, of each
// field value and note, in the shape's order, a field's own fields behind it.
func (p *page) layers(boxes []Box) []int {
	values := []int{0}
	form := make(shape, 0, len(boxes))
	for _, b := range boxes {
		values = append(values, p.word(b.Summary))
		form = append(form, shapeBox{p.word(b.Name), b.Depth, b.Start, b.End, p.fields(b.Fields, &values)})
	}
	values[0] = p.shape(form)
	return values
}

func (p *page) fields(list []Field, values *[]int) []shapeField {
	form := make([]shapeField, 0, len(list))
	for _, f := range list {
		*values = append(*values, p.word(f.Value), p.word(f.Note))
		s := shapeField{name: p.word(f.Name), start: f.Start, end: f.End, bits: p.word(bitsText(&f))}
		if f.Bad {
			s.bad = 1
		}
		s.fields = p.fields(f.Fields, values)
		form = append(form, s)
	}
	return form
}

// bitsText says which bits of its bytes a field is.
func bitsText(f *Field) string {
	switch f.Bits {
	case 0:
		return ""
	case 1:
		return fmt.Sprintf("bit %d", f.Bit)
	}
	return fmt.Sprintf("bits %d to %d", f.Bit, f.Bit+f.Bits-1)
}

// shape returns the index of a shape.
func (p *page) shape(form shape) int {
	key := fmt.Sprint(form)
	i, ok := p.shapes[key]
	if !ok {
		i = len(p.Shapes)
		p.shapes[key] = i
		p.Shapes = append(p.Shapes, form)
	}
	return i
}
