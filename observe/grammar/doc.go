// Package grammar is what the languages of filters have in common, of packets
// (package filter) and of sockets (package sockets): how an expression is cut into
// words, how and, or, not and parentheses join terms, how addresses and ports are
// written, and how a mistake is pointed at.
//
//	expression = unit { ("and" | "or") unit }
//	unit       = "not" unit | "(" expression ")" | term
//
// And and or bind alike, from left to right, as in tcpdump; not binds to the unit
// behind it. The terms are the language's own: it reads them with a [Reader].
package grammar
