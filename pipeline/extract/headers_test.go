package extract

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"datanet/schemas"
)

// TestHeaders binds the headers that EMIS's versions have.
func TestHeaders(t *testing.T) {
	format, err := schemas.FormatByName("emis")
	if err != nil {
		t.Fatal(err)
	}
	table(t, "testdata/emis-headers.txt", func(t *testing.T, input string) string {
		name, header, _ := strings.Cut(input, "\n")
		of, _, _ := format.ParseFileName(fileName(name))
		if of == nil {
			return "not read: the format does not know the table"
		}
		header = strings.NewReplacer("\n", "", ", ", ",").Replace(header)
		path := filepath.Join(t.TempDir(), "x.csv")
		if err := os.WriteFile(path, []byte(header+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		file, _, err := openFile(path, of, format, Refuse)
		if err != nil {
			return "refused: " + err.Error()
		}
		return bound(&source{format: format, relations: format.Filled(), tables: map[string][]*sourceFile{of.Name: {file}}}, file, of)
	})
}

// bound says what a header is bound to.
func bound(s *source, file *sourceFile, of *schemas.FormatTable) string {
	var read, text []string
	for name, r := range s.format.Relations {
		if r.Table != of.Name {
			continue
		}
		for field, f := range r.Fields {
			if _, ok := file.at[strings.ToLower(f.Column)]; ok {
				read = append(read, field)
			}
		}
		if missing := s.lacks(name, 0); len(missing) > 0 {
			return "refused: " + name + " lacks " + strings.Join(missing, ", ")
		}
	}
	for _, c := range of.Columns {
		if _, ok := file.at[strings.ToLower(c.Name)]; ok && c.Class == schemas.FreeText {
			text = append(text, c.Name)
		}
	}
	slices.Sort(read)
	says := "bound: " + strings.Join(read, " ")
	if len(read) == 0 {
		says = "known, and not read"
	}
	if len(text) > 0 {
		says += "\nfree text, not read: " + strings.Join(text, " ")
	}
	return says
}
