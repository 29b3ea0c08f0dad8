#!/usr/bin/env bash
# The main job, start to end: two control planes on this machine, one ML stack on both. `make demo` calls it.
# Everything it makes (sandboxes, kubeconfig, app) lives in one temporary folder and is gone afterwards.
set -euo pipefail

place=$(mktemp -d "${TMPDIR:-/tmp}/mlstack-demo.XXXXXX")
export KUBECONFIG="$place/kubeconfig" MLSTACK_SANDBOX_DIR="$place/sandboxes"
forward=""

# Ends what was started, also when a command above failed or Ctrl-C came.
cleanup() {
  code=$?
  trap - EXIT INT TERM
  [ -z "$forward" ] || kill "$forward" 2>/dev/null || true
  mlstack sandbox down --all >/dev/null 2>&1 || true
  rm -rf "$place"
  exit "$code"
}
trap cleanup EXIT
trap 'exit 130' INT TERM

say() { printf '\n# %s\n' "$*"; }
run() { printf '$ %s\n' "$*"; "$@"; }

say "Two clusters: a laptop's minikube and a GKE with GPUs (real control planes, simulated nodes)"
run mlstack sandbox up minikube --like minikube --context minikube
run mlstack sandbox up gke --like gke --context gke
PATH="$(mlstack sandbox status gke -o json | python3 -c 'import json, sys; print(json.load(sys.stdin)["binaries"])'):$PATH"

say "One app, as typed in 2017"
cd "$place"
run mlstack init my-kubeflow
cd my-kubeflow
run mlstack registry add kubeflow github.com/google/kubeflow/tree/master/kubeflow
run mlstack pkg install kubeflow/core
run mlstack generate core kubeflow-core --name=kubeflow-core
run kubectl config use-context minikube
run mlstack env add minikube
run kubectl config use-context gke
run mlstack env add gke
run mlstack apply minikube -c kubeflow-core
run mlstack apply gke -c kubeflow-core

say "A training job: one worker on the CPU by default, a GPU on gke only"
run mlstack generate tf-cnn cnn --name=cnn
run mlstack apply minikube -c cnn
run mlstack prototype list tf-job
run mlstack param set --env=gke cnn num_gpus 1
run mlstack param set --env=gke cnn num_workers 1
run mlstack param diff minikube gke
run mlstack apply gke -c cnn

say "A model server, for gke alone"
run mlstack generate tf-serving inception --name=inception ---namespace=default --model_path=gs://kubeflow-models/inception
run mlstack apply gke -c inception

say "What is there now"
run mlstack wait minikube -c cnn --for finished
run mlstack wait gke -c cnn --for finished
run mlstack status minikube -c kubeflow-core -c cnn
run mlstack status gke

say "The notebook, through the API server"
printf '$ mlstack notebook gke &\n'
mlstack notebook gke >"$place/notebook" &
forward=$!
for _ in $(seq 100); do grep -q http:// "$place/notebook" && break; sleep 0.1; done
cat "$place/notebook"
address=$(grep -o 'http://[^ ]*' "$place/notebook" | head -n 1)
printf '$ curl %s\n' "$address"
python3 -c 'import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=10).read().decode())' "$address"
kill "$forward"
wait "$forward" || true
forward=""

say "Applied again: nothing is written; a finished job that was removed does not train again"
run mlstack apply gke
run kubectl --context gke delete tfjob cnn
run mlstack apply gke

say "As many GPUs as the cluster has free: written for gke alone, minikube stays as it is"
run mlstack tune gke cnn
run mlstack tune gke cnn --write
run mlstack apply gke -c cnn

say "A component that is gone from the app goes from the cluster"
run mlstack component rm inception
run mlstack apply gke

say "Everything down"
run mlstack sandbox down minikube
run mlstack sandbox down gke
left=$(pgrep -f "$place" || true)
[ -z "$left" ] || { echo "These processes are left: $left"; exit 1; }
echo "No process is left. That was the walkthrough: docs/ and README.md say more."
