#!/usr/bin/env python3
"""Holds the deployment files together: names that refer to each other, and walls that must not get holes.

Prints one line per sentence; the last one counts them. Needs no cluster."""

import pathlib
import sys

import yaml

root = pathlib.Path(__file__).resolve().parents[2]
deploy = root / "deploy"
counts = {True: 0, False: 0}

API = {
    "Deployment": "apps/v1",
    "Service": "v1",
    "PodDisruptionBudget": "policy/v1",
    "HorizontalPodAutoscaler": "autoscaling/v2",
    "NetworkPolicy": "networking.k8s.io/v1",
}
CONTAINER_KEYS = {"name", "image", "args", "ports", "readinessProbe", "livenessProbe", "lifecycle",
                  "resources", "securityContext", "volumeMounts"}
POD_KEYS = {"terminationGracePeriodSeconds", "automountServiceAccountToken", "securityContext",
            "topologySpreadConstraints", "containers", "volumes"}


def check(sentence, good, detail=""):
    counts[bool(good)] += 1
    print(f"{'ok     ' if good else 'FAILED '} {sentence}")
    if not good and detail != "":
        print(f"        {detail}")


class Strict(yaml.SafeLoader):
    """A key that is there twice is a mistake, which YAML loaders take in silence."""


def strict_map(loader, node):
    keys = [loader.construct_object(key) for key, _ in node.value]
    twice = {key for key in keys if keys.count(key) > 1}
    if twice:
        raise yaml.YAMLError(f"{node.start_mark}: twice: {twice}")
    return loader.construct_mapping(node, deep=True)


Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, strict_map)


def documents(path):
    return [document for document in yaml.load_all(path.read_text(), Strict) if document]


def seconds(text):
    return int(text.removesuffix("s"))


def check_pod(where, spec):
    check(f"{where}: the pod has known keys only", set(spec) <= POD_KEYS, set(spec) - POD_KEYS)
    context = spec["securityContext"]
    check(f"{where}: never root", context["runAsNonRoot"] is True and context["runAsUser"] == 65532)
    check(f"{where}: seccomp", context["seccompProfile"] == {"type": "RuntimeDefault"})
    check(f"{where}: no token", spec["automountServiceAccountToken"] is False)
    check(f"{where}: 40 s to end", spec["terminationGracePeriodSeconds"] == 40)
    volumes = {volume["name"] for volume in spec.get("volumes", [])}
    mounted = set()
    for container in spec["containers"]:
        name = f"{where}: {container['name']}"
        check(f"{name}: known keys only", set(container) <= CONTAINER_KEYS, set(container) - CONTAINER_KEYS)
        check(f"{name}: restricted", container["securityContext"] == {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]}}, container["securityContext"])
        check(f"{name}: resources", "memory" in container["resources"]["limits"]
              and {"cpu", "memory"} <= set(container["resources"]["requests"]))
        check(f"{name}: a readiness probe without a shell",
              container["readinessProbe"]["exec"]["command"][:2] == ["/usr/bin/keepsake", "health"])
        pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
        check(f"{name}: its pause leaves time for the drain",
              pause + (30 if container["name"] == "keepsake" else 0) < 40, pause)
        mounted |= {mount["name"] for mount in container.get("volumeMounts", [])}
    check(f"{where}: every volume is mounted, every mount has its volume", volumes == mounted, volumes ^ mounted)


