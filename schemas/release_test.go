package schemas

import (
	"bytes"
	"strings"
	"testing"
)

func aRelease() *Release {
	r := &Release{Schema: Version, Hub: strings.Repeat("0a", 16), Approval: "2026-001", ApprovalSHA256: Digest([]byte("text")), Dataset: "slam", AsAt: "2026-10-31",
		State: Digest([]byte("state")), LinkageCheck: "0123456789abcdef", ProjectCheck: "fedcba9876543210", Persons: 120, Unlinkable: 10, Tool: "test"}
	for _, table := range []string{"patients", "contacts"} {
		r.Tables = append(r.Tables, ReleasedTable{Table: table, Columns: []string{"person"}, Rows: 5, Bytes: 1000, SHA256: Digest([]byte(table))})
	}
	return r
}

func aLinked() *Linked {
	l := &Linked{Schema: Version, Hub: strings.Repeat("0a", 16), Approval: "2026-001", ApprovalSHA256: Digest([]byte("text")), LinkageCheck: "0123456789abcdef",
		Denominator: "primary-care", People: 7, Pairs: map[string]int64{"primary-care:maternity": 3}, Mothers: 1, Babies: 2, Edges: 2, Quarantined: 1,
		Signs: WrongLinks{TwoBirthYears: 10}, Tool: "test"}
	for _, d := range []string{"primary-care", "maternity"} {
		l.Datasets = append(l.Datasets, LinkedDataset{Dataset: d, AsAt: "2026-10-31", State: Digest([]byte(d)), Release: Digest([]byte("r" + d)), People: 7, Linked: 3})
	}
	for _, t := range []LinkedTable{{Table: PeopleTable, Columns: []string{"person", "in_primary_care", "in_maternity"}, Rows: 7},
		{Table: EdgesTable, Columns: []string{"mother", "baby"}}, {Dataset: "primary-care", Table: "patients", Columns: []string{"person", "sex"}},
		{Dataset: "maternity", Table: "pregnancies", Columns: []string{"person"}}, {Dataset: "maternity", Table: "births", Columns: []string{"person", "baby"}}} {
		t.Bytes, t.SHA256 = 1000, Digest([]byte(t.Name()))
		l.Tables = append(l.Tables, t)
	}
	return l
}

// A description is read strictly: a release's and a linked project's alike.
type description struct {
	text   []byte
	decode func([]byte) (again []byte, err error)
}

func descriptions() map[string]description {
	return map[string]description{
		"release": {aRelease().Encode(), func(b []byte) ([]byte, error) {
			r, err := DecodeRelease(b)
			if r == nil {
				return nil, err
			}
			return r.Encode(), err
		}},
		"linked": {aLinked().Encode(), func(b []byte) ([]byte, error) {
			l, err := DecodeLinked(b)
			if l == nil {
				return nil, err
			}
			return l.Encode(), err
		}},
	}
}

// Whatever byte is changed: what is accepted says exactly what the bytes say.
func TestMangledDescriptions(t *testing.T) {
	for name, d := range descriptions() {
		if again, err := d.decode(d.text); err != nil || !bytes.Equal(again, d.text) {
			t.Fatalf("%s: %v\n%s", name, err, d.text)
		}
		for n := range d.text {
			if again, err := d.decode(d.text[:n]); err == nil || again != nil {
				t.Fatalf("%s: the first %d bytes are accepted", name, n)
			}
		}
		for at := range d.text {
			for _, b := range []byte{d.text[at] ^ 1, d.text[at] ^ 32, ' ', '"', 0, 0xff} {
				mangled := bytes.Clone(d.text)
				mangled[at] = b
				again, err := d.decode(mangled)
				if (err == nil) != (again != nil) || err == nil && !bytes.Equal(again, mangled) {
					t.Fatalf("%s, byte %d: %v, accepted as something else", name, at, err)
				}
			}
		}
		for what, other := range map[string][]byte{
			"trailing": append(bytes.Clone(d.text), '\n'), "twice": append(bytes.Clone(d.text), d.text...),
			"repeated": bytes.Replace(d.text, []byte(`"hub":`), []byte(`"hub": "", "hub":`), 1),
			"case":     bytes.Replace(d.text, []byte(`"hub":`), []byte(`"HUB":`), 1),
			"unknown":  bytes.Replace(d.text, []byte(`"hub":`), []byte(`"note": "", "hub":`), 1),
			"oversize": append(bytes.Clone(d.text), bytes.Repeat([]byte(" "), MaxRelease)...),
			"array":    []byte("[]"), "null": []byte("null"), "empty": nil,
		} {
			if again, err := d.decode(other); err == nil || again != nil {
				t.Errorf("%s: %s is accepted", name, what)
			}
		}
	}
}

