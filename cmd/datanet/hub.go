package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"datanet/linkage"
	"datanet/pipeline/disclose"
	"datanet/pipeline/hub"
	"datanet/pseudonym"
	"datanet/schemas"
)

func newHub(a *app) *cobra.Command {
	c := &cobra.Command{Use: "hub", Short: "make a hub, say whom it trusts, check it, and clear what has ended or left", Example: "  datanet hub init hub", Args: cobra.NoArgs}
	a.command(c, func(context.Context, []string) error { return c.Help() })
	c.AddCommand(newHubInit(a), newHubTrust(a), newHubStatus(a), newHubVerify(a), newHubSweep(a), newHubWithdraw(a), newHubRewrap(a))
	return c
}

func newHubInit(a *app) *cobra.Command {
	var name string
	c := a.command(&cobra.Command{
		Use: "init DIR", Short: "make a hub, and its own keys in DIR.keys",
		Long: `Makes an empty hub and founds its record of decisions with the disclosure policy.
The keys that sign publications and the record of decisions go to DIR.keys,
outside the hub: keep them apart from copies of it.`,
		Example: "  datanet hub init hub --name \"Lambeth DataNet\"", Args: cobra.ExactArgs(1),
	}, func(_ context.Context, args []string) error {
		h, err := a.initHub(args[0], name)
		if err != nil {
			return err
		}
		doc := map[string]string{"hub": h.Dir(), "id": h.ID, "publisher": h.Publisher, "ledger": h.Ledger, "keys": keysDir(h.Dir())}
		return a.say(doc, func(w io.Writer) {
			fmt.Fprintf(w, "%s\n  id         %s\n  publisher  %s\n  keys       %s\nNext: datanet hub trust --hub %s --dataset D --guardian VKEY --custodian PUBLIC\n", args[0], h.ID, h.Publisher, keysDir(args[0]), args[0])
		})
	})
	c.Flags().StringVar(&name, "name", "Population health hub", "what the hub is called")
	return c
}

// initHub makes the keys first: a hub never names a key that nobody holds.
func (a *app) initHub(dir, name string) (*hub.Hub, error) {
	if err := hubPlace(dir, name); err != nil {
		return nil, err
	}
	id := hub.NewID()
	publisher, err := pseudonym.NewPublisherKey(id, a.now())
	if err != nil {
		return nil, err
	}
	ledger, err := pseudonym.NewLedgerKey(id, a.now())
	if err != nil {
		return nil, err
	}
	to, err := a.recipients(nil)
	if err != nil {
		return nil, err
	}
	keys, err := newHubKeys(dir)
	if err != nil {
		return nil, err
	}
	defer keys.settle()
	if err := keys.write(ledger, publisher, to); err != nil {
		return nil, err
	}
	h, err := a.found(dir, hub.Hub{ID: id, Name: name, Publisher: publisher.Public(), Ledger: ledger.Public()}, ledger)
	keys.done = err == nil
	return h, err
}

// hubPlace refuses what cannot become a hub before a passphrase is asked for.
func hubPlace(dir, name string) error {
	if name == "" || utf8.RuneCountInString(name) > 200 || strings.ContainsFunc(name, unicode.IsControl) {
		return &useError{"--name is not a name", "1 to 200 characters on one line"}
	}
	if err := linkage.Impersonal("name", name); err != nil {
		return err
	}
	switch entries, err := os.ReadDir(dir); {
	case err == nil && len(entries) > 0 && isHub(dir):
		return &useError{"there is a hub in this folder already", "name a folder that does not exist yet"}
	case err == nil && len(entries) > 0:
		return &useError{"the folder is not empty", "name a folder that does not exist yet"}
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return &useError{"a hub cannot be made there", "name a folder that does not exist yet"}
	}
	if above, err := os.Stat(filepath.Dir(filepath.Clean(dir))); err != nil || !above.IsDir() {
		return &useError{"the folder above the hub is not there", "make it first"}
	}
	return nil
}

func isHub(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "hub.json"))
	return err == nil
}

func (a *app) found(dir string, h hub.Hub, key *pseudonym.LedgerKey) (*hub.Hub, error) {
	return hub.Init(dir, h, func(unfinished *hub.Hub) error {
		if err := linkage.Create(unfinished.LedgerDir(), linkage.Origin(h.ID), key.Signer, a.now()); err != nil {
			return err
		}
		l, err := linkage.Open(unfinished.LedgerDir(), h.Ledger)
		if err != nil {
			return err
		}
		policy := disclose.Lattice().String()
		for _, body := range []linkage.Body{
			linkage.HubRecord{Hub: h.ID, Name: h.Name, Ledger: h.Ledger, Publisher: h.Publisher},
			linkage.PolicyRecord{Policy: disclose.PolicyName, SHA256: schemas.Digest([]byte(policy)), Datasets: []string{"primary-care"}},
		} {
			if err := appendRecord(l, key, a.now(), body); err != nil {
				return err
			}
		}
		return nil
	})
}

