package main

import (
	"fmt"
	"io"

	"datanet/pipeline/extract"
	"datanet/schemas"
)

// printGoverned says by whose decision what was left out.
func printGoverned(w io.Writer, r *extract.Result) {
	fmt.Fprintf(w, "Policy %s, approved by %s\n", r.Policy, r.ApprovedBy)
	fmt.Fprintf(w, "  left out for their choices and safety: %s people; the manifest rounds this\n", thousands(r.LeftOut))
	if r.National == "" {
		fmt.Fprintln(w, "  the national data opt-out is not applied: the policy says why")
	} else {
		fmt.Fprintf(w, "  the national data opt-out is applied, by the list of %s\n", r.National)
	}
	if r.Partly > 0 {
		fmt.Fprintf(w, "  births that say nothing of the baby, who is left out: %s\n", thousands(r.Partly))
	}
	switch {
	case r.Stopped > 0 && r.Withdrawn == 0 && r.Extract != "":
		fmt.Fprintf(w, "  people who were sent before and were stopped since: %s; the policy does not let their codes travel, so what other sites sent of them stays\n", thousands(r.Stopped))
	case r.Stopped > 0 && r.Extract == "":
		fmt.Fprintf(w, "  people who were sent before and were stopped since: %s\n", thousands(r.Stopped))
	case r.Stopped > 0:
		fmt.Fprintf(w, "  people who were sent before and were stopped since: %s; their codes travel among random ones, without a reason, to have them removed everywhere\n", thousands(r.Stopped))
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(w, "warning: %s\n", warning)
	}
}

// printGovernance says of an extract that arrived what decided what it lacks.
func printGovernance(w io.Writer, m *schemas.Manifest) {
	fmt.Fprintf(w, "policy %s: %d codes of this dataset stay behind, by it or as identifiers\n  its file's sha256 is %s\n", m.Policy, len(m.Withheld), m.PolicyDigest)
	if m.NationalOptOut != "" {
		fmt.Fprintf(w, "the national data opt-out was applied, by the list of %s\n", m.NationalOptOut)
	}
	if m.Withdrawn != nil {
		fmt.Fprintf(w, "withdrawn: the codes of about %s people who were sent before and were stopped since; some of the codes are random, so that nobody can tell how many\n", thousands(m.Withdrawn.Rows))
	}
}
