package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"datanet/pipeline/publication"
	"datanet/synth"
)

type demoOptions struct {
	dir    string
	people int
	seed   uint64
}

func newDemo(a *app) *cobra.Command {
	var o demoOptions
	c := a.command(&cobra.Command{
		Use: "demo", Short: "a synthetic borough, end to end, in one command",
		Long: `Makes a synthetic borough and takes it from the organisations' files to the
planners' tables, with the commands that the people concerned would give, and
with what is refused on the way. They are printed so that they can be typed again.
Everything stays in one folder.`,
		Example: "  datanet demo\n  datanet demo --dir demo --people 20000", Args: cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error { return a.runDemo(ctx, o) })
	c.Flags().StringVar(&o.dir, "dir", "datanet-demo", "folder to make")
	c.Flags().IntVar(&o.people, "people", 60000, "people in the synthetic borough")
	c.Flags().Uint64Var(&o.seed, "seed", 1, "seed of everything that is drawn")
	return c
}

// A demo gives commands as people would, in one folder.
type demo struct {
	*app
	dir   string
	world [][2]string // environment of the commands
	quiet bool
}

func (a *app) runDemo(ctx context.Context, o demoOptions) error {
	d := &demo{app: a, dir: filepath.Clean(o.dir), quiet: a.json}
	if err := d.makeFolder(o); err != nil {
		return err
	}
	d.world = [][2]string{{"DATANET_HUB", d.path("hub")}, {"DATANET_HOME", d.path("home")}, {"DATANET_IDENTITY", d.path("keys", "identity")}}
	began := time.Now()
	document, err := d.walk(ctx, o)
	if err != nil {
		d.clear() // half a demo is of no use, and would stand in the way of the next
		return err
	}
	return a.say(document, func(w io.Writer) {
		fmt.Fprintf(w, "\nThat took %.0f seconds, and %s MB of memory at most. Everything is in %s. Look next at:\n", time.Since(began).Seconds(), thousands(peakMemory()>>20), d.dir)
		for _, line := range [][]string{
			{"inspect", document.Extract},
			{"approval", "list", "--hub", d.path("hub")},
			{"approval", "show", document.Approvals[0], "--hub", d.path("hub")},
			{"hub", "status", "--hub", d.path("hub")},
			{"approval", "register", "--out", d.path("register"), "--hub", d.path("hub")},
			{"query", "--measure", "smi-blood-pressure", "--by", "age,sex", "--publication", document.Linked},
			{"query", "--measure", "diabetes", "--by", "ethnicity", "--publication", document.Publication},
			{"query", "--measure", "smi", "--by", "imd", "--publication", document.Publication},
			{"query", "--measure", "multimorbidity", "--by", "ward,ethnicity", "--publication", document.Publication},
			{"catalogue"},
		} {
			fmt.Fprintf(w, "  datanet %s\n", typed(line))
		}
	})
}

func (d *demo) makeFolder(o demoOptions) error {
	if o.people < 1 {
		return &useError{"--people is not a number of people", "give 1 or more"}
	}
	if entries, err := os.ReadDir(d.dir); err == nil && len(entries) > 0 {
		return &useError{"the demo's folder is there already", "remove it, or give another one with --dir"}
	}
	for _, name := range []string{"keys", "home"} {
		if err := os.MkdirAll(d.path(name), 0o700); err != nil {
			return &useError{"the demo's folder cannot be made", "give a folder that you may write with --dir"}
		}
	}
	return nil
}

// peakMemory is the most that this process has held, in bytes.
func peakMemory() int64 {
	var used unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &used) != nil {
		return 0
	}
	if runtime.GOOS == "darwin" {
		return int64(used.Maxrss) // macOS counts bytes, everybody else kilobytes
	}
	return int64(used.Maxrss) << 10
}

// clear empties the demo's folder, which was empty or absent before.
func (d *demo) clear() {
	entries, _ := os.ReadDir(d.dir)
	for _, e := range entries {
		os.RemoveAll(d.path(e.Name()))
	}
	os.Remove(d.dir)
}

