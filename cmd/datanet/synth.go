package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"datanet/synth"
)

func newSynth(a *app) *cobra.Command {
	var o synth.Options
	var asAt string
	c := &cobra.Command{
		Use: "synth --out DIR", Short: "write a synthetic borough: source files and their answer key",
		Long: `Writes the files that the practices (EMIS), the mental-health trust (MHSDS) and the
maternity unit (MSDS) of a synthetic Lambeth would export, with the defects that real
exports have, and truth/people.csv, the answer key. Every NHS number is in the 999
range, which is never issued. The same seed gives the same bytes.`,
		Example: "  datanet synth --out borough --people 60000 --practices 6 --seed 7", Args: cobra.NoArgs,
	}
	a.command(c, func(ctx context.Context, _ []string) error {
		if o.People < 1 || (o.Practices < 1 && c.Flags().Changed("practices")) {
			return &useError{"there are no people to write", "give --people and --practices numbers of 1 or more"}
		}
		day, err := date("as-at", asAt)
		if err != nil {
			return err
		}
		o.AsAt = day
		step := a.progress()
		o.Progress = func(done, total int) { step(fmt.Sprintf("writing the files, %d of %d", done, total)) }
		s, err := synth.Write(ctx, o)
		if err != nil {
			return err
		}
		a.progressDone()
		return a.say(s, func(w io.Writer) {
			for _, d := range s.Datasets {
				fmt.Fprintf(w, "%s (%s)\n", d.Dataset, d.Format)
				for _, site := range d.Sites {
					fmt.Fprintf(w, "  %s  %s\n", site.Site, site.Source)
				}
			}
			fmt.Fprintf(w, "answer key: %s\n", s.Truth)
		})
	})
	c.Flags().StringVar(&o.Out, "out", "", "folder to make")
	c.Flags().IntVar(&o.People, "people", 60000, "people registered with the borough's practices")
	c.Flags().IntVar(&o.Practices, "practices", 0, "practices (default: one for each 10,000 people)")
	c.Flags().Uint64Var(&o.Seed, "seed", 1, "seed of everything that is drawn")
	c.Flags().StringVar(&asAt, "as-at", "2026-10-31", "date of the exports")
	c.MarkFlagRequired("out")
	return c
}
