package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(response http.ResponseWriter, request *http.Request) {
		_, err := os.Stat("/bin/sh")
		fmt.Fprintf(response, "%q shell %t", os.Args[1:], err == nil)
	})
	if err := http.ListenAndServe(":7000", nil); err != nil {
		panic(err)
	}
}
