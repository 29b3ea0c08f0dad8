//go:build tools

// Package tools names Kubeflow's training operator as it is, so that go.mod pins all it is made of.
package tools

import _ "github.com/kubeflow/training-operator/cmd/training-operator.v1"
