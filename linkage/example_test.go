package linkage_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"datanet/linkage"
)

// Keys of an example are not secret: anybody can read them here.
const (
	exampleKey       = "PRIVATE+KEY+ledger+a792bb21+AcPBZkuk+8kKv9SBK7NnDdrYlWLs75LIxRLicSveeOEl"
	exampleVKey      = "ledger+a792bb21+AThYmc5clq8Spk7E6DIQKvRyoMhdEnfhVleE2j3mJNtB"
	examplePublisher = "publisher+91a3d51c+AVOa+v4d//O9bcTzrCMptF4PF/GjdkTif9ozdOXKImle"
)

// A ledger is made, its first record appended, and its head remembered by somebody else.
func Example() {
	dir, err := os.MkdirTemp("", "ledger")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	dir = filepath.Join(dir, "ledger")
	signer, err := note.NewSigner(exampleKey)
	if err != nil {
		panic(err)
	}
	now := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	hub := "000102030405060708090a0b0c0d0e0f"
	if err := linkage.Create(dir, linkage.Origin(hub), signer, now); err != nil {
		panic(err)
	}
	ledger, err := linkage.Open(dir, exampleVKey)
	if err != nil {
		panic(err)
	}
	record, err := linkage.NewRecord(now, linkage.HubRecord{Hub: hub, Name: "Lambeth", Ledger: exampleVKey, Publisher: examplePublisher})
	if err != nil {
		panic(err)
	}
	number, err := ledger.Append(signer, now, record)
	if err != nil {
		panic(err)
	}
	fmt.Println("record", number)

	records, _ := os.ReadFile(filepath.Join(dir, "records"))
	fmt.Print(strings.ReplaceAll(string(records), ",\"body\"", ",\n\"body\""))
	fmt.Println()
	fmt.Print(string(ledger.SignedHead()))

	remembered, err := linkage.ParseHead(ledger.SignedHead(), exampleVKey)
	if err != nil {
		panic(err)
	}
	fmt.Println("\nextends:", ledger.CheckExtends(remembered) == nil)
	// Output:
	// record 0
	// {"kind":"hub","time":"2026-11-01T09:00:00Z",
	// "body":{"hub":"000102030405060708090a0b0c0d0e0f","name":"Lambeth","ledger":"ledger+a792bb21+AThYmc5clq8Spk7E6DIQKvRyoMhdEnfhVleE2j3mJNtB","publisher":"publisher+91a3d51c+AVOa+v4d//O9bcTzrCMptF4PF/GjdkTif9ozdOXKImle"}}
	//
	// datanet/v1/ledger/000102030405060708090a0b0c0d0e0f
	// 1
	// jFC0IshjuHapQ+4Gd3T12y3YH/8vW9dbPi5fqaGZpys=
	// time 2026-11-01T09:00:00Z
	//
	// — ledger p5K7IUcJNCRCMMZtYrT/9xoypZ8smpOve+qZ7NCYwlVJ4NPfIPjJEFh9WXy2ngEOxqBOKPwroxIgzz1+TVuIBJ0AgQQ=
	//
	// extends: true
}

