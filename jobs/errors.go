package jobs

import (
	"errors"
	"fmt"
)

// Exit codes of every command.
const (
	ExitBug       = 1  // an error that the program has no name for
	ExitUsage     = 2  // the command line or the catalog
	ExitInput     = 3  // input data that cannot be read as declared
	ExitPartial   = 4  // incomplete: interrupted, or output that cannot be written
	ExitTransient = 75 // try again
)

// An exitError is an error with the exit code that it stands for.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string { return e.err.Error() }
func (e *exitError) Unwrap() error { return e.err }

// ExitCode returns the exit code for the error of a command, 0 for none.
func ExitCode(err error) int {
	var e *exitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &e):
		return e.code
	}
	return ExitBug
}

// UsageError marks err as a mistake on the command line.
func UsageError(err error) error { return &exitError{code: ExitUsage, err: err} }

func usageErrorf(format string, args ...any) error {
	return UsageError(fmt.Errorf(format, args...))
}

// outputError marks err as a failure to write a result.
func outputError(err error) error {
	if err == nil {
		return nil
	}
	return &exitError{code: ExitPartial, err: err}
}

// errInterrupted ends a command whose context was cancelled.
var errInterrupted = errors.New("interrupted: the output is incomplete")

// inputError marks err as a fault of the input.
func inputError(err error) error { return &exitError{code: ExitInput, err: err} }
