package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

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
		Long: `Makes a synthetic borough and takes it from the practices' files to the planners'
table, with the commands that the people concerned would give. They are printed
so that they can be typed again. Everything stays in one folder.`,
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
		fmt.Fprintf(w, "\nThat took %.0f seconds. Everything is in %s. Look next at:\n", time.Since(began).Seconds(), d.dir)
		for _, line := range [][]string{
			{"inspect", document.Extract},
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
	Extract     string            `json:"extract"` // the last one
	Nodes       int               `json:"nodes"`
	Withheld    int               `json:"withheld"`
	Audit       publication.Audit `json:"audit"`
}

// walk is the main job, from the practices' files to the planners' table.
func (d *demo) walk(ctx context.Context, o demoOptions) (*demonstrated, error) {
	d.tell("Every command below can be typed as it stands, after these:")
	d.showWorld()
	d.tell("A borough of %s synthetic people: what its practices' systems would export.", thousands(int64(o.people)))
	var borough synth.Summary
	if err := d.run(ctx, &borough, "synth", "--out", d.path("borough"), "--people", fmt.Sprint(o.people), "--seed", fmt.Sprint(o.seed)); err != nil {
		return nil, err
	}
	if err := d.keys(ctx); err != nil {
		return nil, err
	}
	result := &demonstrated{Dir: d.dir, Publication: d.path("publication")}
	var err error
	if result.Extract, err = d.practices(ctx, borough.Datasets[0].Sites); err != nil {
		return nil, err
	}
	d.tell("The publisher counts, protects, attacks and freezes.")
	if err := d.run(ctx, result, "publish", "--out", d.path("publication")); err != nil {
		return nil, err
	}
	result.Publication = d.path("publication")
	d.tell("%s.", counted(result.Nodes, result.Withheld, result.Audit.ExactRecoveries))
	d.tell("A planner asks. The publication's folder is all that this command reads.")
	return result, d.ask(ctx, "query", "--measure", "hypertension", "--by", "ward,ethnicity", "--publication", d.path("publication"))
}

const demoDataset = "primary-care"

// keys makes the hub and what its people hold.
func (d *demo) keys(ctx context.Context) error {
	d.tell("The key holder makes the linkage key; the hub, its custodian and its Caldicott Guardian get theirs.")
	return d.runAll(ctx, [][]string{
		{"key", "identity", "--out", d.path("keys", "identity")},
		{"key", "linkage", "--out", d.path("keys", "linkage.key")},
		{"hub", "init", d.path("hub"), "--name", "Synthetic Lambeth"},
		{"key", "custodian", "--dataset", demoDataset, "--out", d.path("keys", "custodian.key")},
		{"key", "guardian", "--dataset", demoDataset, "--name", "guardian", "--out", d.path("keys", "guardian.key")},
		{"hub", "trust", "--dataset", demoDataset, "--guardian", d.public("guardian.key"), "--custodian", d.public("custodian.key")},
	})
}

// public is how a key's public part is typed.
func (d *demo) public(key string) string {
	return publicPart + d.path("keys", key) + ")"
}

const publicPart = "$(datanet key show --public "

// practices takes each practice from its key to its loaded extract, and shows
// the first one's commands.
func (d *demo) practices(ctx context.Context, sites []synth.Site) (last string, err error) {
	d.tell("Each practice gets a key, extracts, and sends the extract to the custodian, who loads it.\nInside the practice: NHS number → HMAC-SHA256 under the linkage key → wrapped. Names, addresses and dates of birth stay there.")
	for i, site := range sites {
		d.quiet = d.json || i > 0
		if last, err = d.practice(ctx, site); err != nil {
			return "", err
		}
	}
	d.quiet = d.json
	if more := sites[1:]; len(more) == 1 {
		d.tell("The same was done for %s.", more[0].Site)
	} else if len(more) > 1 {
		d.tell("The same was done for %d more, %s to %s.", len(more), more[0].Site, more[len(more)-1].Site)
	}
	return last, nil
}

func (d *demo) practice(ctx context.Context, site synth.Site) (string, error) {
	wrap, key := d.path("keys", site.Site+".wrap"), d.path("keys", site.Site+".key")
	if err := d.runAll(ctx, [][]string{
		{"key", "wrap", "--dataset", demoDataset, "--site", site.Site, "--custodian", d.path("keys", "custodian.key"), "--out", wrap},
		{"key", "site", "--dataset", demoDataset, "--site", site.Site, "--linkage", d.path("keys", "linkage.key"), "--wrap", wrap, "--out", key},
		{"hub", "trust", "--dataset", demoDataset, "--site", site.Site + "=" + d.public(site.Site+".key")},
	}); err != nil {
		return "", err
	}
	var made struct{ Extract string }
	if err := d.run(ctx, &made, "extract", "--key", key, "--source", site.Source, "--out", d.path("extracts"), "--test-numbers"); err != nil {
		return "", err
	}
	extract := d.path("extracts", filepath.Base(made.Extract))
	return extract, d.run(ctx, nil, "load", extract, "--custodian", d.path("keys", "custodian.key"))
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
