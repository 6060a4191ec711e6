package pipeline

import (
	"errors"
	"fmt"
	"slices"

	"datanet/linkage"
	"datanet/pipeline/aggregate"
	"datanet/pipeline/disclose"
	"datanet/pipeline/hub"
	"datanet/pipeline/publication"
	"datanet/schemas"
)

// A source is the people to count: a dataset alone, held still, or what was
// joined under an approval. All of its bytes have been checked.
type source struct {
	approval  *linkage.Approval // nil for a dataset alone
	catalogue *schemas.Catalogue
	dataset   string                           // whose people are counted
	states    map[string]string                // hash of each dataset's state
	hash      string                           // what the record of decisions has last: the dataset's state, or linked.json
	newest    string                           // date of the newest data; of later days nothing is known
	rows      []string                         // names every row, whoever brought it
	withheld  map[string][]schemas.Withholding // what policies left out of each dataset
	missing   []schemas.NotAvailable           // measures whose codes are withheld somewhere: they are not counted
	tables    aggregate.Tables
	close     func() error
}

// source opens what is to be counted. An approval that is named needs its
// permit before anything else.
func (o PublishOptions) source() (*source, error) {
	if o.Approval == "" {
		if o.Permit.Approval() != nil {
			return nil, &publication.UseError{Rule: "there is a permit and no approval is named", Hint: "name the approval with --approval"}
		}
		return o.available(o.alone())
	}
	if err := o.Permit.For(linkage.ActionPublish, ""); err != nil {
		return nil, err
	}
	a := o.Permit.Approval()
	switch {
	case a.ID != o.Approval:
		return nil, &publication.Refusal{Rule: "the permit is for another approval than " + o.Approval, Hint: "name the approval that was checked"}
	case a.Disclosure != disclose.PolicyName:
		return nil, &publication.Refusal{Rule: "approval " + a.ID + " was signed for another disclosure policy than " + disclose.PolicyName,
			Hint: "draft a request that names " + disclose.PolicyName}
	}
	return o.available(o.linked(a))
}

// available keeps the measures none of whose codes is withheld at any site.
func (o PublishOptions) available(x *source, err error) (*source, error) {
	if err != nil {
		return nil, err
	}
	x.catalogue, x.missing = x.catalogue.Available(o.CodeLists, x.withheld)
	if len(x.catalogue.Measures) == 0 {
		return nil, errors.Join(&publication.Refusal{Rule: "no measure can be counted: " + x.missing[0].Measure + " is " + x.missing[0].Reason(),
			Hint: "the policies of the sites leave out what every measure needs"}, x.close())
	}
	return x, nil
}

// alone holds a dataset still.
func (o PublishOptions) alone() (*source, error) {
	s, err := o.Hub.Snapshot(o.Dataset, o.Trusted)
	if err != nil {
		return nil, err
	}
	x, err := o.snapshot(s)
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return x, nil
}

func (o PublishOptions) snapshot(s *hub.Snapshot) (*source, error) {
	if o.Recorded != s.Hash {
		return nil, &publication.IntegrityError{Rule: "the state of " + o.Dataset + " is not the one that the record of decisions has last: an older one was put back, or a load was cut short before it was recorded",
			Hint: "the custodian looks which it is: the next load records the present state, or says what to do"}
	}
	if err := s.VerifyFiles(); err != nil {
		return nil, err
	}
	x := &source{
		catalogue: schemas.StandardCatalogue().MeasuresOf(o.Dataset), dataset: o.Dataset,
		states: map[string]string{o.Dataset: s.Hash}, hash: s.Hash, rows: rowsOf(s.State), withheld: map[string][]schemas.Withholding{o.Dataset: s.State.Withheld()}, close: s.Close,
		tables: aggregate.Tables{o.Dataset: {"patients": s.Paths("patients"), "observations": s.Paths("observations")}},
	}
	for _, m := range s.State.Members {
		x.newest = max(x.newest, m.AsAt)
	}
	if len(x.catalogue.Measures) == 0 {
		return nil, &publication.UseError{Rule: "the catalogue has no measure that is counted from " + o.Dataset + " alone", Hint: "datanet catalogue measures"}
	}
	return x, nil
}

// rowsOf names a dataset's rows, whichever extracts brought them.
func rowsOf(state hub.State) []string {
	var rows []string
	for _, m := range state.Members {
		for _, f := range m.Files {
			if f.Table == hub.WithdrawnTable {
				continue // whose people are not there
			}
			rows = append(rows, m.Site+" "+m.AsAt+" "+f.Table+" "+f.SHA256)
		}
	}
	slices.Sort(rows)
	return rows
}

