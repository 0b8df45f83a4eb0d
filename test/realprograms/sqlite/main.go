// SPDX-License-Identifier: Apache-2.0

// Command sqlite keeps a database in a folder with SQLite in Go: transactions that are kept and that are
// taken back, both kinds of journal, two connections at once, indexes, a file that is made smaller. What it prints, and the
// bytes of the database, are the same wherever it runs.
//
//	sqlite FILE
package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"

	_ "modernc.org/sqlite"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: sqlite FILE")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "sqlite:", err)
		os.Exit(1)
	}
}

func run(file string) error {
	for _, journal := range []string{"delete", "wal"} {
		db, err := sql.Open("sqlite", file+"."+journal+"?_pragma=journal_mode("+journal+")&_pragma=busy_timeout(20000)")
		if err != nil {
			return err
		}
		steps := []func(*sql.DB) error{fill, takeBack, share, query, shrink}
		for _, step := range steps {
			if err := step(db); err != nil {
				return errors.Join(err, db.Close())
			}
		}
		if err := db.Close(); err != nil {
			return err
		}
	}
	return nil
}

// fill makes tables and rows, and an index.
func fill(db *sql.DB) error {
	for _, s := range []string{
		"create table author (id integer primary key, name text not null unique)",
		"create table book (id integer primary key, author integer not null references author, title text, pages integer, cover blob)",
		"create index by_pages on book (pages)",
	} {
		if _, err := db.Exec(s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	for i := range 50 {
		if _, err := tx.Exec("insert into author values (?, ?)", i, fmt.Sprintf("author %d", i)); err != nil {
			return err
		}
	}
	for i := range 800 {
		cover := make([]byte, i*7%3000)
		for j := range cover {
			cover[j] = byte(i ^ j)
		}
		_, err := tx.Exec("insert into book values (?, ?, ?, ?, ?)", i, i*i%50, fmt.Sprintf("book %d", i), i*37%1009, cover)
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

// takeBack changes everything, and takes it back.
func takeBack(db *sql.DB) error {
	tx, err := db.Begin()
	if err != nil {
		return err
	}
	if _, err := tx.Exec("update book set title = title || ' again', cover = zeroblob(4000)"); err != nil {
		return err
	}
	if _, err := tx.Exec("delete from author where id > 10"); err != nil {
		return err
	}
	if err := tx.Rollback(); err != nil {
		return err
	}
	_, err = db.Exec("insert into author values (1, 'there is one')")
	fmt.Println("twice:", err)
	return nil
}

// share has a connection read while another writes, which is seen when that has committed.
func share(db *sql.DB) error {
	ctx := context.Background()
	reader, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer reader.Close()
	writer, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer writer.Close()
	count := func(when string) error {
		var n int
		err := reader.QueryRowContext(ctx, "select count(*) from book where pages < 100").Scan(&n)
		fmt.Println(when, n)
		return err
	}
	if err := count("before"); err != nil {
		return err
	}
	tx, err := writer.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if _, err := tx.Exec("delete from book where pages < 100 and id % 2 = 0"); err != nil {
		return err
	}
	if err := count("meanwhile"); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return count("after")
}

// query asks for what takes sorting, grouping and an index.
func query(db *sql.DB) error {
	rows, err := db.Query(`select a.name, count(*), sum(b.pages), max(length(b.cover)) from book b join author a on a.id = b.author
		group by a.id order by sum(b.pages) desc, a.name limit 12`)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		var books, pages, cover int
		if err := rows.Scan(&name, &books, &pages, &cover); err != nil {
			return err
		}
		fmt.Println(name, books, pages, cover)
	}
	return rows.Err()
}

// shrink gives back what deleted rows have had, and checks the file.
func shrink(db *sql.DB) error {
	for _, s := range []string{"delete from book where id % 3 = 0", "vacuum", "pragma wal_checkpoint(truncate)"} {
		if _, err := db.Exec(s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	var verdict string
	var pages int
	if err := db.QueryRow("pragma integrity_check").Scan(&verdict); err != nil {
		return err
	}
	if err := db.QueryRow("pragma page_count").Scan(&pages); err != nil {
		return err
	}
	fmt.Println(verdict, pages)
	return nil
}
