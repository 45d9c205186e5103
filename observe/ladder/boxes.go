package ladder

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"dialtone/app/escape"
	"dialtone/app/quantity"
	"dialtone/observe/capture"
)

// hexBytes are the bytes of a line beside the boxes, hexWidth its columns: offset,
// bytes, and a space before each.
const (
	hexBytes = 8
	hexWidth = 4 + 1 + 3*hexBytes
)

// maxDump is how many bytes of a payload are shown unless all are asked for.
const maxDump = 16 * hexBytes

// WriteLayers draws a frame's layers as boxes within boxes, every field beside its
// bytes.
func WriteLayers(w io.Writer, p *capture.Packet, s Style) error {
	b := &boxWriter{style: s, glyphs: s.glyphs(), packet: p}
	b.title()
	boxes := Layers(p)
	for i := range boxes {
		for len(b.open) > boxes[i].Depth {
			b.close()
		}
		b.box(&boxes[i])
	}
	for len(b.open) > 0 {
		b.close()
	}
	_, err := io.WriteString(w, b.text.String())
	return err
}

type boxWriter struct {
	style  Style
	glyphs *glyphs
	packet *capture.Packet
	text   strings.Builder
	open   []ink // the boxes that are open
}

func (b *boxWriter) title() {
	p := b.packet
	text := fmt.Sprintf("frame %d  %s  %s on the wire", p.Number, b.style.at(p.Time).Format("2006-01-02 15:04:05.000000000 MST"), quantity.CountOf(int64(p.Wire), "byte"))
	if len(p.Data) != p.Wire {
		text += fmt.Sprintf(", %s captured", quantity.Count(int64(len(p.Data))))
	}
	b.text.WriteString(b.style.paint(inkHead, text) + "\n")
	for _, note := range b.hints() {
		b.text.WriteString(b.style.paint(inkDim, "  "+note) + "\n")
	}
	b.text.WriteString("\n")
}

// hints are what the capturing kernel said, and the capture's author.
func (b *boxWriter) hints() (list []string) {
	h := b.packet.Hints
	for _, x := range []struct {
		hint capture.Hints
		text string
	}{
		{capture.HintSuper, "several segments joined by GRO, or not yet cut by TSO: longer than what was on the wire"},
		{capture.HintPartial, "its transport checksum is left to the device"},
		{capture.HintOut, "sent by the machine that captured it"},
	} {
		if h&x.hint != 0 {
			list = append(list, x.text)
		}
	}
	if b.packet.Comment != "" {
		list = append(list, "comment: "+escape.String(b.packet.Comment))
	}
	return list
}

// layerInks tell the nested boxes apart.
var layerInks = [...]ink{"34", "32", "33", "35", "36"}

// closed reports whether there is room for the right sides of boxes.
func (b *boxWriter) closed() bool { return b.style.width() >= 100 }

// room is how many columns the open boxes leave.
func (b *boxWriter) room() int {
	side := 2
	if b.closed() {
		side = 4
	}
	return min(b.style.width(), 132) - hexWidth - 1 - side*len(b.open)
}

// row writes one line: bytes, then text within the open boxes.
func (b *boxWriter) row(bytes, text string, c ink) {
	line := padRight(bytes, hexWidth) + " "
	for _, c := range b.open {
		line += b.style.paint(c, b.glyphs.vertical) + " "
	}
	line += b.style.paint(c, text)
	if b.closed() {
		line += strings.Repeat(" ", max(0, b.room()-columns(text)))
		for _, c := range slices.Backward(b.open) {
			line += " " + b.style.paint(c, b.glyphs.vertical)
		}
	}
	b.text.WriteString(strings.TrimRight(line, " ") + "\n")
}

// edge writes the upper or lower line of a box.
func (b *boxWriter) edge(title string, left, right string, c ink) {
	width := b.room()
	if !b.closed() {
		right = b.glyphs.line
	}
	text := left + b.glyphs.line
	if title != "" {
		text += " " + b.glyphs.cut(title, width-6) + " "
	}
	text += strings.Repeat(b.glyphs.line, max(0, width-columns(text)-1)) + right
	b.row("", text, c)
}

