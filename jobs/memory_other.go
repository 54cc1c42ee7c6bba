//go:build !linux

package jobs

// machineMemory returns the memory of the machine, 0 if it is not known.
func machineMemory() int64 { return 0 }
