// Package netns works in the kernel's other networks: Linux's network namespaces.
//
//	there := netns.Named("lab") // made by: ip netns add lab
//	conn, err := there.DialContext(ctx, "tcp", "10.0.0.1:8000")
//	err = there.Do(func() error { ... })
//
// A socket belongs for ever to the namespace in which it was made, and may be used
// anywhere. Other systems have no namespaces, and nothing of this.
package netns
