TEXT ·y(SB), 4, $0
	RET
