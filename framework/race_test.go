//go:build race

package framework_test

// raceDetector tells whether it is on.
const raceDetector = true
