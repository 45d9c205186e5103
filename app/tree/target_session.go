package tree

// Tell lets notice hear, beside TargetOptions.Notice, what of an entry could not
// be kept. It is called before the first Begin.
func (t *Target) Tell(notice func(path, what string)) {
	before := t.o.Notice
	t.o.Notice = func(path, what string) {
		if before != nil {
			before(path, what)
		}
		notice(path, what)
	}
}

// Rehearse makes what follows a dry run, as TargetOptions.DryRun does. It is
// called before the first Begin.
func (t *Target) Rehearse() { t.o.DryRun = true }