func appendRecord(l *linkage.Ledger, key *pseudonym.LedgerKey, now time.Time, body linkage.Body) error {
	r, err := linkage.NewRecord(now, body)
	if err != nil {
		return err
	}
	_, err = l.Append(key.Signer, now, r)
	return err
}

// An openHub is a hub with its record of decisions, read and checked.
type openHub struct {
	*hub.Hub
	ledger    *linkage.Ledger
	decisions *linkage.Decisions
	trust     linkage.Trust

	decoded   []linkage.Body // what the records say, once somebody asked: see bodies
	decodedOf *linkage.Ledger
}

func (a *app) openHub() (*openHub, error) {
	if a.hub == "" {
		return nil, &useError{"no hub was named", "give --hub DIR, or set DATANET_HUB"}
	}
	h, err := hub.Open(a.hub)
	if err != nil {
		return nil, err
	}
	open := &openHub{Hub: h}
	return open, a.read(open)
}

// read takes in the record of decisions as it is now.
func (a *app) read(h *openHub) (err error) {
	h.ledger, err = a.remember(h.ID, func() (*linkage.Ledger, error) { return linkage.Open(h.LedgerDir(), h.Ledger) })
	if errors.Is(err, fs.ErrNotExist) { // no hub was ever without one
		return &integrityError{"the hub's record of decisions is gone", "put the folder ledger of the hub back from a copy"}
	}
	if err != nil {
		return err
	}
	if err := h.isFounded(); err != nil {
		return err
	}
	if h.decisions, err = h.ledger.Decisions(); err != nil {
		return err
	}
	h.trust = h.decisions.Trust()
	return nil
}

// isFounded holds hub.json, which nobody signs, to the first entry of the
// record of decisions: whose signature publications take stands in both.
func (h *openHub) isFounded() error {
	for _, r := range h.ledger.Records()[:min(1, h.ledger.Head().Size)] {
		body, err := r.Decode()
		if err != nil {
			return err
		}
		if founded, ok := body.(linkage.HubRecord); !ok || founded.Publisher != h.Publisher || founded.Name != h.Name {
			return &integrityError{"hub.json does not name the publisher and the hub as the record of decisions does", "put hub.json back from a copy"}
		}
	}
	return nil
}

// alone runs one thing at a time of those that change the hub and then record
// it, so that records stand in the order of what happened.
func (a *app) alone(dir string, run func() error) error {
	unlock, err := a.lock(filepath.Join(keysDir(dir), "lock"))
	if a.ctx.Err() != nil {
		return a.ctx.Err()
	}
	if err != nil {
		return &keyError{"the folder of the hub's keys cannot be used", "the hub's records are signed with ledger.key in " + keysDir(dir) + "; run this as the user who holds it"}
	}
	defer unlock()
	return run()
}

// lock waits for a lock file and holds it. An interrupted wait ends.
func (a *app) lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	for waited := false; ; waited = true {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil && a.ctx.Err() == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, unix.EWOULDBLOCK) && !errors.Is(err, unix.EINTR) {
			f.Close()
			return nil, cmp.Or(a.ctx.Err(), err)
		}
		if !waited {
			a.progress()("waiting for another command at this hub")
		}
		select {
		case <-a.ctx.Done():
			f.Close()
			return nil, a.ctx.Err()
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// remember reads the record of decisions, refuses one that does not extend the
// one seen last, and keeps its head for next time. One command at a time: a
// head that another one keeps meanwhile would look like records removed.
func (a *app) remember(hubID string, read func() (*linkage.Ledger, error)) (*linkage.Ledger, error) {
	home, err := a.home()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(home, "heads", hubID)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, cannotRemember(path)
	}
	unlock, err := a.lock(path + ".lock")
	if a.ctx.Err() != nil {
		return nil, a.ctx.Err()
	}
	if err != nil {
		return nil, cannotRemember(path)
	}
	defer unlock()
	l, err := read()
	if err != nil {
		return nil, err
	}
	seen, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return l, keep(path, l.SignedHead())
	}
	if err != nil {
		return nil, cannotRemember(path)
	}
	old, err := linkage.ParseHead(seen, l.Key())
	if err != nil {
		return nil, err
	}
	if err := extends(l, old); err != nil {
		return nil, err
	}
	if err := keep(path, l.SignedHead()); err != nil && a.watched() {
		fmt.Fprintf(a.err, "note: this state of the record of decisions is not remembered (is the disk full?); the one of %s still is\n", old.Time.Format(time.DateOnly))
	}
	return l, nil // what was remembered before still counts
}

// extends says whether a record of decisions extends the one of an older head.
// A copy in a file can honestly be an older one.
func extends(l *linkage.Ledger, old linkage.Head) error {
	if head := l.Head(); l.Carried() && head.Origin == old.Origin && head.Size < old.Size {
		return &integrityError{fmt.Sprintf("this copy of the record of decisions ends at entry %d, and one of %d entries, of %s, was seen here before", head.Size, old.Size, old.Time.Format(time.DateOnly)),
			"ask for a new copy: what was decided since, a revocation too, is not in this one"}
	}
	return l.CheckExtends(old)
}

