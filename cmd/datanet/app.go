package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// version is the tool's version, in manifests and publications.
const version = "datanet 0.1.0"

// An app is one run of the command line with the world it touches.
type app struct {
	in       *os.File
	out, err io.Writer
	env      func(string) string
	now      func() time.Time

	ctx     context.Context // of this run: what waits for a person ends with it
	json    bool
	hub     string
	piped   string // the passphrase from standard input, once read
	unasked bool   // a hub was named for a linked publication, and could not be asked about its approval
	started bool   // a command's own code has begun: what fails before is wrong use
}

func newApp() *app {
	return &app{in: os.Stdin, out: os.Stdout, err: os.Stderr, env: os.Getenv, now: time.Now, ctx: context.Background()}
}

// run executes one command line and returns its exit code.
func (a *app) run(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	noCoreDumps()
	signal.Ignore(unix.SIGXFSZ) // a file that may not grow is an error like a full disk, not the end
	unix.Umask(0o077)
	return a.execute(ctx, args)
}

func (a *app) execute(ctx context.Context, args []string) (code int) {
	a.ctx = ctx
	defer func() {
		if fault := recover(); fault != nil {
			code = a.fail(ctx, newFault())
		}
	}()
	root := newRoot(a)
	root.SetArgs(args)
	c, err := root.ExecuteContextC(ctx)
	if err == nil {
		return 0
	}
	if !a.started {
		err = misused(c, err)
		a.json = a.json || slices.Contains(args, "--json")
	}
	return a.fail(ctx, err)
}

// noCoreDumps keeps keys and identifiers in memory out of core files.
func noCoreDumps() {
	unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{})
	dontDump()
}

const exitCodes = `
Exit codes:
  0    done; a skip with a reason is done
  1    unexpected failure
  2    wrong use
  3    refused by governance: no live approval, out of scope, disclosure rule
  4    source data refused
  5    key missing, wrong, unreadable or readable by others
  6    integrity: a signature, hash, manifest or ledger does not hold
  130  interrupted
`

const usage = `{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}

{{end}}{{if or .Runnable .HasSubCommands}}{{.UsageString}}{{end}}`

const usageTemplate = `Usage:{{if .Runnable}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} [command]

Commands:{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding}} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

Flags:
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

Global flags:
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasExample}}

Example:
{{.Example}}{{end}}
` + exitCodes

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "datanet",
		Short: "pseudonymised population health data, from practice to map",
		Long: `datanet turns the records of GP practices, the mental-health trust and maternity into
anonymised counts by ward and ethnicity. NHS numbers become keyed codes inside each
organisation and never leave it; datasets are linked only under an approval that every
Caldicott Guardian concerned has signed.

All data that it comes with is synthetic.`,
		Example:       "  datanet demo",
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          cobra.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.SetOut(a.out)
	root.SetErr(a.err)
	root.SetUsageTemplate(usageTemplate)
	root.SetHelpTemplate(usage)
	root.PersistentFlags().BoolVar(&a.json, "json", false, "print one JSON document instead of prose")
	root.PersistentFlags().StringVar(&a.hub, "hub", a.env("DATANET_HUB"), "folder of the hub (or DATANET_HUB)")
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(newHelp(root))
	root.AddCommand(newDemo(a), newSynth(a), newKey(a), newExtract(a), newInspect(a), newBench(a), newHub(a), newLoad(a),
		newApproval(a), newRelease(a), newLink(a), newPublish(a), newQuery(a), newCatalogue(a), newCompletion(a), newVersion(a))
	return root
}

// newHelp is cobra's help command, but a command that is not there is wrong use.
func newHelp(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "explain a command", Example: "  datanet help query",
		RunE: func(_ *cobra.Command, args []string) error {
			c, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				return &useError{"there is no command " + strings.Join(args, " "), "see datanet --help"}
			}
			c.InitDefaultHelpFlag() // so that the flag is listed, as it is with --help
			return c.Help()
		},
	}
}

func newVersion(a *app) *cobra.Command {
	return a.command(&cobra.Command{Use: "version", Short: "print the version", Args: cobra.NoArgs, Example: "  datanet version"},
		func(context.Context, []string) error {
			return a.say(map[string]string{"version": version}, func(w io.Writer) { fmt.Fprintln(w, version) })
		})
}

// command wires a command's own code in.
func (a *app) command(c *cobra.Command, run func(ctx context.Context, args []string) error) *cobra.Command {
	c.RunE = func(c *cobra.Command, args []string) error {
		a.started = true
		return run(c.Context(), args)
	}
	return c
}

// say prints the result: as JSON for programs, as prose for people.
func (a *app) say(document any, prose func(io.Writer)) error {
	if a.json {
		e := json.NewEncoder(a.out)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		return e.Encode(document)
	}
	prose(a.out)
	return nil
}

// progress tells people at a terminal what long work is at.
func (a *app) progress() func(step string) {
	if !a.watched() {
		return func(string) {}
	}
	return func(step string) { fmt.Fprintf(a.err, "\r\033[K%s …", step) }
}

// progressDone clears the line that progress wrote.
func (a *app) progressDone() {
	if a.watched() {
		fmt.Fprint(a.err, "\r\033[K")
	}
}

// watched says whether somebody sits at a terminal and reads prose.
func (a *app) watched() bool {
	f, ok := a.err.(*os.File)
	return ok && !a.json && term.IsTerminal(int(f.Fd()))
}

// home is where a person's tool remembers whom it has met.
func (a *app) home() (string, error) {
	if dir := a.env("DATANET_HOME"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserConfigDir()
	if err != nil {
		return "", &useError{rule: "there is no folder to remember in", hint: "set DATANET_HOME to a folder"}
	}
	return filepath.Join(dir, "datanet"), nil
}

// limits is what a command may use of the machine.
type limits struct {
	threads int
	memory  string
}

func (l *limits) flags(c *cobra.Command, memory string) {
	c.Flags().IntVar(&l.threads, "threads", 0, "threads (default: one for each processor)")
	c.Flags().StringVar(&l.memory, "memory", memory, "memory to stay within, for example 512MiB")
}

// leastMemory is less than any stage can work in; what stages need grows with the data.
const leastMemory = 64 << 20

func (l *limits) read() (threads int, memory int64, err error) {
	if l.threads < 0 || l.threads > 1024 {
		return 0, 0, &useError{"--threads is not a number of threads", "give 1 to 1024, or leave it out for one thread on each processor"}
	}
	memory, err = size(l.memory)
	if err == nil && memory < leastMemory {
		err = &useError{"--memory is too little to work in", "give 64MiB or more"}
	}
	return l.threads, memory, err
}

// size reads 512MiB, 1GiB, 2GB.
func size(text string) (int64, error) {
	units := []struct {
		name  string
		bytes float64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}}
	for _, u := range units {
		if number, ok := strings.CutSuffix(text, u.name); ok {
			var n float64
			if _, err := fmt.Sscanf(number, "%g", &n); err == nil && n > 0 && n*u.bytes < 1<<50 {
				return int64(n * u.bytes), nil
			}
		}
	}
	return 0, &useError{rule: "--memory is not a size", hint: "for example 512MiB or 2GiB"}
}

// date reads YYYY-MM-DD; empty is the zero time.
func date(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, &useError{rule: "--" + flag + " is not a date", hint: "dates are YYYY-MM-DD"}
	}
	return day, nil
}