func TestReleasesThatNobodyWrites(t *testing.T) {
	for name, change := range map[string]func(*Release){
		"schema":          func(r *Release) { r.Schema = "datanet/v2" },
		"hub":             func(r *Release) { r.Hub = "x" },
		"approval":        func(r *Release) { r.Approval = "../2026-001" },
		"no approval":     func(r *Release) { r.Approval = "" },
		"approval's hash": func(r *Release) { r.ApprovalSHA256 = "" },
		"dataset":         func(r *Release) { r.Dataset = "hospital" },
		"date":            func(r *Release) { r.AsAt = "2026-02-30" },
		"state":           func(r *Release) { r.State = strings.ToUpper(r.State) },
		"linkage check":   func(r *Release) { r.LinkageCheck = "" },
		"project check":   func(r *Release) { r.ProjectCheck = "x" },
		"exact total":     func(r *Release) { r.Persons = 123 },
		"exact left out":  func(r *Release) { r.Unlinkable = 3 },
		"negative":        func(r *Release) { r.Persons = -10 },
		"tool":            func(r *Release) { r.Tool = "\x1b[31m" },
		"no tables":       func(r *Release) { r.Tables = nil },
		"no table":        func(r *Release) { r.Tables[0].Table = "people" },
		"a path":          func(r *Release) { r.Tables[0].Table = "../patients" },
		"table twice":     func(r *Release) { r.Tables[1] = r.Tables[0] },
		"other order":     func(r *Release) { r.Tables[0], r.Tables[1] = r.Tables[1], r.Tables[0] },
		"no columns":      func(r *Release) { r.Tables[0].Columns = nil },
		"a column":        func(r *Release) { r.Tables[0].Columns = []string{"person", "name"} },
		"column twice":    func(r *Release) { r.Tables[0].Columns = []string{"person", "person"} },
		"column order":    func(r *Release) { r.Tables[0].Columns = []string{"linkable", "person"} },
		"hash":            func(r *Release) { r.Tables[0].SHA256 = "" },
		"rows":            func(r *Release) { r.Tables[0].Rows = -1 },
		"bytes":           func(r *Release) { r.Tables[0].Bytes = 0 },
	} {
		r := aRelease()
		change(r)
		if got, err := DecodeRelease(r.Encode()); err == nil || got != nil {
			t.Errorf("%s is accepted", name)
		} else if strings.ContainsAny(err.Error(), "\x1b\n") {
			t.Errorf("%s: the error repeats the value", name)
		}
	}
}

