#!/usr/bin/env python3
"""Holds the deployment files together: names that refer to each other, and walls that must not get holes.

Prints one line per sentence; the last one counts them. Needs no cluster. `manifests.py ROOT` looks at another tree."""

import json
import pathlib
import re
import sys

try:
    import yaml
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from kubernetes_fields import problems_of  # noqa: E402

root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else __file__).resolve()
root = root if root.is_dir() else root.parents[2]
deploy = root / "deploy"
counts = {True: 0, False: 0}
USER = 65532  # of the image


def check(sentence, good, detail=""):
    counts[bool(good)] += 1
    print(f"{'ok     ' if good else 'FAILED '} {sentence}")
    if not good and detail != "":
        print(f"        {detail}")
    return good


class Strict(yaml.SafeLoader):
    """A key that is there twice is a mistake, which YAML loaders take in silence."""


def strict_map(loader, node):
    keys = [key.value for key, _ in node.value]
    twice = {key for key in keys if keys.count(key) > 1}
    if twice:
        raise yaml.YAMLError(f"{node.start_mark}: twice: {twice}")
    return loader.construct_mapping(node, deep=True)


Strict.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, strict_map)


def finish():
    print(f"{counts[True]} passed, {counts[False]} failed")
    sys.exit(0 if counts[False] == 0 and counts[True] > 0 else 1)


def documents(path):
    try:
        return [document for document in yaml.load_all(path.read_text(), Strict) if document]
    except yaml.YAMLError as error:
        check(f"{path.relative_to(root)} is YAML", False, error)
        finish()


def seconds(text):
    return int(text.removesuffix("s"))


def megabytes(text):
    return int(text.removesuffix("Mi"))


def check_container(where, container, grace, drain):
    name = f"{where}: {container['name']}"
    # With the pod's part below: what the Pod Security Standard `restricted` wants, and a read-only root.
    check(f"{name}: restricted", container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]}}, container["securityContext"])
    resources = container["resources"]
    check(f"{name}: no less memory than it asks for",
          megabytes(resources["requests"]["memory"]) <= megabytes(resources["limits"]["memory"]))
    for probe in ("readinessProbe", "livenessProbe"):
        command = container[probe]["exec"]["command"]
        check(f"{name}: a {probe} without a shell", command[:2] == ["/usr/bin/keepsake", "health"] and len(command) == 3, command)
        check(f"{name}: a {probe} that ends before the next", container[probe]["timeoutSeconds"] < container[probe]["periodSeconds"])
    def patience(probe):
        return container[probe]["periodSeconds"] * container[probe].get("failureThreshold", 3)
    check(f"{name}: is left alone before it is restarted", patience("readinessProbe") < patience("livenessProbe"))
    pause = container["lifecycle"]["preStop"]["sleep"]["seconds"]
    check(f"{name}: waits until nobody sends to it", pause >= 5, pause)
    check(f"{name}: its pause leaves time for the drain",
          pause + (drain if container["name"] == "keepsake" else 0) < grace, pause)
    check(f"{name}: mounts are read-only", all(mount["readOnly"] for mount in container.get("volumeMounts", [])))


