package linkage

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"
)

// An Approval is what somebody asks to be allowed, and what the Guardians sign or refuse: which datasets may be used for what,
// by whom and until when. It becomes an approval in the full sense when every dataset's Guardian has signed its text.
type Approval struct {
	ID         string
	Supersedes string // id of the approval that ends when this one begins; empty for none
	Title      string
	Summary    string // for lay readers
	Purpose    string
	LegalBasis string
	DPIA       string // reference of the data protection impact assessment
	Applicant  string // verifier key
	Users      []string
	Datasets   []Scope // in the order asked for
	Pairs      []Pair  // every two of Datasets that may be joined

	Denominator string // the dataset whose people stay although they link to nobody
	Cohort      string // CohortAll
	From        string // YYYY-MM-DD; days of UTC, the first and the last included
	Until       string
	Review      string // the approval rests after this day
	Refresh     string // RefreshNone
	OptOuts     string // OptOutsAsLoaded, alone or with a number of days behind it
	Disclosure  string // id of a policy that the hub's record of decisions holds
	Hub         string // 32 hex digits
	Seen        Seen
}

// The limits that this version can keep. A text with another one is refused: a limit that nobody enforces protects nobody.
const (
	CohortAll       = "all"       // everybody in the datasets
	RefreshNone     = "none"      // each dataset is released once
	OptOutsAsLoaded = "as-loaded" // whoever opted out was left out of the extracts that are loaded
)

// optOutsForm is a rule for opt-outs, as in "as-loaded" or "as-loaded 92": no site's data are older than so many days when they are released.
var optOutsForm = regexp.MustCompile(`^` + OptOutsAsLoaded + `( [1-9][0-9]{0,2})?$`)

// OptOutDays is how many days old the data of any site may be when a dataset is released, so that whoever has opted out since is in none of
// them; 0 if the approval does not say.
func (a *Approval) OptOutDays() int {
	_, days, _ := strings.Cut(a.OptOuts, " ")
	n, _ := strconv.Atoi(days)
	return n
}

// TooOld says whether data as at one day are older on another than the approval lets opt-outs be.
func (a *Approval) TooOld(asAt string, now time.Time) bool {
	at, err := time.Parse(time.DateOnly, asAt)
	return a.OptOutDays() > 0 && (err != nil || day(at.AddDate(0, 0, a.OptOutDays())) < day(now))
}

// A Scope is what an approval opens of one dataset: these columns, and nothing else.
type Scope struct {
	Dataset string
	Columns []Column // those of one table stand together
}

// A Column is a column of a canonical table.
type Column struct{ Table, Name string }

// A Pair is two datasets whose people may be matched, in the order of the approval's datasets.
type Pair struct{ A, B string }

func (p Pair) String() string { return p.A + ":" + p.B }

// Seen is the record of decisions as the drafter saw it: its first Size records, whose tree has this Root. The signatures
// under an approval thereby bind the hub to everything recorded before it.
type Seen struct {
	Size int64
	Root tlog.Hash
}

const (
	approvalDomain = "datanet/v1/approval" // no other text that is signed begins with this line
	maxApproval    = 1 << 16
)

// A part is one key of the text form: how its values are written, and read back.
type part struct {
	key   string
	list  bool // may stand on several lines, or on none
	write func(*Approval) []string
	read  func(*Approval, string) bool
}

