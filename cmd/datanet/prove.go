package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"datanet/linkage"
)

// Evidence is a folder that shows, without the record of decisions, that what
// was decided about an approval stands in it: each record as N.json with its
// proof as N.tlog-proof (C2SP), and the hub's key for it.
const (
	proofKey  = "ledger.vkey"
	proofName = ".tlog-proof"
	mostProof = 1 << 16
)

func newApprovalProve(a *app) *cobra.Command {
	var out string
	c := a.command(&cobra.Command{
		Use: "prove ID --out DIR", Short: "write proofs that what was decided stands in the record of decisions",
		Long: `Writes every decision about an approval, each with a proof that it stands at its place
in the hub's record of decisions, signed by the hub. Whoever has the folder can check
that with datanet approval verify DIR, or with any tool for C2SP tlog-proofs, and needs
neither the hub nor the whole record. A Guardian who has sent an answer can ask for it
as a receipt.`,
		Example: "  datanet approval prove 2026-001 --out 2026-001.proofs --hub hub", Args: cobra.ExactArgs(1),
	}, func(_ context.Context, args []string) error { return a.runProve(args[0], out) })
	c.ValidArgsFunction = a.completeApproval
	c.Flags().StringVar(&out, "out", "", "folder to make")
	c.MarkFlagRequired("out")
	return c
}

func (a *app) runProve(id, out string) error {
	c, err := a.consult(id)
	if err != nil {
		return err
	}
	files := map[string][]byte{proofKey: []byte(c.ledger.Key() + "\n")}
	for n, record := range c.ledger.Records() {
		body, err := record.Decode()
		if err != nil || linkage.ApprovalOf(body) != c.id {
			continue
		}
		line, err := record.Line()
		if err != nil {
			return err
		}
		proof, err := c.ledger.Prove(int64(n))
		if err != nil {
			return err
		}
		files[fmt.Sprintf("%d.json", n)], files[fmt.Sprintf("%d%s", n, proofName)] = line, proof.Text()
	}
	if err := writeFolder(out, files); err != nil {
		return err
	}
	proved := (len(files) - 1) / 2
	return a.say(map[string]any{"id": c.id, "out": out, "records": proved}, func(w io.Writer) {
		fmt.Fprintf(w, "%s: %d proofs about %s\nWhoever gets it checks it with: datanet approval verify %s\n", out, proved, c.id, out)
	})
}

// isEvidence says whether a folder is one that runProve makes.
func isEvidence(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, proofKey))
	return err == nil
}

// A provenRecord is an entry that a proof shows to stand in the record of
// decisions.
type provenRecord struct {
	Record   int64        `json:"record"`
	Kind     linkage.Kind `json:"kind"`
	Dataset  string       `json:"dataset,omitempty"`
	Approval string       `json:"approval"`
	Time     string       `json:"time"`
}

// words say what an entry is, for somebody who waits for it.
func (r provenRecord) words() string {
	what := map[linkage.Kind]string{
		linkage.KindApproval: "request %s was drafted", linkage.KindSignature: "request %s was signed", linkage.KindRefusal: "request %s was refused",
		linkage.KindRevocation: "approval %s was revoked", linkage.KindProjectKey: "the project key of approval %s was made", linkage.KindRelease: "data were released under approval %s",
		linkage.KindLink: "data were joined under approval %s", linkage.KindPublication: "counts were published under approval %s",
		linkage.KindDenied: "something that was asked for under %s was not allowed", linkage.KindRemoval: "what was made under approval %s was removed",
	}[r.Kind]
	said := fmt.Sprintf(what, r.Approval)
	if r.Dataset != "" {
		said += ", for " + r.Dataset
	}
	return said
}

