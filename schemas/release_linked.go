package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// A Linked says what one approved project's linked tables are. linked.json
// holds it as JSON; the hub's record of decisions holds its SHA-256, which is
// what makes it more than a file that somebody wrote.
//
// Its totals are exact where the tables beside it say the same to whoever may
// read them. They stay in the project's folder.
type Linked struct {
	Schema         string           `json:"schema"`
	Hub            string           `json:"hub"`      // its id
	Approval       string           `json:"approval"` // its id
	ApprovalSHA256 string           `json:"approval_sha256"`
	LinkageCheck   string           `json:"linkage_check"` // check value of the linkage key, of all releases
	Datasets       []LinkedDataset  `json:"datasets"`      // in the approval's order
	Denominator    string           `json:"denominator"`   // the dataset whose unlinked people stayed
	People         int64            `json:"people"`
	Pairs          map[string]int64 `json:"pairs"` // people found in both, by pair as in primary-care:slam
	Mothers        int64            `json:"mothers"`
	Babies         int64            `json:"babies"`
	Edges          int64            `json:"edges"`
	Quarantined    int64            `json:"quarantined"` // edges left out because the baby has two mothers
	Signs          WrongLinks       `json:"signs_of_wrong_links"`
	Quality        []LinkQuality    `json:"quality,omitempty"` // who is missing, by group
	Tables         []LinkedTable    `json:"tables"`
	Tool           string           `json:"tool"`
}

// A LinkedDataset is one dataset's part in a linked project.
type LinkedDataset struct {
	Dataset string `json:"dataset"`
	AsAt    string `json:"as_at"`
	State   string `json:"state_sha256"`
	Release string `json:"release_sha256"` // of release.json
	People  int64  `json:"people"`         // whom the release holds
	Linked  int64  `json:"linked"`         // of whom another dataset of an approved pair holds too

	Withheld []Withholding `json:"withheld,omitempty"` // codes that policies left out at the source
}

// WrongLinks are signs that one code stands for two people: counts of people,
// rounded to 10. They are signs, not proofs; a sign that the approved columns
// cannot show is 0.
type WrongLinks struct {
	TwoBirthYears int64 `json:"two_birth_years"`
	TwoSexes      int64 `json:"two_sexes"`
}

// A LinkedTable is one Parquet file of a linked project. Dataset is empty for
// people and edges, which are of no dataset alone.
type LinkedTable struct {
	Dataset string   `json:"dataset"`
	Table   string   `json:"table"`
	Columns []string `json:"columns"`
	Rows    int64    `json:"rows"`
	Bytes   int64    `json:"bytes"`
	SHA256  string   `json:"sha256"`
}

// The tables of a linked project that are of no dataset alone.
const (
	PeopleTable = "people" // one row for each person: the code, and in which datasets' tables it is
	EdgesTable  = "edges"  // one row for each mother and baby
)

// Name is what the table is called: slam_contacts, people.
func (t LinkedTable) Name() string {
	if t.Dataset == "" {
		return t.Table
	}
	return Underscored(t.Dataset) + "_" + t.Table
}

// File is the name of the table's file.
func (t LinkedTable) File() string { return t.Name() + ".parquet" }

// Underscored is a dataset's name as part of a column's or a file's.
func Underscored(dataset string) string { return strings.ReplaceAll(dataset, "-", "_") }

// InColumn is the column of people that says whether somebody is in a
// dataset's tables.
func InColumn(dataset string) string { return "in_" + Underscored(dataset) }

// PeopleColumns are the columns of people, with their types.
func PeopleColumns(datasets []string) *Table {
	t := &Table{Name: PeopleTable, Grain: "a person", Columns: []Column{
		{Name: "person", Role: Person, Type: "code16", Description: "the person's code in this project"}}}
	for _, d := range datasets {
		t.Columns = append(t.Columns, Column{Name: InColumn(d), Role: Category, Type: "boolean", Description: "true when the person is in the tables of " + d})
	}
	return t
}

// EdgeColumns are the columns of edges, with their types.
func EdgeColumns(pregnancy bool) *Table {
	t := &Table{Name: EdgesTable, Grain: "a mother and her baby", Columns: []Column{
		{Name: "mother", Role: Person, Type: "code16", Description: "the mother's code in this project"},
		{Name: "baby", Role: Person, Type: "code16", Description: "the baby's code in this project"}}}
	if pregnancy {
		t.Columns = append(t.Columns, Column{Name: "pregnancy", Role: Event, Type: "code16", Description: "the pregnancy's code in this project; babies of one pregnancy share it"})
	}
	return t
}

