// Package words is a sub-package of the module.
package words

import "rsc.io/quote"

// Hello greets in the words of the module that is depended on.
func Hello() string { return quote.Hello() }
