package schemas

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// check holds a format file to the rules that formats of datanet keep. Each
// fault names the line of the key that is wrong or that lacks something.
func (p *formatParser) check(f *Format) {
	p.checkHead(f)
	p.checkFileName(f)
	p.checkDates(f.Dates, "dates")
	p.checkTables(f)
	p.checkRelations(f)
}

// want adds a fault unless something holds.
func (p *formatParser) want(holds bool, path, rule string) {
	if !holds {
		p.fault(p.lineOf(path), path, rule)
	}
}

// lineOf is the line of a key, or of what it should stand in.
func (p *formatParser) lineOf(path string) int {
	for {
		if line := p.lines[path]; line > 0 || path == "" {
			return max(1, line)
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
}

var (
	formatName    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,39}$`)
	formatVersion = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z.-]{0,19}$`)
	plainTitle    = regexp.MustCompile(`^[\pL\pN][\pL\pN\pP\pS ]{0,199}$`)
	columnName    = regexp.MustCompile(`^[!-<>-~]([ -~]{0,198}[!-~])?$`)
)

var encodings = []string{"utf-8", "windows-1252"}

func (p *formatParser) checkHead(f *Format) {
	_, builtIn := formats()[f.Name]
	p.want(formatName.MatchString(f.Name), "name", "must be 2 to 40 small letters, digits or hyphens")
	p.want(!builtIn, "name", "a format of this name comes with datanet: choose another")
	p.want(formatVersion.MatchString(f.Version), "version", "must be 1 to 20 letters, digits, points or hyphens")
	p.want(plainTitle.MatchString(f.Title), "title", "must be a line that says whose export this is")
	p.want(slices.Contains(DatasetIDs(), f.Dataset), "dataset", "must be one of "+strings.Join(DatasetIDs(), ", "))
	p.want(slices.Contains(encodings, f.Encoding), "encoding", "must be one of "+strings.Join(encodings, ", "))
	p.want(slices.Contains([]string{"", ",", ";", "\t", "|"}, f.Delimiter), "delimiter", `must be one of "," ";" "|" "\t"`)
}

func (p *formatParser) checkFileName(f *Format) {
	const at = "file_name.pattern"
	var err error
	if f.fileName, err = regexp.Compile(f.FileName.Pattern); err != nil || f.FileName.Pattern == "" {
		p.want(false, at, "must be a regular expression of Go, such as ^(?P<table>[A-Za-z]+)\\.csv$")
		return
	}
	groups := f.fileName.SubexpNames()
	count := func(name string) (n int) {
		for _, g := range groups {
			if g == name {
				n++
			}
		}
		return n
	}
	p.want(strings.HasPrefix(f.FileName.Pattern, "^") && strings.HasSuffix(f.FileName.Pattern, "$"), at, "must begin with ^ and end with $, or it would find names within names")
	p.want(count("table") == 1, at, "must have one group (?P<table>…) that finds the table's name")
	p.want(count("stamp") <= 1 && count("order") <= 1 && count("agreement") <= 1 && count("part") <= 1, at, "must have a group once only")
	stamped := count("stamp") == 1
	p.want(stamped == (f.FileName.Stamp != ""), "file_name.stamp", "must stand there when the pattern has a group (?P<stamp>…), and only then")
	if stamped && f.FileName.Stamp != "" {
		p.want(wholeDay(f.FileName.Stamp), "file_name.stamp", "must be a form of Go's reference time with year, month and day, such as 20060102 or 20060102150405")
	}
}

// wholeDay says whether a layout keeps a day.
func wholeDay(layout string) bool {
	day := time.Date(1987, 11, 24, 0, 0, 0, 0, time.UTC)
	back, err := time.Parse(layout, day.Format(layout))
	return err == nil && back.Equal(day)
}

var dateForm = regexp.MustCompile(`^(?:%[YmdHMSfIpbB]|[-/., T:Z])+$`)

func (p *formatParser) checkDates(forms []string, path string) {
	p.want(len(forms) > 0, path, "must be a list of forms, such as [\"%Y-%m-%d\"]")
	for i, form := range forms {
		month := strings.Contains(form, "%m") || strings.Contains(form, "%b") || strings.Contains(form, "%B")
		p.want(dateForm.MatchString(form) && strings.Contains(form, "%Y") && month && strings.Contains(form, "%d"), fmt.Sprintf("%s[%d]", path, i),
			"must have %Y, %m (or %b, %B) and %d, with signs between, such as %d/%m/%Y; a time may follow: %H:%M:%S. Years of two digits are a guess")
	}
}

var classes = []Class{NHSNumberClass, Direct, Quasi, FreeText, Staff, Control, Clinical}

func (p *formatParser) checkTables(f *Format) {
	p.want(len(f.Tables) > 0, "tables", "must list the export's tables")
	names := map[string]bool{}
	for i, t := range f.Tables {
		path := fmt.Sprintf("tables[%d]", i)
		for _, name := range append([]string{t.Name}, t.Aliases...) {
			name = strings.ToLower(name)
			p.want(name != "" && !names[name], path+".name", "must be a name that no other table has")
			names[name] = true
		}
		p.want(len(t.Columns) > 0, path+".columns", "must list every column of the table, read or not")
		columns := map[string]bool{}
		for j, c := range t.Columns {
			at := fmt.Sprintf("%s.columns[%d]", path, j)
			for _, name := range append([]string{c.Name}, c.Aliases...) {
				p.want(columnName.MatchString(name), at+".name", "must be the name in the header, in plain letters, without blanks around it")
				p.want(!columns[strings.ToLower(name)], at+".name", "stands in this table twice")
				columns[strings.ToLower(name)] = true
			}
			p.want(slices.Contains(classes, c.Class), at+".class", "must be one of "+list(classes)+": what does the column hold?")
		}
	}
}

