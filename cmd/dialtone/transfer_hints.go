package main

import (
	"errors"

	"dialtone/app/pairing"
	"dialtone/app/transfer"
	"dialtone/app/tree"
)

// transferHint says what to try after an error of a transfer, or nothing.
func transferHint(err error) string {
	var changed *pairing.ChangedKeyError
	if errors.As(err, &changed) {
		return "if that machine was set up anew: dialtone peers forget " + shellWord(changed.Pinned.String()) + ", then give a code once"
	}
	var peer *transfer.PeerError
	var limit *transfer.LimitError
	switch {
	case errors.As(err, &peer) && peer.Refused:
		return "the receiver may take more: dialtone receive --help shows its limits"
	case errors.As(err, &peer):
		return "when the other side is ready again, " + resumeHint
	case errors.As(err, &limit):
		return "take more with " + limit.Flag
	}
	for _, h := range transferHints {
		if errors.Is(err, h.err) {
			return h.hint
		}
	}
	return ""
}

// transferHints are asked in this order.
var transferHints = []struct {
	err  error
	hint string
}{
	{errNoCode, "add --code with what the other side shows, such as --code 7-copper-lantern; if it has none, --no-auth"},
	{pairing.ErrWrongCode, "type the code as the other side shows it; if it is right, somebody may sit in between: start both sides again for another code"},
	{pairing.ErrBurned, "start the waiting side again: it makes a new code; with --code-file write another code into the file"},
	{pairing.ErrCodeWanted, "add --code with what the other side shows"},
	{pairing.ErrNotWanted, "both sides need the same: --code, --trust, --ca or --no-auth"},
	{pairing.ErrUnknownPeer, "add --code with what the other side shows: with --trust at both sides it is remembered"},
	{pairing.ErrNeedsTLS, "leave --plain out here, or add it at the other side"},
	{pairing.ErrPlain, "add --plain here, or leave it out at the other side"},
	{pairing.ErrForeign, "is it dialtone that waits there? The classic protocols need --protocol classic, and --allow-classic --no-auth at the receiver"},
	{pairing.ErrVersion, "install the same version at both sides"},
	{pairing.ErrBusy, "it serves as many as it may: try again in a while"},
	{tree.ErrConflict, "choose what happens to it with --on-conflict keep-both, overwrite or skip at the receiver"},
	{tree.ErrChanged, "send it again when nobody writes to it"},
	{transfer.ErrClassicRefused, "look at what the receiver says"},
}
