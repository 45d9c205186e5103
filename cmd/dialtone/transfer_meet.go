package main

import "errors"

var errNoCode = errors.New("no code was given")