def check_folder(folder):
    place = folder.name
    [kustomization] = documents(folder / "kustomization.yaml")
    listed = set(kustomization["resources"])
    configs = {file for generator in kustomization["configMapGenerator"] for file in generator["files"]}
    there = {path.name for path in folder.iterdir()} - {"kustomization.yaml"}
    check(f"{place}: kustomization.yaml lists what is there", listed | configs == there, (listed | configs) ^ there)
    objects = [(name, thing) for name in sorted(listed) for thing in documents(folder / name)]
    for name, thing in objects:
        check(f"{place}/{name}: {thing['kind']} of the right API", API.get(thing["kind"]) == thing["apiVersion"])
    deployments = {thing["metadata"]["name"]: thing["spec"] for _, thing in objects if thing["kind"] == "Deployment"}
    pods = {name: spec["template"] for name, spec in deployments.items()}

    def selected(labels):
        return [name for name, pod in pods.items() if labels and labels.items() <= pod["metadata"]["labels"].items()]

    ports = {name: {port["name"]: port["containerPort"] for container in pod["spec"]["containers"]
                    for port in container.get("ports", [])} for name, pod in pods.items()}
    services = {}
    for name, thing in objects:
        spec, where = thing["spec"], f"{place}: {thing['kind']} {thing['metadata']['name']}"
        if thing["kind"] == "Deployment":
            check(f"{where} selects its own pods", selected(spec["selector"]["matchLabels"]) == [thing["metadata"]["name"]])
            check(f"{where} has replicas", spec["replicas"] >= 2)
            check_pod(where, spec["template"]["spec"])
        elif thing["kind"] == "Service":
            chosen = selected(spec["selector"])
            check(f"{where} selects one deployment", len(chosen) == 1, chosen)
            check(f"{where} names a port of it", all(port["targetPort"] in ports[chosen[0]] for port in spec["ports"]))
            services[thing["metadata"]["name"]] = spec["ports"][0]["port"]
        elif thing["kind"] == "PodDisruptionBudget":
            check(f"{where} selects one deployment", len(selected(spec["selector"]["matchLabels"])) == 1)
        elif thing["kind"] == "HorizontalPodAutoscaler":
            target = spec["scaleTargetRef"]
            check(f"{where} scales a deployment", target["kind"] == "Deployment" and target["name"] in pods)
            check(f"{where} begins where the deployment does",
                  spec["minReplicas"] == deployments[target["name"]]["replicas"] < spec["maxReplicas"])
        elif thing["kind"] == "NetworkPolicy":
            check(f"{where} protects the service only from others than keepsake",
                  selected(spec["podSelector"]["matchLabels"]) == ["app"] and
                  [selected(peer["podSelector"]["matchLabels"]) for peer in spec["ingress"][0]["from"]] == [["keepsake"]])

    [config] = documents(folder / "keepsake.yaml")
    [server] = config["backends"]["app"]["servers"]
    host, port = server.removeprefix("http://").rsplit(":", 1)
    check(f"{place}: the backend is in the pod or a service", host == "127.0.0.1" or services.get(host) == int(port), server)
    probed = [pod["spec"]["containers"][0]["readinessProbe"]["exec"]["command"][2] for name, pod in pods.items()
              if pod["spec"]["containers"][0]["name"] == "keepsake"]
    check(f"{place}: the probes ask the admin listener", probed == [f"http://{config['admin']['address']}/readyz"], probed)
    listening = {int(listener["address"].rsplit(":", 1)[1]) for listener in config["listen"]}
    check(f"{place}: the published port is listened on",
          any(listening <= set(named.values()) for named in ports.values()))
    [secret] = config["session"]["secrets"]
    keeper = next(pod for pod in pods.values() if pod["spec"]["containers"][0]["name"] == "keepsake")
    mounts = {mount["name"]: mount["mountPath"] for mount in keeper["spec"]["containers"][0]["volumeMounts"]}
    files = [f"{mounts[volume['name']]}/{item['path']}" for volume in keeper["spec"]["volumes"]
             if "secret" in volume for item in volume["secret"]["items"]]
    check(f"{place}: the secret is where the configuration reads it", secret["file"] in files, files)


def check_compose():
    [compose] = documents(deploy / "compose.yaml")
    for name, service in compose["services"].items():
        check(f"compose: {name} is walled in", service["read_only"] is True and service["cap_drop"] == ["ALL"]
              and service["security_opt"] == ["no-new-privileges:true"])
        check(f"compose: {name} has a restart policy", service["restart"].startswith("on-failure"))
    keepsake, backend = compose["services"]["keepsake"], compose["services"]["demo-backend"]
    [defaults] = documents(root / "config/keepsake.yaml")
    check("compose: the grace is longer than the drain",
          seconds(keepsake["stop_grace_period"]) > seconds(defaults["timeouts"]["drain"]))
    check("compose: only keepsake publishes a port", "ports" in keepsake and "ports" not in backend)
    check("compose: the backend is inside only", backend["networks"] == ["inside"]
          and compose["networks"]["inside"]["internal"] is True)
    [image] = documents(deploy / "container.yaml")
    check("the image's health check asks the admin listener of its configuration",
          f"http://{image['admin']['address']}/readyz" in (deploy / "Dockerfile").read_text())


def check_unit():
    unit = (deploy / "keepsake.service").read_text()
    [defaults] = documents(root / "config/keepsake.yaml")
    stop = next(line for line in unit.splitlines() if line.startswith("TimeoutStopSec="))
    check("unit: the stop timeout is longer than the drain",
          seconds(stop.split("=")[1]) > seconds(defaults["timeouts"]["drain"]))


for place in sorted((deploy / "kubernetes").iterdir()):
    if place.is_dir():
        check_folder(place)
check_compose()
check_unit()
print(f"{counts[True]} passed, {counts[False]} failed")
sys.exit(0 if counts[False] == 0 and counts[True] > 0 else 1)
