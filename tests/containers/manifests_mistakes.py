#!/usr/bin/env python3
"""Makes one mistake at a time in a copy of the deployment files; manifests.py must see each.

Prints one line per mistake; the last one counts them."""

import pathlib
import shutil
import subprocess
import sys
import tempfile

here = pathlib.Path(__file__).resolve()
root = here.parents[2]

# File under deploy/, what stands there, what stands there by mistake.
MISTAKES = [
    ("sidecar/deployment.yaml", "readinessProbe:", "readynessProbe:"),
    ("sidecar/deployment.yaml", "periodSeconds: 5", 'periodSeconds: "5"'),
    ("sidecar/deployment.yaml", "timeoutSeconds: 3", "timeoutSeconds: 5"),
    ("sidecar/deployment.yaml", "periodSeconds: 10", "periodSeconds: 4"),
    ("sidecar/deployment.yaml", "9090/readyz", "9090/healthz"),
    ("sidecar/deployment.yaml", "9090/healthz", "9090/readyz"),
    ("sidecar/deployment.yaml", "/usr/bin/keepsake, health, ", "/bin/sh, -c, "),
    ("sidecar/deployment.yaml", "GracePeriodSeconds: 40", "GracePeriodSeconds: 30"),
    ("sidecar/deployment.yaml", "seconds: 5}", "seconds: 1}"),
    ("sidecar/deployment.yaml", "seconds: 5}", "seconds: 15}"),
    ("sidecar/deployment.yaml", "seconds: 35}", "seconds: 5}"),
    ("sidecar/deployment.yaml", "runAsNonRoot: true", "runAsNonRoot: false"),
    ("sidecar/deployment.yaml", "runAsUser: 65532", "runAsUser: 0"),
    ("sidecar/deployment.yaml", "type: RuntimeDefault", "type: Unconfined"),
    ("sidecar/deployment.yaml", "Escalation: false", "Escalation: true"),
    ("sidecar/deployment.yaml", "Filesystem: true", "Filesystem: false"),
    ("sidecar/deployment.yaml", "{drop: [ALL]}", "{drop: [NET_RAW]}"),
    ("sidecar/deployment.yaml", "{drop: [ALL]}", "{drop: [ALL], add: [NET_ADMIN]}"),
    ("sidecar/deployment.yaml", "automountServiceAccountToken: false", "automountServiceAccountToken: true"),
    ("sidecar/deployment.yaml", "      containers:\n", "      hostNetwork: true\n      containers:\n"),
    ("sidecar/deployment.yaml", "configMap: {name: keepsake}", "hostPath: {path: /etc}"),
    ("sidecar/deployment.yaml", "configMap: {name: keepsake}", "configMap: {name: keepsakes}"),
    ("sidecar/deployment.yaml", "limits: {memory: 256Mi}", "limits: {memory: 16Mi}"),
    ("sidecar/deployment.yaml", "limits: {memory: 256Mi}", "limits: {}"),
    ("sidecar/deployment.yaml", "cpu: 100m, ", ""),
    ("sidecar/deployment.yaml", "defaultMode: 0440", "defaultMode: 0444"),
    ("sidecar/deployment.yaml", "defaultMode: 0440", "defaultMode: 440"),
    ("sidecar/deployment.yaml", "fsGroup: 65532", "fsGroup: 1000"),
    ("sidecar/deployment.yaml", "secretName: keepsake", "secretName: session-key"),
    ("sidecar/deployment.yaml", "key: session_key", "key: session-key"),
    ("sidecar/deployment.yaml", "path: session_key", "path: key"),
    ("sidecar/deployment.yaml", "mountPath: /run/secrets/keepsake", "mountPath: /run/secrets"),
    ("sidecar/deployment.yaml", "mountPath: /etc/keepsake", "mountPath: /etc/keepsake.d"),
    ("sidecar/deployment.yaml", "readOnly: true", "readOnly: false"),
    ("sidecar/deployment.yaml", "containerPort: 8080", "containerPort: 80"),
    ("sidecar/deployment.yaml", '"127.0.0.1:8081"]', '"0.0.0.0:8081"]'),
    ("sidecar/deployment.yaml", "  strategy:", "  replicas: 2\n  strategy:"),
    ("sidecar/deployment.yaml", "maxUnavailable: 0", "maxUnavailable: 1"),
    ("sidecar/deployment.yaml", "topologyKey: kubernetes.io/hostname", "topologyKey: hostname"),
    ("sidecar/deployment.yaml", "apiVersion: apps/v1", "apiVersion: extensions/v1beta1"),
    ("sidecar/deployment.yaml", "metadata:\n  name: app", "metadata:\n  name: app\n  name: app"),
    ("sidecar/disruption.yaml", "maxUnavailable: 1", "maxUnavailable: 0"),
    ("sidecar/disruption.yaml", "maxUnavailable: 1", "maxUnavailable: 2"),
    ("sidecar/disruption.yaml", "policy/v1", "policy/v1beta1"),
    ("sidecar/disruption.yaml", "matchLabels: {app.kubernetes.io/name: app}", "matchLabels: {app.kubernetes.io/name: apps}"),
    ("sidecar/autoscaler.yaml", "minReplicas: 2", "minReplicas: 1"),
    ("sidecar/autoscaler.yaml", "maxReplicas: 10", "maxReplicas: 2"),
    ("sidecar/autoscaler.yaml", "container: keepsake", "container: proxy"),
    ("sidecar/autoscaler.yaml", "averageUtilization", "averageUtilisation"),
    ("sidecar/autoscaler.yaml", "Deployment, name: app", "Deployment, name: keepsake"),
    ("sidecar/service.yaml", "targetPort: http", "targetPort: web"),
    ("sidecar/kustomization.yaml", "  - disruption.yaml\n", ""),
    ("sidecar/keepsake.yaml", "127.0.0.1:9090", "0.0.0.0:9090"),
    ("sidecar/keepsake.yaml", "0.0.0.0:8080", "0.0.0.0:8000"),
    ("sidecar/keepsake.yaml", "{file: /run/secrets/keepsake/session_key}", "{env: SESSION_KEY}"),
    ("sidecar/keepsake.yaml", "admin:", "timeouts: {drain: 60s}\nadmin:"),
    ("gateway/app.yaml", "  replicas: 2\n", ""),
    ("gateway/app.yaml", "livenessProbe:", "startupProbe:"),
    ("gateway/app.yaml", "port: 8081, targetPort", "port: 80, targetPort"),
    ("gateway/disruption.yaml", "name: app", "name: keepsake"),
    ("gateway/autoscaler.yaml", "minReplicas: 3", "minReplicas: three"),
    ("gateway/network.yaml", "[Ingress]", "[Egress]"),
    ("gateway/network.yaml", "        - podSelector:\n            matchLabels: {app.kubernetes.io/name: keepsake}\n",
     "        - podSelector: {}\n"),
    ("gateway/network.yaml", "port: http}", "port: admin}"),
    ("compose.yaml", "stop_grace_period: 40s", "stop_grace_period: 10s"),
    ("compose.yaml", "cap_drop: [ALL]", "cap_drop: []"),
    ("compose.yaml", "  inside:\n    internal: true", "  inside: {}"),
    ("compose.scale.yaml", "stop_grace_period: 40s", "stop_grace_period: 10s"),
    ("compose.scale.yaml", "read_only: true", "read_only: false"),
    ("compose.scale.yaml", "    networks: [store]\n", "    networks: [store, inside]\n"),
    ("compose.scale.yaml", "  store:  ", "  stored:  "),
    ("compose.scale.yaml", "    user: redis\n", "    user: redis\n    ports: [6379:6379]\n"),
    ("scale/keepsake.yaml", "redis://redis:", "redis://127.0.0.1:"),
    ("scale/haproxy.cfg", "server keepsake-3 keepsake-3:8080", "server keepsake-3 keepsake-2:8080"),
    ("keepsake.service", "TimeoutStopSec=40", "TimeoutStopSec=20"),
    ("Dockerfile", "9090/readyz", "9090/ready"),
]


