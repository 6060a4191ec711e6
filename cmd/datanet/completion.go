package main

import (
	"bytes"
	"context"
	"io"

	"github.com/spf13/cobra"
)

func newCompletion(a *app) *cobra.Command {
	c := &cobra.Command{
		Use: "completion bash|zsh|fish|powershell", Short: "print the script that lets a shell complete datanet's words",
		Long: `Prints a script for the shell. With it, the Tab key completes commands, flags,
measures and dimensions.`,
		Example: "  source <(datanet completion bash)", ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		Args: cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
	}
	return a.command(c, func(_ context.Context, args []string) error {
		var script bytes.Buffer
		if err := completions[args[0]](c.Root(), &script); err != nil {
			return err
		}
		return a.say(map[string]string{"shell": args[0], "script": script.String()}, func(w io.Writer) { script.WriteTo(w) })
	})
}

var completions = map[string]func(*cobra.Command, io.Writer) error{
	"bash":       func(c *cobra.Command, w io.Writer) error { return c.GenBashCompletionV2(w, true) },
	"zsh":        func(c *cobra.Command, w io.Writer) error { return c.GenZshCompletion(w) },
	"fish":       func(c *cobra.Command, w io.Writer) error { return c.GenFishCompletion(w, true) },
	"powershell": func(c *cobra.Command, w io.Writer) error { return c.GenPowerShellCompletionWithDesc(w) },
}
