//go:build race

package main

// raceDetector tells whether it is on: it multiplies memory, so that no bound means anything.
const raceDetector = true