func (d *demo) path(parts ...string) string {
	return filepath.Join(append([]string{d.dir}, parts...)...)
}

// demonstrated is what --json prints.
type demonstrated struct {
	Dir         string            `json:"dir"`
	Publication string            `json:"publication"`
	Linked      string            `json:"linked_publication"`
	Extract     string            `json:"extract"` // of a practice
	Approvals   []string          `json:"approvals"`
	Pairs       map[string]int64  `json:"pairs"` // people found in both
	Refused     []string          `json:"refused"`
	Nodes       int               `json:"nodes"`
	Withheld    int               `json:"withheld"`
	Audit       publication.Audit `json:"audit"`
}

// walk is the main job, from the organisations' files to the planners' tables.
func (d *demo) walk(ctx context.Context, o demoOptions) (*demonstrated, error) {
	d.tell("Every command below can be typed as it stands, after these:")
	d.showWorld()
	d.tell("A borough of %s synthetic people: what the systems of its practices, its mental-health trust and its maternity unit would export.", thousands(int64(o.people)))
	var borough synth.Summary
	if err := d.run(ctx, &borough, "synth", "--out", d.path("borough"), "--people", fmt.Sprint(o.people), "--seed", fmt.Sprint(o.seed)); err != nil {
		return nil, err
	}
	if err := d.keys(ctx, borough); err != nil {
		return nil, err
	}
	result := &demonstrated{Dir: d.dir, Pairs: map[string]int64{}, Refused: []string{}}
	for _, step := range []func(context.Context, synth.Summary, *demonstrated) error{d.organisations, d.planning, d.approved, d.revoked, d.tables} {
		if err := step(ctx, borough, result); err != nil {
			return nil, err
		}
	}
	return result, nil
}

// keys makes the hub and what its people hold.
func (d *demo) keys(ctx context.Context, borough synth.Summary) error {
	d.tell("The key holder makes the linkage key. The hub is founded. Each dataset has a custodian and a Caldicott Guardian, who get theirs.")
	if err := d.runAll(ctx, [][]string{
		{"key", "identity", "--out", d.path("keys", "identity")},
		{"key", "linkage", "--out", d.path("keys", "linkage.key")},
		{"hub", "init", d.path("hub"), "--name", "Synthetic Lambeth"},
	}); err != nil {
		return err
	}
	for _, set := range borough.Datasets {
		if err := d.runAll(ctx, [][]string{
			{"key", "custodian", "--dataset", set.Dataset, "--out", d.key(set.Dataset, "custodian")},
			{"key", "guardian", "--dataset", set.Dataset, "--name", "guardian", "--out", d.key(set.Dataset, "guardian")},
			{"hub", "trust", "--dataset", set.Dataset, "--guardian", d.public(d.key(set.Dataset, "guardian")), "--custodian", d.public(d.key(set.Dataset, "custodian"))},
		}); err != nil {
			return err
		}
	}
	return nil
}

// key is the file of somebody's key.
func (d *demo) key(whose, role string) string { return d.path("keys", whose+"."+role) }

// public is how a key's public part is typed.
func (d *demo) public(key string) string { return publicPart + key + ")" }

const publicPart = "$(datanet key show --public "

// organisations takes each of them from its key to its loaded extract. The
// commands of the first of each kind are shown.
func (d *demo) organisations(ctx context.Context, borough synth.Summary, result *demonstrated) error {
	d.tell("Each organisation gets a key, extracts, and sends the extract to the dataset's custodian, who loads it.\nInside the organisation: NHS number → HMAC-SHA256 under the linkage key → wrapped. Names, addresses and dates of birth stay there.")
	for _, set := range borough.Datasets {
		d.tell("%s:", map[string]string{"primary-care": "A practice", "slam": "The mental-health trust", "maternity": "The maternity unit"}[set.Dataset])
		for i, site := range set.Sites {
			d.quiet = d.json || i > 0
			extract, err := d.organisation(ctx, set.Dataset, site)
			if err != nil {
				return err
			}
			if result.Extract == "" {
				result.Extract = extract
			}
		}
		d.quiet = d.json
		if more := set.Sites[1:]; len(more) == 1 {
			d.tell("The same was done for %s.", more[0].Site)
		} else if len(more) > 1 {
			d.tell("The same was done for %d more, %s to %s.", len(more), more[0].Site, more[len(more)-1].Site)
		}
	}
	return nil
}

