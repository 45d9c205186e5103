package tree

// OpenTargetByRoot opens a target as it is opened where there are no *at calls.
func OpenTargetByRoot(dir string, o TargetOptions) (*Target, error) {
	return openTarget(dir, o, openRootHandle)
}

// OpenTargetSynced opens a target that syncs even where there is no disk.
func OpenTargetSynced(dir string, o TargetOptions) (*Target, error) {
	t, err := openTarget(dir, o, openHandle)
	if err == nil && t.inline && !o.DryRun {
		t.inline = false
		t.startCommitter()
	}
	return t, err
}

// OpenTargetInline opens a target that does not sync.
func OpenTargetInline(dir string, o TargetOptions) (*Target, error) {
	o.NoSync = true
	return OpenTarget(dir, o)
}

// OpenTargetNamed opens a target on a system without nameless files.
func OpenTargetNamed(dir string, o TargetOptions) (*Target, error) {
	t, err := openTarget(dir, o, openHandle)
	if err == nil {
		t.noUnnamed.Store(true)
	}
	return t, err
}

// ShutHandles closes all folders that are not in use.
func (t *Target) ShutHandles() {
	t.mu.Lock()
	defer t.mu.Unlock()
	was := t.maxOpen
	t.maxOpen = 0
	t.evictLocked(nil)
	t.maxOpen = was
}

// HiddenName is hiddenName.
func HiddenName(name string, number int, what string) string { return hiddenName(name, number, what) }

// Handles returns how many folders t has open.
func (t *Target) Handles() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open.Len()
}
