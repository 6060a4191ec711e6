package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

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
table, with the commands that the people concerned would give, each of which is
printed. Everything stays in one folder.`,
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
	ctx   context.Context
	dir   string
	world map[string]string // environment of the commands
	quiet bool
}

func (a *app) runDemo(ctx context.Context, o demoOptions) error {
	if entries, err := os.ReadDir(o.dir); err == nil && len(entries) > 0 {
		return &useError{"the demo's folder is there already", "remove it, or give another one with --dir"}
	}
	for _, d := range []string{"keys", "home"} {
		if err := os.MkdirAll(filepath.Join(o.dir, d), 0o700); err != nil {
			return &useError{"the demo's folder cannot be made", "give a folder that you may write with --dir"}
		}
	}
	d := &demo{app: a, ctx: ctx, dir: o.dir, quiet: a.json}
	d.world = map[string]string{
		"DATANET_HUB":      d.path("hub"),
		"DATANET_HOME":     d.path("home"),
		"DATANET_IDENTITY": d.path("keys", "identity"),
	}
	began := time.Now()
	document, err := d.walk(o)
	if err != nil {
		return err
	}
	return a.say(document, func(w io.Writer) {
		fmt.Fprintf(w, "\nThat took %.0f seconds. Everything is in %s. Look next at:\n", time.Since(began).Seconds(), o.dir)
		for _, line := range []string{
			fmt.Sprintf("datanet inspect %s", document["extract"]),
			fmt.Sprintf("datanet query --measure diabetes --by ethnicity --long --publication %s", d.path("publication")),
			fmt.Sprintf("datanet query --measure smi --by imd --long --publication %s", d.path("publication")),
			fmt.Sprintf("datanet query --measure multimorbidity --by ward,ethnicity --publication %s", d.path("publication")),
			"datanet catalogue",
		} {
			fmt.Fprintf(w, "  %s\n", line)
		}
	})
}

func (d *demo) path(parts ...string) string {
	return filepath.Join(append([]string{d.dir}, parts...)...)
}

// walk is the main job, from the practices' files to the planners' table.
func (d *demo) walk(o demoOptions) (map[string]any, error) {
	d.tell("A borough of %s synthetic people: what its practices' systems would export.", thousands(int64(o.people)))
	var borough synth.Summary
	if err := d.run(&borough, "synth", "--out", d.path("borough"), "--people", fmt.Sprint(o.people), "--seed", fmt.Sprint(o.seed)); err != nil {
		return nil, err
	}
	keys, err := d.keys()
	if err != nil {
		return nil, err
	}
	var last string
	for i, site := range borough.Datasets[0].Sites {
		if i == 0 {
			d.tell("Each practice gets a key, extracts, and sends the extract to the custodian, who loads it.\nInside the practice: NHS number → HMAC-SHA256 under K → wrapped. Names, addresses and dates of birth stay there.")
		}
		d.quiet = d.json || i > 0
		if last, err = d.practice(site, keys); err != nil {
			return nil, err
		}
		if i == 0 && len(borough.Datasets[0].Sites) > 1 && !d.json {
			fmt.Fprintf(d.out, "  … and the same at %d more practices\n", len(borough.Datasets[0].Sites)-1)
		}
	}
	d.quiet = d.json
	d.tell("The publisher counts, protects, attacks and freezes.")
	var p struct {
		Nodes    int
		Withheld int
		Audit    struct {
			ExactRecoveries int `json:"exact_recoveries"`
		}
	}
	if err := d.run(&p, "publish", "--out", d.path("publication")); err != nil {
		return nil, err
	}
	if !d.quiet {
		fmt.Fprintf(d.out, "  %s numbers, %s withheld; the audit could work out %d of those\n", thousands(int64(p.Nodes)), thousands(int64(p.Withheld)), p.Audit.ExactRecoveries)
	}
	d.tell("A planner asks. The publication's folder is all that this command reads.")
	query := []string{"query", "--measure", "hypertension", "--by", "ward,ethnicity", "--publication", d.path("publication")}
	if !d.quiet {
		d.show(query)
		fmt.Fprintln(d.out)
		if err := d.give(d.out, query...); err != nil {
			return nil, err
		}
	}
	return map[string]any{"dir": d.dir, "publication": d.path("publication"), "nodes": p.Nodes, "withheld": p.Withheld,
		"audit": map[string]int{"exact_recoveries": p.Audit.ExactRecoveries}, "extract": last}, nil
}

// public is what the commands that make keys print.
type public struct{ Public string }

// demoKeys are what the hub's people hold.
type demoKeys struct{ linkage, custodian string }

func (d *demo) keys() (*demoKeys, error) {
	d.tell("The key holder makes the linkage key K; the hub, its custodian and its Caldicott Guardian get theirs.")
	k := &demoKeys{linkage: d.path("keys", "linkage.key"), custodian: d.path("keys", "custodian.key")}
	var custodian, guardian public
	if err := d.all(
		func() error { return d.run(nil, "key", "identity", "--out", d.path("keys", "identity")) },
		func() error { return d.run(nil, "key", "linkage", "--out", k.linkage) },
		func() error { return d.run(nil, "hub", "init", d.path("hub"), "--name", "Synthetic Lambeth") },
		func() error {
			return d.run(&custodian, "key", "custodian", "--dataset", "primary-care", "--out", k.custodian)
		},
		func() error {
			return d.run(&guardian, "key", "guardian", "--dataset", "primary-care", "--name", "guardian", "--out", d.path("keys", "guardian.key"))
		},
	); err != nil {
		return nil, err
	}
	return k, d.run(nil, "hub", "trust", "--dataset", "primary-care", "--guardian", guardian.Public, "--custodian", custodian.Public)
}

// practice takes one practice from its key to its loaded extract.
func (d *demo) practice(site synth.Site, k *demoKeys) (string, error) {
	wrap, key := d.path("keys", site.Site+".wrap"), d.path("keys", site.Site+".key")
	var made public
	var extracted struct{ Extract string }
	err := d.all(
		func() error {
			return d.run(nil, "key", "wrap", "--dataset", "primary-care", "--site", site.Site, "--custodian", k.custodian, "--out", wrap)
		},
		func() error {
			return d.run(&made, "key", "site", "--dataset", "primary-care", "--site", site.Site, "--linkage", k.linkage, "--wrap", wrap, "--out", key)
		},
		func() error {
			return d.run(nil, "hub", "trust", "--dataset", "primary-care", "--site", site.Site+"="+made.Public)
		},
		func() error {
			return d.run(&extracted, "extract", "--key", key, "--source", site.Source, "--out", d.path("extracts"), "--test-numbers")
		},
		func() error { return d.run(nil, "load", extracted.Extract, "--custodian", k.custodian) },
	)
	return extracted.Extract, err
}

func (d *demo) all(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// tell says what happens next, in a sentence.
func (d *demo) tell(format string, args ...any) {
	if !d.json {
		fmt.Fprintf(d.out, "\n"+format+"\n", args...)
	}
}

// show prints a command as it would be typed.
func (d *demo) show(args []string) {
	if d.quiet {
		return
	}
	words := make([]string, len(args))
	for i, w := range args {
		words[i] = quote(w)
		if len(w) > 90 {
			words[i] = "'" + w[:40] + "…'"
		}
	}
	fmt.Fprintf(d.out, "  $ datanet %s\n", strings.Join(words, " "))
}

// run gives one command with --json and reads what it prints.
func (d *demo) run(into any, args ...string) error {
	d.show(args)
	var out bytes.Buffer
	if err := d.give(&out, append(args, "--json")...); err != nil {
		return err
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(out.Bytes(), into)
}

// give runs a command line in this process, in the demo's world.
func (d *demo) give(out io.Writer, args ...string) error {
	inner := &app{in: d.in, out: out, err: d.err, now: d.now, env: func(name string) string { return d.world[name] }}
	root := newRoot(inner)
	root.SetArgs(args)
	return root.ExecuteContext(d.ctx)
}
