package linkage

import (
	"fmt"
	"maps"
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
			said, add := wanted(t, verb, parseWish(rest, names), records)
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
func wanted(t *testing.T, verb string, wish TrustRecord, records []Record) (said string, add []Record) {
	if verb == "log" {
		return "", []Record{record(t, morning, wish)}
	}
	trust, err := TrustOf(records)
	if err != nil {
		t.Fatal(err)
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

// parseWish reads "dataset guardian=G custodian=C site:S=K by=C:OLD", where G/alias is G's key under another name, C@d a token
// for d, and by, the last, C's signature that the site's key OLD makes way.
func parseWish(text string, names map[string]string) TrustRecord {
	words := strings.Fields(text)
	wish := TrustRecord{Dataset: words[0]}
	for _, word := range words[1:] {
		role, name, _ := strings.Cut(word, "=")
		if role == "by" {
			wish.By = madeWay(wish, name)
			continue
		}
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
		}
	}
	return wish
}

func madeWay(wish TrustRecord, by string) string {
	custodian, old, _ := strings.Cut(by, ":")
	signer, _ := key(custodian, custodian)
	for site, fresh := range wish.Sites {
		signed, err := note.Sign(&note.Note{Text: SiteKeyText(wish.Dataset, site, named(old), fresh)}, signer)
		if err != nil {
			panic(err)
		}
		return string(signed)
	}
	return ""
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
