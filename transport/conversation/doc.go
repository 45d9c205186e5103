// Package conversation plays timed TCP conversations: scripts in which the remote
// peer is made by hand, segment by segment, and which say what the end under test
// must send, and when. It is support for tests; the notation is described in
// transport/tcp/testdata/README.md.
//
//	scripts, err := conversation.Parse("close.txt", text)
//	err = scripts[0].Play(conversation.NewMachine(scripts[0])) // our own, on a virtual clock
//	kernel, err := conversation.NewKernel(scripts[0])          // Linux, as root, in real time
//	err = scripts[0].Play(kernel)
//
// One script serves both, so that what is asked of our machine is checked against
// the kernel. The error of Play is the conversation so far, with what was wanted and
// what came instead.
package conversation
