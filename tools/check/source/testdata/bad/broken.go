package broken
func {
