package inspect

import (
	"regexp"

	"datanet/schemas"
)

// A value is printed if it is short and plain. What else a column holds, line
// ends and control characters among it, is not passed on; nor is what could be
// a code of a person or a number of ten digits in a text.
var (
	plainText = regexp.MustCompile(`^[\p{L}\p{N}][\p{L}\p{N} .,:;/()\[\]{}%*^'+_-]{0,59}$`)
	codeLike  = regexp.MustCompile(`[0-9a-fA-F]{16}|[0-9](?:[ -]?[0-9]){9}|[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-`)
	clinical  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.]{0,17}$`)
)

const notShown = "(text that is not shown)"

func plain(value string, role schemas.Role) string {
	if role == schemas.CodeRole {
		if clinical.MatchString(value) {
			return value
		}
		return notShown
	}
	if !plainText.MatchString(value) || codeLike.MatchString(value) {
		return notShown
	}
	return value
}
