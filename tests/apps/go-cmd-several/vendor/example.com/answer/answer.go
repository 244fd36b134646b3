// Package answer exists only below vendor/.
package answer

const Value = 42
