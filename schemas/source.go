package schemas

import (
	"embed"
	"encoding/json"
	"maps"
	"strings"
	"sync"
)

// A SourceRelation is what a dataset's rules read of a source: a relation and its
// fields. Every source format of the dataset fills these, and nothing else.
type SourceRelation struct {
	About  string                 `json:"about"`  // what one row is
	Needed bool                   `json:"needed"` // without it there is no extract
	Fields map[string]SourceField `json:"fields"`
}

// A SourceField is one field. One that is needed decides who and what may leave,
// or is what the relation is about: a format that cannot fill it from a column
// has to say so, with a constant value. One with a relation says which rows that
// relation speaks of: without it the relation's flags would stop nothing, so it is
// needed where that relation is.
type SourceField struct {
	Type   string `json:"type"`
	Needed bool   `json:"needed"`
	With   string `json:"with,omitempty"`
	About  string `json:"about"`
}

// Takes says whether a format's field of this type can fill the field.
func (f SourceField) Takes(kind string) bool {
	switch f.Type {
	case "key":
		return kind == "key" || kind == "guid"
	case "date":
		return kind == "date" || kind == "timestamp"
	}
	return kind == f.Type
}

//go:embed relations/*.json
var relationFiles embed.FS

var sourceRelations = sync.OnceValue(func() map[string]map[string]SourceRelation {
	all := map[string]map[string]SourceRelation{}
	entries, _ := relationFiles.ReadDir("relations")
	for _, e := range entries {
		b, _ := relationFiles.ReadFile("relations/" + e.Name())
		var of map[string]SourceRelation
		if err := json.Unmarshal(b, &of); err != nil {
			panic("schemas: " + e.Name() + ": " + err.Error())
		}
		all[strings.TrimSuffix(e.Name(), ".json")] = of
	}
	return all
})

// SourceRelations are the relations that a dataset's rules read, by name.
func SourceRelations(dataset string) map[string]SourceRelation { return sourceRelations()[dataset] }

// Filled are the format's relations with every field that the dataset's rules
// read: what the format does not fill has no column, and is empty.
func (f *Format) Filled() map[string]Relation {
	all := map[string]Relation{}
	for name, need := range SourceRelations(f.Dataset) {
		r, there := f.Relations[name]
		fields := map[string]Field{}
		for field, n := range need.Fields {
			fields[field] = Field{Type: n.Type, Optional: true}
		}
		maps.Copy(fields, r.Fields)
		r.Fields, r.Optional = fields, r.Optional || !there
		all[name] = r
	}
	return all
}
