package schemas

import (
	"regexp"
	"strings"
)

// What the codes and categories of a list may look like. A code in no form that
// an export can hold matches nothing, in silence: of an opt-out list, it switches
// the opt-outs off. A spreadsheet makes such codes of good ones.

var (
	readForm  = regexp.MustCompile(`^[0-9A-Za-z]{1,5}\.{0,4}(-[0-9][0-9A-Za-z]?)?$`) // of at most five characters before the hyphen
	readTerm  = regexp.MustCompile(`^([0-9A-Za-z.]{5})[0-9][0-9A-Za-z]$`)            // with the number of a term at once behind it
	localForm = regexp.MustCompile(`^(EMIS|\^?ESC|PCS)[0-9A-Za-z_]{1,15}$`)          // EMIS's own codes
	wordsOf   = map[string]bool{"units": true}                                       // lists whose codes are words of the source
)

// bare is a Read or CTV3 code without its dots and its term number; no code of
// another kind has such a form.
func bare(code string) (string, bool) {
	if localForm.MatchString(code) || isNumber(code) {
		return "", false
	}
	if with := readTerm.FindStringSubmatch(code); with != nil {
		code = with[1]
	}
	stem, _, _ := strings.Cut(code, "-")
	if !readForm.MatchString(code) || len(stem) > 5 {
		return "", false
	}
	return strings.TrimRight(stem, "."), true
}

// Bare writes a code as extracts match it: Read and CTV3 without dots and term
// number, any other as it is.
func Bare(code string) string {
	if read, ok := bare(code); ok {
		return read
	}
	return code
}

const (
	noConcept = "has a number that is no concept of SNOMED CT: a digit is wrong or missing, or it is a description's"
	noForm    = "has a code in a form that no code has, and so would match nothing: SNOMED CT is 6 to 18 digits and nothing else, " +
		"Read and CTV3 5 letters, digits and dots, ICD-10 as F20 or F20.1; a spreadsheet may have changed it"
	noICD10 = "has a code that is not ICD-10, as F20 or F20.1"
)

// codeFault says what is wrong with a code of a list, or nothing.
func codeFault(list, code string) string {
	_, read := bare(code)
	switch {
	case wordsOf[list]:
		return ""
	case strings.HasSuffix(list, "-icd10"):
		if !icd10Text.MatchString(code) {
			return noICD10
		}
	case isNumber(code):
		if !ConceptID([]byte(code)) {
			return noConcept
		}
	case !read && !icd10Text.MatchString(code) && !localForm.MatchString(code):
		return noForm
	}
	return ""
}

// Unmatched counts the codes of the policy's lists that seem to be meant for a
// dataset and can match nothing in it, whose codes have the form that it says; if
// none of its codes can match there, it counts them all. A list may mix the
// systems of several datasets: another dataset's code is no mistake as long as it
// is whole.
func (p *Policy) Unmatched(dataset string, lists Lists) (n int, form string) {
	var all, idle, doubtful int
	for _, name := range p.Lists() {
		for _, e := range lists[name].Entries {
			all++
			concept, icd10 := ConceptID([]byte(e.Code)), icd10Text.MatchString(e.Code)
			read, _ := bare(e.Code)
			switch {
			case dataset == "slam" && !icd10:
				idle++
				if !concept && len(e.Code) < 5 {
					doubtful++
				}
			case dataset == "primary-care" && !concept && read == "" && !localForm.MatchString(e.Code):
				idle++
			}
		}
	}
	form = map[string]string{"slam": "ICD-10 codes, as F20 or F20.1", "primary-care": "SNOMED CT and Read codes"}[dataset]
	if idle == all {
		return idle, form
	}
	return doubtful, form
}

// A categoryForm is what the categories of a list may be. They leave with the
// extract, so they are words of a fixed form and never a name or a number.
type categoryForm struct {
	form *regexp.Regexp
	is   string
}

var categoryForms = map[string]categoryForm{
	"ethnicity":        {regexp.MustCompile(`^([A-HJ-NPRSZ]|99)$`), "a letter of the 2001 census, Z or 99"},
	"language":         {regexp.MustCompile(`^([a-z]{2,3}|not-stated)$`), "a code of ISO 639, as en, or not-stated"},
	"country-of-birth": {regexp.MustCompile(`^([A-Z]{2}|not-stated)$`), "a code of ISO 3166-1, as GB, or not-stated"},
	"religion":         {regexp.MustCompile(`^[a-z][a-z-]{0,19}$`), "a word of 1 to 20 small letters and hyphens"},
	"smoking":          {regexp.MustCompile(`^(current|ex|never)$`), "current, ex or never"},
	"units":            {regexp.MustCompile(`^[0-9A-Za-z%\[\]{}()_./*'^+-]{1,20}$`), "a unit of UCUM in 1 to 20 characters, without blanks and with at most 4 digits in a row"},
}

var longNumber = regexp.MustCompile(`[0-9]{5}|([0-9][^0-9A-Za-z]?){7}`)

// categoryFault says what is wrong with a category of a list, or nothing.
func categoryFault(list, category string) string {
	c, leaves := categoryForms[list]
	if leaves && (!c.form.MatchString(category) || longNumber.MatchString(category)) {
		return "has a category that is not " + c.is
	}
	return ""
}
