// Package disclose turns exact counts of people into counts that may be published.
//
// It sees counts and keyed sums only: for each [Feature] (a denominator or a numerator) and each node of the lattice,
// how many people there are and the sum of their record keys. It knows no person, no code, no key and no database.
// [Protect] is the whole method, in five steps:
//
//  1. Closed lattice. Only registered nodes exist: one value or All on each axis of a [View]. Any other union of
//     people is answered elsewhere as a sum of published nodes, never from people. (Arbitrary unions break every
//     published rule, whatever its noise: means over random fillers recover each withheld count.)
//  2. Noise keyed by the set of people, from one fixed law on −5…5 with mean 0, variance 3 and a half on no change.
//     The same people always draw the same noise.
//  3. NHS presentation. A node whose true or perturbed count is 1–7 is withheld, otherwise the perturbed count is
//     rounded to 5. Zero is withheld alike, except for features that may show it, and there only where it does not
//     prove a zero that is withheld.
//  4. Group disclosure. Of a sensitive feature, a node that all, or all but one, of its group have is withheld.
//     A numerator whose denominator is withheld, or is smaller once both are perturbed, is withheld.
//  5. Audit. An attacker who knows the method and every published count works out what he can, over all views, all
//     features and their complements together. While a withheld count is known exactly, or within less than 3, one
//     more count is withheld and he starts again. Where single counts do not help, a feature gives up showing zeros.
//     When nothing helps, the publication is refused.
//
// # What is promised
//
// Same people, same table, same key: same publication, in whatever order they were counted. A true 1–7 is never shown.
// A shown r stands for a true count within [r−7, r+7]. Nothing withheld can be proved by adding and subtracting
// published counts, to within less than 3 people. One symbol stands for every reason, and [Published] has no place
// for a reason. Nothing is returned beside an error, and no error holds a count of people.
//
// # What is not protected
//
// Bounded noise gives bounds, and people who know the others in a group learn more than strangers. Where a feature may
// show zeros, a withheld count beside a shown denominator is seldom zero, so it shows that someone is there. The noise
// is not differential privacy. Estimates remain possible; they are measured elsewhere. Publications from other
// periods and of other datasets are not seen here. Bound propagation is not every attack: on lattices small enough to
// try all tables it finds everything that can be found (see the tests), on large ones that is not known.
//
// # Tables
//
// [Axis] values form a tree under All, value 0. The children of a value share a level and hold everyone in it:
//
//	ethnicity      All ─ White (level 1) ─ A, B, C (level 3)
//	                   ─ Black (level 1) ─ African (level 2)
//	                                     ─ Caribbean or other (level 2) ─ M, P (level 3)
//
// A view that limits ethnicity to level 2 has White, Black, African and Caribbean or other; its frontier, the values
// that hold everyone once, is White, African and Caribbean or other.
//
// A publication may count within people whom another one shows, as those with a diagnosis within everybody registered:
// such a [Feature] is Outside. It takes part in the audit with a draw of its own, about as tight as what readers have
// and not the same, and no repair withholds of it. What it shows by itself is not counted against this publication; what
// both show together is.
//
// [Feature.Impossible] matters to safety: what every reader knows to be empty must be known to the audit as well.
package disclose
