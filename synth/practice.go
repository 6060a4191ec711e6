package synth

import (
	"fmt"
	"strconv"
)

// A practice is one of the borough's, or stands for one site of it.
type practice struct {
	site         string
	organisation guid
	agreement    guid
	staff        [staffPerPractice]guid
	size         int // relative
	recording    int // of 1000 people, how many have an informative ethnicity
	centre       int // of its catchment, in 100ths along the walk of wards
	reach        int // half of its home wards' width, in the same unit
}

const staffPerPractice = 6

// The branch is one organisation outside the borough whose rows lie in every
// practice's files; an extract must not take them.
const branchSite = "Z98001"

// branchPatients are in every practice's files.
const branchPatients = 5

func newPractices(o Options, r *rates) []practice {
	s, ps := newStream(), make([]practice, o.Practices)
	for i := range ps {
		s.start(o.Seed, forPractices, uint64(i))
		p := &ps[i]
		p.site = fmt.Sprintf("Z99%03d", i+1)
		p.organisation = guidFor(o.Seed, guidOfOrganisation, uint64(i), 0)
		p.agreement = guidFor(o.Seed, guidOfAgreement, uint64(i), 0)
		for j := range p.staff {
			p.staff[j] = guidFor(o.Seed, guidOfStaff, uint64(i), uint64(j))
		}
		p.size = max(30, 100+s.bell(45))
		p.recording = int(1000*r.Record.EthnicityInformative) + s.between(-80, 80)
		homeWards := max(s.between(2, 4), (25+o.Practices-1)/o.Practices)
		p.centre = (2*i + 1) * 25 * 50 / o.Practices
		p.reach = homeWards * 50
	}
	return ps
}

func (p *practice) number() string { return strconv.Itoa(100 + int(p.organisation[0])) }

// catchments are the chances of the practices for the people of each ward: a
// practice draws from its home wards, some from the wards beside them, few from
// elsewhere. The last choice is for people who live in no ward.
func catchments(ps []practice, wards []ward) []choice {
	var choices []choice
	anywhere := make([]float64, len(ps))
	for _, w := range wards {
		weights := make([]float64, len(ps))
		for i, p := range ps {
			weights[i] = float64(p.size) * p.pull(w)
			anywhere[i] = float64(p.size)
		}
		choices = append(choices, choiceOf(weights))
	}
	return append(choices, choiceOf(anywhere))
}

func (p *practice) pull(w ward) float64 {
	distance := 100*w.walk + 50 - p.centre
	if distance < 0 {
		distance = -distance
	}
	switch {
	case distance <= p.reach:
		return 1
	case distance <= p.reach+150:
		return 0.15
	}
	return 0.01
}
