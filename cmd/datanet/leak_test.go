package main

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/csv"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"filippo.io/age"

	"datanet/linkage"
	"datanet/pipeline/engine"
	"datanet/pipeline/hub"
	"datanet/pseudonym"
	"datanet/synth"
)

// TestNothingLeaks looks through everything that the demo writes outside the
// organisations' own source files and the answer key: extracts, hub, releases,
// linked tables, keys, memory of the tools, publications. It decodes every Parquet file and reads every
// other file as bytes, and looks for
//
//   - every NHS number that the answer key or the sources hold: as digits, with spaces or hyphens, reversed, as a
//     number, in hex, in base64, as an unkeyed hash, in file names,
//   - what synth puts into names, addresses, telephone numbers and e-mails (synth.Markers),
//   - every postcode of the sources' lookups,
//   - in each row of an extract or a dataset, the full date of birth of that row's own person.
//
// TestTheLeakTestCanFail plants each of these and sees it found.
func TestNothingLeaks(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a borough")
	}
	dir := demoFolder(t)
	secrets := readSecrets(t, dir)
	if len(secrets.numbers) < 1500 || len(secrets.postcodes) < 500 || len(secrets.births) < 1500 {
		t.Fatalf("too little to look for: %d numbers, %d postcodes, %d people's dates of birth", len(secrets.numbers), len(secrets.postcodes), len(secrets.births))
	}
	found := secrets.search(t, dir)
	for _, leak := range found.leaks {
		t.Error(leak)
	}
	if found.tables < 47 || found.rows < 100000 || found.own < 100000 {
		t.Errorf("too little was looked at: %d tables, %d rows, %d of them with a person whose date of birth is known", found.tables, found.rows, found.own)
	}
	t.Logf("%d files, %d tables, %d rows, %d rows beside their own person's date of birth", found.files, found.tables, found.rows, found.own)
}

// Each way in which something could leak, planted in a folder of its own, is
// found, and by the name that it is reported under.
func TestTheLeakTestCanFail(t *testing.T) {
	const number, birth = "9990000018", "1987-06-05"
	code := [16]byte{0xde, 0xad, 0xbe, 0xef, 15: 1}
	s := &secrets{numbers: map[string]bool{number: true}, postcodes: map[string]bool{"XL12AB": true}, births: map[[16]byte]map[string]bool{code: {birth: true}}}
	digest := func(b []byte) string { return hex.EncodeToString(b) }
	s256, s1, m5 := sha256.Sum256([]byte(number)), sha1.Sum([]byte(number)), md5.Sum([]byte(number))
	texts := map[string]string{
		"digits":                 "number 9990000018.",
		"spaced":                 "number 999 000 0018",
		"hyphened":               "number 999-000-0018",
		"reversed":               "8100000999",
		"number":                 "9990000018.0",
		"spreadsheet":            "9.990000018E+09",
		"hex":                    digest([]byte(number)),
		"HEX":                    strings.ToUpper(digest([]byte(number))),
		"base64":                 base64.StdEncoding.EncodeToString([]byte(number)),
		"base64 inside":          base64.StdEncoding.EncodeToString([]byte("a" + number)),
		"base64 in url":          base64.RawURLEncoding.EncodeToString([]byte("ab" + number + "?")),
		"sha256":                 digest(s256[:]),
		"sha1":                   strings.ToUpper(digest(s1[:])),
		"md5":                    digest(m5[:]),
		"sha256 in base64":       base64.StdEncoding.EncodeToString(s256[:]),
		"raw sha256":             string(s256[:]),
		"marker":                 "Mrs Q" + strings.ToUpper(synth.Markers()[0][1:]) + " of",
		"postcode":               "at XL1 2AB",
		"postcode without space": "at xl12ab,",
		"utf-16":                 "9\x009\x009\x000\x000\x000\x000\x000\x001\x008\x00",
	}
	for name, text := range texts {
		t.Run("text, "+name, func(t *testing.T) { s.wantLeak(t, "a.json", []byte(`{"note": "`+text+`"}`)) })
	}
	t.Run("file name", func(t *testing.T) { s.wantLeak(t, "extract_9990000018.txt", []byte("nothing")) })
	t.Run("folder name", func(t *testing.T) { s.wantLeak(t, "999-000-0018/a.txt", []byte("nothing")) })

	const own, other = "'deadbeef-0000-0000-0000-000000000001'::UUID", "'00000000-0000-0000-0000-000000000002'::UUID"
	columns := map[string]string{"i": "BIGINT", "u": "UBIGINT", "n": "INTEGER", "f": "DOUBLE", "s": "VARCHAR", "d": "DATE", "c": "UUID", "x": "BLOB"}
	tables := map[string]struct{ column, value string }{
		"integer column":           {"i", "9990000018"},
		"unsigned integer column":  {"u", "9990000018"},
		"float column":             {"f", "9990000018"},
		"text column":              {"s", "'" + number + "'"},
		"own birth date":           {"d", "'" + birth + "'"},
		"own birth date as text":   {"s", "'born 05/06/1987'"},
		"own birth date as number": {"n", "19870605"},
		"code that is a hash":      {"c", "'" + digest(s256[:16]) + "'"},
		"raw hash":                 {"x", "unhex('" + digest(s256[:]) + "')"},
	}
	db := newPlanter(t)
	for name, plant := range tables {
		t.Run("Parquet, "+name, func(t *testing.T) {
			dir := db.plant(t, name, own, other, columns, plant.column, plant.value)
			found := s.search(t, dir)
			if at := "t.parquet, column " + plant.column + " holds "; !slices.ContainsFunc(found.leaks, func(leak string) bool { return strings.HasPrefix(leak, at) }) {
				t.Errorf("planted, and not found by decoding: %v", found.leaks)
			}
			if found.rows != plantedRows || found.own != 1 {
				t.Errorf("%d rows, %d of them the person's own, not %d and 1", found.rows, found.own, plantedRows)
			}
		})
	}
	t.Run("Parquet, no false alarm", func(t *testing.T) {
		dir := db.plant(t, "other", other, own, columns, "d", "'"+birth+"'")
		if found := s.search(t, dir); len(found.leaks) > 0 {
			t.Error(found.leaks)
		}
	})
	for name, value := range map[string]string{"list": "[1]", "decimal": "1.5::DECIMAL(9, 2)", "time": "TIMESTAMP '2026-10-31 12:00:00'"} {
		t.Run("Parquet, never passed over, "+name, func(t *testing.T) {
			path := filepath.Join(db.dir, name+".parquet")
			if err := db.CopyParquet(t.Context(), name, "SELECT "+value+" AS v", path); err != nil {
				t.Fatal(err)
			}
			body, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := s.table(&findings{}, name, body); err == nil {
				t.Error("a column that cannot be read was passed over")
			}
		})
	}

	// What may stand there is not taken for a leak: a digit run inside a code, and a date in somebody else's row.
	t.Run("no false alarm", func(t *testing.T) {
		dir := t.TempDir()
		put(t, dir, "a.json", []byte(`{"code": "ab9990000018cdef0123456789abcdef", "born": "1987-06-05", "total": 1234567890123}`))
		if found := s.search(t, dir); len(found.leaks) > 0 {
			t.Error(found.leaks)
		}
	})
}

