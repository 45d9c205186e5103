// Package ladder is what people see of a capture: conversations as ladders and
// lists, frames as boxes within boxes, events as JSON, and pictures.
//
// A [Row] is one packet of a conversation, copied out of what package flow hands
// over; a [Talk] is a conversation with its rows, which the pictures draw from.
// [Layers] takes one frame apart for reading: every field beside its bytes.
//
// Everything that came from the wire is escaped before it is shown.
package ladder
