"""The fields of Kubernetes objects that the manifests may use, with their types, as a server that validates strictly
(--validate=strict) has them. A field that is new in a manifest is added here on purpose, not by a typing error.

A type is str, int or bool; {name: type} an object; [type] a list; Map a map of strings. `required` wraps what must be there."""

Map = "a map of strings"


class Required:
    def __init__(self, type):
        self.type = type


def required(type):
    return Required(type)


METADATA = {"name": required(str), "labels": required(Map)}
SELECTOR = {"matchLabels": required(Map)}
PROBE = {"exec": required({"command": required([str])}), "periodSeconds": required(int), "timeoutSeconds": required(int),
         "failureThreshold": int, "initialDelaySeconds": int}

CONTAINER = {
    "name": required(str),
    "image": required(str),
    "args": [str],
    "ports": [{"name": required(str), "containerPort": required(int)}],
    "readinessProbe": required(PROBE),
    "livenessProbe": required(PROBE),
    "lifecycle": required({"preStop": required({"sleep": required({"seconds": required(int)})})}),  # Kubernetes 1.30
    "resources": required({"requests": required({"cpu": required(str), "memory": required(str)}),
                           "limits": required({"memory": required(str)})}),
    "securityContext": required({"allowPrivilegeEscalation": required(bool), "readOnlyRootFilesystem": required(bool),
                                 "capabilities": required({"drop": required([str])})}),
    "volumeMounts": [{"name": required(str), "mountPath": required(str), "readOnly": required(bool)}],
}

POD = {
    "terminationGracePeriodSeconds": required(int),
    "automountServiceAccountToken": required(bool),
    "securityContext": required({
        "runAsNonRoot": required(bool), "runAsUser": required(int), "runAsGroup": required(int), "fsGroup": int,
        "seccompProfile": required({"type": required(str)})}),
    "topologySpreadConstraints": required([{
        "maxSkew": required(int), "topologyKey": required(str), "whenUnsatisfiable": required(str),
        "labelSelector": required(SELECTOR)}]),
    "containers": required([CONTAINER]),
    # No host paths, no claims: nothing is kept in a pod.
    "volumes": [{"name": required(str), "configMap": {"name": required(str)}, "secret": {
        "secretName": required(str), "defaultMode": required(int),
        "items": required([{"key": required(str), "path": required(str)}])}}],
}

CPU = {"name": required(str), "target": required({"type": required(str), "averageUtilization": required(int)})}

KINDS = {
    "Deployment": ("apps/v1", {
        "replicas": int,
        "selector": required(SELECTOR),
        "strategy": required({"type": required(str), "rollingUpdate": required({
            "maxUnavailable": required(int), "maxSurge": required(int)})}),
        "template": required({"metadata": required({"labels": required(Map), "annotations": Map}), "spec": required(POD)}),
    }),
    "Service": ("v1", {
        "type": str,
        "selector": required(Map),
        "ports": required([{"name": required(str), "port": required(int), "targetPort": required(str)}]),
    }),
    "PodDisruptionBudget": ("policy/v1", {"maxUnavailable": required(int), "selector": required(SELECTOR)}),
    "HorizontalPodAutoscaler": ("autoscaling/v2", {
        "scaleTargetRef": required({"apiVersion": required(str), "kind": required(str), "name": required(str)}),
        "minReplicas": required(int),
        "maxReplicas": required(int),
        "metrics": required([{"type": required(str), "resource": CPU,
                              "containerResource": {"container": required(str), **CPU}}]),
    }),
    "NetworkPolicy": ("networking.k8s.io/v1", {
        "podSelector": required(SELECTOR),
        "policyTypes": required([str]),
        "ingress": required([{
            "from": required([{"podSelector": required(SELECTOR)}]),
            "ports": required([{"protocol": required(str), "port": required(str)}])}]),
    }),
}


def problems(value, type, place=""):
    """Every field that is unknown, missing or of another type, with its place."""
    if isinstance(type, Required):
        type = type.type
    if isinstance(type, list):
        if not isinstance(value, list) or not value:
            return [f"{place}: no list, or an empty one"]
        return [problem for index, item in enumerate(value) for problem in problems(item, type[0], f"{place}[{index}]")]
    if type == Map or isinstance(type, dict):
        if not isinstance(value, dict):
            return [f"{place}: no object"]
        if type == Map:
            return [f"{place}.{key}: no text" for key, text in value.items() if not isinstance(text, str)]
        found = [f"{place}.{key}: is missing" for key, inner in type.items()
                 if isinstance(inner, Required) and key not in value]
        for key, inner in value.items():
            found += problems(inner, type[key], f"{place}.{key}") if key in type else [f"{place}.{key}: nobody knows it"]
        return found
    # bool is an int in Python, and not in YAML.
    return [] if isinstance(value, type) and (type is bool or not isinstance(value, bool)) else [f"{place}: no {type.__name__}"]


def problems_of(thing):
    if thing.get("kind") not in KINDS:
        return [f"kind: {thing.get('kind')} is not among {', '.join(KINDS)}"]
    version, spec = KINDS[thing["kind"]]
    found = problems(thing, {"apiVersion": required(str), "kind": required(str), "metadata": required(METADATA),
                             "spec": required(spec)}, thing["kind"])
    return found if thing.get("apiVersion") == version else [*found, f"apiVersion: is not {version}"]