def seen(folder, file, right, wrong):
    path = folder / "deploy" / (f"kubernetes/{file}" if file.split("/")[0] in ("sidecar", "gateway") else file)
    text = path.read_text()
    if right not in text:
        return f"is not there: {right}"
    path.write_text(text.replace(right, wrong, 1))
    try:
        done = subprocess.run([sys.executable, here.with_name("manifests.py"), folder], capture_output=True, text=True)
        return "" if done.returncode == 1 and "FAILED" in done.stdout and " passed, " in done.stdout else \
            "nobody sees it" if done.returncode == 0 else done.stderr.splitlines()[-1]
    finally:
        path.write_text(text)


passed = failed = 0
with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    shutil.copytree(root / "deploy", folder / "deploy")
    (folder / "config").mkdir()
    shutil.copy(root / "config/keepsake.yaml", folder / "config")
    whole = subprocess.run([sys.executable, here.with_name("manifests.py"), folder], capture_output=True, text=True)
    if whole.returncode != 0:
        print("FAILED  without a mistake")
        print(whole.stdout, whole.stderr)
        failed += 1
    for file, right, wrong in MISTAKES:
        problem = seen(folder, file, right, wrong)
        what = f"{file}: {right.strip()!r} -> {wrong.strip()!r}"
        print(f"FAILED  {what}: {problem}" if problem else f"ok      {what}")
        failed += bool(problem)
        passed += not problem
print(f"{passed} passed, {failed} failed")
sys.exit(0 if failed == 0 else 1)
