package synth

// measure enters the measured values and smoking. Readings of one person lean
// the same way, so that the last one tells whether a condition is under control.
func (r *recorder) measure(known uint16) {
	age := int(r.last-r.reg.birth) / 365
	hypertensive, diabetic := r.knows(known, "hypertension"), r.knows(known, "diabetes")
	if age >= 18 {
		r.bloodPressure(hypertensive, r.knows(known, "smi"))
	}
	if r.s.chance(0.6) && age >= 2 {
		r.value(bodyMass, r.recent(5*365), r.bodyMass(age))
	}
	if age >= 16 {
		r.smoke()
	}
	if diabetic {
		r.sugar()
	}
	if age >= 40 && r.s.chance(0.65) || diabetic {
		r.value(cholesterol, r.recent(2*365), max(24, 50+r.s.bell(9)))
	}
}

func (r *recorder) knows(known uint16, name string) bool {
	for c, n := range r.names {
		if n == name {
			return known>>c&1 == 1
		}
	}
	return false
}

// recent is a day of the record's last so many days, never near birth.
func (r *recorder) recent(days int) day {
	return max(r.last-day(r.s.below(days)), r.reg.birth+60)
}

func (r *recorder) value(m int, at day, tenths int) {
	e := r.add(measurement, at, r.codes.lists[measurementLists[m]][0], m)
	e.value = int32(tenths)
}

// bloodPressure enters one to five readings. Most people with hypertension
// have one of the last year; of those with a severe mental illness it depends
// on who they are.
func (r *recorder) bloodPressure(hypertensive, smi bool) {
	readings := r.s.between(1, 5)
	span, longAgo := 4*365, 0
	switch {
	case smi && r.s.chance(r.categories[r.who.ethnicity].smiBP):
		span = 360
	case smi:
		span, longAgo = 3*365, 370
	case hypertensive && r.s.chance(0.85):
		span = 360
	case !hypertensive && r.s.chance(0.22):
		return
	}
	upper, lower := r.pressures(hypertensive)
	at := max(r.last-day(longAgo+r.s.below(span)), r.reg.birth+60)
	for range readings {
		r.value(systolic, at, 10*upper())
		r.value(diastolic, at, 10*lower())
		at = max(at-day(r.s.between(40, 400)), r.reg.birth+60)
	}
}

// pressures are the laws of one person's readings.
func (r *recorder) pressures(hypertensive bool) (upper, lower func() int) {
	law := func(mean, spread, low, high int) func() int {
		return func() int { return min(max(mean+r.s.bell(spread), low), high) }
	}
	switch {
	case !hypertensive:
		return law(121, 10, 85, 170), law(75, 8, 45, 105)
	case r.s.chance(r.categories[r.who.ethnicity].bp):
		return law(129, 7, 100, 140), law(77, 6, 50, 90)
	}
	return law(152, 9, 141, 200), law(87, 8, 60, 120)
}

func (r *recorder) bodyMass(age int) int {
	mean := r.categories[r.who.ethnicity].bmi
	if age < 18 {
		mean = 155 + 4*age
	}
	return max(120, mean+r.s.bell(42))
}

// smoke enters what somebody said about smoking, for most.
func (r *recorder) smoke() {
	if !r.s.chance(0.88) {
		return
	}
	at := r.recent(4 * 365)
	status := "never"
	switch {
	case r.who.smokes:
		status = "current"
	case r.s.chance(0.24):
		status = "ex"
		r.habit(max(at-day(r.s.between(200, 3000)), r.reg.birth+16*365), "current")
	}
	r.habit(at, status)
	if r.s.chance(0.3) {
		r.habit(r.last, status)
	}
}

func (r *recorder) habit(at day, status string) {
	r.add(habit, at, r.one(r.codes.in(smoking, status)), 0)
}

func (r *recorder) sugar() {
	mean, low, high, spread := 74, 59, 140, 12
	if r.s.chance(r.categories[r.who.ethnicity].hba1c) {
		mean, low, high, spread = 50, 36, 58, 6
	}
	at := r.recent(420)
	for range 2 {
		r.value(hba1c, at, 10*min(max(mean+r.s.bell(spread), low), high))
		at = max(at-day(r.s.between(90, 200)), r.reg.birth+60)
	}
}
