package config

// nearest returns the known name of which name is probably a misspelling.
func nearest(name string, known []string) (nearest string, ok bool) {
	// A word with up to a third of its letters wrong still looks like the same word.
	least := len(name)/3 + 1
	for _, candidate := range known {
		if d := distance(name, candidate); d < least {
			least, nearest = d, candidate
		}
	}
	return nearest, nearest != ""
}

// distance counts the bytes to insert, remove or replace to turn a into b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
