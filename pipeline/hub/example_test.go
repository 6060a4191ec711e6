package hub_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"datanet/pipeline/hub"
)

// Keys of an example are not secret: anybody can read them here.
const (
	exampleKey  = "PRIVATE+KEY+ledger+a792bb21+AcPBZkuk+8kKv9SBK7NnDdrYlWLs75LIxRLicSveeOEl"
	exampleVKey = "ledger+a792bb21+AThYmc5clq8Spk7E6DIQKvRyoMhdEnfhVleE2j3mJNtB"
)

// One site's extract becomes a dataset.
func Example() {
	dir, err := os.MkdirTemp("", "hub")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	custodian, err := note.NewSigner(exampleKey)
	if err != nil {
		panic(err)
	}
	h, err := hub.Init(filepath.Join(dir, "hub"), hub.Hub{ID: hub.NewID(), Name: "Lambeth", Publisher: exampleVKey, Ledger: exampleVKey}, nil)
	if err != nil {
		panic(err)
	}
	load, err := h.BeginLoad("primary-care")
	if err != nil {
		panic(err)
	}
	defer load.Abort()
	if err := os.WriteFile(filepath.Join(load.Dir(), "patients"), []byte("PAR1"), 0o600); err != nil {
		panic(err)
	}
	in := hub.Incoming{Site: "Z99001", Sequence: 1, AsAt: "2026-10-31", Manifest: strings.Repeat("ab", 32), LinkageCheck: "1111111111111111"}
	if _, err := load.Commit(in, []hub.Staged{{Name: "patients", Table: "patients", Rows: 0}}, hub.Decide, custodian, exampleVKey); err != nil {
		panic(err)
	}
	state, err := os.ReadFile(filepath.Join(h.Dir(), "datasets", "primary-care", "state"))
	if err != nil {
		panic(err)
	}
	fmt.Print(string(state))
	// Output:
	// {
	//   "schema": "datanet/v1/state",
	//   "dataset": "primary-care",
	//   "linkage_check": "1111111111111111",
	//   "generation": 1,
	//   "previous": "0a12b70cb983b81ef681aafabc3bd3a98745de8695fee46dacb436c92103888e",
	//   "change": {
	//     "what": "load",
	//     "site": "Z99001"
	//   },
	//   "members": [
	//     {
	//       "site": "Z99001",
	//       "sequence": 1,
	//       "as_at": "2026-10-31",
	//       "manifest_sha256": "abababababababababababababababababababababababababababababababab",
	//       "files": [
	//         {
	//           "table": "patients",
	//           "path": "patients/site=Z99001/1-fbc62d3b.parquet",
	//           "rows": 0,
	//           "sha256": "fbc62d3b511368ee275ddc74117d8689b430e1427220e25d30816201d89ca7b6",
	//           "bytes": 4
	//         }
	//       ]
	//     }
	//   ]
	// }
	//
	// — ledger p5K7IQLsfpMXqTOiiO1OWDozSZL0/YYzPPvwueePEWUeob3EjqK5r0P/sf8C5K3F9cF6jOT06EXD36mn54e3VNx37QE=
}