// Encode writes a linked project's description as it is stored.
func (l *Linked) Encode() []byte { return encode(l) }

// DecodeLinked reads a linked project's description strictly: it must be the
// bytes that Encode writes, and hold only what linking writes.
func DecodeLinked(b []byte) (*Linked, error) {
	if len(b) > MaxRelease {
		return nil, errors.New("the linked project is larger than any linked project")
	}
	var l Linked
	if err := json.Unmarshal(b, &l); err != nil || !bytes.Equal(l.Encode(), b) {
		return nil, errors.New("the linked project is not the JSON of this version")
	}
	if err := l.check(); err != nil {
		return nil, err
	}
	return &l, nil
}

// Dataset is one dataset's part, or nil.
func (l *Linked) Dataset(name string) *LinkedDataset {
	for i := range l.Datasets {
		if l.Datasets[i].Dataset == name {
			return &l.Datasets[i]
		}
	}
	return nil
}

func (l *Linked) check() error {
	wrong := broken(
		claim{l.Schema == Version, "schema is not " + Version},
		claim{hubID.MatchString(l.Hub), "hub is not a hub's id"},
		claim{ApprovalID(l.Approval), "approval is not an approval's id"},
		claim{sha256Hex.MatchString(l.ApprovalSHA256), "hashes are not SHA-256"},
		claim{checkForm.MatchString(l.LinkageCheck), "check value is not 16 hex digits"},
		claim{len(l.Datasets) > 0 && unique(l.Datasets, func(d LinkedDataset) string { return d.Dataset }), "datasets are missing, or one is named twice"},
		claim{l.Dataset(l.Denominator) != nil, "denominator is not one of its datasets"},
		claim{rounded(l.Signs.TwoBirthYears) && rounded(l.Signs.TwoSexes), "signs are not rounded to 10"},
		claim{qualityHolds(l.Quality), "account of who is missing is not in its form"},
		claim{l.Mothers >= 0 && l.Babies >= 0 && l.Edges >= 0 && l.Quarantined >= 0, "totals are less than none"},
		claim{printable(l.Tool), "texts are not plain"},
	)
	if wrong != "" {
		return errors.New("the linked project's " + wrong)
	}
	if err := l.checkDatasets(); err != nil {
		return err
	}
	return l.checkTables()
}

func (l *Linked) checkDatasets() error {
	for i, d := range l.Datasets {
		_, err := DatasetByID(d.Dataset)
		if err != nil || !isDay(d.AsAt) || !sha256Hex.MatchString(d.State) || !sha256Hex.MatchString(d.Release) || d.Linked < 0 || d.Linked > d.People || !withholdingsHold(d.Dataset, d.Withheld) {
			return fmt.Errorf("the linked project's dataset %d is not in its form", i+1)
		}
	}
	for pair, n := range l.Pairs {
		a, b, ok := strings.Cut(pair, ":")
		if !ok || a == b || l.Dataset(a) == nil || l.Dataset(b) == nil || n < 0 || n > l.People {
			return errors.New("one of the linked project's pairs is not of two of its datasets")
		}
	}
	return nil
}

// checkTables holds the tables to the one order in which linking writes them:
// people, edges, and then the datasets' in the approval's order.
func (l *Linked) checkTables() error {
	var names []string
	for _, d := range l.Datasets {
		names = append(names, d.Dataset)
	}
	last := -1
	for i, t := range l.Tables {
		at := slices.Index(names, t.Dataset)
		known := l.known(t, names)
		if known == nil || !known.has(t.Columns) || at < last || !sha256Hex.MatchString(t.SHA256) || t.Rows < 0 || t.Bytes <= 0 {
			return fmt.Errorf("the linked project's table %d is not one that linking writes", i+1)
		}
		last = at
	}
	if len(l.Tables) == 0 || l.Tables[0].Name() != PeopleTable || l.Tables[0].Rows != l.People || len(l.Tables[0].Columns) != len(names)+1 ||
		!unique(l.Tables, LinkedTable.Name) {
		return errors.New("the linked project's tables do not begin with people, or one is named twice")
	}
	return nil
}

// known is the table that a file must be, or nil.
func (l *Linked) known(t LinkedTable, datasets []string) *Table {
	if t.Dataset != "" {
		if d, err := DatasetByID(t.Dataset); err == nil && l.Dataset(t.Dataset) != nil {
			return d.TableByName(t.Table)
		}
		return nil
	}
	switch t.Table {
	case PeopleTable:
		return PeopleColumns(datasets)
	case EdgesTable:
		return EdgeColumns(true)
	}
	return nil
}
