// Go's own HTTP server and client, as tests need them: `go-http serve NAME ADDRESS`, and `go-http request`, which sends what
// standard input lists. The lines in and out are described in test/support/http-clients.ts, the paths in http-servers.ts.
package main

import (
	"log"
	"os"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) == 4 && os.Args[1] == "serve" {
		log.Fatal(serve(os.Args[2], os.Args[3]))
	}
	if len(os.Args) == 2 && os.Args[1] == "request" {
		request(os.Stdin, os.Stdout)
		return
	}
	log.Fatal("usage: go-http serve NAME ADDRESS | go-http request")
}
