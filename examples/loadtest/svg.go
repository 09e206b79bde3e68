package main

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"slices"
	"unicode/utf8"
)

// chart is horizontal bars, in groups if there are several. It is readable on
// light and on dark ground.
type chart struct {
	title  string
	about  string
	groups []group
}

type group struct {
	label string // above its bars; "" for none
	bars  []bar
}

// bar is as long as the median of values, with a thin line from the least to the
// greatest.
type bar struct {
	label  string
	values sample
	text   string
}

// In user units, which are pixels at the chart's own size.
const (
	chartWidth = 760
	margin     = 20
	barHeight  = 22
	barGap     = 8
	groupGap   = 14
	textRoom   = 190 // beside the longest bar
	perLetter  = 8   // of a label, at most
)

const chartStyle = `
svg { font: 14px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
.ground { fill: #ffffff; } text { fill: #1f2328; } .title { font-size: 17px; font-weight: 600; } .about { font-size: 12px; fill: #59636e; }
.group { font-weight: 600; } .bar { fill: #9aa4af; } .own { fill: #1a7fd4; } .range { stroke: #1f2328; stroke-width: 1.5; }
@media (prefers-color-scheme: dark) {
.ground { fill: #0d1117; } text { fill: #f0f6fc; } .about { fill: #9198a1; }
.bar { fill: #6e7781; } .own { fill: #4ea1ee; } .range { stroke: #f0f6fc; }
}
`

func (c *chart) svg() []byte {
	labels, longest := 0, 0.0
	for _, g := range c.groups {
		for _, b := range g.bars {
			labels = max(labels, utf8.RuneCountInString(b.label)*perLetter)
			longest = max(longest, slices.Max(b.values))
		}
	}
	left := margin + labels + 10
	scale := float64(chartWidth-left-textRoom-margin) / max(longest, 1e-9)

	var body bytes.Buffer
	text(&body, "title", margin, 34, "start", c.title)
	text(&body, "about", margin, 54, "start", c.about)
	y := 70
	for _, g := range c.groups {
		if g.label != "" {
			y += groupGap
			text(&body, "group", margin, y+4, "start", g.label)
			y += groupGap
		}
		for _, b := range g.bars {
			b.draw(&body, left, y, scale)
			y += barHeight + barGap
		}
	}
	height := y + margin - barGap

	var out bytes.Buffer
	fmt.Fprintf(&out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" role="img" aria-label="%[3]s">`+"\n",
		chartWidth, height, escape(c.title))
	fmt.Fprintf(&out, "<style>%s</style>\n", chartStyle)
	fmt.Fprintf(&out, `<rect class="ground" width="%d" height="%d" rx="6"/>`+"\n", chartWidth, height)
	out.Write(body.Bytes())
	out.WriteString("</svg>\n")
	return out.Bytes()
}

func (b bar) draw(w *bytes.Buffer, left, y int, scale float64) {
	class := "bar"
	if b.label == "parlor" {
		class += " own"
	}
	middle := y + barHeight/2
	length := b.values.median() * scale
	least, greatest := slices.Min(b.values)*scale, slices.Max(b.values)*scale
	text(w, "label", left-10, middle+5, "end", b.label)
	fmt.Fprintf(w, `<rect class="%s" x="%d" y="%d" width="%.1f" height="%d" rx="2"/>`+"\n", class, left, y, max(length, 1), barHeight)
	fmt.Fprintf(w, `<line class="range" x1="%.1f" y1="%d" x2="%.1f" y2="%[2]d"/>`+"\n", float64(left)+least, middle, float64(left)+greatest)
	text(w, "value", left+int(greatest)+8, middle+5, "start", b.text)
}

func text(w *bytes.Buffer, class string, x, y int, anchor, s string) {
	fmt.Fprintf(w, `<text class="%s" x="%d" y="%d" text-anchor="%s">%s</text>`+"\n", class, x, y, anchor, escape(s))
}

func escape(s string) string {
	var b bytes.Buffer
	_ = xml.EscapeText(&b, []byte(s)) // a bytes.Buffer takes everything
	return b.String()
}