def check_pod(where, spec, labels, config):
    context = spec["securityContext"]
    check(f"{where}: never root", context["runAsNonRoot"] is True and context["runAsUser"] == context["runAsGroup"] == USER)
    check(f"{where}: seccomp", context["seccompProfile"] == {"type": "RuntimeDefault"})
    check(f"{where}: no token", spec["automountServiceAccountToken"] is False)
    grace = spec["terminationGracePeriodSeconds"]
    check(f"{where}: 40 s to end", grace == 40, grace)
    [spread] = spec["topologySpreadConstraints"]
    check(f"{where}: its pods keep apart", spread["labelSelector"]["matchLabels"].items() <= labels.items()
          and spread["topologyKey"] == "kubernetes.io/hostname")
    [defaults] = documents(root / "config/keepsake.yaml")
    drain = seconds(config.get("timeouts", {}).get("drain", defaults["timeouts"]["drain"]))
    volumes = {volume["name"] for volume in spec.get("volumes", [])}
    mounted = set()
    for container in spec["containers"]:
        check_container(where, container, grace, drain)
        mounted |= {mount["name"] for mount in container.get("volumeMounts", [])}
    pauses = {container["name"]: container["lifecycle"]["preStop"]["sleep"]["seconds"] for container in spec["containers"]}
    if "keepsake" in pauses and len(pauses) > 1:
        check(f"{where}: the service outlives keepsake's drain", all(
            pause >= pauses["keepsake"] + drain for name, pause in pauses.items() if name != "keepsake"), pauses)
    check(f"{where}: every volume is mounted, every mount has its volume", volumes == mounted, volumes ^ mounted)
    for volume in spec.get("volumes", []):
        check(f"{where}: volume {volume['name']} is one thing", ("secret" in volume) != ("configMap" in volume))
        if "secret" in volume:
            check(f"{where}: the secret is for its group only",
                  volume["secret"]["defaultMode"] == 0o440 and context.get("fsGroup") == USER, volume["secret"]["defaultMode"])


def check_secret(place, folder, keeper, config):
    [secret] = config["session"]["secrets"]
    mounts = {mount["name"]: mount["mountPath"] for mount in keeper["volumeMounts"]}
    made = re.search(r"kubectl create secret generic (\S+) --from-file=(\S+)", (folder.parent / "README.md").read_text())
    files = [f"{mounts[volume['name']]}/{item['path']}" for volume in keeper["pod"].get("volumes", [])
             if "secret" in volume and volume["secret"]["secretName"] == made[1]
             for item in volume["secret"]["items"] if item["key"] == made[2]]
    check(f"{place}: the secret that README.md makes is where the configuration reads it", secret == {"file": files[0]} if files
          else False, files)
    check(f"{place}: no secret is in the files", not any(
        re.search(r"kind: *Secret|secretGenerator|SESSION_KEY", path.read_text()) for path in folder.iterdir()))


