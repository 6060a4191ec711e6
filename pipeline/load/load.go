// Package load is the stage that a dataset's custodian runs. It takes an
// extract only when it is whole, untampered, signed by a trusted site, made
// under the right keys and newer than what is there; re-wraps its site codes to
// the dataset's codes; and makes it the site's current part of the dataset.
//
// Whatever is refused leaves the hub as it was.
package load

import (
	"context"
	"errors"
	"time"

	"datanet/pipeline/hub"
	"datanet/pseudonym"
)

// Options say who loads, into which hub, and whom the hub trusts.
type Options struct {
	Hub       *hub.Hub
	Custodian *pseudonym.CustodianKey
	Trusted   string            // the custodian's verifier key, as the hub's ledger has it
	Sites     map[string]string // the verifier keys of the dataset's sites
	Today     time.Time         // an extract from after tomorrow is refused
	Threads   int
	Memory    int64

	AcceptWithdrawals bool // also where a list takes out a large part of the dataset

	// Left says whether a site has withdrawn from the dataset; nil: none has.
	Left func(site string) bool
	// Last is the extract of a site that the record of decisions has last, since it last came; sequence 0: none.
	Last func(site string) (sequence int64, manifest string)
}

// A Result says what became of one extract.
type Result struct {
	Dataset  string   `json:"dataset"`
	Site     string   `json:"site"`
	AsAt     string   `json:"as_at"`
	Sequence int64    `json:"sequence"`
	Status   string   `json:"status"` // loaded or skipped
	Reason   string   `json:"reason,omitempty"`
	Notes    []string `json:"notes,omitempty"`

	Withdrawn int64  `json:"withdrawn,omitempty"` // codes that this extract withdraws, and none before it did: people, and padding
	Withdrew  bool   `json:"-"`                   // people were withdrawn by the extract that is there now
	Manifest  string `json:"-"`                   // sha256, for the record of decisions
	Persons   int64  `json:"-"`                   // as the manifest says: rounded
	StateHash string `json:"-"`
}

// Run loads the extract in a folder or in a file that is sealed to the
// custodian. Beside an error the result says at most which extract it claims to be.
func Run(ctx context.Context, path string, o Options) (*Result, error) {
	x, err := open(path, o)
	if err != nil {
		return nil, err
	}
	defer x.close()
	result := &Result{Dataset: x.manifest.Dataset, Site: x.manifest.Site, AsAt: x.manifest.AsAt,
		Sequence: x.manifest.Sequence, Manifest: x.digest, Persons: x.manifest.Persons}
	if err := x.verify(o); err != nil {
		return result, err
	}
	return result, x.load(ctx, o, result)
}

// mostTries bounds how often a load begins again because another one of the
// same dataset came first.
const mostTries = 5

func (x *extract) load(ctx context.Context, o Options, result *Result) error {
	for try := 1; ; try++ {
		err := x.once(ctx, o, result)
		if !errors.Is(err, errChanged) || try == mostTries {
			return err
		}
		if err := x.again(x.digest); err != nil {
			return err
		}
	}
}

// errChanged says that the dataset is not the one that was looked at.
var errChanged = errors.New("other extracts were loaded meanwhile: load this one again")

func (x *extract) once(ctx context.Context, o Options, result *Result) error {
	l, err := o.Hub.BeginLoad(x.manifest.Dataset)
	if err != nil {
		return err
	}
	defer l.Abort()
	if err := x.copyTo(ctx, l.Dir()); err != nil {
		return err
	}
	if skip, err := x.known(o, result); skip || err != nil {
		return err
	}
	if err := x.notOlder(o); err != nil {
		return err
	}
	staged, err := rewrap(ctx, o, x.manifest, l.Dir())
	if err != nil {
		return err
	}
	w, err := withdraw(ctx, o, x.manifest, l.Dir(), staged)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	in := x.incoming()
	in.Forget = w.newly > 0
	done, err := l.Commit(in, w.staged, w.rule, o.Custodian.Signer, o.Trusted)
	if err != nil {
		return err
	}
	result.finish(done)
	if done.Skip == "" {
		result.Withdrawn, result.Notes = w.newly, append(result.Notes, w.notes(x.manifest.Site)...)
	}
	return nil
}

func (r *Result) finish(done hub.Result) {
	r.Status, r.Reason, r.Notes, r.StateHash = "loaded", done.Skip, done.Notes, done.StateHash
	if done.Skip != "" {
		r.Status = "skipped"
	}
	member, _ := done.State.Member(r.Site)
	_, withdrew := member.File(hub.WithdrawnTable)
	r.Withdrew = withdrew && (done.Skip != "" || done.State.Forgets) // after a crash nobody knows which load it was
}

func (x *extract) incoming() hub.Incoming {
	return hub.Incoming{Site: x.manifest.Site, Sequence: x.manifest.Sequence, AsAt: x.manifest.AsAt, Persons: x.manifest.Persons,
		Manifest: x.digest, LinkageCheck: x.manifest.LinkageCheck, Policy: x.manifest.Policy, Withheld: x.manifest.Withheld}
}

// known asks the dataset's state before the rows are read, so that loading an
// extract again, or one that would be refused anyway, costs little. Its files
// have been checked by then: a damaged copy is refused, not skipped. Commit
// decides again, alone.
func (x *extract) known(o Options, result *Result) (bool, error) {
	s, err := o.Hub.Snapshot(x.manifest.Dataset, o.Trusted)
	var empty *hub.UseError
	if errors.As(err, &empty) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer s.Close()
	decision, err := hub.Decide(s.State, x.incoming())
	if err != nil || decision.Skip == "" {
		return false, err
	}
	result.finish(hub.Result{Decision: decision, State: s.State, StateHash: s.Hash})
	return true, nil
}
