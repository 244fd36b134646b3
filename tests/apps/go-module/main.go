package main

import (
	"fmt"
	"net/http"
	"os"

	"example.com/greetings/v2/words"
)

func main() {
	http.HandleFunc("/", func(response http.ResponseWriter, request *http.Request) {
		page, _ := os.ReadFile("page.txt")
		fmt.Fprintf(response, "%s %s uid %d", words.Hello(), page, os.Getuid())
	})
	if err := http.ListenAndServe(":"+os.Getenv("PORT"), nil); err != nil {
		panic(err)
	}
}