def check_folder(folder):
    place = folder.name
    [kustomization] = documents(folder / "kustomization.yaml")
    check(f"{place}/kustomization.yaml: known keys only",
          set(kustomization) == {"apiVersion", "kind", "resources", "configMapGenerator"}, set(kustomization))
    listed = set(kustomization["resources"])
    generators = {generator["name"]: generator["files"] for generator in kustomization["configMapGenerator"]}
    configs = {file for files in generators.values() for file in files}
    there = {path.name for path in folder.iterdir()} - {"kustomization.yaml"}
    check(f"{place}: kustomization.yaml lists what is there", listed | configs == there, (listed | configs) ^ there)
    objects = [(name, thing) for name in sorted(listed) for thing in documents(folder / name)]
    valid = True
    for name, thing in objects:
        found = problems_of(thing)
        valid = check(f"{place}/{name}: {thing.get('kind')} is as a server wants it", not found, "; ".join(found)) and valid
    if not valid:
        return
    names = [(thing["kind"], thing["metadata"]["name"]) for _, thing in objects]
    check(f"{place}: no object is there twice", len(names) == len(set(names)), names)
    [config] = documents(folder / "keepsake.yaml")
    deployments = {thing["metadata"]["name"]: thing["spec"] for _, thing in objects if thing["kind"] == "Deployment"}
    pods = {name: spec["template"] for name, spec in deployments.items()}

    def selected(labels):
        return [name for name, pod in pods.items() if labels.items() <= pod["metadata"]["labels"].items()]

    ports = {name: {port["name"]: port["containerPort"] for container in pod["spec"]["containers"]
                    for port in container.get("ports", [])} for name, pod in pods.items()}
    containers = {name: {container["name"]: container for container in pod["spec"]["containers"]} for name, pod in pods.items()}
    services, budgets, scaled = {}, {}, {}
    for name, thing in objects:
        spec, where = thing["spec"], f"{place}: {thing['kind']} {thing['metadata']['name']}"
        if thing["kind"] == "Deployment":
            check(f"{where} selects its own pods", selected(spec["selector"]["matchLabels"]) == [thing["metadata"]["name"]])
            check(f"{where}: a new version takes no pod away first",
                  spec["strategy"] == {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}})
            check_pod(where, spec["template"]["spec"], spec["template"]["metadata"]["labels"], config)
        elif thing["kind"] == "Service":
            chosen = selected(spec["selector"])
            check(f"{where} selects one deployment", len(chosen) == 1, chosen)
            check(f"{where} names a port of it", all(port["targetPort"] in ports[name] for name in chosen for port in spec["ports"]))
            services[thing["metadata"]["name"]] = spec["ports"][0]["port"]
        elif thing["kind"] == "PodDisruptionBudget":
            chosen = selected(spec["selector"]["matchLabels"])
            check(f"{where} selects one deployment", len(chosen) == 1, chosen)
            budgets.update({name: spec["maxUnavailable"] for name in chosen})
        elif thing["kind"] == "HorizontalPodAutoscaler":
            target = spec["scaleTargetRef"]
            check(f"{where} scales a deployment", (target["apiVersion"], target["kind"]) == ("apps/v1", "Deployment")
                  and target["name"] in pods, target)
            check(f"{where} keeps two at least", 2 <= spec["minReplicas"] < spec["maxReplicas"])
            [metric] = spec["metrics"]
            [kind] = set(metric) - {"type"}
            check(f"{where} looks at what its container asked for", metric["type"].lower() == kind.lower()
                  and metric[kind]["name"] == "cpu" and metric[kind]["target"]["type"] == "Utilization"
                  and metric[kind].get("container", "keepsake") in containers.get(target["name"], {}), metric)
            scaled[target["name"]] = spec["minReplicas"]
        elif thing["kind"] == "NetworkPolicy":
            [rule] = spec["ingress"]
            check(f"{where} protects the service only from others than keepsake",
                  selected(spec["podSelector"]["matchLabels"]) == ["app"] and spec["policyTypes"] == ["Ingress"] and
                  [selected(peer["podSelector"]["matchLabels"]) for peer in rule["from"]] == [["keepsake"]])
            check(f"{where} opens its port alone", [port["port"] for port in rule["ports"]] == list(ports["app"]))

    for name, spec in deployments.items():
        # With an autoscaler a number here would take its pods away at each `kubectl apply`.
        check(f"{place}: {name}: either the deployment or an autoscaler says how many there are",
              ("replicas" in spec) != (name in scaled))
        least = spec.get("replicas", scaled.get(name, 0))
        check(f"{place}: {name}: a node can be emptied, and somebody stays", 0 < budgets.get(name, 0) < least, budgets)
    [keeper_name] = [name for name in pods if "keepsake" in containers[name]]
    keeper = containers[keeper_name]["keepsake"] | {"pod": pods[keeper_name]["spec"]}
    check(f"{place}: keepsake is scaled", keeper_name in scaled)
    [server] = config["backends"]["app"]["servers"]
    host, port = server.removeprefix("http://").rsplit(":", 1)
    check(f"{place}: the backend is in the pod or a service", host == "127.0.0.1" or services.get(host) == int(port), server)
    check(f"{place}: nobody else reaches the backend", host == "127.0.0.1" and containers[keeper_name]["app"]["args"] ==
          ["--listen", f"{host}:{port}"] or any(thing["kind"] == "NetworkPolicy" for _, thing in objects))
    admin = config["admin"]["address"]
    check(f"{place}: the admin listener is for the pod alone", admin.startswith("127.0.0.1:"), admin)
    for probe, path in {"readinessProbe": "readyz", "livenessProbe": "healthz"}.items():
        asked = keeper[probe]["exec"]["command"][2]
        check(f"{place}: the {probe} asks the admin listener", asked == f"http://{admin}/{path}", asked)
    listening = {int(listener["address"].rsplit(":", 1)[1]) for listener in config["listen"]}
    check(f"{place}: the published port is listened on", listening == set(ports[keeper_name].values()), listening)
    mounted = {volume["configMap"]["name"]: mount["mountPath"] for volume in keeper["pod"]["volumes"] if "configMap" in volume
               for mount in keeper["volumeMounts"] if mount["name"] == volume["name"]}
    check(f"{place}: the configuration is mounted where keepsake looks", generators == {"keepsake": ["keepsake.yaml"]}
          and mounted == {"keepsake": "/etc/keepsake"} and keeper["args"] == ["run"], mounted)
    check_secret(place, folder, keeper, config)


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
          and compose["networks"]["inside"].get("internal") is True)
    [image] = documents(deploy / "container.yaml")
    check("the image's health check asks the admin listener of its configuration",
          f"http://{image['admin']['address']}/readyz" in (deploy / "Dockerfile").read_text())


