package linkage_test

import (
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
