package synth

import (
	"embed"
	"encoding/csv"
	"strconv"
)

//go:embed parameters/*.csv parameters/*.json
var parameterFiles embed.FS

// A table is one of the embedded parameter files. One that does not hold is a
// programming error and panics at first use.
type table struct {
	name    string
	columns map[string]int
	rows    [][]string
}

func readTable(name string) table {
	f, err := parameterFiles.Open("parameters/" + name)
	if err != nil {
		panic("synth: " + err.Error())
	}
	defer f.Close()
	r := csv.NewReader(f)
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		panic("synth: " + name + ": " + err.Error())
	}
	t := table{name, map[string]int{}, rows[1:]}
	for i, column := range rows[0] {
		t.columns[column] = i
	}
	return t
}

func (t table) text(row int, column string) string {
	i, ok := t.columns[column]
	if !ok {
		panic("synth: " + t.name + ": no column " + column)
	}
	return t.rows[row][i]
}

func (t table) number(row int, column string) float64 {
	v, err := strconv.ParseFloat(t.text(row, column), 64)
	if err != nil {
		panic("synth: " + t.name + ": " + err.Error())
	}
	return v
}

func (t table) whole(row int, column string) int { return int(t.number(row, column)) }

// numbers is a row's figures from the column on.
func (t table) numbers(row int, from string) []float64 {
	var vs []float64
	for _, cell := range t.rows[row][t.columns[from]:] {
		v, err := strconv.ParseFloat(cell, 64)
		if err != nil {
			panic("synth: " + t.name + ": " + err.Error())
		}
		vs = append(vs, v)
	}
	return vs
}

// find is the row whose first cell is key.
func (t table) find(key string) int {
	for i, row := range t.rows {
		if row[0] == key {
			return i
		}
	}
	panic("synth: " + t.name + ": no row " + key)
}
