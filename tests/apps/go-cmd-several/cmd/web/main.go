package main

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"

	"example.com/answer"
)

func main() {
	http.HandleFunc("/", func(response http.ResponseWriter, request *http.Request) {
		said, err := exec.Command("tool").Output()
		fmt.Fprintf(response, "%d %s %v", answer.Value, said, err)
	})
	if err := http.ListenAndServe(":"+os.Getenv("PORT"), nil); err != nil {
		panic(err)
	}
}
