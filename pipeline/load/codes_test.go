package load

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"datanet/pipeline/hub"
	"datanet/pseudonym"
	"datanet/schemas"
)

// handover is from the custodian of a world to another one, in the world's hub as options have it.
func handover(t *testing.T, o Options) Handover {
	t.Helper()
	to, err := pseudonym.NewCustodianKey(o.Custodian.Dataset, made)
	if err != nil {
		t.Fatal(err)
	}
	_, hash, err := o.Hub.State(o.Custodian.Dataset, o.Trusted)
	if err != nil {
		t.Fatal(err)
	}
	return Handover{Hub: o.Hub, From: o.Custodian, To: to, Trusted: o.Trusted, Recorded: hash, Threads: 2, Record: func(string, string) error { return nil }}
}

// content is every row of a dataset, by table and file, codes as change makes them: of its state and of its history.
func content(t *testing.T, o Options, vkey string, change func(string) string) map[string][]string {
	t.Helper()
	d, err := schemas.DatasetByID(o.Custodian.Dataset)
	if err != nil {
		t.Fatal(err)
	}
	s, err := o.Hub.Snapshot(d.ID, vkey)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	names, err := s.Files()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for _, name := range names {
		path, err := s.VerifiedPath(name)
		if err != nil {
			t.Fatal(err)
		}
		where, _, _ := strings.Cut(name, "-")
		all[where] = rows(t, tableOf(d, name), change, path)
	}
	return all
}

func same(code string) string { return code }

// TestRewrapDataset: every code of every file, of history and of the lists of withdrawn people is the one that it was, under
// the new key; nothing else changes; and the next extracts, made under the new custodian's wrap keys, find the same people.
func TestRewrapDataset(t *testing.T) {
	w := shared
	o := w.hub(t)
	code, _ := w.shared(t)
	run(t, o, w.extracts[siteA])
	run(t, o, w.extracts[siteB])
	run(t, o, w.later(t, siteA, 2, code))
	run(t, o, w.later(t, siteB, 2))
	x := handover(t, o)
	rewrapper := pseudonym.NewRewrapper(x.From.Wrap.Dataset(), x.To.Wrap.Dataset())
	want := content(t, o, o.Trusted, func(code string) string { return rewrapper.Code(parseCode(t, code)).String() })
	before := ""
	x.Record = func(was, is string) error { before = was; return nil }
	done, err := Rewrap(context.Background(), x)
	if err != nil || done.Untidy != nil {
		t.Fatal(err, done)
	}
	vkey := x.To.PublicPart().Verifier
	got := content(t, o, vkey, same)
	if before != x.Recorded || done.Files != len(want) || !slices.Equal(slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want))) {
		t.Fatalf("%d files of %d: %v", done.Files, len(want), slices.Sorted(maps.Keys(got)))
	}
	history, withdrawn := 0, 0
	for name := range want {
		if !slices.IsSortedFunc(got[name], func(a, b string) int { return strings.Compare(a[:32], b[:32]) }) {
			t.Errorf("%s is not sorted by its codes", name)
		}
		slices.Sort(got[name])
		slices.Sort(want[name])
		if !slices.Equal(got[name], want[name]) {
			t.Errorf("%s is not what it was under other codes", name)
		}
		if strings.HasPrefix(name, "history/") {
			history++
		}
		if strings.HasPrefix(name, "withdrawn/") {
			withdrawn++
		}
	}
	if history == 0 || withdrawn != 1 {
		t.Errorf("%d files of history, %d lists: not everything was tested", history, withdrawn)
	}
	if _, err := o.Hub.Snapshot(dataset, o.Trusted); err == nil {
		t.Error("the old custodian's state is still there")
	}

	old := o
	o.Custodian, o.Trusted = x.To, vkey
	dir := w.later(t, siteA, 3)
	var wrong *KeyError
	if _, err := Run(context.Background(), dir, o); !errors.As(err, &wrong) || !strings.Contains(err.Error(), "wrap key") {
		t.Errorf("an extract under the old wrap key: %v", err)
	}
	if _, err := Run(context.Background(), dir, old); err == nil {
		t.Error("the old custodian still loads")
	}
	fresh := &world{dir: t.TempDir(), linkage: w.linkage, custodian: x.To}
	key, err := siteKey(x.To, w.linkage, siteB)
	if err == nil {
		err = fresh.keep(key)
	}
	if err != nil {
		t.Fatal(err)
	}
	extract, err := fresh.extract(key, filepath.Join(w.dir, "borough", dataset, siteB), filepath.Join(fresh.dir, "extracts"))
	if err != nil {
		t.Fatal(err)
	}
	o.Sites = map[string]string{siteB: key.Public()}
	resign(t, extract, key, func(m *schemas.Manifest) { m.Sequence = 4 })
	run(t, o, extract)
	again := content(t, o, vkey, same)
	for _, table := range []string{"patients", "observations", "medications"} {
		was, is := numbered(got, table, siteB+"/2"), numbered(again, table, siteB+"/4")
		if len(was) == 0 || !slices.Equal(was, is) {
			t.Errorf("%s: the same export is not the same rows of the same people, %d and %d", table, len(was), len(is))
		}
	}
}

