package linkage

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

func TestTrustTable(t *testing.T) {
	table(t, "testdata/trust.txt", func(t *testing.T, input string) string {
		names := map[string]string{"": "-"}
		records := []Record{hubRecord(t)}
		var out strings.Builder
		for line := range strings.Lines(input) {
			verb, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
			if verb == "request" { // somebody drafts a request
				records = append(records, requestRecord(t))
				continue
			}
			trust, err := TrustOf(records)
			if err != nil {
				trust = newTrust() // the table goes on to show what is broken
			}
			said, add := wanted(t, verb, parseWish(t, rest, names, trust), trust)
			if said != "" {
				fmt.Fprintln(&out, said)
			}
			records = append(records, add...)
		}
		trust, err := TrustOf(records)
		if err != nil {
			wantKind(t, err, "integrity")
			return out.String() + "broken: " + err.Error()
		}
		return out.String() + shown(trust, names)
	})
}

// wanted says what came of one line, and what to append.
func wanted(t *testing.T, verb string, wish TrustRecord, trust Trust) (said string, add []Record) {
	if verb == "log" {
		return "", []Record{record(t, morning, wish)}
	}
	rest, err := trust.Change(wish)
	switch {
	case err != nil:
		return "refused: " + err.Error(), nil
	case rest.Empty():
		return "skip", nil
	}
	return "", []Record{record(t, morning, rest)}
}

// parseWish reads "dataset guardian=G custodian=C site:S=K deputy=D:DATE no-deputy=D by=K,K", where G/alias is G's key under another name and
// C@d a token for d. By, the last, are the keys that sign what the change takes, as trust says it; K:OLD signs as if OLD were the key that
// makes way, and K/other-hub for another hub.
func parseWish(t *testing.T, text string, names map[string]string, trust Trust) TrustRecord {
	words := strings.Fields(text)
	wish := TrustRecord{Dataset: words[0]}
	for _, word := range words[1:] {
		role, name, _ := strings.Cut(word, "=")
		if role == "by" {
			for _, signer := range strings.Split(name, ",") {
				wish.By = append(wish.By, signedBy(t, wish, signer, trust))
			}
			continue
		}
		name, until, _ := strings.Cut(name, ":")
		name, dataset, other := strings.Cut(name, "@")
		if !other {
			dataset = wish.Dataset
		}
		vkey := named(name)
		names[vkey] = name
		switch site, isSite := strings.CutPrefix(role, "site:"); {
		case isSite:
			wish.Sites = withSite(wish.Sites, site, vkey)
		case role == "guardian":
			wish.Guardian = vkey
		case role == "custodian":
			wish.Custodian = "custodian:v1:" + dataset + ":" + vkey + ":aHBrZQ==:age1example"
		case role == "deputy":
			wish.Deputy = &Deputy{vkey, until}
		case role == "no-deputy":
			wish.NoDeputy = vkey
		}
	}
	return wish
}

func signedBy(t *testing.T, wish TrustRecord, by string, trust Trust) string {
	by, old, forged := strings.Cut(by, ":")
	by, otherHub := strings.CutSuffix(by, "/other-hub")
	trust.asked = true
	statement, err := trust.Statement(wish)
	text := statement.Text
	if err != nil || text == "" {
		text = "nothing that could be signed\n"
	}
	if forged {
		text = regexp.MustCompile(`(?m)^old .*$`).ReplaceAllLiteralString(text, "old "+named(old))
	}
	if otherHub {
		text = strings.Replace(text, "hub "+testHub, "hub "+strings.Repeat("f", 32), 1)
	}
	signer, _ := key(by, by)
	signed, err := note.Sign(&note.Note{Text: text}, signer)
	if err != nil {
		t.Fatal(err)
	}
	return string(signed)
}

// requestRecord is a request on the record, which changes who decides about keys.
func requestRecord(t *testing.T) Record {
	a := wish("primary-care", "slam")
	a.ID, a.Disclosure, a.Hub, a.Seen = "2026-001", "lattice", testHub, Seen{Size: 1}
	a.complete()
	b, err := NewApproval(&a)
	if err != nil {
		t.Fatal(err)
	}
	return record(t, morning, b)
}

func named(name string) string {
	switch name {
	case "publisher":
		return publisherVKey
	case "ledger":
		return ledgerVKey
	}
	seed, _, _ := strings.Cut(name, "/")
	_, vkey := key(name, seed)
	return vkey
}

func shown(trust Trust, names map[string]string) string {
	var out strings.Builder
	for _, dataset := range trust.Datasets() {
		d := trust.Dataset(dataset)
		fmt.Fprintf(&out, "%s guardian=%s custodian=%s", dataset, names[d.Guardian], names[d.CustodianVKey])
		for _, site := range slices.Sorted(maps.Keys(d.Sites)) {
			fmt.Fprintf(&out, " %s=%s", site, names[d.Sites[site]])
		}
		for _, deputy := range d.Deputies {
			fmt.Fprintf(&out, " deputy=%s until %s", names[deputy.Key], deputy.Until)
		}
		for _, former := range d.Former {
			fmt.Fprintf(&out, " formerly=%s", names[former])
		}
		fmt.Fprintln(&out)
	}
	return out.String()
}

func TestCustodianToken(t *testing.T) {
	_, vkey := key("custodian", "c")
	for token, good := range map[string]bool{
		"custodian:v1:slam:" + vkey + ":aHBrZQ==:age1x":     true,
		"custodian:v1:slam:" + vkey + ":aHBrZQ==:age1x:":    false,
		"custodian:v2:slam:" + vkey + ":aHBrZQ==:age1x":     false,
		"custodian:v1:SLAM:" + vkey + ":aHBrZQ==:age1x":     false,
		"custodian:v1:slam:" + vkey + "::age1x":             false,
		"custodian:v1:slam:" + vkey + ":aHBrZQ==:":          false,
		"custodian:v1:slam:" + vkey[1:] + ":aHBrZQ==:age1x": false,
		"custodian:v1:slam:" + vkey + "\n:aHBrZQ==:age1x":   false,
		vkey: false,
		"":   false,
	} {
		dataset, got, err := custodianVKey(token)
		if good && (err != nil || dataset != "slam" || got != vkey) || !good && (err == nil || got != "") {
			t.Errorf("token %q: %q, %v", token, dataset, err)
		}
	}
}
