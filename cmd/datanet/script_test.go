package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/rogpeppe/go-internal/testscript"
)

// programs are what this test binary is, by the name under which it is run.
var programs = map[string]func(){"datanet": main, "datanet-narrow": narrow, "age": ageTool, "datanet-holds": holdsCode,
	"ssh-keygen": sshKeygen, "ssh-agent": sshAgent, "ssh-add": sshAdd}

func TestMain(m *testing.M) { testscript.Main(m, programs) }

// TestScripts runs the terminal sessions in testdata. Besides testscript's own
// words they use:
//
//	world STAGE            copies a synthetic borough of 1,500 people into the session, as it is when two practices are
//	                       new (keys and an empty hub), extracted, loaded or published; when the two trusts are loaded too
//	                       (gathered); and when primary care with slam is drafted, approved, released or linked. From then on
//	                       the file approval holds the approval's id, and so does $ID
//	code N datanet …       the command exits with N; if N is not 0 it prints one error line, a hint, and no answer
//	let NAME datanet …     keeps what the command prints
//	flip FILE              changes one bit in the middle of a file
//	parquet N FILE         the file is a Parquet file of N rows
//	mode MODE FILE…        the permissions are these
//	keep PATH…             remembers folders and files, and forgets others
//	unchanged              what is remembered is as it was
func TestScripts(t *testing.T) {
	if testing.Short() {
		t.Skip("makes a borough")
	}
	stages := buildWorld(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata",
		RequireExplicitExec: true,
		Setup: func(e *testscript.Env) error {
			e.Values["kept"] = map[string]string{}
			e.Setenv("HOME", filepath.Join(e.WorkDir, "user"))
			e.Setenv("TODAY", time.Now().UTC().Format("20060102"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"world": func(ts *testscript.TestScript, _ bool, args []string) { enterWorld(ts, stages, args) },
			"code":  wantCode, "let": let, "flip": flip, "mode": wantMode, "parquet": wantRows, "keep": keepTree, "unchanged": unchanged,
		},
	})
}

// A session gives commands in this process, as a test's preparation.
type session struct {
	t   testing.TB
	env map[string]string
}

func newSession(t testing.TB, dir string) *session {
	return &session{t, map[string]string{
		"DATANET_HUB": filepath.Join(dir, "hub"), "DATANET_HOME": filepath.Join(dir, "home"),
		"DATANET_IDENTITY": filepath.Join(dir, "keys", "identity"),
	}}
}

// try gives a command and returns what it did.
func (s *session) try(ctx context.Context, args ...string) (code int, stdout, stderr string) {
	var out, err bytes.Buffer
	a := &app{out: &out, err: &err, env: func(name string) string { return s.env[name] }, now: time.Now, ctx: ctx}
	code = a.execute(ctx, args)
	return code, out.String(), err.String()
}

func (s *session) must(args ...string) string {
	s.t.Helper()
	code, stdout, stderr := s.try(context.Background(), args...)
	if code != 0 {
		s.t.Fatalf("datanet %s: exit code %d\n%s", strings.Join(args, " "), code, stderr)
	}
	return strings.TrimSpace(stdout)
}

// drafts asks for an approval of some datasets and all their pairs.
func (s *session) drafts(datasets []string, applicant string, more ...string) (id string) {
	s.t.Helper()
	var pairs []string
	for i, a := range datasets {
		for _, b := range datasets[i+1:] {
			pairs = append(pairs, a+":"+b)
		}
	}
	var drafted struct{ ID string }
	args := append([]string{"approval", "draft", "--datasets", strings.Join(datasets, ","), "--pairs", strings.Join(pairs, ","), "--title", "A test", "--summary", "A test",
		"--purpose", "A test", "--legal-basis", "None", "--dpia", "TEST-1", "--applicant", applicant, "--users", "tests", "--from", "2026-01-01", "--until", "2099-12-31", "--json"}, more...)
	if err := json.Unmarshal([]byte(s.must(args...)), &drafted); err != nil {
		s.t.Fatal(err)
	}
	return drafted.ID
}

var testSites = []string{"Z99001", "Z99002"}

// buildWorld takes the borough through the stages and keeps a copy of each.
func buildWorld(t *testing.T) map[string]string {
	// By its file mode this folder is the test's own, as keys need it.
	dir, stages := filepath.Join(t.TempDir(), "world"), map[string]string{}
	in := func(parts ...string) string { return filepath.Join(append([]string{dir}, parts...)...) }
	s := newSession(t, dir)
	stage := func(name string) {
		stages[name] = dir + "-" + name
		if err := copyTree(dir, stages[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(in("keys"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.must("key", "identity", "--out", in("keys", "identity"))
	s.must("synth", "--out", in("borough"), "--people", "1500", "--practices", "2", "--seed", "7", "--as-at", "2026-10-31")
	s.must("key", "linkage", "--out", in("keys", "linkage.key"))
	s.must("hub", "init", in("hub"))
	s.must("key", "custodian", "--dataset", "primary-care", "--out", in("keys", "custodian.key"))
	s.must("key", "custodian", "--dataset", "slam", "--out", in("keys", "slam-custodian.key"))
	s.must("key", "guardian", "--dataset", "primary-care", "--name", "guardian", "--out", in("keys", "guardian.key"))
	public := func(key string) string { return s.must("key", "show", "--public", in("keys", key)) }
	s.must("hub", "trust", "--dataset", "primary-care", "--guardian", public("guardian.key"), "--custodian", public("custodian.key"))
	for _, site := range testSites {
		s.must("key", "wrap", "--dataset", "primary-care", "--site", site, "--custodian", in("keys", "custodian.key"), "--out", in("keys", site+".wrap"))
		s.must("key", "site", "--dataset", "primary-care", "--site", site, "--linkage", in("keys", "linkage.key"), "--wrap", in("keys", site+".wrap"), "--out", in("keys", site+".key"))
		s.must("hub", "trust", "--dataset", "primary-care", "--site", site+"="+public(site+".key"))
	}
	stage("new")
	for _, site := range testSites {
		s.must("extract", "--key", in("keys", site+".key"), "--source", in("borough", "primary-care", site), "--out", in("extracts"), "--test-numbers")
	}
	stage("extracted")
	for _, site := range testSites {
		s.must("load", in("extracts", "primary-care_"+site+"_2026-10-31"), "--custodian", in("keys", "custodian.key"))
	}
	stage("loaded")
	s.must("publish")
	stage("published")

	// The two trusts join in: what they need is made, extracted and loaded.
	s.must("key", "custodian", "--dataset", "maternity", "--out", in("keys", "maternity-custodian.key"))
	s.must("key", "guardian", "--dataset", "primary-care", "--name", "applicant", "--out", in("keys", "applicant.key"))
	for dataset, site := range map[string]string{"slam": "Z9S01", "maternity": "Z9M01"} {
		custodian := in("keys", dataset+"-custodian.key")
		s.must("key", "guardian", "--dataset", dataset, "--name", "guardian", "--out", in("keys", dataset+"-guardian.key"))
		s.must("hub", "trust", "--dataset", dataset, "--guardian", public(dataset+"-guardian.key"), "--custodian", public(dataset+"-custodian.key"))
		s.must("key", "wrap", "--dataset", dataset, "--site", site, "--custodian", custodian, "--out", in("keys", site+".wrap"))
		s.must("key", "site", "--dataset", dataset, "--site", site, "--linkage", in("keys", "linkage.key"), "--wrap", in("keys", site+".wrap"), "--out", in("keys", site+".key"))
		s.must("hub", "trust", "--dataset", dataset, "--site", site+"="+public(site+".key"))
		s.must("extract", "--key", in("keys", site+".key"), "--source", in("borough", dataset), "--out", in("extracts"), "--test-numbers")
		s.must("load", in("extracts", dataset+"_"+site+"_2026-10-31"), "--custodian", custodian)
	}
	stage("gathered")
	id := s.drafts([]string{"primary-care", "slam"}, public("applicant.key"))
	if err := os.WriteFile(in("approval"), []byte(id), 0o600); err != nil {
		t.Fatal(err)
	}
	stage("drafted")
	s.must("approval", "sign", id, "--guardian", in("keys", "guardian.key"))
	s.must("approval", "sign", id, "--guardian", in("keys", "slam-guardian.key"))
	stage("approved")
	s.must("release", "--approval", id, "--dataset", "primary-care", "--custodian", in("keys", "custodian.key"))
	s.must("release", "--approval", id, "--dataset", "slam", "--custodian", in("keys", "slam-custodian.key"))
	stage("released")
	s.must("link", "--approval", id)
	stage("linked")
	return stages
}

func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name := filepath.Join(to, strings.TrimPrefix(path, from))
		if d.IsDir() {
			return os.MkdirAll(name, info.Mode().Perm())
		}
		body, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(name, body, info.Mode().Perm())
	})
}

func enterWorld(ts *testscript.TestScript, stages map[string]string, args []string) {
	if len(args) != 1 || stages[args[0]] == "" {
		ts.Fatalf("usage: world %s", strings.Join(slices.Sorted(maps.Keys(stages)), "|"))
	}
	ts.Check(os.RemoveAll(ts.MkAbs("hub"))) // of another stage
	ts.Check(copyTree(stages[args[0]], ts.MkAbs(".")))
	ts.Setenv("DATANET_HUB", "hub")
	ts.Setenv("DATANET_HOME", "home")
	ts.Setenv("DATANET_IDENTITY", "keys/identity")
	if id, err := os.ReadFile(ts.MkAbs("approval")); err == nil {
		ts.Setenv("ID", string(id))
	}
}

func wantCode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: code N program args…")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	var exit *exec.ExitError
	got := 0
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	stdout, stderr := ts.ReadFile("stdout"), ts.ReadFile("stderr")
	if got != want {
		ts.Fatalf("exit code %d, not %d\n[stdout]\n%s[stderr]\n%s", got, want, stdout, stderr)
	}
	if slices.Contains(args, "--json") {
		ts.Check(oneDocument(want, stdout, stderr))
	} else if want != 0 {
		ts.Check(oneError(stderr))
	}
}

var errorForm = regexp.MustCompile(`\A(?:[^\n]*: \n)*datanet: error: [^\n]+\n(hint: [^\n]+\n)+\z`)

func oneError(stderr string) error {
	if !errorForm.MatchString(stderr) {
		return fmt.Errorf("not one error line and a hint:\n%s", stderr)
	}
	return nil
}

// oneDocument: the answer is one JSON document, and so is an error.
func oneDocument(code int, stdout, stderr string) error {
	if code == 0 || stdout != "" {
		if err := json.Unmarshal([]byte(stdout), new(any)); err != nil {
			return fmt.Errorf("standard output is not one JSON document: %w", err)
		}
	}
	if code == 0 {
		return nil
	}
	var e struct {
		Error struct {
			Kind    string
			Code    int
			Message string
			Check   string
			Hints   []string
		}
	}
	d := json.NewDecoder(strings.NewReader(stderr))
	d.DisallowUnknownFields()
	err := d.Decode(&e)
	if err != nil || d.More() || e.Error.Code != code || codes[e.Error.Kind] != code || e.Error.Message == "" || len(e.Error.Hints) == 0 {
		return fmt.Errorf("standard error is not one JSON error of code %d: %v\n%s", code, err, stderr)
	}
	return nil
}

func let(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(ts.Exec(args[1], args[2:]...))
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

func flip(ts *testscript.TestScript, _ bool, args []string) {
	path := ts.MkAbs(args[0])
	body, err := os.ReadFile(path)
	ts.Check(err)
	body[len(body)/2] ^= 1
	ts.Check(os.WriteFile(path, body, 0o600))
}

func wantRows(ts *testscript.TestScript, _ bool, args []string) {
	r, err := file.OpenParquetFile(ts.MkAbs(args[1]), false)
	ts.Check(err)
	defer r.Close()
	if got := fmt.Sprint(r.NumRows()); got != args[0] {
		ts.Fatalf("%s holds %s rows, not %s", args[1], got, args[0])
	}
}

func wantMode(ts *testscript.TestScript, _ bool, args []string) {
	for _, path := range args[1:] {
		info, err := os.Stat(ts.MkAbs(path))
		ts.Check(err)
		if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[0] {
			ts.Fatalf("%s has mode %s, not %s", path, got, args[0])
		}
	}
}

func keepTree(ts *testscript.TestScript, _ bool, args []string) {
	clear(ts.Value("kept").(map[string]string))
	for _, path := range args {
		ts.Value("kept").(map[string]string)[path] = tree(ts, path)
	}
}

func unchanged(ts *testscript.TestScript, _ bool, _ []string) {
	for path, before := range ts.Value("kept").(map[string]string) {
		if after := tree(ts, path); after != before {
			ts.Fatalf("%s has changed; it was\n%sand is\n%s", path, before, after)
		}
	}
}

// tree lists a folder's files with their sizes and contents' sums. Locks come
// and go, and a refusal may be noted in the audit log.
func tree(ts *testscript.TestScript, path string) string {
	var lines strings.Builder
	root := ts.MkAbs(path)
	ts.Check(filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() == "lock" || d.Name() == ".staging" || d.Name() == "log.jsonl" {
			return err
		}
		if d.IsDir() {
			fmt.Fprintf(&lines, "%s/\n", strings.TrimPrefix(p, root))
			return nil
		}
		body, err := os.ReadFile(p)
		fmt.Fprintf(&lines, "%s %s\n", strings.TrimPrefix(p, root), sum(body))
		return err
	}))
	return lines.String()
}
