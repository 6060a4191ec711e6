package schemas

import (
	"maps"
	"slices"
	"strings"
)

// placing are the columns of patients that say who is registered and where
// people belong on the axes. Every measure needs them.
var placing = Need{"primary-care", "patients", []string{"person", "site", "sex", "birth_year", "ethnicity", "ward", "imd_decile",
	"registered_from", "registered_to", "death_year"}}

// Datasets lists what a measure is counted from, its own dataset first.
func (m *Measure) Datasets() []string {
	return append([]string{m.Dataset}, m.Linked...)
}

// Reads is all that a linked measure reads: what it declares, and what places
// people.
func (m *Measure) Reads() []Need {
	return append([]Need{placing}, m.Needs...)
}

// Only returns a catalogue with some of the measures, and with no more
// conditions and denominators than those need.
func (c *Catalogue) Only(keep func(*Measure) bool) *Catalogue {
	part := *c
	part.Conditions, part.Denominators, part.Measures = nil, nil, nil
	conditions, denominators := map[string]bool{}, map[string]bool{}
	for i := range c.Measures {
		m := &c.Measures[i]
		if !keep(m) {
			continue
		}
		part.Measures = append(part.Measures, *m)
		denominators[m.Denominator] = true
		for _, id := range m.Numerator.conditions() {
			conditions[id] = true
		}
	}
	for _, k := range c.Conditions {
		if conditions[k.ID] {
			part.Conditions = append(part.Conditions, k)
		}
	}
	for _, d := range c.Denominators {
		if denominators[d.ID] {
			part.Denominators = append(part.Denominators, d)
		}
	}
	return &part
}

func (n *Numerator) conditions() []string {
	if n.Kind == KindCondition || n.Kind == KindAtLeast {
		return n.Of
	}
	return nil
}

// MeasuresOf returns a catalogue with the measures of one dataset alone.
func (c *Catalogue) MeasuresOf(dataset string) *Catalogue {
	return c.Only(func(m *Measure) bool { return m.Dataset == dataset && len(m.Linked) == 0 })
}

// MeasuresFor returns a catalogue with the measures that need some of these
// datasets to be linked and no others. What one dataset tells alone is
// published alone: a second count of the same people, with other noise, would
// wear the protection of the first.
func (c *Catalogue) MeasuresFor(datasets []string) *Catalogue {
	return c.Only(func(m *Measure) bool { return len(m.Linked) > 0 && within(m.Datasets(), datasets) })
}

func within(some, all []string) bool {
	return !slices.ContainsFunc(some, func(s string) bool { return !slices.Contains(all, s) })
}

// A TableColumn is a column of a dataset that is known.
type TableColumn struct{ Table, Name string }

// ColumnsFor lists for each dataset the columns that the measures need which
// link these datasets, in the order of the vocabulary: what they declare, what
// places people, and what says who is in each dataset. Each table that is
// needed comes with its person. Datasets that are not known have none.
func (c *Catalogue) ColumnsFor(datasets []string) map[string][]TableColumn {
	return c.MeasuresFor(datasets).Columns(datasets)
}

// Columns is ColumnsFor with all of the catalogue's measures, whatever they
// link: what Only has left of it.
func (c *Catalogue) Columns(datasets []string) map[string][]TableColumn {
	columns, measures := map[string][]TableColumn{}, c.Measures
	for _, id := range datasets {
		d, err := DatasetByID(id)
		if err != nil {
			continue
		}
		needed := d.membership()
		for i := range measures {
			for _, n := range measures[i].Reads() {
				if n.Dataset == id {
					needed.add(n)
				}
			}
		}
		columns[id] = needed.of(d)
	}
	return columns
}

// needed are columns by table.
type needed map[string]map[string]bool

func (n needed) add(need Need) {
	if n[need.Table] == nil {
		n[need.Table] = map[string]bool{"person": true}
	}
	for _, c := range need.Columns {
		n[need.Table][c] = true
	}
}

// of lists what is needed of a dataset in its own order.
func (n needed) of(d *Dataset) (columns []TableColumn) {
	for _, t := range d.Tables {
		for _, c := range t.Columns {
			if n[t.Name][c.Name] {
				columns = append(columns, TableColumn{t.Name, c.Name})
			}
		}
	}
	return columns
}

// membership are the columns that say who is in a dataset.
func (d *Dataset) membership() needed {
	n := needed{}
	for _, member := range d.Members {
		table, column, _ := strings.Cut(member, ".")
		n.add(Need{d.ID, table, []string{column}})
	}
	return n
}

// ListsFor leaves out the code lists that are matched with other datasets than
// these: they can change no count.
func (c *Catalogue) ListsFor(lists Lists, datasets []string) Lists {
	kept := maps.Clone(lists)
	for _, d := range c.Denominators {
		if !slices.Contains(datasets, d.Dataset()) {
			for _, list := range d.Of {
				delete(kept, list)
			}
		}
	}
	for _, d := range c.Denominators {
		for _, list := range d.Of {
			if l := lists[list]; l != nil && slices.Contains(datasets, d.Dataset()) {
				kept[list] = l
			}
		}
	}
	return kept
}
