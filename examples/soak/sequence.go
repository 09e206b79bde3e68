package main

// sequence checks the numbers of one room's messages for one member. Each has to come
// once, in order: from the one behind what joining was answered with, to the one that
// leaving is answered with. The zero value is ready. Messages may come before the answer
// to joining does.
type sequence struct {
	last  int64 // 0 is none
	known bool  // what the first has to be, or was
	first int64
}

// take returns how many were lost before seq, or that it came twice.
func (q *sequence) take(seq int64) (lost int64, duplicated bool) {
	switch {
	case q.last == 0 && !q.known:
		q.first = seq
	case seq <= q.last:
		return 0, true
	default:
		lost = seq - q.last - 1
	}
	q.last = seq
	return lost, false
}

// joined returns how many were lost before the first that came. base is the number
// before the member's first.
func (q *sequence) joined(base int64) (lost int64) {
	q.known = true
	if q.first == 0 {
		q.last = base
		return 0
	}
	return max(q.first-base-1, 0)
}

// left returns how many were lost at the end.
func (q *sequence) left(end int64) (lost int64) { return max(end-q.last, 0) }

// start is the number before the first.
func (q *sequence) start() int64 {
	if q.first == 0 {
		return q.last
	}
	return q.first - 1
}