func (s *secrets) wantLeak(t *testing.T, name string, body []byte) {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, name, body)
	if found := s.search(t, dir); len(found.leaks) == 0 {
		t.Errorf("planted, and not found")
	}
}

func put(t *testing.T, dir, name string, body []byte) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, body, 0o600); err != nil {
		t.Fatal(err)
	}
}

// A planter writes Parquet files as the extracts are written.
type planter struct {
	*engine.Engine
	dir string
}

func newPlanter(t *testing.T) *planter {
	t.Helper()
	dir := t.TempDir()
	db, err := engine.Open(t.Context(), engine.Options{Folders: []string{dir}, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return &planter{db, dir}
}

// plantedRows is more than eachOf reads at once.
const plantedRows = 5000

// plant makes a folder with a table in which one person has the last row and
// the other person all rows before it. In the last row one column holds a
// value; nothing else is filled.
func (p *planter) plant(t *testing.T, name, last, before string, columns map[string]string, column, value string) string {
	t.Helper()
	isLast := fmt.Sprintf("CASE WHEN r = %d THEN ", plantedRows-1)
	query := "SELECT " + isLast + last + " ELSE " + before + " END AS person"
	for _, c := range slices.Sorted(maps.Keys(columns)) {
		v := "NULL"
		if c == column {
			v = isLast + value + " END"
		}
		query += ", (" + v + ")::" + columns[c] + " AS " + c
	}
	dir := filepath.Join(p.dir, name)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	query += fmt.Sprintf(" FROM range(%d) rows(r) ORDER BY r", plantedRows)
	if err := p.CopyParquet(t.Context(), name, query, filepath.Join(dir, "t.parquet")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// The demo's people at its three kinds of organisation, and besides the demo's
// own a publication in the hub, and a project whose releases still lie there:
// linking removes them.
func demoFolder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "demo")
	s := newSession(t, dir)
	s.must("demo", "--dir", dir, "--people", "15000", "--seed", "3")
	s.must("publish")
	key := func(whose, role string) string { return filepath.Join(dir, "keys", whose+"."+role) }
	datasets := []string{"primary-care", "slam", "maternity"}
	id := s.drafts(datasets, s.must("key", "show", "--public", key("applicant", "key")))
	for _, d := range datasets {
		s.must("approval", "sign", id, "--guardian", key(d, "guardian"))
	}
	for _, d := range datasets {
		s.must("release", "--approval", id, "--dataset", d, "--custodian", key(d, "custodian"))
	}
	return dir
}

// secrets is what must not be found.
type secrets struct {
	numbers   map[string]bool              // ten digits
	postcodes map[string]bool              // capitals, no space
	births    map[[16]byte]map[string]bool // by code: full dates, YYYY-MM-DD
	patterns  *patterns
}

// A peopleFile is a source table with a person in each row.
type peopleFile struct {
	dataset, site, folder, pattern string
	number, birth                  string                             // columns
	local                          func(row map[string]string) string // what an unusable number's code is made of; nil: there is none
}

// peopleFiles are where the demo's sources have numbers beside dates of birth.
func peopleFiles(t *testing.T, dir string) []peopleFile {
	t.Helper()
	practices, err := filepath.Glob(filepath.Join(dir, "borough", "primary-care", "*"))
	if err != nil || len(practices) == 0 {
		t.Fatal("no practices", err)
	}
	var files []peopleFile
	for _, practice := range practices {
		files = append(files, peopleFile{"primary-care", filepath.Base(practice), practice, "*Admin_Patient_*.csv", "NhsNumber", "DateOfBirth",
			func(row map[string]string) string { return row["OrganisationGuid"] + "/" + row["PatientGuid"] }})
	}
	slam, maternity := filepath.Join(dir, "borough", "slam"), filepath.Join(dir, "borough", "maternity")
	return append(files,
		peopleFile{"slam", "Z9S01", slam, "MHS001MPI_*.csv", "NHSNumber", "PersonBirthDate", func(row map[string]string) string { return "Z9S01/" + row["LocalPatientId"] }},
		peopleFile{"maternity", "Z9M01", maternity, "MSD001MotherDemog_*.csv", "NHSNumberMother", "PersonBirthDateMother", func(row map[string]string) string { return "Z9M01/" + row["LPIDMother"] }},
		peopleFile{"maternity", "Z9M01", maternity, "MSD401BabyDemographics_*.csv", "NHSNumberBaby", "PersonBirthDateBaby", nil})
}

// readSecrets reads the answer key and the sources, and works out with the
// demo's keys which codes each person has at each site, in the hub, and in
// every project.
func readSecrets(t *testing.T, dir string) *secrets {
	t.Helper()
	s := &secrets{numbers: map[string]bool{}, postcodes: map[string]bool{}, births: map[[16]byte]map[string]bool{}}
	for _, row := range readCSV(t, filepath.Join(dir, "borough", "truth", "people.csv")) {
		s.numbers[row["nhs_number"]] = true
	}
	keys := readKeys(t, dir)
	for _, f := range peopleFiles(t, dir) {
		for _, row := range readCSV(t, filepath.Join(f.folder, "postcodes.csv")) {
			s.postcodes[strings.ReplaceAll(row["pcds"], " ", "")] = true
		}
		s.read(t, f, keys)
	}
	return s
}

// demoKeys are what nobody holds together.
type demoKeys struct {
	dir        string
	unlock     pseudonym.Unlock
	custodians map[string]*pseudonym.CustodianKey
	projects   map[string][]*pseudonym.ProjectCoder // by dataset
}

func readKeys(t *testing.T, dir string) *demoKeys {
	t.Helper()
	k := &demoKeys{dir: filepath.Join(dir, "keys"), custodians: map[string]*pseudonym.CustodianKey{}, projects: map[string][]*pseudonym.ProjectCoder{}}
	k.unlock.Identities = []age.Identity{openTestKey[*pseudonym.IdentityKey](t, k, "identity").Identity()}
	for _, d := range []string{"primary-care", "slam", "maternity"} {
		k.custodians[d] = openTestKey[*pseudonym.CustodianKey](t, k, d+".custodian")
	}
	h, err := hub.Open(filepath.Join(dir, "hub"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := linkage.Open(h.LedgerDir(), h.Ledger)
	if err != nil {
		t.Fatal(err)
	}
	decisions, err := l.Decisions()
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range decisions.All() {
		for dataset, sealed := range d.ProjectKey.Sealed {
			raw, err := base64.StdEncoding.DecodeString(sealed)
			if err != nil {
				t.Fatal(err)
			}
			project, err := k.custodians[dataset].OpenProjectKey(raw, d.Approval.Hash())
			if err != nil {
				t.Fatal(err)
			}
			k.projects[dataset] = append(k.projects[dataset], pseudonym.NewProjectCoder(k.custodians[dataset].Wrap.Dataset(), project, d.Approval.Hash()))
		}
	}
	if len(k.projects["primary-care"]) != 3 || len(k.projects["slam"]) != 2 || len(k.projects["maternity"]) != 2 {
		t.Fatalf("projects by dataset: %d, %d, %d", len(k.projects["primary-care"]), len(k.projects["slam"]), len(k.projects["maternity"]))
	}
	return k
}

func openTestKey[K pseudonym.Key](t *testing.T, k *demoKeys, name string) K {
	t.Helper()
	key, err := pseudonym.Read[K](filepath.Join(k.dir, name), k.unlock)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// read: a person's row in an extract has the site code of the number or of the
// local id, in the hub the dataset code, in a project that project's.
func (s *secrets) read(t *testing.T, f peopleFile, keys *demoKeys) {
	t.Helper()
	key, custodian := openTestKey[*pseudonym.SiteKey](t, keys, f.site+".key"), keys.custodians[f.dataset]
	coder := pseudonym.NewCoder(key.Linkage, key.Wrap)
	rewrapper := pseudonym.NewRewrapper(custodian.Wrap.Site(key.Site), custodian.Wrap.Dataset())
	files, err := filepath.Glob(filepath.Join(f.folder, f.pattern))
	if err != nil || len(files) != 1 {
		t.Fatal("no file", f.pattern, err)
	}
	for _, row := range readCSV(t, files[0]) {
		if n := digits(row[f.number]); len(n) == 10 {
			s.numbers[n] = true
		}
		number, problem := pseudonym.ParseNHSNumber([]byte(row[f.number]), pseudonym.Test)
		if problem != pseudonym.OK && f.local == nil || len(row[f.birth]) < 10 {
			continue
		}
		var code [16]byte
		if problem == pseudonym.OK {
			code = coder.Code(number)
		} else {
			code = coder.Local([]byte(f.local(row)))
		}
		s.born(code, row[f.birth])
		s.born(rewrapper.Code(code), row[f.birth])
		for _, project := range keys.projects[f.dataset] {
			s.born(project.Code(rewrapper.Code(code)), row[f.birth])
		}
	}
}

func (s *secrets) born(code [16]byte, birth string) {
	if s.births[code] == nil {
		s.births[code] = map[string]bool{}
	}
	s.births[code][birth[:10]] = true
}

func readCSV(t *testing.T, path string) []map[string]string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, line := range lines[1:] {
		row := map[string]string{}
		for i, name := range lines[0] {
			row[name] = line[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func digits(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

// patterns are the secrets as they could be written down.
type patterns struct {
	words  map[string]string // whole words in lower case, and runs of digits → what they are
	binary map[string]string // the first 8 bytes of raw hashes → what they are
	base64 map[string]string // the middle of base64 texts, in each of the three alignments
}

// hashed is how many hex digits of a hash are compared: the first 16 bytes,
// which is how long a code is.
const hashed = 32

// Every organisation's own sources do hold these things: the search finds them
// there, in each kind.
func TestTheLeakTestSeesTheSources(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a borough")
	}
	dir := filepath.Join(t.TempDir(), "demo")
	newSession(t, dir).must("synth", "--out", filepath.Join(dir, "borough"), "--people", "300")
	s := &secrets{numbers: map[string]bool{}, postcodes: map[string]bool{}}
	for _, row := range readCSV(t, filepath.Join(dir, "borough", "truth", "people.csv")) {
		s.numbers[row["nhs_number"]] = true
	}
	for _, sources := range []string{filepath.Join("primary-care", "Z99001"), "slam", "maternity"} {
		t.Run(sources, func(t *testing.T) { s.findsIn(t, filepath.Join(dir, "borough", sources)) })
	}
}

func (s *secrets) findsIn(t *testing.T, sources string) {
	for _, row := range readCSV(t, filepath.Join(sources, "postcodes.csv")) {
		s.postcodes[strings.ReplaceAll(row["pcds"], " ", "")] = true
	}
	s.patterns = nil
	kinds := map[string]bool{}
	for _, leak := range s.search(t, sources).leaks {
		_, what, _ := strings.Cut(leak, " holds ")
		kinds[what] = true
	}
	if len(kinds) < 3 {
		t.Errorf("found in the sources: %v", slices.Sorted(maps.Keys(kinds)))
	}
}
