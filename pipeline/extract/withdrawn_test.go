package extract

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"datanet/schemas"
)

// season runs one export after the other under one key, as months go by, and
// tells of each who was withdrawn by it.
type season struct {
	t *testing.T
	o Options
	s *system
	n int

	known map[string]string // everybody's name so far, by code
}

// month extracts an export and returns the names of the people it withdraws.
func (y *season) month(text string) (withdrawn []string, r *Result) {
	y.t.Helper()
	x := y.s.parse(y.t, text)
	y.n++
	o := y.o
	o.Source, o.Out = y.t.TempDir(), filepath.Join(y.t.TempDir(), "out")
	x.write(o.Source)
	r, err := Run(context.Background(), o)
	if err != nil {
		y.t.Fatal(err)
	}
	names := (*export).trustNames
	if y.s == emis {
		names = (*export).names
	}
	if y.known == nil {
		y.known = map[string]string{}
	}
	maps.Copy(y.known, names(x, o))
	rows := rowsOf(y.t, r.Extract)["withdrawn"]
	for _, row := range rows {
		if len(row) != 1 {
			y.t.Fatalf("withdrawn.parquet has %d columns", len(row))
		}
		if name := nameOf(row[0], y.known); name != "(somebody unknown)" { // or it is padding
			withdrawn = append(withdrawn, name)
		}
	}
	if !slices.IsSortedFunc(rows, func(a, b []string) int { return strings.Compare(a[0], b[0]) }) {
		y.t.Error("the codes are not sorted")
	}
	body, err := os.ReadFile(filepath.Join(r.Extract, "manifest.json"))
	if err != nil {
		y.t.Fatal(err)
	}
	m, err := schemas.DecodeManifest(body)
	if err != nil {
		y.t.Fatal(err)
	}
	if (m.Withdrawn != nil) != (len(rows) > 0) || m.Withdrawn != nil && m.Withdrawn.Rows != int64(len(rows)) || r.Withdrawn != int64(len(withdrawn)) || len(rows)%10 != 0 {
		y.t.Errorf("manifest %+v, account %d, rows %d", m.Withdrawn, r.Withdrawn, len(rows))
	}
	slices.Sort(withdrawn)
	return withdrawn, r
}

func (y *season) wants(text string, want ...string) {
	y.t.Helper()
	if got, _ := y.month(text); !slices.Equal(got, want) {
		y.t.Errorf("month %d withdraws %v, want %v", y.n, got, want)
	}
}

const (
	anna = "patient anna NhsNumber=9990000018\nentry anna\n"
	bert = "patient bert NhsNumber=9990000026\nentry bert\n"
	carl = "patient carl NhsNumber=9990000034\nentry carl\n"
	out  = " CodeId=827241000000103\n" // a Type 1 opt-out
)

// TestWithdrawn: who was sent and is stopped by choice or flag is told, each
// time until not stopped any more; who never was sent, or only left, is not.
func TestWithdrawn(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	o.under(t, nil, nil)
	y := &season{t: t, o: o, s: emis}
	y.wants(anna + bert + carl + "patient dora NhsNumber=9990000042\nentry dora" + out)
	y.wants(anna + bert + carl + "patient dora NhsNumber=9990000042\nentry dora" + out) // dora never was sent
	y.wants(anna+bert+"entry bert"+out, "bert")                                         // carl only left
	y.wants(anna+bert+"entry bert"+out, "bert")                                         // told again
	y.wants(anna+bert+"entry bert"+out+"patient carl NhsNumber=9990000034 SpineSensitive=true\n", "bert")
	y.wants(anna+strings.Replace(bert, "NhsNumber", "Deleted=true NhsNumber", 1)+"entry bert"+out, "bert")
	y.wants(anna, "bert")                                            // gone from the export, and not back
	y.wants(anna+strings.Replace(bert, "9990000026", "", 1), "bert") // without a number, somebody else
	y.wants(anna + bert)                                             // bert is back
	y.wants(strings.Replace(anna, "NhsNumber", "Deleted=true NhsNumber", 1) + bert)
	y.wants(anna+strings.Replace(bert, "NhsNumber", "IsConfidential=true NhsNumber", 1), "bert")
}

// TestWithdrawnFlags: every choice and flag of a person withdraws, and nothing
// else does; also somebody without a usable number.
func TestWithdrawnFlags(t *testing.T) {
	t.Parallel()
	for flag, want := range map[string]bool{"SpineSensitive=true": true, "IsConfidential=true": true, "DummyType=true": false, "Deleted=true": false} {
		for _, who := range []string{"patient bert NhsNumber=9990000026 ", "patient bert "} {
			o := newSite(t)
			o.under(t, nil, nil)
			y := &season{t: t, o: o, s: emis}
			y.wants(anna + who + "\n")
			if got, _ := y.month(anna + who + flag + "\n"); (len(got) > 0) != want {
				t.Errorf("%s %s withdraws %v", who, flag, got)
			}
		}
	}
}

// TestWithdrawnStays: where the policy does not let codes travel, none does; the
// account says how many it is about; and a later policy that lets them finds them.
func TestWithdrawnStays(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	o.under(t, nil, nil)
	y := &season{t: t, o: o, s: emis}
	y.o.Policy = schemas.StarterPolicy()
	y.wants(anna + bert)
	if got, r := y.month(anna + bert + "entry bert" + out); got != nil || r.Stopped != 1 {
		t.Errorf("%v, stopped %d", got, r.Stopped)
	}
	y.o.Policy = o.Policy
	y.o.DryRun = true
	dry := y.s.parse(t, anna+bert+"entry bert"+out)
	dry.write(y.o.Source)
	if r, err := Run(context.Background(), y.o); err != nil || r.Stopped != 1 || r.Withdrawn != 0 {
		t.Errorf("a dry run: %+v %v", r, err)
	}
	y.o.DryRun = false
	y.wants(anna+bert+"entry bert"+out, "bert")
}