func (d *demo) organisation(ctx context.Context, dataset string, site synth.Site) (string, error) {
	wrap, key := d.key(site.Site, "wrap"), d.key(site.Site, "key")
	if err := d.runAll(ctx, [][]string{
		{"key", "wrap", "--dataset", dataset, "--site", site.Site, "--custodian", d.key(dataset, "custodian"), "--out", wrap},
		{"key", "site", "--dataset", dataset, "--site", site.Site, "--linkage", d.path("keys", "linkage.key"), "--wrap", wrap, "--out", key},
		{"hub", "trust", "--dataset", dataset, "--site", site.Site + "=" + d.public(key)},
	}); err != nil {
		return "", err
	}
	var made struct{ Extract string }
	if err := d.run(ctx, &made, "extract", "--key", key, "--source", site.Source, "--out", d.path("extracts"), "--test-numbers"); err != nil {
		return "", err
	}
	extract := d.path("extracts", filepath.Base(made.Extract))
	return extract, d.run(ctx, nil, "load", extract, "--custodian", d.key(dataset, "custodian"))
}

// planning publishes primary care, which needs no approval but the hub's policy.
func (d *demo) planning(ctx context.Context, _ synth.Summary, result *demonstrated) error {
	d.tell("The publisher counts, protects, attacks and freezes what primary care can tell alone.")
	result.Publication = d.path("publication")
	if err := d.run(ctx, result, "publish", "--out", result.Publication); err != nil {
		return err
	}
	result.Publication = d.path("publication")
	d.tell("%s.", counted(result.Nodes, result.Withheld, result.Audit.ExactRecoveries))
	return nil
}

// approved joins primary care with mental health, once both Guardians have signed.
func (d *demo) approved(ctx context.Context, _ synth.Summary, result *demonstrated) error {
	d.tell("An analyst asks to join primary care with mental health. The columns asked for are those that the measures of this pair need.")
	if err := d.run(ctx, nil, "key", "guardian", "--dataset", "primary-care", "--name", "applicant", "--out", d.key("applicant", "key")); err != nil {
		return err
	}
	id, err := d.draft(ctx, "slam", "Physical health of people with severe mental illness",
		"Find out for whom blood pressure checks are missed, and mend it",
		"Direct care planning and population health management")
	if err != nil {
		return err
	}
	result.Approvals = append(result.Approvals, id)
	d.tell("Before anybody has signed, nothing can be joined.")
	if err := d.refused(ctx, result, "link", "--approval", id); err != nil {
		return err
	}
	d.tell("One of the two Caldicott Guardians signs. That is not enough.")
	if err := d.sign(ctx, id, "primary-care"); err != nil {
		return err
	}
	if err := d.refused(ctx, result, "link", "--approval", id); err != nil {
		return err
	}
	d.tell("The other one signs too. Each custodian releases what the approval names, and nothing else; the analyst joins it; the publisher publishes.")
	if err := d.sign(ctx, id, "slam"); err != nil {
		return err
	}
	result.Linked = d.path("linked")
	return d.project(ctx, id, "slam", result.Linked, result)
}

