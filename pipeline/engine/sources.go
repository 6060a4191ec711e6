package engine

import (
	"fmt"
	"strings"
)

// Literal writes text as a SQL string.
func Literal(text string) string {
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// one writes a path as a pattern that matches itself alone: DuckDB would read
// every folder that a folder called a* could mean.
func one(path string) string {
	return Literal(strings.NewReplacer("[", "[[]", "*", "[*]", "?", "[?]").Replace(path))
}

// MaxLine is the longest CSV row that is read, in bytes.
const MaxLine = 2 << 20

// ReadCSV is the SQL that reads a CSV file as text. The columns are called c0,
// c1, …, in the file's order: the caller has read the header and knows which
// is which, and a hostile header never becomes a name. Every row must have
// exactly that many fields. Nothing is guessed: a folder called c0=7 would
// otherwise fill the first column.
func ReadCSV(path string, columns int) string { return ReadSeparated(path, columns, ',', true) }

// ReadCSVInTurn is ReadCSV from the first row to the last, by one thread, for
// files in which quoted fields go over line ends: DuckDB's threads begin at a
// line's end each, and where such lines look like rows one finds no beginning.
func ReadCSVInTurn(path string, columns int) string { return ReadSeparated(path, columns, ',', false) }

// ReadSeparated is the same for a file with another sign between its cells.
func ReadSeparated(path string, columns int, comma byte, parallel bool) string {
	names := make([]string, columns)
	for i := range names {
		names[i] = fmt.Sprintf("'c%d': 'VARCHAR'", i)
	}
	return fmt.Sprintf("read_csv(%s, auto_detect = false, header = true, delim = %s, quote = '\"', escape = '\"', "+
		"strict_mode = true, null_padding = false, hive_partitioning = false, compression = 'none', "+
		"max_line_size = %d, parallel = %t, columns = {%s})",
		one(path), Literal(string(rune(comma))), MaxLine, parallel, strings.Join(names, ", "))
}

// ReadParquet is the SQL that reads Parquet files of one schema.
func ReadParquet(paths ...string) string {
	quoted := make([]string, len(paths))
	for i, p := range paths {
		quoted[i] = one(p)
	}
	return "read_parquet([" + strings.Join(quoted, ", ") + "], hive_partitioning = false)"
}
