package extract

import (
	"context"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
	"sync"

	"datanet/pipeline/engine"
)

// births are the birth dates of the people in an extract, as days since 1970:
// what may not stand in their own rows. Nearly every code has one.
type births struct {
	first map[[16]byte]int32
	more  map[[16]byte][]int32 // of codes with several
}

func newBirths() *births {
	return &births{first: map[[16]byte]int32{}, more: map[[16]byte][]int32{}}
}

func (b *births) add(code [16]byte, day int32) {
	if _, ok := b.first[code]; ok {
		b.more[code] = append(b.more[code], day)
		return
	}
	b.first[code] = day
}

// of appends a code's birth dates to days.
func (b *births) of(code [16]byte, days []int32) []int32 {
	if day, ok := b.first[code]; ok {
		days = append(days, day)
		if len(b.more) > 0 {
			days = append(days, b.more[code]...)
		}
	}
	return days
}

// readBirths takes the birth dates out of the database, in which the view born
// holds them.
func readBirths(ctx context.Context, e *engine.Engine) (*births, error) {
	b := newBirths()
	var mu sync.Mutex
	var fault error
	if err := e.RegisterVisit("visited", func(text string) {
		code, day, err := parseBirth(text)
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			fault = err
			return
		}
		b.add(code, day)
	}); err != nil {
		return nil, err
	}
	const query = "SELECT count(visited(code::VARCHAR || ' ' || (birth_date - DATE '1970-01-01'))) FROM born WHERE code IS NOT NULL"
	if _, err := e.Number(ctx, "visited birth dates", query); err != nil {
		return nil, err
	}
	return b, fault
}

// readCodes takes the distinct codes of a query out of the database.
func readCodes(ctx context.Context, e *engine.Engine, from string) ([][16]byte, error) {
	var all [][16]byte
	var mu sync.Mutex
	var fault error
	if err := e.RegisterVisit("visited", func(text string) {
		code, err := parseCode(text)
		mu.Lock()
		defer mu.Unlock()
		all, fault = append(all, code), errors.Join(fault, err)
	}); err != nil {
		return nil, err
	}
	query := "SELECT count(visited(code::VARCHAR)) FROM (SELECT DISTINCT code FROM " + from + ") WHERE code IS NOT NULL"
	if _, err := e.Number(ctx, "counting people", query); err != nil {
		return nil, err
	}
	return all, fault
}

// parseBirth reads a code, a blank and a number of days.
func parseBirth(text string) (code [16]byte, day int32, err error) {
	name, number, _ := strings.Cut(text, " ")
	if code, err = parseCode(name); err != nil {
		return code, 0, err
	}
	parsed, err := strconv.ParseInt(number, 10, 32)
	if err != nil {
		return code, 0, errors.New("visited birth dates: something that is no day") // not its text
	}
	return code, int32(parsed), nil
}

// parseCode reads a code as the database writes it, with its hyphens.
func parseCode(name string) (code [16]byte, err error) {
	var digits [32]byte
	n := 0
	for i := 0; i < len(name) && n < len(digits); i++ {
		if name[i] != '-' {
			digits[n] = name[i]
			n++
		}
	}
	if _, err := hex.Decode(code[:], digits[:n]); err != nil || n != len(digits) {
		return code, errors.New("reading codes: something that is none")
	}
	return code, nil
}
