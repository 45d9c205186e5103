module dialtone/bench

go 1.26.0

replace dialtone => ../

require (
	dialtone v0.0.0
	github.com/cloudwego/netpoll v0.7.2
	github.com/gopacket/gopacket v1.7.0
	go.uber.org/goleak v1.3.0
	golang.org/x/sys v0.49.0
)

require (
	github.com/bytedance/gopkg v0.1.1 // indirect
	github.com/cloudwego/gopkg v0.1.4 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	golang.org/x/net v0.55.0 // indirect
)
