// Package schemas is the vocabulary of datanet: which datasets exist and what
// a row of each canonical table is, which source formats can be read and how
// each of their columns is classed, which code lists, wards and measures are
// known. Nothing outside it exists downstream.
//
// Everything here is data: JSON and CSV files beside this one, embedded in the
// binary, read once and checked. A file that does not hold is a programming
// error and panics at first use, in a test long before it reaches a user.
//
// The room leans on nothing else of datanet, so that any room may lean on it.
package schemas

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed datasets/*.json formats/*.json codelists/*.csv codelists/index.json geography/*.csv catalogue/*.json policies/*.json
var files embed.FS

// Version names the canonical tables' version. It is written into every
// manifest; a hub refuses an extract of another one.
const Version = "datanet/v1"

// UnknownError says that a name is not part of the vocabulary.
type UnknownError struct {
	What  string   // "dataset", "source format", "code list", …
	Name  string   // as asked; never a value from a source file
	Known []string // what there is
}

func (e *UnknownError) Error() string {
	return fmt.Sprintf("there is no %s %q", e.What, e.Name)
}

// Kind is the kind of failure, which decides the exit code.
func (e *UnknownError) Kind() string { return "use" }

// Hints names what there is.
func (e *UnknownError) Hints() []string {
	return []string{fmt.Sprintf("known: %s", strings.Join(e.Known, ", "))}
}

// read decodes one embedded JSON file strictly.
func read(name string, into any) {
	f, err := files.Open(name)
	if err != nil {
		panic("schemas: " + err.Error())
	}
	defer f.Close()
	d := json.NewDecoder(f)
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		panic("schemas: " + name + ": " + err.Error())
	}
}
