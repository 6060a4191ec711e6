package pipeline

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"datanet/pipeline/publication"
)

// BenchmarkPublish counts, protects, audits and writes 20,000 people.
func BenchmarkPublish(b *testing.B) {
	x := newBorough(b, 20_000, 2, 4)
	o := x.options()
	for i := 0; b.Loop(); i++ {
		o.Out = filepath.Join(x.dir, fmt.Sprint("publication", i))
		must(Publish(context.Background(), o))(b)
	}
}

// BenchmarkFirstQuestion is what a planner's command does: open and ask once.
func BenchmarkFirstQuestion(b *testing.B) {
	x := newBorough(b, 5_000, 2, 4)
	p := must(Publish(context.Background(), x.options()))(b)
	for b.Loop() {
		opened := must(publication.Open(p.Publication, func(*publication.Header) (string, error) { return x.publisher.Public(), nil }))(b)
		must(opened.Ask(context.Background(), publication.Question{Measure: "hypertension", By: []string{"ward", "ethnicity"}}))(b)
		opened.Close()
	}
}
