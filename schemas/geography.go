package schemas

import (
	"encoding/csv"
	"strconv"
	"strings"
	"sync"
)

// Words that stand where a ward code would, for people who have none.
const (
	OutsideBorough = "outside"
	NoFixedAbode   = "no-fixed-abode"
	UnknownArea    = "unknown"
)

// IMDEdition names the index of multiple deprivation whose deciles LSOAs()
// carries. IMD 2019 was published for the LSOAs of 2011; the five LSOAs that
// were split in 2021 carry their parent's decile.
const IMDEdition = "IMD 2019 on LSOA 2021, split areas inherit"

// A Ward is one of Lambeth's 25 electoral wards of May 2022.
type Ward struct{ Code, Name string }

// An LSOA is a lower layer super output area of 2021 with its best-fit ward
// and national decile of deprivation (1 = most deprived).
type LSOA struct {
	Code, Ward string
	IMDDecile  int
}

var wards = sync.OnceValue(func() []Ward {
	var ws []Ward
	for _, row := range table("geography/wards.csv") {
		ws = append(ws, Ward{row[0], row[1]})
	}
	return ws
})

var lsoas = sync.OnceValue(func() []LSOA {
	var ls []LSOA
	for _, row := range table("geography/lsoas.csv") {
		decile, err := strconv.Atoi(row[2])
		if err != nil {
			panic("schemas: lsoas.csv: " + err.Error())
		}
		ls = append(ls, LSOA{row[0], row[1], decile})
	}
	return ls
})

// Wards lists the 25 wards by code. The slice must not be changed.
func Wards() []Ward { return wards() }

// LSOAs lists the borough's 181 areas by code. The slice must not be changed.
func LSOAs() []LSOA { return lsoas() }

// table reads an embedded CSV file without its header.
func table(name string) [][]string {
	b, err := files.ReadFile(name)
	if err != nil {
		panic("schemas: " + err.Error())
	}
	rows, err := csv.NewReader(strings.NewReader(string(b))).ReadAll()
	if err != nil {
		panic("schemas: " + name + ": " + err.Error())
	}
	return rows[1:]
}
