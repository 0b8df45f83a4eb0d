module marks

go 1.26
