package synth

import (
	"context"
	"path/filepath"
	"testing"
)

func BenchmarkWrite(b *testing.B) {
	for b.Loop() {
		_, err := Write(context.Background(), Options{Out: filepath.Join(b.TempDir(), "borough"), People: 20_000})
		if err != nil {
			b.Fatal(err)
		}
	}
}
