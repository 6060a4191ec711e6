package pages

import (
	"bytes"
	"encoding/csv"
	"strings"
)

// harmless keeps a spreadsheet from taking a cell for a formula.
func harmless(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r'", rune(text[0])) {
		return "'" + text
	}
	return text
}

// csvOf writes rows, the first of them the head.
func csvOf(rows [][]string) ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	for _, cells := range rows {
		safe := make([]string, len(cells))
		for i, text := range cells {
			safe[i] = harmless(text)
		}
		if err := w.Write(safe); err != nil {
			return nil, err
		}
	}
	w.Flush()
	return out.Bytes(), w.Error()
}