// numbered are the rows of people with a usable NHS number: the codes of the others follow from the site's own wrap key.
func numbered(all map[string][]string, table, of string) (rows []string) {
	usable := map[string]bool{}
	for _, row := range all["patients/site="+of] {
		words := strings.Fields(row)
		usable[words[0]] = words[1] == "true"
	}
	for _, row := range all[table+"/site="+of] {
		if usable[row[:32]] {
			rows = append(rows, row)
		}
	}
	slices.Sort(rows)
	return rows
}

// TestRewrapTrust: columns beside the person's, and missing codes.
func TestRewrapTrust(t *testing.T) {
	x := newTrust(t, "maternity", "Z9M01")
	o := x.hub(t)
	run(t, o, x.extracts[x.site])
	h := handover(t, o)
	rewrapper := pseudonym.NewRewrapper(h.From.Wrap.Dataset(), h.To.Wrap.Dataset())
	want := content(t, o, o.Trusted, func(code string) string { return rewrapper.Code(parseCode(t, code)).String() })
	if _, err := Rewrap(context.Background(), h); err != nil {
		t.Fatal(err)
	}
	for name, got := range content(t, o, h.To.PublicPart().Verifier, same) {
		slices.Sort(got)
		slices.Sort(want[name])
		if len(got) == 0 || !slices.Equal(got, want[name]) {
			t.Errorf("%s is not what it was under other codes", name)
		}
	}
}

func TestRefusedRewrap(t *testing.T) {
	w := shared
	o := w.hub(t)
	run(t, o, w.extracts[siteA])
	before := tree(t, o.Hub.Dir())
	slam, err := pseudonym.NewCustodianKey("slam", made)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		kind  string
		spoil func(*Handover)
	}{
		"to another dataset's":  {"key", func(h *Handover) { h.To = slam }},
		"from a stranger":       {"key", func(h *Handover) { h.From = h.To }},
		"to the same":           {"key", func(h *Handover) { h.To = h.From }},
		"an unrecorded state":   {"integrity", func(h *Handover) { h.Recorded = strings.Repeat("0", 64) }},
		"refused by the record": {"governance", func(h *Handover) { h.Record = func(string, string) error { return &Refusal{} } }},
		"interrupted":           {"", nil},
	} {
		h, ctx := handover(t, o), context.Background()
		if c.spoil == nil {
			var cancel func()
			ctx, cancel = context.WithCancel(ctx)
			h.Progress = func(string) { cancel() }
		} else {
			c.spoil(&h)
		}
		_, err := Rewrap(ctx, h)
		var kind interface{ Kind() string }
		if err == nil || c.kind != "" && (!errors.As(err, &kind) || kind.Kind() != c.kind) {
			t.Errorf("%s: %v", name, err)
		}
		if after := tree(t, o.Hub.Dir()); after != before {
			t.Errorf("%s: the hub changed:\n%s\nwas\n%s", name, after, before)
		}
	}
}

