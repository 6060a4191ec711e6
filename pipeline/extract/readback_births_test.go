package extract

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"datanet/pipeline/engine"
	"datanet/schemas"
)

// Codes of a mother, her baby and the pregnancy, and of somebody else.
const (
	motherCode    = "a7f31c95-0be2-4d68-93c4-5e1d7fb20a86"
	babyCode      = "1d0c7be4-52f9-4a83-b6e7-0c95d41f3a28"
	pregnancyCode = "c4e8925b-7d13-4f60-8ab2-f91d06c37e54"
	otherCode     = "5b92e0d7-c83a-4164-9f0e-2a7bd518c6f3"
)

// birthRow is a row as the stage writes it. The mother was born on 1990-05-06,
// the baby on 2020-09-10, another baby of the pregnancy on 2020-09-11, and
// somebody else on 2019-01-02.
var birthRow = map[string]string{"person": uuid(motherCode), "baby": uuid(babyCode), "pregnancy": uuid(pregnancyCode), "birth_month": "'2020-09'",
	"gestation_weeks": "39::INTEGER", "birth_weight_g": "3450::DOUBLE", "outcome": "'live'", "method": "'0'"}

func uuid(code string) string { return "'" + code + "'::UUID" }

func TestReadBackBirths(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ column, sql, finds string }{
		"a harmless row":                       {"", "", ""},
		"the mother's birth date":              {"birth_month", "'1990-05-06'", ownBirth},
		"the baby's":                           {"birth_month", "'2020-09-10'", ownBirth},
		"the baby's, where it has no code":     {"birth_month", "'2020-09-11'", ownBirth},
		"the baby's, as a weight":              {"birth_weight_g", "20200910::DOUBLE", ownBirth},
		"the mother's, day first, as a method": {"method", "'06.05.1990'", ownBirth},
		"somebody else's":                      {"birth_month", "'2019-01-02'", ""},
		"a baby without a code":                {"baby", "NULL::UUID", ""},
		"a birth without a mother":             {"person", "NULL::UUID", "a row without a code"},
		"a birth without a pregnancy":          {"pregnancy", "NULL::UUID", "a row without a code"},
		"a number in place of the baby's code": {"baby", "'00000000-0000-0000-0000-000253b9a012'::UUID", "something that is no code"},
		"a number in place of the pregnancy's": {"pregnancy", "'39393930-3030-3030-3138-000000000000'::UUID", "something that is no code"},
		"a baby as text":                       {"baby", "'9990000018'", "another column or type than the schema's"},
		"an NHS number as an outcome":          {"outcome", "'9990000018'", "an NHS number"},
		"weeks that are no count":              {"gestation_weeks", "20200910::INTEGER", "a number that is no year"},
	} {
		t.Run(name, func(t *testing.T) {
			err := readBackOfBirths(t, c.column, c.sql)
			var leak *LeakError
			if found := errors.As(err, &leak); (c.finds != "") != found || (found && leak.Rule != c.finds) || (!found && err != nil) {
				t.Errorf("got %v, want %q", err, c.finds)
			}
		})
	}
}

// readBackOfBirths writes many rows of births, of which one in the middle has a
// column changed, and reads the file back.
func readBackOfBirths(t *testing.T, column, sql string) error {
	t.Helper()
	dataset, err := schemas.DatasetByID("maternity")
	if err != nil {
		t.Fatal(err)
	}
	table := dataset.TableByName("births")
	var columns []string
	for _, c := range table.Columns {
		cell := birthRow[c.Name]
		if c.Name == column && strings.Contains(sql, "'9990000018'") && c.Type == "code16" {
			cell = sql // a column of another type is one throughout
		} else if c.Name == column {
			cell = fmt.Sprintf("CASE WHEN i = 5000 THEN %s ELSE %s END", sql, cell)
		}
		columns = append(columns, cell+" AS "+c.SQL())
	}
	folder := t.TempDir()
	e, err := engine.Open(context.Background(), engine.Options{Threads: 1, Folders: []string{folder}})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	path := filepath.Join(folder, "births.parquet")
	if err := e.CopyParquet(context.Background(), "writing", "SELECT "+strings.Join(columns, ", ")+" FROM range(10000) r(i)", path); err != nil {
		t.Fatal(err)
	}
	births := newBirths()
	for code, day := range map[string]string{motherCode: "1990-05-06", babyCode: "2020-09-10", pregnancyCode: "2020-09-11", otherCode: "2019-01-02"} {
		for _, d := range daysIn([]byte(day)) {
			births.add(bytesOf(t, code), d)
		}
	}
	c := &check{table: table, births: births, test: true}
	return c.run(context.Background(), path, 2)
}

func bytesOf(t *testing.T, code string) [16]byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(code, "-", ""))
	if err != nil {
		t.Fatal(err)
	}
	return [16]byte(b)
}
