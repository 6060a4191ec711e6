package hub

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"

	"golang.org/x/mod/sumdb/note"
)

// marshal writes the one spelling of a JSON file that unmarshal accepts, indented for people.
func marshal(v any) ([]byte, error) {
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return nil, errors.New("not a value that JSON can hold")
	}
	return out.Bytes(), nil
}

// unmarshal accepts a JSON text only if writing its value again gives the same bytes, which refuses unknown, repeated and
// reordered fields at one stroke. encoding/json's own errors quote the text, so they stop here.
func unmarshal[T any](raw []byte) (T, bool) {
	var v T
	if err := json.Unmarshal(raw, &v); err != nil {
		return v, false
	}
	again, err := marshal(v)
	return v, err == nil && bytes.Equal(raw, again)
}

// openNote returns the text of a signed note with exactly one signature, the verifier's, in its one spelling.
// note.Open skips signatures it does not know and base64 skips stray bits: both would let changed bytes pass.
func openNote(signed []byte, verifier note.Verifier) ([]byte, bool) {
	n, err := note.Open(signed, note.VerifierList(verifier))
	if err != nil || len(n.Sigs) != 1 {
		return nil, false
	}
	sig, err := base64.StdEncoding.DecodeString(n.Sigs[0].Base64)
	if err != nil {
		return nil, false
	}
	whole := n.Text + "\n— " + verifier.Name() + " " + base64.StdEncoding.EncodeToString(sig) + "\n"
	return []byte(n.Text), bytes.Equal(signed, []byte(whole))
}