// TestDepartedSite: what a site that left sends is refused before a row is read, and the hub stays as it is.
func TestDepartedSite(t *testing.T) {
	w := shared
	o := w.hub(t)
	run(t, o, w.extracts[siteA])
	run(t, o, w.extracts[siteB])
	if _, err := o.Hub.WithdrawSite(dataset, siteA, "signed\n", o.Custodian.Signer, o.Trusted); err != nil {
		t.Fatal(err)
	}
	before := tree(t, o.Hub.Dir())
	o.Left = func(site string) bool { return site == siteA }
	var left *Departed
	if _, err := Run(context.Background(), w.extracts[siteA], o); !errors.As(err, &left) || left.Kind() != "governance" {
		t.Errorf("%v", err)
	}
	if after := tree(t, o.Hub.Dir()); after != before {
		t.Errorf("the hub changed")
	}
	if r := run(t, o, w.extracts[siteB]); r.Status != "skipped" {
		t.Errorf("%+v", r)
	}
}

// TestReplayAfterRollback: an older extract is refused by the record of decisions although the dataset has forgotten the newer one; the
// newest one brings the dataset back.
func TestReplayAfterRollback(t *testing.T) {
	w := shared
	o := w.hub(t)
	newest := w.later(t, siteA, 2)
	_, manifest := claimed(t, newest, o)
	o.Last = func(site string) (int64, string) {
		if site == siteA {
			return 2, manifest
		}
		return 0, ""
	}
	var broken *IntegrityError
	if _, err := Run(context.Background(), w.extracts[siteA], o); !errors.As(err, &broken) || !strings.Contains(err.Error(), "the record of decisions has number 2") {
		t.Errorf("%v", err)
	}
	other := w.later(t, siteA, 2, strings.Repeat("ab", 16))
	if _, err := Run(context.Background(), other, o); !errors.As(err, &broken) {
		t.Errorf("another extract of the same number: %v", err)
	}
	if _, err := o.Hub.Snapshot(dataset, o.Trusted); !errors.As(err, new(*hub.UseError)) {
		t.Errorf("something was loaded: %v", err)
	}
	run(t, o, newest)
	run(t, o, w.extracts[siteB])
}

func claimed(t *testing.T, dir string, o Options) (sequence int64, manifest string) {
	t.Helper()
	x, err := open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	defer x.close()
	return x.manifest.Sequence, x.digest
}

// TestRewrapEmpty: a dataset from which every site has left changes hands too, and one of which there is no state does not.
func TestRewrapEmpty(t *testing.T) {
	w := shared
	o := w.hub(t)
	h := Handover{Hub: o.Hub, From: o.Custodian, To: handoverKey(t), Trusted: o.Trusted, Record: func(string, string) error { t.Error("recorded"); return nil }}
	var none *hub.UseError
	if _, err := Rewrap(context.Background(), h); !errors.As(err, &none) {
		t.Errorf("%v", err)
	}
	run(t, o, w.extracts[siteA])
	if _, err := o.Hub.WithdrawSite(dataset, siteA, "signed\n", o.Custodian.Signer, o.Trusted); err != nil {
		t.Fatal(err)
	}
	h = handover(t, o)
	older := h
	older.Recorded = strings.Repeat("0", 64)
	if _, err := Rewrap(context.Background(), older); !errors.As(err, new(*IntegrityError)) {
		t.Errorf("an empty state that is not the recorded one: %v", err)
	}
	done, err := Rewrap(context.Background(), h)
	if err != nil {
		t.Fatal(err)
	}
	if s, hash, err := o.Hub.State(dataset, h.To.PublicPart().Verifier); err != nil || hash != done.StateHash || s.Previous != h.Recorded || len(s.Members) > 0 {
		t.Errorf("%+v %v", s, err)
	}
}

func handoverKey(t *testing.T) *pseudonym.CustodianKey {
	t.Helper()
	k, err := pseudonym.NewCustodianKey(dataset, made)
	if err != nil {
		t.Fatal(err)
	}
	return k
}