// A request is drafted at a hub and signed by the Guardians of both datasets; then it allows a link, until it is revoked.
func ExampleCheck() {
	dir, err := os.MkdirTemp("", "ledger")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	now := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	ledger, record := exampleHub(filepath.Join(dir, "ledger"), now)
	gp, gpKey := exampleSigner("guardian-gp")
	slam, slamKey := exampleSigner("guardian-slam")
	record(linkage.TrustRecord{Dataset: "primary-care", Guardian: gpKey})
	record(linkage.TrustRecord{Dataset: "slam", Guardian: slamKey})

	_, applicant := exampleSigner("applicant")
	a, err := linkage.Draft(ledger, linkage.Approval{
		Title: "Mental illness and diabetes by ward", Summary: "We want to see where people live who have both.",
		Purpose: "Planning of community services", LegalBasis: "UK GDPR 6(1)(e) and 9(2)(h)", DPIA: "DPIA-2026-014",
		Applicant: applicant, Users: []string{"Jane Doe"}, From: "2026-11-01", Until: "2027-12-31",
		Datasets: []linkage.Scope{
			{Dataset: "primary-care", Columns: []linkage.Column{{"patients", "person"}, {"patients", "sex"}, {"patients", "ward"}}},
			{Dataset: "slam", Columns: []linkage.Column{{"patients", "person"}, {"diagnoses", "person"}, {"diagnoses", "icd10"}}},
		},
		Pairs: []linkage.Pair{{"primary-care", "slam"}},
	}, now)
	if err != nil {
		panic(err)
	}
	fmt.Print(a.Text())
	record(must(linkage.NewApproval(a)))

	ask := func() {
		decisions := must(ledger.Decisions())
		fmt.Println("\nstatus:", decisions.Of(a.ID).Status(now))
		permit, err := linkage.Check(ledger, linkage.Ask{Approval: a.ID, Action: linkage.ActionLink, Now: now})
		fmt.Println("refused:", err)
		fmt.Println("permit to link:", permit.For(linkage.ActionLink, "") == nil)
	}
	record(must(linkage.NewSignature(a, "primary-care", gp)))
	ask()
	record(must(linkage.NewSignature(a, "slam", slam)))
	ask()
	record(must(linkage.NewRevocation(a, "slam", "The study is over.", slam)))
	ask()
	// Output:
	// datanet/v1/approval
	// id 2026-001
	// title Mental illness and diabetes by ward
	// summary We want to see where people live who have both.
	// purpose Planning of community services
	// legal-basis UK GDPR 6(1)(e) and 9(2)(h)
	// dpia DPIA-2026-014
	// applicant applicant+08ede315+ARx4x3nQss5Va+yf+l8ovwsXbZp1+kKqUZ534S2/Lq5o
	// user Jane Doe
	// dataset primary-care patients person,sex,ward
	// dataset slam patients person
	// dataset slam diagnoses person,icd10
	// pair primary-care:slam
	// denominator primary-care
	// cohort all
	// from 2026-11-01
	// until 2027-12-31
	// review 2027-11-01
	// refresh none
	// opt-outs as-loaded
	// disclosure lattice
	// hub 000102030405060708090a0b0c0d0e0f
	// ledger 4 HpT7Hl0+PSOQxz3fih9cmtSTD4QpbMJVOhcImH00Nlw=
	//
	// status: awaiting
	// refused: approval 2026-001: it still needs the signature of the Guardian of slam
	// permit to link: false
	//
	// status: approved
	// refused: <nil>
	// permit to link: true
	//
	// status: revoked
	// refused: approval 2026-001: the Guardian of slam revoked it on 2026-11-01: The study is over.
	// permit to link: false
}

// A record's place in the ledger is proved to somebody who has its line, the proof and the ledger's verifier key, and no hub.
func ExampleProof() {
	dir, err := os.MkdirTemp("", "ledger")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	ledger, _ := exampleHub(filepath.Join(dir, "ledger"), time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC))
	line := must(ledger.Records()[1].Line())
	file := must(ledger.Prove(1)).Text()
	fmt.Print(string(file))

	proof := must(linkage.ParseProof(file))
	head := must(proof.Check(line, exampleVKey))
	fmt.Printf("\nrecord %d of %d: %.16s…\n", proof.Record, head.Size, line)
	_, err = proof.Check(must(ledger.Records()[0].Line()), exampleVKey)
	fmt.Println("another line:", err)
	// Output:
	// c2sp.org/tlog-proof@v1
	// index 1
	// jFC0IshjuHapQ+4Gd3T12y3YH/8vW9dbPi5fqaGZpys=
	//
	// datanet/v1/ledger/000102030405060708090a0b0c0d0e0f
	// 2
	// rldyEt3LHvdT+ROzeL8A/iNUeiaEJLCD5o3dyhRT+yE=
	// time 2026-11-01T09:00:00Z
	//
	// — ledger p5K7IUVx4vUMCxO2nsPVCs80BGyoZnoIwPVKehvksG2iwkmnyO8J/bTIGI9VZ9htmkrmzzWl37Tqs2MbBtdEd7VxJQA=
	//
	// record 1 of 2: {"kind":"policy"…
	// another line: proof: the record is not number 1 of the 2 that the head counts
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// exampleHub is a new hub's ledger, and what appends to it.
func exampleHub(dir string, now time.Time) (*linkage.Ledger, func(linkage.Body)) {
	signer := must(note.NewSigner(exampleKey))
	hub := "000102030405060708090a0b0c0d0e0f"
	if err := linkage.Create(dir, linkage.Origin(hub), signer, now); err != nil {
		panic(err)
	}
	ledger := must(linkage.Open(dir, exampleVKey))
	record := func(body linkage.Body) {
		must(ledger.Append(signer, now, must(linkage.NewRecord(now, body))))
	}
	record(linkage.HubRecord{Hub: hub, Name: "Lambeth", Ledger: exampleVKey, Publisher: examplePublisher})
	record(linkage.PolicyRecord{Policy: "lattice", SHA256: strings.Repeat("0", 64), Datasets: []string{"primary-care"}})
	return ledger, record
}

// exampleSigner makes a key from its name. A real one is random.
func exampleSigner(name string) (note.Signer, string) {
	seed := sha256.Sum256([]byte(name))
	private := ed25519.NewKeyFromSeed(seed[:])
	vkey := must(note.NewEd25519VerifierKey(name, private.Public().(ed25519.PublicKey)))
	encoded := base64.StdEncoding.EncodeToString(append([]byte{1}, seed[:]...))
	return must(note.NewSigner("PRIVATE+KEY+" + name + "+" + strings.Split(vkey, "+")[1] + "+" + encoded)), vkey
}