// verifyEvidence checks every proof of a folder.
func (a *app) verifyEvidence(dir string) error {
	key, err := readPlain(filepath.Join(dir, proofKey), 4<<10)
	if err != nil {
		return &useError{"the folder's key cannot be read", "it is a folder that datanet approval prove makes"}
	}
	vkey := strings.TrimSuffix(string(key), "\n")
	names, err := filepath.Glob(filepath.Join(dir, "*"+proofName))
	if err != nil || len(names) == 0 {
		return &integrityError{"the folder holds no proof", "get it again from where it came"}
	}
	var proven []provenRecord
	var newest linkage.Head
	for _, name := range names {
		r, head, err := proofIn(name, vkey)
		if err != nil {
			return err
		}
		if len(proven) > 0 && head.Origin != newest.Origin {
			return &integrityError{"the folder holds proofs of more than one hub", "get it again from where it came"}
		}
		if proven = append(proven, r); head.Size >= newest.Size {
			newest = head
		}
	}
	if err := a.knownKey(newest, vkey); err != nil {
		return err
	}
	slices.SortFunc(proven, func(a, b provenRecord) int { return int(a.Record - b.Record) })
	document := map[string]any{"key": vkey, "records": proven, "of": newest.Size, "time": newest.Time}
	return a.say(document, func(w io.Writer) {
		fmt.Fprintf(w, "Proven to stand in the record of decisions (%d) of the hub with the key\n  %s\nCompare the key with the hub's people. What the record says besides is not in it.\n", len(proven), vkey)
		for _, r := range proven {
			fmt.Fprintf(w, "  entry %d, %s: %s\n", r.Record, r.Time, r.words())
		}
	})
}

// proofIn checks one proof and the record beside it.
func proofIn(name, vkey string) (provenRecord, linkage.Head, error) {
	var none provenRecord
	raw, err := readPlain(name, mostProof)
	line, wrong := readPlain(strings.TrimSuffix(name, proofName)+".json", 1<<20)
	if err != nil || wrong != nil {
		return none, linkage.Head{}, &integrityError{"a proof and its record do not stand together", "get the folder again from where it came"}
	}
	proof, err := linkage.ParseProof(raw)
	if err != nil {
		return none, linkage.Head{}, err
	}
	head, err := proof.Check(line, vkey)
	if err != nil {
		return none, linkage.Head{}, err
	}
	record, err := linkage.ParseRecord(line)
	if err != nil {
		return none, linkage.Head{}, err
	}
	body, err := record.Decode()
	if err != nil {
		return none, linkage.Head{}, err
	}
	if filepath.Base(name) != strconv.FormatInt(proof.Record, 10)+proofName {
		return none, linkage.Head{}, &integrityError{"a proof has another entry's name", "get the folder again from where it came"}
	}
	return provenRecord{proof.Record, record.Kind, linkage.DatasetOf(body), linkage.ApprovalOf(body), record.Time.Format("2006-01-02 15:04:05")}, head, nil
}

// knownKey holds the key of some evidence against the head that this tool
// remembers of the hub, if it has met it.
func (a *app) knownKey(head linkage.Head, vkey string) error {
	home, err := a.home()
	if err != nil {
		return err
	}
	seen, err := os.ReadFile(filepath.Join(home, "heads", strings.TrimPrefix(head.Origin, linkage.Origin(""))))
	if err != nil {
		return nil // a hub that was never met
	}
	_, err = linkage.ParseHead(seen, vkey)
	return err
}

// writeFolder makes a folder with these files, whole or not at all.
func writeFolder(dir string, files map[string][]byte) error {
	if _, err := os.Lstat(dir); err == nil {
		return &useError{dir + " is there already", "give another name, or move it away: nothing is written over"}
	}
	staging, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".new-")
	if err != nil {
		return &useError{dir + " cannot be made", "name a folder in one that is there and that you may write to"}
	}
	defer os.RemoveAll(staging)
	for name, body := range files {
		if err := writeNew(filepath.Join(staging, name), bytes.Clone(body)); err != nil {
			return err
		}
	}
	return os.Rename(staging, dir)
}