// parts are the keys of the text form in the one accepted order.
var parts = []part{
	one("id", func(a *Approval) *string { return &a.ID }),
	{"supersedes", true, writeSupersedes, readSupersedes},
	one("title", func(a *Approval) *string { return &a.Title }),
	one("summary", func(a *Approval) *string { return &a.Summary }),
	one("purpose", func(a *Approval) *string { return &a.Purpose }),
	one("legal-basis", func(a *Approval) *string { return &a.LegalBasis }),
	one("dpia", func(a *Approval) *string { return &a.DPIA }),
	one("applicant", func(a *Approval) *string { return &a.Applicant }),
	{"user", true, func(a *Approval) []string { return a.Users }, readUser},
	{"dataset", true, writeDatasets, readDataset},
	{"pair", true, writePairs, readPair},
	one("denominator", func(a *Approval) *string { return &a.Denominator }),
	one("cohort", func(a *Approval) *string { return &a.Cohort }),
	one("from", func(a *Approval) *string { return &a.From }),
	one("until", func(a *Approval) *string { return &a.Until }),
	one("review", func(a *Approval) *string { return &a.Review }),
	one("refresh", func(a *Approval) *string { return &a.Refresh }),
	one("opt-outs", func(a *Approval) *string { return &a.OptOuts }),
	one("disclosure", func(a *Approval) *string { return &a.Disclosure }),
	one("hub", func(a *Approval) *string { return &a.Hub }),
	{"ledger", false, writeSeen, readSeen},
}

func one(key string, of func(*Approval) *string) part {
	return part{key, false,
		func(a *Approval) []string { return []string{*of(a)} },
		func(a *Approval, value string) bool { *of(a) = value; return true }}
}

// Text is the approval's one written form, ASCII, ending in a line feed. It is what signatures are made over.
func (a *Approval) Text() string {
	var out strings.Builder
	out.WriteString(approvalDomain + "\n")
	for _, p := range parts {
		for _, value := range p.write(a) {
			out.WriteString(p.key + " " + value + "\n")
		}
	}
	return out.String()
}

// ParseApproval reads what Text writes, and nothing else: writing the result again gives the same bytes. Errors are an
// *IntegrityError that names the line or the field. Whether the datasets and columns exist is asked of Known.
func ParseApproval(text string) (*Approval, error) {
	if len(text) > maxApproval {
		return nil, unread("longer than an approval may be")
	}
	lines := strings.Split(text, "\n")
	if lines[0] != approvalDomain {
		return nil, unread("line 1: not the first line of an approval")
	}
	if len(lines) < 2 || lines[len(lines)-1] != "" {
		return nil, unread("the last line does not end")
	}
	a, err := readParts(lines[1 : len(lines)-1])
	if err != nil {
		return nil, err
	}
	if err := a.wellFormed(); err != nil {
		return nil, unread("%s", err)
	}
	if a.Text() != text {
		return nil, unread("not in the one accepted spelling")
	}
	return a, nil
}

// readParts walks the lines and the keys side by side, so that a key can neither be missing, nor come twice or too late.
func readParts(lines []string) (*Approval, error) {
	a, next := &Approval{}, 0
	for _, p := range parts {
		for n := 0; p.list || n == 0; n++ {
			value, ok := "", false
			if next < len(lines) {
				value, ok = strings.CutPrefix(lines[next], p.key+" ")
			}
			if !ok && p.list {
				break
			}
			if !ok {
				return nil, unread("line %d: %s is missing here, or another key stands in its place", next+2, p.key)
			}
			if !p.read(a, value) {
				return nil, unread("line %d: %s is not of the accepted form", next+2, p.key)
			}
			next++
		}
	}
	if next < len(lines) {
		return nil, unread("line %d: more follows than an approval holds", next+2)
	}
	return a, nil
}

func unread(format string, args ...any) *IntegrityError {
	e := broken("approval: "+format, args...)
	e.hints = []string{"an approval's text is made by a draft and is not edited afterwards: get it again from where it came"}
	return e
}

func readUser(a *Approval, value string) bool {
	a.Users = append(a.Users, value)
	return true
}

func writeSupersedes(a *Approval) []string {
	if a.Supersedes == "" {
		return nil
	}
	return []string{a.Supersedes}
}

func readSupersedes(a *Approval, value string) bool {
	again := a.Supersedes != ""
	a.Supersedes = value
	return !again && value != ""
}

