package hub

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// The accepted forms of everything that becomes part of a path. None can hold a separator, begin with a dot, or be history.
var (
	idForm      = regexp.MustCompile(`^[0-9a-f]{32}$`)
	datasetForm = regexp.MustCompile(`^[a-z][a-z0-9-]{0,62}$`)
	tableForm   = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
	siteForm    = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,31}$`)
	suffixForm  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)
	sha256Form  = regexp.MustCompile(`^[0-9a-f]{64}$`)
	checkForm   = regexp.MustCompile(`^[0-9a-f]{16}$`)
	fileForm    = regexp.MustCompile(`^([1-9][0-9]{0,17})-[0-9a-f]{8}\.parquet$`)
)

const historyDir = "history"

// NewID draws the id of a new hub.
func NewID() string {
	return randomHex()
}

func randomHex() string {
	var id [16]byte
	rand.Read(id[:]) // never fails: it ends the program instead
	return hex.EncodeToString(id[:])
}

func isTable(name string) bool { return tableForm.MatchString(name) && name != historyDir }

func isDate(s string) bool {
	at, err := time.Parse(time.DateOnly, s)
	return err == nil && at.Format(time.DateOnly) == s
}

// tablePath is where a table's file lies below its dataset's folder: Hive-partitioned, so that DuckDB, Spark and
// pandas read the folder as it is; named by what it holds, so that a new file never takes the name of another.
func tablePath(table, site string, sequence int64, sha256 string) string {
	return path.Join(table, "site="+site, fmt.Sprintf("%d-%s.parquet", sequence, sha256[:8]))
}

// namedBy says whether a table file's name is that of bytes with this SHA-256.
func namedBy(name, sha256 string) bool { return strings.HasSuffix(name, "-"+sha256[:8]+".parquet") }

// fileSequence reads the sequence out of a table file's name.
func fileSequence(name string) (int64, bool) {
	parts := fileForm.FindStringSubmatch(name)
	if parts == nil {
		return 0, false
	}
	sequence, err := strconv.ParseInt(parts[1], 10, 64)
	return sequence, err == nil
}
