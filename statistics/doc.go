// Package statistics holds the formulas behind the published figures, each with the paper it comes from.
//
// Every function is pure: numbers in, numbers out, an error where the formula does not apply and nothing beside it.
// Proportions are fractions between 0 and 1, confidences likewise (0.95, 0.998). The formulas know nothing of datasets,
// wards or disclosure control; the one allowance is [WilsonProtected], which widens an interval by the known variance
// that protection adds to a published count.
//
// Results agree with the vectors in testdata to a relative 1e-9.
package statistics