// linked opens what was joined under an approval, and holds it to what the
// record of decisions has of it.
func (o PublishOptions) linked(a *linkage.Approval) (*source, error) {
	if o.Recorded == "" {
		return nil, &publication.Refusal{Rule: "nothing has been linked under approval " + a.ID, Hint: "datanet link --approval " + a.ID}
	}
	dir := o.Linked
	if dir == "" {
		p, err := o.Hub.Project(a.ID)
		if err != nil {
			return nil, err
		}
		dir = p.LinkedDir()
	}
	l, err := hub.OpenLinked(dir, o.Recorded)
	if err != nil {
		return nil, err
	}
	x, err := o.joined(a, l)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return x, nil
}

func (o PublishOptions) joined(a *linkage.Approval, l *hub.LinkedProject) (*source, error) {
	x := &source{approval: a, hash: l.Digest, states: map[string]string{}, withheld: map[string][]schemas.Withholding{}, tables: aggregate.Tables{}, close: l.Close}
	var datasets []string
	for _, d := range l.Linked.Datasets {
		datasets, x.states[d.Dataset] = append(datasets, d.Dataset), d.State
		x.withheld[d.Dataset] = d.Withheld
		if x.newest == "" || d.AsAt < x.newest { // of later days one of them knows nothing
			x.newest = d.AsAt
		}
	}
	if l.Linked.Hub != o.Hub.ID || l.Linked.Approval != a.ID || l.Linked.ApprovalSHA256 != a.SHA256() || !slices.Equal(datasets, a.Names()) {
		return nil, &publication.IntegrityError{Rule: "the linked tables were not made for approval " + a.ID + " in this hub", Hint: "link again under this approval"}
	}
	for _, d := range datasets { // the same states, shuffled anew, are the same people
		x.rows = append(x.rows, d+" "+x.states[d])
	}
	for _, t := range l.Linked.Tables {
		if t.Dataset == "" {
			continue
		}
		if x.tables[t.Dataset] == nil {
			x.tables[t.Dataset] = map[string][]string{}
		}
		x.tables[t.Dataset][t.Table] = []string{l.Path(t.Dataset, t.Table)}
	}
	var err error
	x.catalogue, err = measuresUnder(a, l.Linked)
	if err == nil {
		x.dataset = x.catalogue.Measures[0].Dataset
	}
	return x, err
}

// measuresUnder are the measures that need what the approval lets be joined,
// and find in the linked tables all that they read.
func measuresUnder(a *linkage.Approval, l *schemas.Linked) (*schemas.Catalogue, error) {
	all := schemas.StandardCatalogue().MeasuresFor(a.Names())
	if len(all.Measures) == 0 {
		return nil, &publication.UseError{Rule: "the catalogue has no measure that needs the datasets of approval " + a.ID + " to be linked", Hint: "datanet catalogue measures"}
	}
	missing := ""
	part := all.Only(func(m *schemas.Measure) bool {
		lack := lacks(m, a, l)
		if lack != "" && missing == "" {
			missing = fmt.Sprintf("%s needs %s", m.ID, lack)
		}
		return lack == ""
	})
	if len(part.Measures) == 0 {
		return nil, &publication.Refusal{Rule: "approval " + a.ID + " does not cover what any measure needs: " + missing,
			Hint: "draft a request with --columns default, and with the pairs that the measures need"}
	}
	return part, nil
}

// lacks names the first thing that a measure needs and the approval does not
// open, or nothing.
func lacks(m *schemas.Measure, a *linkage.Approval, l *schemas.Linked) string {
	for _, other := range m.Linked {
		if !slices.Contains(a.Pairs, linkage.Pair{A: m.Dataset, B: other}) && !slices.Contains(a.Pairs, linkage.Pair{A: other, B: m.Dataset}) {
			return "the pair " + m.Dataset + ":" + other
		}
	}
	if l.Denominator != m.Dataset {
		return m.Dataset + " as the denominator: of its people only those who link are there, and everybody else around them is missing"
	}
	for _, n := range m.Reads() {
		for _, column := range n.Columns {
			if !slices.Contains(a.Columns(n.Dataset, n.Table), column) || !slices.ContainsFunc(l.Tables, func(t schemas.LinkedTable) bool {
				return t.Dataset == n.Dataset && t.Table == n.Table && slices.Contains(t.Columns, column)
			}) {
				return "the column " + column + " of " + n.Table + " of " + n.Dataset
			}
		}
	}
	return ""
}