func cannotRemember(path string) error {
	return &useError{"nothing can be remembered in " + filepath.Dir(path), "set DATANET_HOME to a folder that you may write, on a disk with room"}
}

// keep replaces a small file of the person's own.
func keep(path string, body []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return cannotRemember(path)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return cannotRemember(path)
	}
	defer os.Remove(f.Name())
	_, err = f.Write(body)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return cannotRemember(path)
	}
	return os.Rename(f.Name(), path)
}

// record appends to the record of decisions, and reads it again.
func (a *app) record(h *openHub, body linkage.Body) error {
	if err := a.add(h, body); err != nil {
		return err
	}
	return a.read(h)
}

// add appends to the record of decisions, with the ledger's key. That somebody ended
// the command it says only when nothing was recorded: record can say so later.
func (a *app) add(h *openHub, body linkage.Body) error {
	key, err := h.ledgerKey()
	if err != nil {
		return err
	}
	if a.ctx.Err() != nil { // somebody thought better of it while this waited
		return a.ctx.Err()
	}
	if err := appendRecord(h.ledger, key, a.now(), body); err != nil {
		return a.deny(h, body, err)
	}
	return nil
}

// recordDated is record for one that was made elsewhere, and has its own time.
func (a *app) recordDated(h *openHub, r linkage.Record) error {
	key, err := h.ledgerKey()
	if err != nil {
		return err
	}
	if a.ctx.Err() != nil {
		return a.ctx.Err()
	}
	if _, err := h.ledger.Append(key.Signer, a.now(), r); err != nil {
		if body, wrong := r.Decode(); wrong == nil {
			return a.deny(h, body, err)
		}
		return err
	}
	return a.read(h)
}

// deny records that a decision was refused, if it can be recorded; it stays
// refused if not.
func (a *app) deny(h *openHub, body linkage.Body, err error) error {
	denied := linkage.DeniedRecord{}
	switch b := body.(type) {
	case linkage.SignatureRecord:
		denied.Approval, denied.Action, denied.Dataset = b.Approval, linkage.ActionSign, b.Dataset
	case linkage.RefusalRecord:
		denied.Approval, denied.Action, denied.Dataset = b.Approval, linkage.ActionRefuse, b.Dataset
	case linkage.RevocationRecord:
		denied.Approval, denied.Action, denied.Dataset = b.Approval, linkage.ActionRevoke, b.Dataset
	case linkage.TrustRecord:
		denied.Action, denied.Dataset = linkage.ActionTrust, b.Dataset
	default: // of what is done under an approval, whoever does it says what was refused
		return err
	}
	return a.denyFor(h, denied, err)
}

// denyFor records what was refused, by the check that failed, and gives the
// refusal back. What failed otherwise was not refused.
func (a *app) denyFor(h *openHub, denied linkage.DeniedRecord, err error) error {
	denied.Check = checkOf(err)
	if denied.Check != "" && kindOf(a.ctx, err) == "governance" {
		a.denied(h, denied)
	}
	return err
}

func (a *app) denied(h *openHub, denied linkage.DeniedRecord) {
	if h.decisions.Of(denied.Approval) == nil {
		denied.Approval = ""
	}
	a.record(h, denied)
	h.Audit(hub.AuditEntry{Time: a.now(), What: string(denied.Action), On: cmp.Or(denied.Approval, denied.Dataset), Outcome: "refused: " + denied.Check})
}

// ledgerKey opens the key that records are signed with. What changes the hub
// opens it first: a change that cannot be recorded, or not be logged, must not be
// made.
func (h *openHub) ledgerKey() (*pseudonym.LedgerKey, error) {
	log, err := os.OpenFile(filepath.Join(h.Dir(), "audit", "log.jsonl"), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, &integrityError{"the hub's audit log cannot be written", "look at audit/log.jsonl in the hub: it is a plain file of the hub's user"}
	}
	log.Close()
	keys := keysDir(h.Dir())
	os.Remove(filepath.Join(keys, unfinished)) // left when making the hub was cut short at the very end
	return pseudonym.Read[*pseudonym.LedgerKey](filepath.Join(keys, "ledger.key"), pseudonym.Unlock{})
}

// holds says whether the record has a body already.
func (h *openHub) holds(same func(linkage.Body) bool) bool {
	return slices.ContainsFunc(h.bodies(), same)
}

// bodies are what the records say, the oldest first. They are decoded once:
// of 10,000 records that takes 40 ms, and a hub with many projects asks for each
// dataset of each of them.
func (h *openHub) bodies() []linkage.Body {
	records := h.ledger.Records()
	if h.decodedOf != h.ledger {
		h.decoded, h.decodedOf = make([]linkage.Body, 0, len(records)), h.ledger
	}
	for _, r := range records[len(h.decoded):] {
		body, _ := r.Decode() // each has been read strictly, so none is nil
		h.decoded = append(h.decoded, body)
	}
	return h.decoded
}
