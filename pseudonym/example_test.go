package pseudonym_test

import (
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"time"

	"filippo.io/age"

	"datanet/pseudonym"
)

// A field of a source file becomes a code, or a word that says why not.
func ExampleParseNHSNumber() {
	for _, field := range []string{"999 000 0018", "9990000019", "", "9.990000018E9", "9999999999"} {
		n, problem := pseudonym.ParseNHSNumber([]byte(field), pseudonym.Test)
		fmt.Println(n, problem)
	}
	// Output:
	// [nhs number] ok
	// [nhs number] check-digit
	// [nhs number] blank
	// [nhs number] malformed
	// [nhs number] repeated-digit
}

// One person, seen by two sites of one dataset: different at the sites, the
// same at the hub.
func ExampleCoder() {
	linkage, wrap := pseudonym.NewLinkageKey(), pseudonym.NewWrapKey()
	number, _ := pseudonym.ParseNHSNumber([]byte("9990000018"), pseudonym.Test)

	first := pseudonym.NewCoder(linkage, wrap.Site("Z99001")).Code(number)
	second := pseudonym.NewCoder(linkage, wrap.Site("Z99002")).Code(number)
	fmt.Println("the same at both sites:", first == second)

	a := pseudonym.NewRewrapper(wrap.Site("Z99001"), wrap.Dataset()).Code(first)
	b := pseudonym.NewRewrapper(wrap.Site("Z99002"), wrap.Dataset()).Code(second)
	fmt.Println("the same at the hub:", a == b)
	// Output:
	// the same at both sites: false
	// the same at the hub: true
}

// A key file on its way from memory to disk and back.
func Example_keyFile() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "guardian.key")

	identity, err := pseudonym.NewIdentityKey(time.Now())
	if err != nil {
		log.Fatal(err)
	}
	guardian, err := pseudonym.NewGuardianKey("slam", "a.okafor", time.Now())
	if err != nil {
		log.Fatal(err)
	}
	if err := pseudonym.Write(file, guardian, identity.Recipient()); err != nil {
		log.Fatal(err)
	}

	unlock := pseudonym.Unlock{Identities: []age.Identity{identity.Identity()}}
	again, err := pseudonym.Read[*pseudonym.GuardianKey](file, unlock)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(again, again.Signer.Name(), again.Public() == guardian.Public())

	_, err = pseudonym.Read[*pseudonym.SiteKey](file, unlock)
	var wrong *pseudonym.KeyError
	fmt.Println(errors.As(err, &wrong))
	// Output:
	// [key] guardian/slam/a.okafor true
	// true
}