// revoked joins primary care with maternity, until a Guardian ends it.
func (d *demo) revoked(ctx context.Context, _ synth.Summary, result *demonstrated) error {
	d.tell("The same for primary care and maternity: another approval, other codes.")
	id, err := d.draft(ctx, "maternity", "Long-term conditions in pregnancy",
		"Find out which expectant mothers live with diabetes or high blood pressure",
		"Direct care planning and population health management")
	if err != nil {
		return err
	}
	result.Approvals = append(result.Approvals, id)
	for _, dataset := range []string{"primary-care", "maternity"} {
		if err := d.sign(ctx, id, dataset); err != nil {
			return err
		}
	}
	if err := d.project(ctx, id, "maternity", d.path("linked-maternity"), result); err != nil {
		return err
	}
	d.tell("The Guardian of maternity takes the approval back. It ends at once, for everybody.")
	if err := d.run(ctx, nil, "approval", "revoke", id, "--guardian", d.key("maternity", "guardian"), "--reason", "Two midwives asked for it to wait"); err != nil {
		return err
	}
	if err := d.refused(ctx, result, "publish", "--approval", id); err != nil {
		return err
	}
	return d.refused(ctx, result, "query", "--measure", "pregnancy-long-term-conditions", "--by", "ethnicity", "--publication", d.path("linked-maternity"))
}

// draft asks for an approval of primary care with another dataset.
func (d *demo) draft(ctx context.Context, dataset, title, summary, purpose string) (string, error) {
	var made struct{ ID string }
	err := d.run(ctx, &made, "approval", "draft", "--datasets", "primary-care,"+dataset, "--pairs", "primary-care:"+dataset, "--columns", "default",
		"--title", title, "--summary", summary, "--purpose", purpose, "--legal-basis", "UK GDPR 6(1)(e) and 9(2)(h)", "--dpia", "DPIA-SYNTHETIC-1",
		"--applicant", d.public(d.key("applicant", "key")), "--users", "public-health-analysts",
		"--from", d.now().UTC().Format(time.DateOnly), "--until", d.now().UTC().AddDate(0, 6, 0).Format(time.DateOnly))
	return made.ID, err
}

func (d *demo) sign(ctx context.Context, id, dataset string) error {
	return d.run(ctx, nil, "approval", "sign", id, "--guardian", d.key(dataset, "guardian"))
}

// project takes an approved pair from its releases to a publication.
func (d *demo) project(ctx context.Context, id, dataset, to string, result *demonstrated) error {
	for _, released := range []string{"primary-care", dataset} {
		if err := d.run(ctx, nil, "release", "--approval", id, "--dataset", released, "--custodian", d.key(released, "custodian")); err != nil {
			return err
		}
	}
	var linked struct{ Pairs map[string]int64 }
	if err := d.run(ctx, &linked, "link", "--approval", id); err != nil {
		return err
	}
	pair := "primary-care:" + dataset
	result.Pairs[pair] = linked.Pairs[pair]
	if err := d.run(ctx, nil, "publish", "--approval", id, "--out", to); err != nil {
		return err
	}
	d.tell("%s people are in both. Their rows hold codes of this project, which fit no other.", thousands(linked.Pairs[pair]))
	return nil
}

// tables is what it is all for.
func (d *demo) tables(ctx context.Context, _ synth.Summary, result *demonstrated) error {
	d.tell("A planner asks. The publication's folder is all that this command reads.")
	if err := d.ask(ctx, "query", "--measure", "hypertension", "--by", "ward,ethnicity", "--publication", result.Publication); err != nil {
		return err
	}
	d.tell("And of the joined data:")
	return d.ask(ctx, "query", "--measure", "smi-blood-pressure", "--by", "ethnicity", "--publication", result.Linked)
}

// refused gives a command that governance must refuse, and shows what it says.
func (d *demo) refused(ctx context.Context, result *demonstrated, args ...string) error {
	d.quiet = true
	err := d.run(ctx, nil, args...)
	d.quiet = d.json
	if err == nil {
		return &fault{"the demo: " + commandOf(args) + " was not refused"}
	}
	if kindOf(ctx, err) != "governance" {
		return err
	}
	message := oneLine(errors.Unwrap(err).Error())
	result.Refused = append(result.Refused, commandOf(args)+": "+message)
	if !d.quiet {
		fmt.Fprintf(d.out, "  $ datanet %s || echo \"exit code $?\"\n    refused: %s\n    exit code %d\n", typed(args), message, codes["governance"])
	}
	return nil
}

