package main

import "slices"

// sample is what the rounds measured of one thing.
type sample []float64

func (s sample) median() float64 {
	sorted := slices.Sorted(slices.Values(s))
	switch n := len(sorted); {
	case n == 0:
		return 0
	case n%2 == 1:
		return sorted[n/2]
	default:
		return (sorted[n/2-1] + sorted[n/2]) / 2
	}
}

// spread is the distance of the extremes as a share of the median.
func (s sample) spread() float64 {
	if len(s) == 0 || s.median() == 0 {
		return 0
	}
	return (slices.Max(s) - slices.Min(s)) / s.median()
}

// ratio is 0 if there is nothing to compare with.
func (s sample) ratio(to sample) float64 {
	if to.median() == 0 {
		return 0
	}
	return s.median() / to.median()
}
