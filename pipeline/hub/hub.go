// Package hub is the hub's folder: where things lie, how they change, and who may touch them at once.
//
// # Promise
//
// Whatever happens in between (a kill, a full disk, an I/O error), every dataset afterwards has its old state or its new one, a publication is whole
// or not there, and the next call needs no repair by hand. A reader that holds a Snapshot never sees
// half a load. Several processes may load, read and publish at once.
//
// # Folder
//
//	hub.json                                     id, name, publisher's and ledger's verifier keys
//	datasets/D/state                             the dataset's current state, signed by its custodian
//	datasets/D/state.next                        while another custodian takes over: see Re-wrapping
//	datasets/D/TABLE/site=S/SEQUENCE-SHA8.parquet    the files that the state names
//	datasets/D/history/TABLE/site=S/…            files that earlier states named; none from before people were withdrawn
//	datasets/D/withdrawn/site=S/…                codes of people whom a site withdrew: their rows are nowhere in the dataset
//	datasets/D/lock                              shared by readers, held by the one committing load
//	datasets/D/.staging/                         loads that are being written
//	ledger/                                      the record of decisions (package linkage)
//	projects/ID/releases/D/                      a dataset's release to an approved project, until it is linked
//	projects/ID/linked/                          the project's linked tables
//	projects/ID/lock                             held by the one release, link or removal at work
//	projects/ID/.staging/                        what is being written, or was taken away and not yet removed
//	publications/AS-AT[-SUFFIX]/                 frozen publications
//	audit/log.jsonl                              one line per load, publication and request
//	audit/risk-ID.json                           what the attack on a publication found; from exact counts, it stays here
//
// Folders are made with mode 0700 and files with 0600; the hub's secret keys lie outside, in a folder that the hub's
// maker chooses. Tools that read a table's folder directly take no lock, and can see a load's old and new files together for a moment.
//
// # State
//
// A state is a note (golang.org/x/mod/sumdb/note) with exactly one signature, the custodian's, over indented JSON in one accepted spelling
// (State has the fields; Example prints one). Members are sorted by site, files by path, and a
// path is always the one that follows from table, site, sequence and hash: a state cannot name a file elsewhere. Previous is
// the SHA-256 of the state file before; Generation counts them. Generation 0 has no members and is written before the first load,
// so that a missing state is never mistaken for a new dataset. Change says what made the state, for whoever has to record it after a crash.
//
// # Load
//
// A load writes into its staging folder, then, alone: reads the state, tidies what a crashed load left, asks the rule
// whether this extract may be loaded, moves the files into place, replaces the state, and moves the replaced files to
// history. The state's replacement is the instant of change. Tidying: a table file that no state names is moved to history if the
// site's member has a later sequence, and is otherwise the leftover of a load that did not happen, and is removed.
//
// A load that withdraws people brings new files for other sites too, under their old sequences, and a state that says that it
// forgets: then tidying removes what it would have moved to history, and all of history.
//
// A site that leaves goes by a state without it: then tidying removes its files, those of history too. History holds nothing of a
// site that is no member.
//
// # Re-wrapping
//
// When another custodian takes over, every file is written again under other codes, beside the old ones, history into history.next,
// and state.next names them, signed with the new key. The instant of change is not here: it is the record that makes the new key the
// trusted one. Until then state is in force, and the next writer removes what was put beside it. From then on state is signed
// by nobody who is trusted, state.next is in force, and the next writer puts history.next and then state.next in their places.
//
// # Project
//
// A release and linked tables are folders of plain files of which one, release.json or linked.json, names the others with
// their hashes and may lie beside nothing else. Each is written in staging, synced, recorded by the caller, and then gets
// its name by one rename: what stands anywhere has been recorded, and it stands whole or not at all. It goes the same way
// back: first out of its place, then off the disk. Nothing follows a link on that way: one that stands in the place of a folder
// is refused where something is written or read, and is itself what is removed.
//
// # What is not protected
//
// A state is evidence of what its custodian signed, not of being the newest: who can write to the folder can put
// back an older state with its files. The record of decisions names every state's hash for that. Nothing here is encrypted.
package hub

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unicode"

	"golang.org/x/mod/sumdb/note"
)

const (
	hubSchema = "datanet/v1/hub"
	hubFile   = "hub.json"
	maxFile   = 1 << 26 // of hub.json or a state: far above any hub's
)

// A Hub is a hub's folder, and what its hub.json says.
type Hub struct {
	Schema    string `json:"schema"` // filled in by Init
	ID        string `json:"id"`     // of NewID
	Name      string `json:"name"`
	Publisher string `json:"publisher"` // verifier key of publications
	Ledger    string `json:"ledger"`    // verifier key of the record of decisions

	dir  string
	step func(step string) error // test hook, asked before each step
}

// Open reads a hub's description. It changes nothing.
func Open(dir string) (*Hub, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("opening hub: %w", err)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, notHub(err)
	}
	defer root.Close()
	raw, err := readPlain(root, hubFile)
	if errors.Is(err, os.ErrNotExist) {
		return nil, notHub(err)
	}
	if err != nil {
		return nil, err
	}
	h, ok := unmarshal[Hub](raw)
	if !ok || h.Schema != hubSchema || h.check() != nil {
		return nil, &IntegrityError{reason: hubFile + ": not in the form of a hub's description", hints: []string{"restore it from a copy; it never changes after hub init"}}
	}
	h.dir = dir
	return &h, nil
}

func notHub(cause error) *UseError {
	return misuse(cause, "there is no hub in this folder", "name the folder that hub init made, with --hub or DATANET_HUB")
}

func (h *Hub) check() error {
	_, errPublisher := note.NewVerifier(h.Publisher)
	_, errLedger := note.NewVerifier(h.Ledger)
	switch {
	case !idForm.MatchString(h.ID):
		return errors.New("a hub's id is 32 hex digits")
	case !isTitle(h.Name):
		return errors.New("a hub's name is 1 to 200 printable characters")
	case errPublisher != nil:
		return errors.New("the publisher's key is not a verifier key")
	case errLedger != nil:
		return errors.New("the ledger's key is not a verifier key")
	}
	return nil
}

func isTitle(s string) bool {
	for _, r := range s {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return s != "" && len([]rune(s)) <= 200
}

// Dir is the hub's folder, as an absolute path.
func (h *Hub) Dir() string { return h.dir }

// LedgerDir is where the record of decisions lies.
func (h *Hub) LedgerDir() string { return filepath.Join(h.dir, "ledger") }

// ProjectsDir is where releases and linked tables lie.
func (h *Hub) ProjectsDir() string { return filepath.Join(h.dir, "projects") }

// Datasets are the names of the datasets that have been loaded into or tried, sorted.
func (h *Hub) Datasets() ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(h.dir, "datasets"))
	if err != nil {
		return nil, fmt.Errorf("listing datasets: %w", err)
	}
	var names []string
	for _, entry := range entries {
		if entry.IsDir() && datasetForm.MatchString(entry.Name()) {
			names = append(names, entry.Name())
		}
	}
	return names, nil
}

func (h *Hub) datasetDir(dataset string) (string, error) {
	if !datasetForm.MatchString(dataset) {
		return "", misuse(nil, "not a dataset's name", "a dataset's name is lower-case letters, digits and hyphens")
	}
	return filepath.Join(h.dir, "datasets", dataset), nil
}

func (h *Hub) before(step string) error {
	if h.step == nil {
		return nil
	}
	return h.step(step)
}
