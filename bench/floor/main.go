// Command floor sends the requests that a case needs at least, over 32 kept connections, and does nothing else: no
// plan, no inventory, no ownership, no report. What a tool takes above it is the tool's own.
//
// Usage: floor CASE OBJECTS.json, with KUBECONFIG naming a kubeconfig in JSON or the YAML that kubectl writes.
package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"sync"
	"time"
)

const (
	connections = 32
	patience    = 60 * time.Second // for a kind that is not served yet, and for objects that are on their way out
	pause       = 20 * time.Millisecond
)

// object is one manifest and where it lives; objects of a lower stage go first, and are deleted last.
type object struct {
	Stage      int             `json:"stage"`
	Collection string          `json:"collection"`
	Name       string          `json:"name"`
	Revision   string          `json:"revision"`
	Body       json.RawMessage `json:"body"`
}

type server struct {
	address string
	client  *http.Client
}

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(name, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var objects []object
	if err := json.Unmarshal(text, &objects); err != nil {
		return err
	}
	to, err := connect(os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	switch name {
	case "first":
		return to.apply(objects)
	case "delete":
		return to.remove(objects)
	}
	there, err := to.revisions(objects)
	if err != nil || name != "changed" {
		return err
	}
	var differ []object
	for _, one := range objects {
		if there[one.Collection+"/"+one.Name] != one.Revision {
			differ = append(differ, one)
		}
	}
	return to.apply(differ)
}

// connect reads the address and the certificates by their names: the standard library has no YAML.
func connect(file string) (*server, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	ca, crt, key := decoded(text, "certificate-authority-data"), decoded(text, "client-certificate-data"), decoded(text, "client-key-data")
	pair, err := tls.X509KeyPair(crt, key)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	transport := &http.Transport{
		TLSClientConfig:     &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}},
		MaxIdleConnsPerHost: connections,
	}
	return &server{field(text, "server"), &http.Client{Transport: transport}}, nil
}

func field(text []byte, name string) string {
	found := regexp.MustCompile(`(?m)^\s*"?` + name + `"?:\s*"?([^"\s,]+)`).FindSubmatch(text)
	if found == nil {
		return ""
	}
	return string(found[1])
}

func decoded(text []byte, name string) []byte {
	data, _ := base64.StdEncoding.DecodeString(field(text, name))
	return data
}

func (to *server) apply(objects []object) error {
	for stage := 0; stage <= last(objects); stage++ {
		if err := each(of(objects, stage), to.patch); err != nil {
			return err
		}
	}
	return nil
}

func (to *server) remove(objects []object) error {
	for stage := last(objects); stage >= 0; stage-- {
		if err := each(of(objects, stage), to.delete); err != nil {
			return err
		}
	}
	return each(collections(objects), to.empty)
}

func (to *server) patch(one object) error {
	path := one.Collection + "/" + one.Name + "?fieldManager=floor&fieldValidation=Strict"
	for begin := time.Now(); ; time.Sleep(pause) {
		_, status, err := to.ask("PATCH", path, one.Body)
		if status != http.StatusNotFound || time.Since(begin) > patience {
			return err
		}
	}
}

func (to *server) delete(one object) error {
	_, status, err := to.ask("DELETE", one.Collection+"/"+one.Name, nil)
	if status == http.StatusNotFound || status == http.StatusConflict { // gone, or going, with its namespace
		return nil
	}
	return err
}

// empty waits until nothing of ours is left in a collection.
func (to *server) empty(one object) error {
	for begin := time.Now(); time.Since(begin) < patience; time.Sleep(pause) {
		found, status, err := to.list(one.Collection)
		if status == http.StatusNotFound || (err == nil && len(found) == 0) {
			return nil
		}
		if err != nil {
			return err
		}
	}
	return fmt.Errorf("%s did not become empty", one.Collection)
}

func (to *server) revisions(objects []object) (map[string]string, error) {
	all, lock := map[string]string{}, sync.Mutex{}
	err := each(collections(objects), func(one object) error {
		found, _, err := to.list(one.Collection)
		lock.Lock()
		defer lock.Unlock()
		for name, revision := range found {
			all[one.Collection+"/"+name] = revision
		}
		return err
	})
	return all, err
}

// list gives the revision of each object of ours by its name.
func (to *server) list(collection string) (map[string]string, int, error) {
	answer, status, err := to.ask("GET", collection+"?labelSelector=bench%3Dfloor", nil)
	if err != nil {
		return nil, status, err
	}
	var list struct {
		Items []struct {
			Metadata struct {
				Name   string            `json:"name"`
				Labels map[string]string `json:"labels"`
			} `json:"metadata"`
		} `json:"items"`
	}
	if err := json.Unmarshal(answer, &list); err != nil {
		return nil, status, err
	}
	found := map[string]string{}
	for _, item := range list.Items {
		found[item.Metadata.Name] = item.Metadata.Labels["revision"]
	}
	return found, status, nil
}

func (to *server) ask(method, path string, body []byte) ([]byte, int, error) {
	request, err := http.NewRequest(method, to.address+path, bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	request.Header.Set("User-Agent", "floor")
	if body != nil {
		request.Header.Set("Content-Type", "application/apply-patch+yaml")
	}
	answer, err := to.client.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil && answer.StatusCode >= 400 {
		err = fmt.Errorf("%s %s: %d %s", method, path, answer.StatusCode, text)
	}
	return text, answer.StatusCode, err
}

// each does something with every object, 32 at once, and gives the first error.
func each(objects []object, do func(object) error) error {
	work, failed := make(chan object), make(chan error, len(objects))
	var workers sync.WaitGroup
	for range min(connections, len(objects)) {
		workers.Go(func() {
			for one := range work {
				if err := do(one); err != nil {
					failed <- err
				}
			}
		})
	}
	for _, one := range objects {
		work <- one
	}
	close(work)
	workers.Wait()
	close(failed)
	return <-failed
}

func of(objects []object, stage int) []object {
	var found []object
	for _, one := range objects {
		if one.Stage == stage {
			found = append(found, one)
		}
	}
	return found
}

func last(objects []object) int {
	stage := 0
	for _, one := range objects {
		stage = max(stage, one.Stage)
	}
	return stage
}

// collections gives one object of each collection.
func collections(objects []object) []object {
	seen := map[string]bool{}
	var found []object
	for _, one := range objects {
		if !seen[one.Collection] {
			seen[one.Collection] = true
			found = append(found, one)
		}
	}
	return found
}
