package disclose

// Protect turns exact counts into what may be published, or refuses and returns nothing else. The steps are those of
// the published method; the page is meant to be read by information governance.
func Protect(table *Table, exact Counts, uniform Uniform) (Published, *Audit, error) {
	return protect(Lattice(), table, exact, uniform)
}

func protect(policy Policy, table *Table, exact Counts, uniform Uniform) (Published, *Audit, error) {
	// Step 1. The closed lattice: only registered nodes exist, and their counts must be those of one set of people.
	d, err := newDraft(policy, table, exact)
	if err != nil {
		return nil, nil, err
	}
	// Step 2. Noise keyed by the set of people.
	if err := d.perturb(uniform); err != nil {
		return nil, nil, err
	}
	// Steps 3 and 4. Presentation and group disclosure.
	d.decide()
	// Step 5. Try to work out what is withheld; withhold more until it cannot be done, or refuse.
	audit, err := d.secure()
	if err != nil {
		return nil, nil, err
	}
	return d.cells, audit, nil
}

// cell is the rule for one cell. Every case but the last withholds or says what is known anyway.
func (d *draft) cell(f, node int) (Cell, Reason) {
	count, feature := d.exact[f][node].N, &d.table.Features[f]
	whole, inside := d.denominator(f, node)
	if d.isImpossible(f, node) || (inside && whole == Cell{}) {
		return Cell{}, Shown // known to everyone: nobody can be here, or there is nobody to have it
	}
	if inside && whole.Withheld {
		return withheld, DenominatorWithheld
	}
	if d.repaired[f][node] {
		return withheld, Repair
	}
	if d.zeroShown[f] != nil && d.zeroShown[f][node] {
		return Cell{}, Shown
	}
	cell, reason := d.policy.present(count, d.perturbed[f][node])
	switch {
	case cell.Withheld:
		return cell, reason
	case feature.Sensitive && count >= d.exact[feature.Within][node].N-int64(d.policy.Outsiders):
		return withheld, Group
	case inside && cell.Count > whole.Count:
		// Decided from two counts that could both have been shown, so withholding tells less than showing them.
		return withheld, AboveDenominator
	}
	return cell, Shown
}