func list[T ~string](words []T) string {
	var all []string
	for _, w := range words {
		all = append(all, string(w))
	}
	return strings.Join(all, ", ")
}

func (p *formatParser) checkRelations(f *Format) {
	needs := SourceRelations(f.Dataset)
	if needs == nil {
		return // said with the dataset
	}
	names := slices.Sorted(maps.Keys(needs))
	for _, name := range slices.Sorted(maps.Keys(f.Relations)) {
		path := "relations." + keyName(name)
		need, known := needs[name]
		p.want(known, path, "the dataset "+f.Dataset+" has no such relation; it has "+strings.Join(names, ", "))
		if known {
			p.checkRelation(f, f.Relations[name], need, path)
		}
	}
	for _, name := range names {
		if _, there := f.Relations[name]; needs[name].Needed && !there {
			p.want(false, "relations", "lacks the relation "+name+": "+needs[name].About)
		}
	}
}

func (p *formatParser) checkRelation(f *Format, r Relation, need SourceRelation, path string) {
	table := f.TableByName(r.Table)
	p.want(table != nil && table.Name == r.Table, path+".table", "must be the name of one of the format's tables")
	p.want(!r.Filled || !r.Optional, path+".filled", "a relation that may be missing cannot be one that must have rows")
	p.want(!need.Needed || !r.Optional, path+".optional", "the dataset needs this relation")
	if r.Only != nil {
		p.checkOnly(table, r.Only, path+".only")
	}
	for _, name := range slices.Sorted(maps.Keys(r.Fields)) {
		at := path + ".fields." + keyName(name)
		n, known := need.Fields[name]
		p.want(known, at, "there is no such field; there are "+strings.Join(slices.Sorted(maps.Keys(need.Fields)), ", "))
		if known {
			p.checkField(table, r.Fields[name], name, n, at)
		}
		// a key that is called as a relation is joins that relation's own
		if own, there := f.Relations[name].Fields[name]; there && n.Type == "key" {
			p.want(r.Fields[name].Type == own.Type, at+".type", "must be "+own.Type+", as in the relation "+name+", or the two would never meet")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(need.Fields)) {
		_, with := f.Relations[need.Fields[name].With]
		if _, there := r.Fields[name]; (need.Fields[name].Needed || with) && !there {
			p.want(false, path+".fields", fmt.Sprintf("lacks the field %s (%s): %s. Where the source has no such column, say so with a value", name, need.Fields[name].Type, need.Fields[name].About))
		}
	}
	for _, name := range r.Key {
		_, there := r.Fields[name]
		p.want(there, path+".key", "must name fields of this relation")
	}
}

func (p *formatParser) checkOnly(table *FormatTable, only *Only, path string) {
	p.want(len(only.Words) > 0, path+".words", "must list the words of the rows that are taken")
	if table == nil {
		return
	}
	c := table.ColumnByName(only.Column)
	p.want(c != nil, path+".column", "must be a column that the table lists")
	p.want(c == nil || c.Class == Control || c.Class == Clinical, path+".column", "must be of the class control or clinical")
}

var filledTypes = map[string]string{"key": "key or guid", "date": "date or timestamp"}

func (p *formatParser) checkField(table *FormatTable, f Field, name string, need SourceField, path string) {
	kinds := filledTypes[need.Type]
	if kinds == "" {
		kinds = need.Type
	}
	p.want(need.Takes(f.Type), path+".type", "must be "+kinds)
	p.want((f.Column != "") != (f.Value != nil), path, "must have a column or a value, and not both")
	if f.Value != nil {
		p.want(name != "nhs_number", path+".value", "an NHS number comes from a column")
		p.want(len(f.Words) == 0 && len(f.Dates) == 0 && !f.Optional, path+".value", "stands alone: words, dates and optional are for columns")
		return
	}
	if f.Dates != nil {
		p.want(f.Type == "date", path+".dates", "is for fields of the type date")
		p.checkDates(f.Dates, path+".dates")
	}
	if f.Words != nil {
		p.want(slices.Contains([]string{"text", "flag", "yes"}, f.Type) && name != "nhs_number", path+".words", "is for fields of the types text, flag and yes")
		p.want(differ(f.Words), path+".words", "has one word twice, in two cases")
	}
	p.want(!need.Needed || !f.Optional, path+".optional", "the dataset needs this field")
	if table != nil && f.Column != "" {
		p.checkColumn(table.ColumnByName(f.Column), f, name, path+".column")
	}
}

func differ(words map[string]string) bool {
	seen := map[string]bool{}
	for w := range words {
		key := strings.ToLower(strings.TrimSpace(w))
		if seen[key] {
			return false
		}
		seen[key] = true
	}
	return true
}

// checkColumn keeps identifiers back: what a class may become.
func (p *formatParser) checkColumn(c *FormatColumn, f Field, name, path string) {
	if c == nil {
		p.want(false, path, "must be a column that the table lists")
		return
	}
	joins := f.Type == "key" || f.Type == "guid" || name == "sequence"
	p.want(c.Class != FreeText && c.Class != Staff, path, "is of the class "+string(c.Class)+", which is never read")
	p.want(c.Class != Direct || joins, path, "is of the class direct, which may only join: use it for a field of the type key, or class it as what it is")
	p.want((c.Class == NHSNumberClass) == (name == "nhs_number"), path, "the field nhs_number reads a column of the class nhs-number, and no other field does")
}