def check_inline():
    [compose] = documents(deploy / "compose.inline.yaml")
    check("compose.inline: it builds nothing", not any("build" in service for service in compose["services"].values()))
    keepsake, app = compose["services"]["keepsake"], compose["services"]["app"]
    check("compose.inline: keepsake is walled in", keepsake["read_only"] is True and keepsake["cap_drop"] == ["ALL"]
          and keepsake["security_opt"] == ["no-new-privileges:true"])
    check("compose.inline: only keepsake publishes a port, and nobody else reaches the service",
          "ports" in keepsake and "ports" not in app and app["networks"] == ["inside"]
          and compose["networks"]["inside"].get("internal") is True)
    [mount] = keepsake["configs"]
    check("compose.inline: the configuration is mounted where keepsake looks",
          mount == {"source": "keepsake", "target": "/etc/keepsake/keepsake.yaml"}, mount)
    text = compose["configs"]["keepsake"]["content"]
    check("compose.inline: compose has nothing to replace in it", "$" not in text)
    config = yaml.load(text, Strict)
    [image] = documents(deploy / "container.yaml")
    image["backends"]["app"]["servers"] = ["http://app:8081"]
    check("compose.inline: the configuration is that of the image, but for the service's name", config == image, config)
    profile = json.loads((deploy / "seccomp-io_uring.json").read_text())
    check("the seccomp profile denies by default", profile["defaultAction"] == "SCMP_ACT_ERRNO")


def check_scale():
    [compose] = documents(deploy / "compose.scale.yaml")
    services = compose["services"]
    [config] = documents(deploy / "scale/keepsake.yaml")
    replicas = [name for name in services if name.startswith("keepsake-")]
    check("compose.scale: three replicas, alike", len(replicas) == 3 and all(services[name] == services[replicas[0]] for name in replicas))
    for name, service in services.items():
        check(f"compose.scale: {name} is walled in", service["read_only"] is True and service["cap_drop"] == ["ALL"]
              and service["security_opt"] == ["no-new-privileges:true"])
        check(f"compose.scale: {name}: its networks are there", set(service["networks"]) <= set(compose["networks"]), service["networks"])
    check("compose.scale: only the balancer publishes a port", [name for name in services if "ports" in services[name]] == ["balancer"])
    check("compose.scale: but for the way in, networks lead nowhere",
          [name for name, network in compose["networks"].items() if not network.get("internal")] == ["edge"])
    [defaults] = documents(root / "config/keepsake.yaml")
    check("compose.scale: the grace is longer than the drain", all(
        seconds(services[name]["stop_grace_period"]) > seconds(defaults["timeouts"]["drain"]) for name in replicas))
    check("compose.scale: only keepsake and redis are where redis is", [
        name for name, service in services.items() if "store" in service["networks"]] == [*replicas, "redis"]
        and services["redis"]["networks"] == ["store"])
    check("compose.scale: keepsake finds redis", config["session"]["redis"]["url"].startswith("redis://redis:"))
    for backend in config["backends"].values():
        [server] = backend["servers"]
        host = server.removeprefix("http://").split(":")[0]
        check(f"compose.scale: keepsake finds {host}, and nobody else does", services[host]["networks"] == ["inside"])
    balanced = re.findall(r"^ *server (\S+) (\S+):8080$", (deploy / "scale/haproxy.cfg").read_text(), re.MULTILINE)
    check("compose.scale: the balancer finds each replica", balanced == [(name, name) for name in replicas], balanced)


