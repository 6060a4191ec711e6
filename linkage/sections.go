package linkage

import (
	"strings"
	"time"
)

// A Section is one part of a request in plain words, as Plain prints them one below the other.
type Section struct {
	Title      string
	Paragraphs []Paragraph
}

// A Paragraph is a sentence or several, and what is listed under it.
type Paragraph struct {
	Text string
	List []string
}

// Sections are the words of Plain in their parts, for pages that set them in another form. The first line of Plain, the id and the title,
// is not among them.
func (a *Approval) Sections(others []*Decision, now time.Time) []Section {
	return a.plain(others, now).sections
}

// keep takes a paragraph in beside the text.
func (p *page) keep(depth int, words []string) {
	if depth == 0 {
		return
	}
	section := &p.sections[len(p.sections)-1]
	last := len(section.Paragraphs) - 1
	if said := strings.Join(words, " "); depth == 1 || last < 0 {
		section.Paragraphs = append(section.Paragraphs, Paragraph{Text: said})
	} else {
		section.Paragraphs[last].List = append(section.Paragraphs[last].List, said)
	}
}
