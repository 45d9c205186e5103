//go:build linux

package main

import (
	"errors"
	"os"
	"runtime"
	"runtime/pprof"
)

// profiled runs f and writes what it cost to files, unless name is empty.
func profiled(name string, f func() error) error {
	if name == "" {
		return f()
	}
	cpu, err := os.Create(name)
	if err != nil {
		return err
	}
	defer cpu.Close()
	runtime.MemProfileRate = 4096
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return err
	}
	err = f()
	pprof.StopCPUProfile()
	allocs, e := os.Create(name + ".allocs")
	if e != nil {
		return errors.Join(err, e)
	}
	defer allocs.Close()
	return errors.Join(err, pprof.Lookup("allocs").WriteTo(allocs, 0))
}
