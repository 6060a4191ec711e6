package main

import (
	"bytes"
	"strings"
	"testing"

	"datanet/pipeline/extract"
)

// TestAccount holds the account of a practice to its words.
func TestAccount(t *testing.T) {
	for _, c := range []struct {
		name   string
		result extract.Result
		want   string
	}{
		{"a practice", extract.Result{Extract: "extracts/primary-care_Z99001_2026-10-31", Dataset: "primary-care", Site: "Z99001", AsAt: "2026-10-31", Sequence: 2, Persons: 10815,
			Tables: map[string]int64{"patients": 10815, "observations": 99202, "medications": 2},
			Gates: map[string]map[string]int64{"patients": {"restricted": 14, "type-1": 513, "other-organisation": 5}, "observations": {"confidential": 1, "person-left-out": 5981},
				"medications": {}},
			Numbers: map[string]int64{"ok": 11299, "blank": 1, "check-digit": 23, "repeated-digit": 10}, Unmatched: 3, Policy: "starter 2026-11", ApprovedBy: "nobody", LeftOut: 527, Contradictions: map[string]int64{"sex": 1, "area": 0},
			Unread: []string{"Appointment_Slot", "a table that the format does not know", "Admin_UserInRole", "a table that the format does not know", "Admin_UserInRole"}}, `extracts/primary-care_Z99001_2026-10-31
Extract number 2 of Z99001, primary-care, as at 31 October 2026

Who is in it: 10,815 people.
Patient records left out: 527, each under the first that holds:
         513  the person chose a Type 1 opt-out
          14  the person's record is restricted (S-flag)
Patient records set aside: 5, each under the first that holds:
           5  of another organisation

Prescriptions in it: 2. Left out: 0.

Entries in it: 99,202. Left out: 5,982, each under the first that holds:
       5,981  belongs to a person who is left out
           1  marked confidential

NHS numbers, of everybody in the export, left out or not: 11,299 usable.
  1 person has no NHS number: trace it and enter it.
  23 people have an NHS number that fails its check digit: correct it.
  10 people have one repeated digit in place of an NHS number: enter the real
  number.
Corrected in the clinical system, they can be linked next time. Until then they
are in the extract and found in no other dataset.
3 people have a postcode that the lookup does not hold, and no ward.
Two sexes under one NHS number, a sign of a wrong number: 1 person.
Tables left unread, since nothing of them may leave: Admin_UserInRole,
Appointment_Slot.
Left unread, 2: a table that the format does not know.

Policy starter 2026-11, approved by nobody
  left out for their choices and safety: 527 people; the manifest rounds this
  the national data opt-out is not applied: the policy says why

What leaves: codes in place of NHS numbers, years in place of dates of birth,
areas in place of postcodes, and coded entries. What stays here: names,
addresses, numbers, notes, and this account. The manifest that travels has
totals of people rounded to 10.
Next: look at what leaves with datanet inspect. Then send the folder by a route
that encrypts: it is signed, not encrypted. With --seal it is one file that only
the custodian can open.
`},
		{"a trust where nobody is left out", extract.Result{Extract: "slam_Z9S01_2026-10-31.age", Sealed: true, Dataset: "slam", Site: "Z9S01", AsAt: "2026-10-31", Persons: 773, Sequence: 1,
			Tables: map[string]int64{"patients": 773}, Gates: map[string]map[string]int64{"patients": {"same-person": 8, "re-submitted": 15}},
			Numbers: map[string]int64{"ok": 773}, Policy: "starter 2026-11", ApprovedBy: "nobody"}, `slam_Z9S01_2026-10-31.age
Extract number 1 of Z9S01, slam, as at 31 October 2026

Who is in it: 773 people.
Patient records left out: 0.
Patient records set aside: 23, each under the first that holds:
          15  submitted again later: the later row counts
           8  another record of a person who is counted

NHS numbers, of everybody in the export, left out or not: 773 usable.

Policy starter 2026-11, approved by nobody
  left out for their choices and safety: 0 people; the manifest rounds this
  the national data opt-out is not applied: the policy says why

What leaves: codes in place of NHS numbers, years in place of dates of birth,
areas in place of postcodes, and coded entries. What stays here: names,
addresses, numbers, notes, and this account. The manifest that travels has
totals of people rounded to 10.
Next: send this one file to the custodian. Nobody else can open it.
`},
		{"a maternity unit's dry run", extract.Result{Dataset: "maternity", Site: "Z9M01", AsAt: "2026-10-31", Persons: 1,
			Tables: map[string]int64{"pregnancies": 1, "births": 0}, Gates: map[string]map[string]int64{"births": {"sensitive-outcome": 1}},
			Numbers: map[string]int64{"ok": 1, "mothers-own": 2}, Unmatched: 1, Ignored: 4, Policy: "starter 2026-11", ApprovedBy: "nobody", National: "2026-10-30", Stopped: 2, Warnings: []string{"the policy is nobody's"}}, `Dry run: nothing was kept.
Z9M01 of maternity, as at 31 October 2026

Who is in it: 1 person.

Pregnancies in it: 1. Left out: 0.

Births in it: 0. Left out: 1, each under the first that holds:
           1  how the pregnancy ended never leaves

NHS numbers, of everybody in the export, left out or not: 1 usable.
  2 people are babies under their mothers' NHS number: enter the baby's own.
Corrected in the clinical system, they can be linked next time. Until then they
are left out.
1 person has a postcode that the lookup does not hold, and no ward.
Columns that the format does not know, left unread: 4.

Policy starter 2026-11, approved by nobody
  left out for their choices and safety: 0 people; the manifest rounds this
  the national data opt-out is applied, by the list of 2026-10-30
  people who were sent before and were stopped since: 2
warning: the policy is nobody's

What leaves: codes in place of NHS numbers, years in place of dates of birth,
areas in place of postcodes, and coded entries. What stays here: names,
addresses, numbers, notes, and this account. The manifest that travels has
totals of people rounded to 10.
Next: give the same command without --dry-run.
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b bytes.Buffer
			printExtract(&b, &c.result)
			if b.String() != c.want {
				t.Errorf("got\n%s", b.String())
			}
			for line := range strings.Lines(b.String()) {
				if len([]rune(line)) > 81 {
					t.Errorf("%d columns: %s", len(line)-1, line)
				}
			}
		})
	}
}

// TestAccountOrder: what several owners add to the words does not repeat itself,
// and a reason without words is still told.
func TestAccountOrder(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range reasons {
		if seen[r.name] || r.words == "" {
			t.Errorf("%s stands there twice, or says nothing", r.name)
		}
		seen[r.name] = true
	}
	got := strings.Join(inOrder(map[string]int64{"zebra": 1, "impossible-date": 1, "type-1": 1, "apple": 1, "test": 1}), " ")
	if got != "test type-1 impossible-date apple zebra" {
		t.Error(got)
	}
	if inWords("zebra") != "zebra" {
		t.Error("a reason without words is lost")
	}
}
