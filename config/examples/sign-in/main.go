// The backend of keepsake.yaml: it checks a password and names the user to Keepsake. It has no session, no cookie and no secret.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"html"
	"log"
	"net/http"
	"net/url"
	"os"
)

const page = `<!doctype html><html lang="en"><title>%s</title><h1>%[1]s</h1>%s`
const form = `<form method="post" action="/login"><label>Name <input name="user" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<label><input name="stay" type="checkbox"> Remember me</label><button>Sign in</button></form>`

// PBKDF2 (RFC 8018 5.2) of one block; golang.org/x/crypto has it, and bcrypt and argon2.
func hash(password, salt string) []byte {
	mac := hmac.New(sha256.New, []byte(password))
	mac.Write([]byte(salt + "\x00\x00\x00\x01"))
	last := mac.Sum(nil)
	key := append([]byte{}, last...)
	for i := 1; i < 600_000; i++ {
		mac.Reset()
		mac.Write(last)
		last = mac.Sum(nil)
		for j := range key {
			key[j] ^= last[j]
		}
	}
	return key
}

// Of course in a database, each with a salt of its own.
var users = map[string][]byte{"ada": hash("correct horse", "a salt of ada's own")}

func login(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		fmt.Fprintf(w, page, "Sign in", form)
		return
	}
	user := r.PostFormValue("user")
	if !hmac.Equal(hash(r.PostFormValue("password"), "a salt of ada's own"), users[user]) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, page, "Sign in", "<p>Wrong name or password.</p>"+form)
		return
	}
	back := r.Header.Get("X-Session-Return")
	if back == "" {
		back = "/account"
	}
	w.Header().Set("X-Session-Set", url.Values{"user": {user}}.Encode())
	lifetime := "browser"
	if r.PostFormValue("stay") != "" {
		lifetime = "30d"
	}
	w.Header().Set("X-Session-Lifetime", lifetime)
	w.Header().Set("Location", back)
	w.WriteHeader(http.StatusSeeOther)
}

func account(w http.ResponseWriter, r *http.Request) {
	user, _ := url.QueryUnescape(r.Header.Get("X-Session-User"))
	fmt.Fprintf(w, page, "Hello "+html.EscapeString(user), "<p>"+html.EscapeString(r.URL.String())+
		`</p><form method="post" action="/logout"><button>Sign out</button></form>`)
}

func main() {
	port := os.Getenv("PORT")
	if port == "" {
		port = "3000"
	}
	http.HandleFunc("/login", login)
	http.HandleFunc("/account", account)
	http.HandleFunc("/account/", account)
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, page, "Home", `<a href="/account">Your account</a>`)
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+port, nil))
}
