// Package synth writes a synthetic Lambeth: people who never lived, their
// practices' exports as EMIS Web would make them, and an answer key that says
// what was planted, so that a test can compute what a pipeline must find.
//
// # Promise
//
// The same Options give the same bytes, on any machine and with any number of
// processors. Everybody has streams of random numbers of their own, one for
// each purpose, so that changing one thing does not reshuffle the rest. The
// borough is written whole or not at all: it grows in a temporary folder beside
// its place and is renamed when it is complete.
//
// Nobody in it is real. Every NHS number, valid or not, begins with 999, the
// range for tests, and is never issued. Names, addresses and e-mails hold the
// word Quillmarker, telephone numbers come from the ranges kept for drama (see
// Markers), postcodes lie in the areas XL, XN and XZ, which do not exist, sites
// are Z99001, Z99002, …, which no organisation has. Shares and risks come from the
// files in parameters/, each of which names its source or says that it is an
// assumption; no figure here is a finding about Lambeth.
//
// # What is written
//
//	OUT/primary-care/<site>/291_<table>_<stamp>_<agreement>.csv
//	OUT/primary-care/<site>/postcodes.csv
//	OUT/truth/people.csv
//	OUT/truth/registrations.csv
//
// Each site's folder is one practice's snapshot in EMIS's specification v8.2:
// every field in quotes, lines ended by LF, UTF-8, GUIDs in braces, dates as
// 2026-10-31, ProcessingId rising from 1 in each table. The stamp is the as-at date at
// 03:30:15. NHSNumberStatus is blank, as it is in EMIS. Clinical codes are those of the
// vocabulary's code lists; products and their dm+d identifiers are made up.
//
// postcodes.csv (pcds, doterm, lsoa21cd, oslaua, as in the national lookup)
// holds six live postcodes and one terminated one for each of the borough's
// areas, and some of fictional areas (E0199…) in fictional authorities (E0999…)
// outside it. A terminated postcode still locates the few who have it. ZZ99 3VZ
// (no fixed abode) is not in the lookup, nor is anything in XZ.
//
// # What is planted
//
// People is how many are registered today. Those who left within five years, died or
// were deleted come on top, about 8 in 100, and five patients of another
// organisation, the branch Z98001, lie in every practice's files with their
// entries; the first of them has the PatientGuid of the practice's own first
// patient, since GUIDs are unique within an organisation only. Where there are two
// practices or more, some people were registered at another before (its
// registration ended), and 1 to 2 in 100 look current at two.
//
// Among the rows are numbers that are blank, fail their check digit, are
// 9999999999, are written with spaces or hyphens, or are another person's
// valid number; dummies, by flag or by type text with leading blanks; deleted
// patients whose entries arrive undeleted; Type 1 opt-outs, withdrawn ones, and
// people who opted out, came back and left again; restricted (SpineSensitive) and
// confidential patients; deleted and confidential entries; entries dated after
// the snapshot or before birth; entries whose code says that they identify;
// ethnicity never asked, not stated, recorded several times, or different at two
// practices; two birth dates for one number; postcodes with and without their space, in
// lower case, blank or unknown; diagnoses known to the month or year only (1987
// arrives as 1987-01-01 with precision Y); conditions resolved, and found again;
// free text with commas, quotes and line ends. Of every number and choice
// defect there is at least one, in the shares of parameters/rates.json. No practice's
// sharing agreement is off.
//
// # The answer key
//
// Both files are plain CSV with LF, computed from what was planted while it was
// planted, never read back from the sources.
//
// people.csv has one row for each real person: person_id, nhs_number (the true
// one), birth_date, sex, ethnicity (true, by letter), lsoa (in the borough only),
// ward (code, outside, no-fixed-abode or unknown), in_primary_care (a row of one of
// the borough's practices stands under this number, whoever's row it is, whatever
// gate stops it, and whatever spaces it was written with) and links_primary_care (such a
// row passes every gate). The branch's patients are people, who are in no practice.
//
// registrations.csv has one row for each row of Admin_Patient:
//
//   - site, person_id (empty for a dummy), nhs_number_recorded (as the source has
//     it), usable (ten digits with a check digit that holds, not one digit repeated,
//     after spaces and hyphens are dropped)
//   - registered_from and registered_to as months; current: begun, not ended, not dead
//   - gate: empty, or the first that stops the row, in the order
//     other-organisation, agreement, test, deleted, type-1, restricted, confidential
//   - birth_year and death_year, sex (as written: M, F, U or I), ward, lsoa and imd_decile of
//     the address that this practice has
//   - ethnicity that this practice's entries tell: the latest informative one;
//     Z if they only say "not stated"; 99 if there are none. A later Z does not
//     undo an earlier letter.
//   - one column for each condition: the latest diagnosis is not followed, on a
//     later day, by a resolution. Smoking is no column.
//
// Entries that are deleted, confidential, dated after the as-at date or before
// the birth date that the row has count for nothing, in any of these; opt-outs
// are never such. Two entries that would decide the same question are never of the same day.
//
// To fold registrations into people as the pipeline does: take the rows with an
// empty gate and a usable number, group them by the number; the person's row is
// the current one with the latest registered_from, ties by site; a condition is there when
// any row of the group has it. (It makes no difference whether a resolution counts
// against its own practice's diagnoses or against all: a resolved condition is only
// ever recorded by one practice.)
//
// # What this is not
//
// Records are short, about ten entries a person, households are missing, and moves,
// illness and care are drawn, not lived: nothing about the course of a disease can be learnt here.
package synth
