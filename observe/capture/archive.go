package capture

// CanGoBack reports whether At finds frames again: not in a stream or a packed
// file, for which there is NewSpool.
func (f *File) CanGoBack() bool { return f.in.file != nil }