def check_redis_compose(name, redis, servers):
    """An overlay of compose.scale.yaml: `redis` is what Keepsake's configuration names, `servers` what there is."""
    [compose] = documents(deploy / f"compose.{name}.yaml")
    [scale] = documents(deploy / "compose.scale.yaml")
    [config] = documents(deploy / f"scale/keepsake.{name}.yaml")
    services = compose["services"]
    replicas = [service for service in scale["services"] if service.startswith("keepsake-")]
    check(f"compose.{name}: every replica has its configuration", all(
        services[replica]["volumes"] == [f"./scale/keepsake.{name}.yaml:/etc/keepsake/keepsake.yaml:ro"] for replica in replicas))
    check(f"compose.{name}: the one redis stays away", services["redis"]["profiles"] == ["single"])
    named = config["session"]["redis"][redis]["servers"]
    check(f"compose.{name}: keepsake finds whom it names", set(named) <= set(services) and len(named) >= 3, named)
    for service in servers:
        there = services[service]
        check(f"compose.{name}: {service} is walled in", there["read_only"] is True and there["cap_drop"] == ["ALL"]
              and there["security_opt"] == ["no-new-privileges:true"] and there["networks"] == ["store"])
        check(f"compose.{name}: {service} is called so", there["hostname"] == service == there["command"][-1])
        script = there["entrypoint"][-1].removeprefix("/usr/local/etc/")
        check(f"compose.{name}: the script of {service} is there", (deploy / "scale" / script).exists() and
              f"./scale/{script}:/usr/local/etc/{script}:ro" in there["volumes"], there["volumes"])
    check(f"compose.{name}: passwords come from the environment", "PASSWORD: ${REDIS_PASSWORD?" in
          (deploy / f"compose.{name}.yaml").read_text() and config["session"]["redis"]["password"] == {"env": "REDIS_PASSWORD"})


def check_redis_in_kubernetes(name, servers):
    objects = {thing["kind"]: thing for thing in documents(deploy / f"kubernetes/redis-{name}.yaml")}
    place = f"kubernetes/redis-{name}"
    spec = objects["StatefulSet"]["spec"]
    pod, labels = spec["template"]["spec"], spec["template"]["metadata"]["labels"]
    check(f"{place}: as many pods as are named", spec["replicas"] == servers)
    check(f"{place}: the names are those of the pods", spec["serviceName"] == objects["Service"]["metadata"]["name"] == "redis"
          and objects["Service"]["spec"]["clusterIP"] == "None")
    check(f"{place}: all select these pods", labels == spec["selector"]["matchLabels"] == objects["Service"]["spec"]["selector"]
          == objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"]
          == objects["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"])
    pods = [("servers", pod)] + ([("join", objects["Job"]["spec"]["template"]["spec"])] if "Job" in objects else [])
    for what, one in pods:
        check(f"{place}: {what}: never root", one["securityContext"]["runAsNonRoot"] is True and
              one["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"} and one["automountServiceAccountToken"] is False)
        for container in one["containers"]:
            check(f"{place}: {container['name']}: restricted", container["securityContext"] == {
                "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}})
            script = container["command"][-1].removeprefix("/etc/redis/")
            check(f"{place}: {container['name']}: its script is there", script in objects["ConfigMap"]["data"], script)
    ports = {port["name"] for container in pod["containers"] for port in container["ports"]}
    check(f"{place}: Keepsake and they themselves reach their ports, others nothing", ports == {
        port["port"] for port in objects["NetworkPolicy"]["spec"]["ingress"][0]["ports"]} == {
        port["targetPort"] for port in objects["Service"]["spec"]["ports"]}, ports)


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
check_inline()
check_scale()
check_redis_compose("sentinel", "sentinel", [f"{what}-{n}" for what in ("redis", "sentinel") for n in (1, 2, 3)])
check_redis_compose("cluster", "cluster", [f"node-{n}" for n in range(1, 7)])
check_redis_in_kubernetes("sentinel", 3)
check_redis_in_kubernetes("cluster", 6)
check_unit()
finish()