func TestLinkedProjectsThatNobodyWrites(t *testing.T) {
	for name, change := range map[string]func(*Linked){
		"schema":            func(l *Linked) { l.Schema = "" },
		"hub":               func(l *Linked) { l.Hub = "" },
		"approval":          func(l *Linked) { l.Approval = "a/b" },
		"approval's hash":   func(l *Linked) { l.ApprovalSHA256 = "" },
		"check value":       func(l *Linked) { l.LinkageCheck = "" },
		"no datasets":       func(l *Linked) { l.Datasets = nil },
		"dataset twice":     func(l *Linked) { l.Datasets[1] = l.Datasets[0] },
		"dataset":           func(l *Linked) { l.Datasets[0].Dataset = "hospital" },
		"its date":          func(l *Linked) { l.Datasets[0].AsAt = "" },
		"its state":         func(l *Linked) { l.Datasets[0].State = "" },
		"its release":       func(l *Linked) { l.Datasets[0].Release = "" },
		"more than all":     func(l *Linked) { l.Datasets[0].Linked = 8 },
		"denominator":       func(l *Linked) { l.Denominator = "slam" },
		"pair":              func(l *Linked) { l.Pairs["primary-care:slam"] = 1 },
		"pair of one":       func(l *Linked) { l.Pairs["maternity:maternity"] = 1 },
		"pair of more":      func(l *Linked) { l.Pairs["primary-care:maternity"] = 8 },
		"exact signs":       func(l *Linked) { l.Signs.TwoSexes = 3 },
		"negative":          func(l *Linked) { l.Edges = -1 },
		"tool":              func(l *Linked) { l.Tool = "\x07" },
		"no tables":         func(l *Linked) { l.Tables = nil },
		"people elsewhere":  func(l *Linked) { l.Tables[0], l.Tables[1] = l.Tables[1], l.Tables[0] },
		"people of another": func(l *Linked) { l.Tables[0].Columns = l.Tables[0].Columns[:2] },
		"other people":      func(l *Linked) { l.People++ },
		"table twice":       func(l *Linked) { l.Tables[4] = l.Tables[3] },
		"table":             func(l *Linked) { l.Tables[2].Table = "staff" },
		"table of nobody":   func(l *Linked) { l.Tables[1].Table = "patients" },
		"table of another":  func(l *Linked) { l.Tables[2].Dataset = "slam" },
		"other order":       func(l *Linked) { l.Tables[2], l.Tables[3] = l.Tables[3], l.Tables[2] },
		"column":            func(l *Linked) { l.Tables[2].Columns = []string{"person", "name"} },
		"hash":              func(l *Linked) { l.Tables[2].SHA256 = "" },
		"bytes":             func(l *Linked) { l.Tables[2].Bytes = 0 },
	} {
		l := aLinked()
		change(l)
		if got, err := DecodeLinked(l.Encode()); err == nil || got != nil {
			t.Errorf("%s is accepted", name)
		} else if strings.ContainsAny(err.Error(), "\x07\n") {
			t.Errorf("%s: the error repeats the value", name)
		}
	}
}

func FuzzDecodeDescriptions(f *testing.F) {
	all := descriptions()
	for _, d := range all {
		f.Add(d.text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		for name, d := range all {
			if again, err := d.decode(text); err == nil && !bytes.Equal(again, text) {
				t.Errorf("%s: accepted as something else", name)
			}
		}
	})
}

func TestLinkedNames(t *testing.T) {
	var names []string
	for _, table := range aLinked().Tables {
		names = append(names, table.File())
	}
	if got := strings.Join(names, " "); got != "people.parquet edges.parquet primary_care_patients.parquet maternity_pregnancies.parquet maternity_births.parquet" {
		t.Error(got)
	}
	d, err := DatasetByID("maternity")
	if err != nil {
		t.Fatal(err)
	}
	births := d.TableByName("births").Only([]string{"outcome", "baby", "person", "nothing"})
	if got := births.Signature() + " " + strings.Join(births.People(), " ") + " " + strings.Join(d.MemberColumns("births"), " "); got != "person UUID, baby UUID, outcome VARCHAR person baby person baby" {
		t.Error(got)
	}
	for n, want := range map[int64]int64{0: 0, 4: 0, 5: 10, 14: 10, 15: 20} {
		if got := Round10(n); got != want {
			t.Errorf("%d is rounded to %d", n, got)
		}
	}
}