// tell says what happens next, in a sentence.
func (d *demo) tell(format string, args ...any) {
	if !d.json {
		fmt.Fprintf(d.out, "\n"+format+"\n", args...)
	}
}

func (d *demo) showWorld() {
	if d.json {
		return
	}
	fmt.Fprintf(d.out, "  $ mkdir -p %s\n", quote(d.path("keys")))
	for _, v := range d.world {
		fmt.Fprintf(d.out, "  $ export %s=%s\n", v[0], quote(v[1]))
	}
}

// show prints a command as it would be typed.
func (d *demo) show(args []string) {
	if !d.quiet {
		fmt.Fprintf(d.out, "  $ datanet %s\n", typed(args))
	}
}

// typed joins words as a shell reads them.
func typed(args []string) string {
	words := make([]string, len(args))
	for i, w := range args {
		words[i] = quote(w)
		if head, key, ok := strings.Cut(w, publicPart); ok {
			words[i] = `"` + head + publicPart + quote(strings.TrimSuffix(key, ")")) + `)"`
		}
	}
	return strings.Join(words, " ")
}

func (d *demo) runAll(ctx context.Context, lines [][]string) error {
	for _, args := range lines {
		if err := d.run(ctx, nil, args...); err != nil {
			return err
		}
	}
	return nil
}

// run gives one command with --json and reads what it prints.
func (d *demo) run(ctx context.Context, into any, args ...string) error {
	d.show(args)
	var out bytes.Buffer
	if err := d.give(ctx, &out, append(slices.Clone(args), "--json")); err != nil || into == nil {
		return err
	}
	return json.Unmarshal(out.Bytes(), into)
}

// ask gives one command and shows what it prints.
func (d *demo) ask(ctx context.Context, args ...string) error {
	if d.quiet {
		return nil
	}
	d.show(args)
	fmt.Fprintln(d.out)
	return d.give(ctx, d.out, args)
}

// give runs a command line in this process, in the demo's world.
func (d *demo) give(ctx context.Context, out io.Writer, args []string) error {
	inner := &app{in: d.in, out: out, err: d.err, now: d.now, ctx: ctx, env: d.env}
	root := newRoot(inner)
	words, err := d.expand(ctx, args)
	if err != nil {
		return err
	}
	root.SetArgs(words)
	if err := root.ExecuteContext(ctx); err != nil {
		return &stepError{"datanet " + commandOf(args), err}
	}
	return nil
}

// env is the demo's world and nothing of the caller's: a hub or a passphrase
// of another job must not get into it.
func (d *demo) env(name string) string {
	for _, v := range d.world {
		if v[0] == name {
			return v[1]
		}
	}
	return ""
}

// expand does what a shell does with "$(datanet key show --public FILE)".
func (d *demo) expand(ctx context.Context, args []string) ([]string, error) {
	words := slices.Clone(args)
	for i, w := range words {
		head, rest, ok := strings.Cut(w, publicPart)
		if !ok {
			continue
		}
		var out bytes.Buffer
		if err := d.give(ctx, &out, []string{"key", "show", "--public", strings.TrimSuffix(rest, ")")}); err != nil {
			return nil, err
		}
		words[i] = head + strings.TrimSpace(out.String())
	}
	return words, nil
}

// commandOf is a command line's words before its flags.
func commandOf(args []string) string {
	end := slices.IndexFunc(args, func(w string) bool { return strings.HasPrefix(w, "-") })
	if end < 0 {
		end = 1
	}
	return strings.Join(args[:end], " ")
}

// A stepError says which of the demo's commands failed.
type stepError struct {
	command string
	err     error
}

func (e *stepError) Error() string { return "at " + e.command + ": " + e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }
