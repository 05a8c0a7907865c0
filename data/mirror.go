package data

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
)

// MirrorURLs returns the addresses from which a file of a named set can be fetched, in
// the order in which they should be tried. Each base is the address of a directory. If
// $IMAGO_MIRROR is set, it replaces bases: one or more addresses, separated by spaces
// or commas, each with one directory for every set. Downloader fetches from addresses of
// https alone, and from this machine.
func MirrorURLs(set, file string, bases []string) []string {
	if env := strings.FieldsFunc(os.Getenv("IMAGO_MIRROR"), func(r rune) bool { return r == ',' || r == ' ' }); len(env) > 0 {
		bases = nil
		for _, e := range env {
			bases = append(bases, strings.TrimSuffix(e, "/")+"/"+set)
		}
	}
	var urls []string
	for _, b := range bases {
		urls = append(urls, strings.TrimSuffix(b, "/")+"/"+file)
	}
	return urls
}

// checkAddress returns an error unless a file may be fetched from u: by https, or by http from
// this machine. Others on the way could read and change what http carries.
func checkAddress(u *url.URL) error {
	if u.Scheme == "https" || u.Scheme == "http" && isOwn(u) {
		return nil
	}
	return finalError{fmt.Errorf("%s: want an address that begins with https://", u.Redacted())}
}

// isOwn reports whether u is an address of this machine.
func isOwn(u *url.URL) bool {
	host := u.Hostname()
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// checkRedirect returns an error unless a request that another address was asked for may go
// to r. An address of another machine leads to none of this one, and there are at most ten.
func checkRedirect(r *http.Request, via []*http.Request) error {
	if len(via) >= 10 {
		return finalError{errors.New("redirected ten times")}
	}
	if err := checkAddress(r.URL); err != nil {
		return fmt.Errorf("redirected to %w", err)
	}
	if isOwn(r.URL) && !isOwn(via[0].URL) {
		return finalError{fmt.Errorf("redirected to this machine, %s", r.URL.Redacted())}
	}
	return nil
}
