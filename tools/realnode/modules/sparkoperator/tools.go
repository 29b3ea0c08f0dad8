//go:build tools

// Package tools names Kubeflow's Spark operator as it is, so that go.mod pins all it is made of.
package tools

import _ "github.com/kubeflow/spark-operator/v2/cmd/operator"
