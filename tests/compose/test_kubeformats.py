from __future__ import annotations

import pytest

from mlstack.compose.formats import FORMATS

RIGHT = {
    "bytes": ["0", "512", "512Mi", "1.5Gi", "2k", "1e3", "+4Gi", "7Ei"],
    "storage": ["1", "10Gi"],
    "cpu": ["0", "500m", "2", "1.5", "0.001", "1e3", ".5", "+1"],
    "hub-bytes": ["0", "512M", "1.5G", "2T"],
    "name": ["a", "1a", "a" * 63],
    "dns1035-label": ["a", "a1", "a" * 63],
    "dns1123-subdomain": ["a", "team.data", "1.2", "a" * 253],
    "label-value": ["", "a", "A_b.c-d", "9" * 63],
    "label-key": ["a", "A_b.c", "example.com/A", "a" * 63, f"{'a' * 253}/{'b' * 63}"],
    "annotation-key": ["a", "Example.COM/A_b"],
    "env-name": ["EPOCHS", "a.b-c", "1", "A B"],
    "secret-key": ["key.json", ".a", "A_b", "x" * 253],
    "secret-reference": ["hub/token", "a.b/.c"],
    "extended-resource": ["nvidia.com/gpu", "nvidia.com/mig-1g.5gb", "google.com/tpu", "x.kubernetes.io/gpu"],
    "mount-path": ["/", "/home/ada"],
    "host-port": ["etcd:2379", "10.0.0.1:1"],
    "location": ["gs://b", "s3://b/p", "pvc://team.data/x", "/models"],
    "output-location": ["gs://b", "out", "./out"],
    "model": ["Qwen/Qwen3-0.6B", "gpt2", "pvc://a/b"],
}
WRONG = {
    "bytes": ["", "512m", "0.5", "1n", "-1", "1.0001Ki", "9Ei", "5GB", "x", "1e-1"],
    "storage": ["0", "0Gi", "-1Gi"],
    "cpu": ["", "-1", "2Gi", "1k", "100u", "0.0001", "x", "1000001"],
    "hub-bytes": ["", "1Gi", "-1", "1m"],
    "name": ["", "A", "a.b", "-a", "a-", "a" * 64],
    "dns1035-label": ["1a", "a.b", "", "a" * 64],
    "dns1123-subdomain": ["", "A", "a..b", "a_b", ".a", "a" * 254],
    "label-value": ["-a", "a ", "a/b", "9" * 64],
    "label-key": ["", "/a", "a/", "a/b/c", "A.com/b", "a b", "a" * 64],
    "annotation-key": ["", "a b", "/a"],
    "env-name": ["", "A=B", "Ä", "a\n"],
    "secret-key": ["", ".", "..", "..a", "a/b", "a b", "x" * 254],
    "secret-reference": ["hub", "Team X/key", "/a", "a/", "a/b/c"],
    "extended-resource": ["gpu", "cpu", "", "A.com/gpu", "nvidia.com/"],
    "mount-path": ["", "home", "/a:b", "/a/../b"],
    "host-port": ["", "etcd", ":1", "etcd:0", "etcd:65536", "a:b:1"],
    "location": ["", "out", "/", "gs://", "http://x", "pvc://Team/x", "pvc://a/../b"],
    "output-location": ["", "gs://", "ftp://x"],
    "model": ["", "a/b/c", "a b", "http://x/y"],
}


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in RIGHT.items() for text in texts])
def test_what_a_format_takes(name: str, text: str) -> None:
    assert FORMATS[name](text)


@pytest.mark.parametrize(("name", "text"), [(name, text) for name, texts in WRONG.items() for text in texts])
def test_what_a_format_refuses(name: str, text: str) -> None:
    assert not FORMATS[name](text)