func (b *boxWriter) box(x *Box) {
	c := layerInks[len(b.open)%len(layerInks)]
	title := x.Name
	if x.Summary != "" {
		title += "  " + b.glyphs.own(x.Summary)
	}
	b.edge(title, b.glyphs.corners[0], b.glyphs.corners[1], c)
	b.open = append(b.open, c)
	for i := range x.Fields {
		b.field(&x.Fields[i], "")
	}
	if len(x.Fields) == 0 {
		b.dump(x.Start, x.End)
	}
}

func (b *boxWriter) close() {
	c := b.open[len(b.open)-1]
	b.open = b.open[:len(b.open)-1]
	b.edge("", b.glyphs.corners[2], b.glyphs.corners[3], c)
}

// field writes a field, with as many lines of bytes as it needs.
func (b *boxWriter) field(f *Field, indent string) {
	c, text := inkNone, indent+padRight(f.Name, 22-len(indent))+" "+b.glyphs.own(f.Value)
	if f.Note != "" {
		text += "  (" + b.glyphs.own(f.Note) + ")"
	}
	if f.Bad {
		c = inkBad
	}
	lines := wrapKeep(text, b.room(), 23)
	hex := b.hexLines(f)
	for i := range max(len(lines), len(hex)) {
		var l, h string
		if i < len(lines) {
			l = lines[i]
		}
		if i < len(hex) {
			h = hex[i]
		}
		b.row(h, l, c)
	}
	for i := range f.Fields {
		b.field(&f.Fields[i], indent+"  ")
	}
}

// hexLines are the bytes of a field, or its bits where it is less than a byte.
func (b *boxWriter) hexLines(f *Field) (lines []string) {
	data := b.packet.Data[f.Start:f.End]
	if f.Bits > 0 {
		text := bitText(data, f.Bit, f.Bits, b.glyphs.bullet)
		for at := 0; at < len(data); at += 2 { // two bytes take 20 columns
			lines = append(lines, fmt.Sprintf("%04x  %s", f.Start+at, text[at/2]))
		}
		return lines
	}
	end := min(len(data), maxDump)
	for at := 0; at < end; at += hexBytes {
		lines = append(lines, fmt.Sprintf("%04x  % x", f.Start+at, data[at:min(at+hexBytes, end)]))
	}
	return lines
}

// bitText shows the bits of a field, two bytes a line, and a dot for those that
// are another's.
func bitText(data []byte, bit, n int, dot string) (lines []string) {
	var t strings.Builder
	for i := range len(data) * 8 {
		switch {
		case i > 0 && i%16 == 0:
			lines = append(lines, t.String())
			t.Reset()
		case i > 0 && i%4 == 0:
			t.WriteByte(' ')
		}
		if i < bit || i >= bit+n {
			t.WriteString(dot)
		} else {
			t.WriteByte('0' + data[i/8]>>(7-i%8)&1)
		}
	}
	return append(lines, t.String())
}

// dump writes bytes that have no fields: in hex, and as text.
func (b *boxWriter) dump(start, end int) {
	data, left := b.packet.Data[start:end], 0
	if len(data) > maxDump && !b.style.Expand {
		data, left = data[:maxDump], len(data)-maxDump
	}
	for at := 0; at < len(data); at += hexBytes {
		part := data[at:min(at+hexBytes, len(data))]
		b.row(fmt.Sprintf("%04x  % x", start+at, part), plainText(part, b.glyphs.bullet), inkNone)
	}
	if left > 0 {
		b.row("", fmt.Sprintf("%s %s more: --expand shows them", b.glyphs.ellipsis, quantity.CountOf(int64(left), "byte")), inkDim)
	}
}

// plainText shows what is ASCII, and a dot for each other byte.
func plainText(p []byte, dot string) string {
	var t strings.Builder
	for _, x := range p {
		if x >= ' ' && x < 0x7f {
			t.WriteByte(x)
		} else {
			t.WriteString(dot)
		}
	}
	return t.String()
}

// wrapKeep is wrap for a line whose spaces count; what does not fit goes on below,
// indented.
func wrapKeep(text string, width, indent int) []string {
	if columns(text) <= width {
		return []string{text}
	}
	head := fineGlyphs.cutPlain(text, width)
	if i := strings.LastIndexByte(head, ' '); i > indent {
		head = head[:i]
	}
	lines := []string{head}
	for _, l := range wrap(text[len(head):], max(8, width-indent)) {
		lines = append(lines, strings.Repeat(" ", indent)+l)
	}
	return lines
}
