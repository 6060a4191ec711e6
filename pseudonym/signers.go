package pseudonym

import "time"

// GuardianKey is the file of one dataset's Caldicott Guardian or deputy.
type GuardianKey struct {
	redacted
	Dataset, Name string
	Created       time.Time
	Signer        Signer
}

// NewGuardianKey makes a Guardian's signing key.
func NewGuardianKey(dataset, name string, created time.Time) (*GuardianKey, error) {
	role, err := GuardianName(dataset, name)
	if err != nil {
		return nil, err
	}
	signer, err := newSigner(role)
	if err != nil {
		return nil, err
	}
	return &GuardianKey{Dataset: dataset, Name: name, Created: day(created), Signer: signer}, nil
}

// GuardianName returns the name under which a Guardian's key signs, for keys that
// are kept elsewhere than in a GuardianKey.
func GuardianName(dataset, name string) (string, error) {
	switch {
	case !ValidDataset(dataset):
		return "", wrongName("dataset")
	case !ValidName(name):
		return "", wrongName("name")
	}
	return guardianName(dataset, name), nil
}

// Kind returns "guardian".
func (*GuardianKey) Kind() string { return kindGuardian }

// Public returns the verifier key of the Guardian's decisions.
func (k *GuardianKey) Public() string { return k.Signer.Public() }

// Describe returns the dataset, the name and the public part.
func (k *GuardianKey) Describe() Description {
	return Description{Kind: kindGuardian, Dataset: k.Dataset, Name: k.Name, ID: k.Signer.ID(),
		Created: formatDay(k.Created), Public: k.Public()}
}

func (k *GuardianKey) form(f *form) {
	f.name("dataset", &k.Dataset, ValidDataset)
	f.name("name", &k.Name, ValidName)
	f.day("created", &k.Created)
	f.signer("signing-key", &k.Signer, guardianName(k.Dataset, k.Name))
}

// PublisherKey is the file of a hub's publisher: the noise keys and the
// signature on publications.
type PublisherKey struct {
	redacted
	Name    string
	Created time.Time
	Record  RecordKey
	Cell    CellKey
	Signer  Signer
}

// NewPublisherKey makes the keys of the publisher of the hub of that name.
func NewPublisherKey(name string, created time.Time) (*PublisherKey, error) {
	if !ValidName(name) {
		return nil, wrongName("name")
	}
	signer, err := newSigner(publisherName(name))
	if err != nil {
		return nil, err
	}
	return &PublisherKey{Name: name, Created: day(created), Record: NewRecordKey(), Cell: NewCellKey(), Signer: signer}, nil
}

// Kind returns "publisher".
func (*PublisherKey) Kind() string { return kindPublisher }

// Public returns the verifier key of the publisher's publications.
func (k *PublisherKey) Public() string { return k.Signer.Public() }

// Describe returns the name, the check values of the noise keys and the public
// part.
func (k *PublisherKey) Describe() Description {
	return Description{Kind: kindPublisher, Name: k.Name, ID: k.Signer.ID(), Created: formatDay(k.Created),
		Check:  map[string]string{lineRecord: k.Record.CheckValue(), lineCell: k.Cell.CheckValue()},
		Public: k.Public()}
}

func (k *PublisherKey) form(f *form) {
	f.name("name", &k.Name, ValidName)
	f.day("created", &k.Created)
	f.secret(lineRecord, &k.Record.secret)
	f.secret(lineCell, &k.Cell.secret)
	k.Cell = cellKeyOf(k.Cell.secret)
	f.signer("signing-key", &k.Signer, publisherName(k.Name))
}

// LedgerKey is the file of a hub's ledger: the signature on ledger heads. Its
// file is not encrypted.
type LedgerKey struct {
	redacted
	Name    string
	Created time.Time
	Signer  Signer
}

// NewLedgerKey makes the signing key of the ledger of that name.
func NewLedgerKey(name string, created time.Time) (*LedgerKey, error) {
	if !ValidName(name) {
		return nil, wrongName("name")
	}
	signer, err := newSigner(ledgerName(name))
	if err != nil {
		return nil, err
	}
	return &LedgerKey{Name: name, Created: day(created), Signer: signer}, nil
}

// Kind returns "ledger".
func (*LedgerKey) Kind() string { return kindLedger }

// Public returns the verifier key of the ledger's heads.
func (k *LedgerKey) Public() string { return k.Signer.Public() }

// Describe returns the name and the public part.
func (k *LedgerKey) Describe() Description {
	return Description{Kind: kindLedger, Name: k.Name, ID: k.Signer.ID(), Created: formatDay(k.Created), Public: k.Public()}
}

func (k *LedgerKey) form(f *form) {
	f.name("name", &k.Name, ValidName)
	f.day("created", &k.Created)
	f.signer("signing-key", &k.Signer, ledgerName(k.Name))
}
