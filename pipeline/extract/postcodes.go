package extract

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// Column names of the lookup in the layouts of the ONS postcode directory and
// the national statistics postcode lookup.
var (
	postcodeColumns = []string{"pcds", "pcd7", "pcd8", "pcd", "pcd2", "postcode"}
	lsoaColumns     = []string{"lsoa21cd", "lsoa21"}
)

// lookupName is what messages call the postcode lookup.
const lookupName = "the postcode lookup"

// postcodesFile is the lookup beside the sources.
const postcodesFile = "postcodes.csv"

// openPostcodes finds the postcode lookup: the one asked for, or
// postcodes.csv beside the sources.
func openPostcodes(o Options) (*sourceFile, error) {
	if o.NoGeography {
		return nil, nil
	}
	path := o.Postcodes
	if path == "" {
		path = filepath.Join(o.Source, postcodesFile)
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if o.Postcodes != "" {
		// A lookup that several practices share may be a link; one that lies
		// in the export is not followed.
		if real, err := filepath.EvalSymlinks(path); err == nil {
			path = real
		}
	}
	if _, err := os.Stat(path); err != nil {
		return nil, &SourceError{Rule: "there is no postcode lookup, so nobody would have a ward",
			Hint: "give one with --postcodes FILE or DATANET_POSTCODES (ONSPD or NSPL layout), or go without with --no-geography"}
	}
	header, err := readHeader(path, ',', utf8Encoding)
	if errors.Is(err, errUnreadable) {
		return nil, cannotRead(lookupName)
	} else if err != nil {
		return nil, &SourceError{Table: lookupName, Row: 1, Rule: err.Error()}
	}
	file := &sourceFile{path: path, columns: len(header), at: map[string]int{}, comma: ','}
	for name, words := range map[string][]string{"postcode": postcodeColumns, "lsoa": lsoaColumns} {
		at, twice := position(header, words)
		if twice {
			return nil, &SourceError{Table: lookupName, Row: 1, Rule: "has a column for the " + name + " twice"}
		}
		if at < 0 {
			return nil, &SourceError{Table: lookupName, Row: 1, Rule: "lacks a column for the " + name,
				Hint: "one of: " + strings.Join(words, ", ")}
		}
		file.at[name] = at
	}
	return file, nil
}

// position finds the column of the first word that the header has. Which of two
// of one name holds the area would be a guess.
func position(header, words []string) (at int, twice bool) {
	at = -1
	for _, w := range words {
		for i, h := range header {
			if !strings.EqualFold(h, w) || !ascii(h) {
				continue
			}
			if at >= 0 {
				return at, true
			}
			at = i
		}
		if at >= 0 {
			break
		}
	}
	return at, false
}