// writeDatasets gives a line for each table: "slam patients person,linkable".
func writeDatasets(a *Approval) []string {
	var lines []string
	for _, scope := range a.Datasets {
		for from := 0; from < len(scope.Columns); {
			table, names := scope.Columns[from].Table, []string{}
			for ; from < len(scope.Columns) && scope.Columns[from].Table == table; from++ {
				names = append(names, scope.Columns[from].Name)
			}
			lines = append(lines, scope.Dataset+" "+table+" "+strings.Join(names, ","))
		}
	}
	return lines
}

func readDataset(a *Approval, value string) bool {
	words := strings.Split(value, " ")
	if len(words) != 3 {
		return false
	}
	if len(a.Datasets) == 0 || a.Datasets[len(a.Datasets)-1].Dataset != words[0] {
		a.Datasets = append(a.Datasets, Scope{Dataset: words[0]})
	}
	scope := &a.Datasets[len(a.Datasets)-1]
	for _, name := range strings.Split(words[2], ",") {
		scope.Columns = append(scope.Columns, Column{words[1], name})
	}
	return true
}

func writePairs(a *Approval) []string {
	var lines []string
	for _, p := range a.Pairs {
		lines = append(lines, p.String())
	}
	return lines
}

func readPair(a *Approval, value string) bool {
	p, ok := ParsePair(value)
	a.Pairs = append(a.Pairs, p)
	return ok
}

// ParsePair reads "primary-care:slam".
func ParsePair(s string) (Pair, bool) {
	first, second, ok := strings.Cut(s, ":")
	return Pair{first, second}, ok && datasetName.MatchString(first) && datasetName.MatchString(second)
}

func writeSeen(a *Approval) []string {
	return []string{strconv.FormatInt(a.Seen.Size, 10) + " " + formatHash(a.Seen.Root)}
}

func readSeen(a *Approval, value string) bool {
	size, root, _ := strings.Cut(value, " ")
	n, err := strconv.ParseInt(size, 10, 64)
	hash, ok := parseHash(root)
	a.Seen = Seen{n, hash}
	return err == nil && ok
}

// Hash is the SHA-256 of the text. Keys, codes and records of a project are bound to it.
func (a *Approval) Hash() [32]byte { return sha256.Sum256([]byte(a.Text())) }

// SHA256 is Hash in hex.
func (a *Approval) SHA256() string {
	hash := a.Hash()
	return hex.EncodeToString(hash[:])
}

// Columns are the approved columns of a table; nil if there are none.
func (a *Approval) Columns(dataset, table string) []string {
	var names []string
	for _, scope := range a.Datasets {
		for _, c := range scope.Columns {
			if scope.Dataset == dataset && c.Table == table {
				names = append(names, c.Name)
			}
		}
	}
	return names
}

// Names are the approval's datasets, in the order asked for.
func (a *Approval) Names() []string {
	names := make([]string, len(a.Datasets))
	for i, scope := range a.Datasets {
		names[i] = scope.Dataset
	}
	return names
}

// LastDay is the last day on which the approval can be used: the earlier of Until and Review.
func (a *Approval) LastDay() string { return min(a.Until, a.Review) }

func (a *Approval) has(dataset string) bool { return slices.Contains(a.Names(), dataset) }

// clone shares nothing with the original, so that whoever is given it cannot widen what was signed.
func (a *Approval) clone() *Approval {
	c := *a
	c.Users, c.Datasets, c.Pairs = slices.Clone(a.Users), slices.Clone(a.Datasets), slices.Clone(a.Pairs)
	for i := range c.Datasets {
		c.Datasets[i].Columns = slices.Clone(c.Datasets[i].Columns)
	}
	return &c
}

// allPairs are every two of some datasets, in their order.
func allPairs(datasets []string) []Pair {
	var pairs []Pair
	for i, first := range datasets {
		for _, second := range datasets[i+1:] {
			pairs = append(pairs, Pair{first, second})
		}
	}
	return pairs
}

// byPlace orders by where things stand in a list; what does not stand there comes last, by name.
func byPlace(list []string) func(a, b string) int {
	place := func(s string) int {
		if i := slices.Index(list, s); i >= 0 {
			return i
		}
		return len(list)
	}
	return func(a, b string) int { return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b)) }
}
