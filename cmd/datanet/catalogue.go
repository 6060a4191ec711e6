package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"datanet/schemas"
)

func newCatalogue(a *app) *cobra.Command {
	var dir string
	command := a.command(&cobra.Command{
		Use: "catalogue [measures|dimensions]", Short: "list what can be asked",
		Example: "  datanet catalogue measures", Args: cobra.MatchAll(cobra.MaximumNArgs(1), cobra.OnlyValidArgs), ValidArgs: []string{"measures", "dimensions"},
	}, func(_ context.Context, args []string) error {
		c, missing := schemas.StandardCatalogue(), []schemas.NotAvailable(nil)
		if dir != "" {
			p, err := a.openPublication(queryOptions{publication: dir})
			if err != nil {
				return err
			}
			c, missing = p.Catalogue, p.NotAvailable
		}
		part := ""
		if len(args) > 0 {
			part = args[0]
		}
		document := map[string]any{"version": c.Version}
		if part != "dimensions" {
			document["measures"] = c.Measures
			if missing != nil {
				document["not_available"] = missing
			}
		}
		if part != "measures" {
			document["dimensions"] = c.Dimensions
		}
		return a.say(document, func(w io.Writer) { printCatalogue(w, c, missing, part) })
	})
	command.Flags().StringVar(&dir, "publication", "", "what this publication answers, and what it does not (default: all that this version knows)")
	return command
}

func printCatalogue(w io.Writer, c *schemas.Catalogue, missing []schemas.NotAvailable, part string) {
	if part != "dimensions" {
		fmt.Fprintln(w, "Measures")
		lines := [][]string{{"id", "title", "from"}}
		for _, m := range c.Measures {
			from := strings.Join(m.Datasets(), " and ")
			if len(m.Linked) > 0 {
				from += ", linked"
			}
			lines = append(lines, []string{m.ID, m.Title, from})
		}
		for _, n := range missing {
			lines = append(lines, []string{n.Measure, n.Title, n.Reason()})
		}
		printColumns(w, lines, 0, 3)
	}
	if part == "" {
		fmt.Fprintln(w)
	}
	if part != "measures" {
		fmt.Fprintln(w, "Dimensions")
		lines := [][]string{{"id", "title", "note"}}
		for _, d := range c.Dimensions {
			lines = append(lines, []string{d.ID, d.Title, d.Note})
		}
		printColumns(w, lines, 0, 3)
	}
}
