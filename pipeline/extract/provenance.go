package extract

import (
	"cmp"
	"context"
)

// A SourceFile is a file of the export, so that a site can say afterwards of which
// files an extract was made. That stays at the site: of a small file a hash can be
// guessed.
type SourceFile struct {
	Table  string `json:"table"` // of the source format, or postcodes
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// provenance hashes the files that are read, by table and then as they came, while
// other work goes on. What it returns waits for the end, and must be called.
func (s *source) provenance(ctx context.Context) (wait func() ([]SourceFile, error)) {
	done := make(chan struct{})
	var files []SourceFile
	var fault error
	go func() {
		defer close(done)
		files, fault = s.hash(ctx)
	}()
	return func() ([]SourceFile, error) {
		<-done
		return files, fault
	}
}

func (s *source) hash(ctx context.Context) ([]SourceFile, error) {
	read := s.files()
	if s.postcodes != nil {
		read = append(read, s.postcodes)
	}
	var files []SourceFile
	for _, f := range read {
		digest, size, err := digestFile(ctx, f.path)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			return nil, cannotRead(cmp.Or(f.table, lookupName))
		}
		files = append(files, SourceFile{cmp.Or(f.table, "postcodes"), size, digest})
	}
	return files, nil
}
