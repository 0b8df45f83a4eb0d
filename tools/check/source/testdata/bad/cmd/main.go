package main

// Home is somebody's: /home/someone/loam, but not ~/work/x or a/root/b.
const Home = "/Users/someone"

func main() {}
