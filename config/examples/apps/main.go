// The service behind go.yaml: it reads a header.
package main

import (
	"fmt"
	"html"
	"log"
	"net/http"
	"net/url"
	"os"
)

func page(w http.ResponseWriter, r *http.Request) {
	name, err := url.QueryUnescape(r.Header.Get("X-Session-Name"))
	if err != nil || name == "" {
		fmt.Fprint(w, "<h1>Who are you?</h1>")
		return
	}
	fmt.Fprintf(w, "<h1>Hello %s</h1>", html.EscapeString(name))
}

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "8000"
	}
	http.HandleFunc("/", page)
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, nil))
}
