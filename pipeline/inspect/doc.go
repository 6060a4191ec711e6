// Package inspect looks at coded tables before they leave: it says what is in
// every column, and how easily people could be told apart, in figures that may
// themselves be shown, printed and sent. It reads Parquet files with one query
// for each column, holds no key, writes nothing and needs no folder of its own.
//
// # What it promises
//
// No figure is about fewer than 8 people, no code of 16 bytes is ever part of
// an answer, and neither is the text of a value that fewer than 8 people share:
// an identifier that slipped into a column is rare, and stays unsaid.
//
//   - Counts are counts of people, never of rows: one person with ten entries is
//     one. 1 to 7 people are withheld; other counts are rounded to 5. Values that
//     are withheld stand together as "others", without names and without number;
//     they hide each other. See protect.go, which is short.
//   - Totals of people and rows are rounded to 10. A reader is taken to know both
//     exactly all the same: rows stand in the manifest, and in some tables a row
//     is a person. TestSubtraction attacks with exactly that knowledge, and with
//     the rules themselves.
//   - Shares are computed from rounded counts, in whole per cent.
//   - Of numbers it shows quantiles, rounded to two digits or to one, each only if
//     8 people have a value that rounds to it. There is no lowest and no highest.
//   - Dates are people in each year. Clinical codes are the most frequent ones,
//     with their people.
//   - Of a column of codes of people it says how many people there are, and how
//     many rows they have, in bands.
//
// # Groups
//
// A combination of columns that somebody could know of a neighbour (sex, year
// of birth, ethnicity, ward) sorts people into groups. k is the number of people
// in the smallest one; whoever is alone in theirs is unique. Somebody with
// several rows is counted with the rarest. Values that are missing are a value.
//
// May k and the share of unique people be shown? Both are about groups that are
// not named: k = 1 says that there is somebody who can be recognised by these
// columns, not who, nor where, nor anything about them. That is true of nearly
// every extract, and is what the figure is for: row-level data is pseudonymised,
// not anonymous. Nobody learns anything about a person whom they do not see in
// the rows, and whoever sees the rows can count. So k is shown as it is up to 9.
// The shares are protected like any column, since a share of few people is a
// small count; a band of 1 to 7 people is withheld. What remains is that k and a
// withheld share together bound the number of people in groups of k. These
// figures are for the site and the custodian, who hold the rows. They are not
// part of what travels: the manifest holds none of them.
//
// # What it does not protect against
//
//   - Each column is protected by itself. Columns that nest, such as ward and
//     LSOA, or a date and its year, can narrow a withheld count down further
//     when they are laid side by side.
//   - Two extracts of one site, a day apart, differ by few people; so do their
//     figures.
//   - Values that 8 people share are printed as they stand, if they are short and
//     plain. A column that holds something it should not, for many people at
//     once, is meant to be seen here.
//   - The groups are about one table. Dates of contacts and whole histories single
//     people out far more often than any combination of a few columns.
package inspect
