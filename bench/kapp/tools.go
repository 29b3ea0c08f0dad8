//go:build tools

// Package kapp names the command that is built with this go.mod: one of the tools that mlstack is measured beside.
package kapp

import _ "carvel.dev/kapp/cmd/kapp"