// TestToldStayTold: whom an extract withdrew no later one may forget, because its
// policy does not let codes travel.
func TestToldStayTold(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	o.under(t, nil, nil)
	y := &season{t: t, o: o, s: emis}
	y.wants(anna + bert)
	y.wants(anna+bert+"entry bert"+out, "bert")
	before := stateOf(t, o)
	forgetful := o
	forgetful.Policy, forgetful.Source = schemas.StarterPolicy(), t.TempDir()
	y.s.parse(t, anna+bert).write(forgetful.Source)
	for _, dry := range []bool{false, true} {
		forgetful.DryRun = dry
		_, err := Run(context.Background(), forgetful)
		var refused *Refusal
		if !errors.As(err, &refused) || stateOf(t, o) != before {
			t.Errorf("dry %v: %v", dry, err)
		}
	}
	y.wants(anna + bert) // everybody is back, and nothing is left to tell
	if m, err := recall(o); err != nil || len(m.Padding) > 0 {
		t.Errorf("%v padding, %v", m.Padding, err)
	}
	y.o.Policy = forgetful.Policy
	y.wants(anna + bert)
}

// TestPadding: two lists differ in no code, or in ten and more, and padding that was
// sent is sent again; whoever comes back is missing alone.
func TestPadding(t *testing.T) {
	t.Parallel()
	people := func(n int) (some codes) {
		for i := range n {
			some = append(some, [16]byte{byte(i + 1)})
		}
		return some
	}
	m := &memory{}
	for _, c := range []struct{ gone, all int }{{1, 10}, {1, 10}, {2, 20}, {13, 40}, {33, 70}, {33, 70}, {9, 50}, {9, 50}, {0, 0}, {10, 20}, {20, 40}} {
		gone := people(c.gone)
		padding, err := m.pad(gone)
		if err != nil || len(gone)+len(padding) != c.all {
			t.Errorf("%d people with %d told and %d random codes: %d codes, want %d (%v)", c.gone, len(m.Withdrawn), len(m.Padding), len(gone)+len(padding), c.all, err)
		}
		for _, code := range m.Padding {
			if c.gone > 0 && !padding.has(code) {
				t.Error("padding that was sent is not sent again")
			}
		}
		m.Withdrawn, m.Padding = gone, padding
	}
}

// TestWithdrawnNationally: by the national opt-out, mothers and babies each by
// their own number.
func TestWithdrawnNationally(t *testing.T) {
	t.Parallel()
	o := msds.newSite(t)
	o.under(t, nil, []string{"9990000018", "9990000026"})
	y := &season{t: t, o: o, s: msds}
	birth := "mother anna NHSNumberMother=9990000018\nbooking p1 anna\ndelivery d1 p1\nbaby b1 d1 NHSNumberBaby=9990000026\n" +
		"mother zoe NHSNumberMother=9990000034\nbooking p2 zoe\n"
	y.wants(birth)
	y.o.NDOO = writeList(t, "9990000018")
	y.wants(birth, "b1")
	y.o.NDOO = writeList(t, "9990000034")
	y.wants(birth, "anna", "b1")
}

// TestOlderState: a state from before codes were remembered opens, and one that
// holds anything but codes does not.
func TestOlderState(t *testing.T) {
	o := newSite(t)
	for text, good := range map[string]bool{`{"sequence":4,"previous":"x"}`: true, `{"sequence":4,"previous":"x","sent":"AAAA"}`: false,
		`{"sequence":4,"previous":"x","sent":"AQEBAQEBAQEBAQEBAQEBAQAAAAAAAAAAAAAAAAAAAAA="}`: false} {
		if err := o.Key.SealState(o.KeyFile, []byte(text)); err != nil {
			t.Fatal(err)
		}
		m, err := recall(o)
		if (err == nil) != good || good && (m.Sequence != 4 || m.Sent != nil) {
			t.Errorf("%s: %+v %v", text, m, err)
		}
	}
	m := memory{Sequence: 1, Sent: newCodes([][16]byte{{2}, {1}, {2}})}
	text, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var back memory
	if err := json.Unmarshal(text, &back); err != nil || !slices.Equal(back.Sent, codes{{1}, {2}}) || back.Withdrawn != nil {
		t.Errorf("%s came back as %+v, %v", text, back, err)
	}
}

// TestNotSentNotRemembered: of an extract that did not get its name nobody was
// sent, and who would have been is not withdrawn by the next.
func TestNotSentNotRemembered(t *testing.T) {
	t.Parallel()
	o := newSite(t)
	o.under(t, nil, nil)
	y := &season{t: t, o: o, s: emis}
	y.wants(anna)
	failed := o
	parseExport(t, anna+bert).write(failed.Source)
	failed.Progress = func(step string) { // somebody takes the name meanwhile
		if step == "checking what was written" {
			if err := os.MkdirAll(filepath.Join(failed.Out, "primary-care_Z99001_2026-10-31", "taken"), 0o700); err != nil {
				t.Error(err)
			}
		}
	}
	if _, err := Run(context.Background(), failed); err == nil {
		t.Fatal("the name was taken")
	}
	y.wants(anna + bert + "entry bert" + out)
}
