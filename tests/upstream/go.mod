module mlstack.dev/tests/upstream

go 1.26.0

require (
	github.com/kubeflow/spark-operator/v2 v2.5.2
	github.com/kubeflow/trainer/v2 v2.3.0
	sigs.k8s.io/jobset v0.12.0
	sigs.k8s.io/kueue v0.19.2
	sigs.k8s.io/scheduler-plugins v0.34.7
)
