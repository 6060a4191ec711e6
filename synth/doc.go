// Package synth writes a synthetic Lambeth: people who never lived, their
// practices' exports as EMIS Web would make them, the exports of their mental
// health trust and their maternity trust, and an answer key that says
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
// Markers), the trusts' local ids begin with QUILLID, postcodes lie in the areas XL,
// XN and XZ, which do not exist, sites are Z99001, Z99002, …, Z9S01 (the mental
// health trust) and Z9M01 (maternity), which no organisation has. Shares and risks come from the
// files in parameters/, each of which names its source or says that it is an
// assumption; no figure here is a finding about Lambeth.
//
// # What is written
//
//	OUT/primary-care/<site>/291_<table>_<stamp>_<agreement>.csv
//	OUT/primary-care/<site>/postcodes.csv
//	OUT/slam/<table>_<date>.csv, OUT/slam/postcodes.csv
//	OUT/maternity/<table>_<date>.csv, OUT/maternity/postcodes.csv
//	OUT/truth/people.csv
//	OUT/truth/registrations.csv
//	OUT/truth/slam.csv
//	OUT/truth/maternity.csv
//
// Each site's folder is one practice's snapshot in EMIS's specification v8.2:
// every field in quotes, lines ended by LF, UTF-8, GUIDs in braces, dates as
// 2026-10-31, ProcessingId rising from 1 in each table. The stamp is the as-at date at
// 03:30:15. NHSNumberStatus is blank, as it is in EMIS. Clinical codes are those of the
// vocabulary's code lists; products and their dm+d identifiers are made up.
//
// The trusts' folders are MHSDS v5 and MSDS v2 as they are submitted: the tables in
// mhsds.go and msds.go, fields in quotes only where they must be, lines ended by
// LF, UTF-8, dates as 2026-10-31, the moment of a diagnosis as 2026-10-31T09:30:15.
// The date in a file's name is the as-at date, the end of the reporting period.
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
// were deleted come on top, about 8 in 100, with those whom only a trust knows
// another 1, and five patients of another
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
// # The trusts
//
// The mental health trust knows 4 to 6 in 100 of the borough, more in some ethnic
// categories and in deprived areas. It knows most people whom a practice calls
// severely mentally ill (SMI), and some whom none does; practices took the
// blood pressure of people with SMI less often in some categories. Its patients have
// referrals, contacts, diagnoses, and a few an inpatient spell with periods of
// legal status. The maternity trust has the bookings of 730 days: those of
// babies whom the practices know, of women who are still pregnant, and of
// women and babies whom no practice knows. Every baby of the borough's last two
// years has a mother of 16 to 47 years in the same ward, mostly of the same ethnic
// category, and mostly the same practice. Some people are known to a trust only.
//
// Both exports hold rows that were submitted twice (the one that counts has the higher
// number, and does not always stand last), records of people who are not in
// the export, events dated after the snapshot or before birth, blank, failing,
// spaced and borrowed numbers (a third of the youngest babies have none), and
// people with two local ids and one number. What a trust has for ethnicity is
// often another category than the person's, Z, 99 or blank; some of its addresses are
// old. The mental health trust's diagnoses are ICD-10 in the forms F20.0, F200, F20 and
// F20X, and some are in SNOMED CT only. There are twins, stillbirths, which have
// no number, losses, which must not leave, two babies of two mothers under one
// number, and women whose only booking has an impossible date: they are in
// the source, and do not link.
//
// # The answer key
//
// The files are plain CSV with LF, computed from what was planted while it was
// planted, never read back from the sources.
//
// people.csv has one row for each real person: person_id, nhs_number (the true
// one), birth_date, sex, ethnicity (true, by letter), lsoa (in the borough only),
// ward (code, outside, no-fixed-abode or unknown), in_primary_care (a row of one of
// the borough's practices stands under this number, whoever's row it is, whatever
// gate stops it, and whatever spaces it was written with) and links_primary_care (such a
// row passes every gate). The branch's patients are people, who are in no practice.
// in_slam, links_slam, in_maternity and links_maternity say the same of the
// trusts; a woman links through a booking, a baby through a birth, that no gate stops.
// is_mother and is_baby say that a booking, or a baby, stands under the number;
// mother is the person_id of the mother whom the trust has for the baby, or two
// with a space between. People whom only a trust knows have no row when that
// trust is not written.
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
//     Z if they only say "not stated"; empty if there are none. A later Z does not
//     undo an earlier letter.
//   - smoking that they tell: current, ex or never, the latest; empty if there is none
//   - one column for each condition: the latest diagnosis is not followed, on a
//     later day, by a resolution
//
// Entries that are deleted, confidential, dated after the as-at date or before
// the birth date that the row has count for nothing, in any of these; opt-outs
// are never such. Two entries that would decide the same question are never of the same day.
//
// slam.csv has one row for each patient row that counts (LocalPatientId): the
// number as recorded, whether it is usable, gender, birth_year, ethnicity
// (as recorded: 99, or empty when blank), ward and lsoa of the address that the trust has; smi, whether a
// diagnosis F20 to F29, F30 or F31 in ICD-10, dated up to the as-at date, belongs to
// it; and how many referrals, diagnoses (a code of a referral in a table at a
// moment), attended contacts and spells no gate stops. Provisional and secondary
// diagnoses name SMI only where a primary one does.
//
// maternity.csv has one row for each mother's row that counts, each booking and
// each baby (column row), tied by the ids in mother_id and pregnancy_id. A booking
// has its mother's number; booked (the month) and booked_by_70_days (empty when the due
// date is not known). A baby has its own number, mother, birth_month and outcome. Gates
// are no-patient, impossible-date (of a booking) and sensitive-outcome (of a baby; the
// booking stays). A baby's edge to its mother holds when both rows are usable.
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
// Records are short, about ten entries a person, there are no households but mothers
// with babies, and moves,
// illness and care are drawn, not lived: nothing about the course of a disease can be learnt here.
package synth
