//go:build tools

// Package helm names the command that is built with this go.mod: one of the tools that mlstack is measured beside.
package helm

import _ "helm.sh/helm/v4/cmd/helm"
