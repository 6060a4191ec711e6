//go:build !linux

package main

func dontDump() {}
